"""Watches every commit: what may never happen is told at the step that did it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.envelope import Fact, Meta
from infra.work import Work
from tests.simulation import cases, quotes
from tests.simulation.faults import Broken
from tests.simulation.seen import CaseSeen, DealSeen, Moment, QuoteSeen


@dataclass(slots=True)
class Watch:
    """All that was committed, by whom, in which order; raises Broken where a rule does not hold."""

    directory: Any
    step: int = 0
    moments: list[Moment] = field(default_factory=list)
    commands: set[tuple[str, str]] = field(default_factory=set)
    versions: dict[str, int] = field(default_factory=dict)
    heard: dict[tuple[str, UUID], list[str]] = field(default_factory=dict)
    heard_once: set[tuple[str, str]] = field(default_factory=set)
    deals: dict[UUID, DealSeen] = field(default_factory=dict)
    quotes: dict[UUID, QuoteSeen] = field(default_factory=dict)
    cases: dict[UUID, CaseSeen] = field(default_factory=dict)
    submissions: dict[str, Any] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)

    def committed(self, source: str, work: Work) -> None:
        """Take in one committed work.   Raises: Broken."""
        meta: Meta | None = getattr(work, "handled", None)
        if meta is not None:
            self._handled(source, meta)
        if not work.facts:
            return
        command = (source, work.cause.command_id)
        if command in self.commands:
            raise Broken("the same command id twice is one outcome", work.cause.command_id)
        self.commands.add(command)
        for recorded in work.facts:
            self._saw(source, recorded.meta, recorded.fact)
        if source == "quotes":
            for deal_id in dict.fromkeys(each.fact.deal_id for each in work.facts):
                quotes.check_deal(self, deal_id)

    def _handled(self, source: str, meta: Meta) -> None:
        if (source, meta.id) in self.heard_once:
            raise Broken("a fact is handled once", f"{meta.id} again by {source}", meta.deal_id)
        self.heard_once.add((source, meta.id))
        self.heard.setdefault((source, meta.deal_id), []).append(meta.id)

    def _saw(self, source: str, meta: Meta, fact: Fact) -> None:
        if meta.stream_version != self.versions.get(meta.stream, 0) + 1:
            raise Broken("a stream has no holes and no doubles", meta.id, fact.deal_id)
        self.versions[meta.stream] = meta.stream_version
        self.moments.append(Moment(self.step, meta.time, source, meta, fact))
        self._answers(source, meta, fact)
        if source == "quotes":
            quotes.saw(self, meta, fact)
        elif source == "approvals":
            cases.saw(self, meta, fact)

    def _answers(self, source: str, meta: Meta, fact: Fact) -> None:
        """Hold that an ask has one first answer; what quotes records of it, `quotes` holds."""
        ask: str | None = getattr(fact, "answers", None)
        if ask is None or source == "quotes":
            return
        if source != "approvals" or type(fact) in cases.FIRST:
            if ask in self.answered:
                found = f"{ask} by {self.answered[ask]} and {meta.id}"
                raise Broken("an ask is answered once", found, fact.deal_id)
            self.answered[ask] = meta.id
