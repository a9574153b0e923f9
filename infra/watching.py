"""How far a consumer is behind in seconds, and what each of its batches took.

`Watched` stands between a consumer and its source and looks at nothing but the calls: a batch is
handled when the next one is asked for. So a consumer knows nothing of being watched, and pays two
looks at the clock per batch.

The lag in seconds is an upper bound of the age of the oldest record not handled yet: everything
that came before some moment is handled, and the lag is how long ago that moment is. A record in
hand tells the moment. Otherwise it is the last time at which the bus said that there is no more; so
an idle consumer shows 0, and one whose bus does not answer any more shows for how long.
"""

import time
from collections.abc import Callable
from datetime import datetime

from infra.bus import Slice, Source
from infra.metrics import HearingMeter
from infra.wire import Arrived

# An idle consumer asks twice a second; a bus that answered so lately is taken to answer now.
FRESH_S = 3.0
CE_TIME = "ce_time"


class Watched:
    """A source that notes what its consumer has in hand, and when it had handled everything."""

    def __init__(
        self,
        source: Source,
        meter: HearingMeter,
        clock: Callable[[], datetime],
        *,
        ours: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch a source; `ours` says that its records' own times can be believed."""
        self._source = source
        self._meter = meter
        self._clock = clock
        self._ours = ours
        self._monotonic = monotonic
        self._began_at = monotonic()
        self._piece: Slice | None = None
        self._taken_at = 0.0
        self._handled: Arrived | None = None

    def poll(self, limit: int, timeout_s: float) -> Slice | None:
        """Return the next records; whoever asks has handled those before."""
        if self._piece is not None and self._piece.records:
            self._handled = self._piece.records[-1]
        self._put_down()
        piece = self._source.poll(limit, timeout_s)
        self._taken_at = self._monotonic()
        self._piece = piece
        return piece

    def rewind(self, piece: Slice) -> None:
        """Read the piece again: it was not handled."""
        self._meter.put_back()
        self._put_down()
        self._source.rewind(piece)

    def disown(self, partition: int) -> None:
        """Claim the partition anew: somebody else may have handled what is in hand."""
        self._meter.fenced()
        self._put_down()
        self._source.disown(partition)

    def pause(self, partition: int) -> None:
        """Read nothing of a partition until it is resumed."""
        self._source.pause(partition)

    def resume(self, partition: int) -> None:
        """Read a partition on."""
        self._source.resume(partition)

    def lag(self) -> int:
        """Return how many records are there and not polled."""
        return self._source.lag()

    def ended_at(self) -> float | None:
        """Return when everything there was had been polled last; see `Source.ended_at`."""
        return self._source.ended_at()

    def close(self) -> None:
        """Leave; safe to repeat."""
        self._source.close()

    # ---- for whoever looks from outside, on any thread

    def is_active(self) -> bool:
        """Say whether any part of the topic is ours; else another process consumes it."""
        return self._source.ended_at() is not None

    def in_hand(self) -> int:
        """Return how many records are polled and not handled."""
        piece = self._piece
        return len(piece.records) if piece is not None else 0

    def lag_s(self) -> float:
        """Return the age of the oldest record not handled, at most; 0 when there is none."""
        ended_at, piece, handled = self._source.ended_at(), self._piece, self._handled
        if ended_at is None:
            return 0.0
        now = self._monotonic()
        if piece is not None and piece.records:
            return self._age_s(piece.records[0], now - self._taken_at)
        since_end_s = now - max(ended_at, self._began_at)
        if since_end_s <= FRESH_S:
            return 0.0
        return since_end_s if handled is None else self._age_s(handled, since_end_s)

    def _put_down(self) -> None:
        piece, self._piece = self._piece, None
        if piece is not None and piece.records:
            self._meter.handled(len(piece.records), self._monotonic() - self._taken_at)

    def _age_s(self, record: Arrived, otherwise_s: float) -> float:
        """Return how old a record is; a foreign one is as old as we have known of it."""
        if not self._ours:
            return otherwise_s
        for name, value in record.headers:
            if name == CE_TIME:
                try:
                    told = datetime.fromisoformat(value.decode("ascii"))
                    return max(0.0, (self._clock() - told).total_seconds())
                except (ValueError, TypeError):
                    return otherwise_s
        return otherwise_s
