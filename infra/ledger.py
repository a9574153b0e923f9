"""What consumers and timers keep in PostgreSQL: positions, versions, reminders, parked records."""

from collections.abc import Collection, Mapping
from datetime import datetime

from infra.keeping import Claimed
from infra.parked import PostgresParked
from infra.postgres import reachable
from infra.timers import RETRY_MAX
from infra.work import Reminder

CLAIM = """
WITH claimed AS (
    INSERT INTO positions (topic, partition, epoch, unreleased, marked)
    VALUES (%(topic)s, %(partition)s, 1, 1, 1)
    ON CONFLICT (topic, partition) DO UPDATE SET
        epoch = positions.epoch + 1,
        marked = positions.epoch + 1,
        unreleased = positions.unreleased + 1,
        attempts = CASE WHEN %(clean)s THEN 0 ELSE positions.attempts END
    RETURNING position, epoch, attempts, unreleased > 1
), mark AS (
    INSERT INTO marks SELECT %(topic)s, %(partition)s, epoch FROM claimed
    ON CONFLICT (topic, partition) DO UPDATE SET epoch = excluded.epoch
)
SELECT * FROM claimed
"""


class PostgresLedger(PostgresParked):
    """The store of one service, with what its consumers keep."""

    def claim(self, topic: str, partition: int, *, clean: bool = False) -> Claimed:
        """Raise the partition's epoch, so that an earlier owner's commit fails from now on."""
        with reachable(), self.pool.connection() as connection:
            row = connection.execute(
                CLAIM, {"topic": topic, "partition": partition, "clean": clean}
            ).fetchone()
        return Claimed(*row) if row else Claimed(0, 0, 0, unclean=False)

    def release(self, topic: str, epochs: Mapping[int, int]) -> None:
        """Note that the partitions were left in order, unless somebody has claimed them since."""
        with reachable(), self.pool.connection() as connection:
            connection.execute(
                "UPDATE positions SET unreleased = 0"
                " FROM unnest(%s::int[], %s::bigint[]) AS ours (partition, epoch)"
                " WHERE topic = %s AND positions.partition = ours.partition"
                " AND positions.epoch = ours.epoch",
                (list(epochs), list(epochs.values()), topic),
            )

    def attempt(self, topic: str, partition: int, epoch: int) -> int:
        """Count one more attempt; not flushed to disk.

        Since losing a count only costs one more try.
        """
        with reachable(), self.pool.connection() as connection:
            row = connection.execute(
                "UPDATE positions SET attempts = attempts + 1"
                " FROM (SELECT set_config('synchronous_commit', 'off', true)) AS lightly"
                " WHERE topic = %s AND partition = %s AND epoch = %s RETURNING attempts",
                (topic, partition, epoch),
                prepare=True,
            ).fetchone()
        return int(row[0]) if row else 1

    def versions(self, streams: Collection[str]) -> Mapping[str, int]:
        """Return the last consumed version of the streams that have one."""
        with reachable(), self.pool.connection() as connection:
            rows = connection.execute(
                "SELECT stream, version FROM inbox WHERE stream = ANY(%s)",
                (list(streams),),
                prepare=True,
            ).fetchall()
        return {row[0]: row[1] for row in rows}

    # ---- reminders

    def due_reminders(self, now: datetime, limit: int) -> list[tuple[Reminder, int]]:
        """Return the reminders due by now, the longest due first, with their failed attempts."""
        rows = self.query(
            "SELECT key, kind, due_at, deal_id, body, attempts FROM reminders"
            " WHERE due_at <= %s OR (attempts > 0 AND due_at > %s) ORDER BY due_at, key LIMIT %s",
            (now, now + RETRY_MAX, limit),
        )
        return [
            (
                Reminder(row["key"], row["kind"], row["due_at"], row["deal_id"], row["body"]),
                row["attempts"],
            )
            for row in rows
        ]

    def postpone(self, reminder: Reminder, due_at: datetime) -> None:
        """Count a failed attempt at a reminder and let it fall due later, if it is as read."""
        with reachable(), self.pool.connection() as connection:
            connection.execute(
                "UPDATE reminders SET attempts = attempts + 1, due_at = %s"
                " WHERE key = %s AND due_at = %s",
                (due_at, reminder.key, reminder.due_at),
            )

    def is_done(self, reminder: Reminder) -> None:
        """Drop a reminder that somebody else has carried out, unless it was set anew since."""
        with reachable(), self.pool.connection() as connection:
            connection.execute(
                "DELETE FROM reminders WHERE key = %s AND due_at = %s",
                (reminder.key, reminder.due_at),
            )
