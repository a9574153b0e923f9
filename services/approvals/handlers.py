"""Load, decide, append: what approvals does with what it hears, is told and is reminded of."""

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.approval import DiscountApprovalRequested
from contracts.envelope import Fact, Opened
from contracts.quote import RevisionRecalled, RevisionSubmitted
from infra.work import Recorded, Reminder, Work
from services.approvals import links, messages, views
from services.approvals.domain.case import (
    Case,
    Decision,
    able_now,
    case_id_of,
    decide,
    evolve,
    recall,
)
from services.approvals.domain.mailing import Words, asks_by_mail, decide_by_link
from services.approvals.domain.opening import Submission, open_case
from services.approvals.domain.questions import Answer, Question, answer, ask
from services.approvals.policy import Authority

DUE = "approval_due"
# A revision is submitted a handful of times; more than this is a fault, not a negotiation.
MAX_SUBMISSIONS = 1000


def stream_of(case_id: UUID) -> str:
    """Return the stream of a case."""
    return f"approvals.case/{case_id}"


def folded(recorded: Sequence[Recorded]) -> Case:
    """Return the case that the facts of its stream make."""
    case = Case()
    for each in recorded:
        case = evolve(case, each.fact)
    return case


def revision_submitted(heard: Opened, work: Work, authority: Authority) -> None:
    """Answer a submitted revision; an earlier open case of the same revision is recalled first."""
    fact = heard.fact
    assert isinstance(fact, RevisionSubmitted)  # noqa: S101  the consumer's table says so
    stream = stream_of(case_id_of(heard.meta.id))
    if work.read(stream):
        return  # answered before
    name, earlier = _latest(work, fact.quote_id, fact.revision)
    if earlier is not None:
        _recall(work, authority, earlier, "the revision was submitted again")
    published = authority.on(heard.meta.time.astimezone(ZoneInfo(fact.zone)).date())
    submission = Submission(ask_id=heard.meta.id, asked_at=heard.meta.time, fact=fact)
    first = open_case(submission, published.policy, published.pin, authority.directory)
    work.append(stream, first)
    if isinstance(first, DiscountApprovalRequested):
        work.name(name, stream)
        work.remind(_deadline(first))
        _tell(work, authority, folded(work.read(stream)), "requested")


def revision_recalled(heard: Opened, work: Work, authority: Authority) -> None:
    """Close the open case of a revision that was taken back, if there is one."""
    fact = heard.fact
    assert isinstance(fact, RevisionRecalled)  # noqa: S101  the consumer's table says so
    _, stream = _latest(work, fact.quote_id, fact.revision)
    if stream is not None:
        _recall(work, authority, stream, fact.reason)


def decision_made(work: Work, case_id: UUID, decision: Decision, authority: Authority) -> None:
    """Record an approver's decision and ask the next step, if one follows.

    Raises: what `domain.case.decide` raises; then nothing is recorded.
    """
    before = folded(work.read(stream_of(case_id)))
    _record(work, before, decide(before, decision, authority.directory), authority)


def decision_mailed(work: Work, token: str, said: Words, authority: Authority) -> None:
    """Record what the holder of a mailed link decides, and use the link up.

    Raises: NoSuchLink; what `domain.mailing.decide_by_link` raises; then nothing is recorded.
    """
    link = links.find(work, token)
    # Whoever comes second with the same link has read an older stream, and looks again.
    before = folded(work.read(stream_of(link.case_id)))
    fact = decide_by_link(before, link, said, authority.directory, work.now)
    links.use(work, link, work.now)
    _record(work, before, fact, authority)


def question_asked(work: Work, case_id: UUID, question: Question, authority: Authority) -> None:
    """Record an approver's question.   Raises: what `domain.questions.ask` raises."""
    stream = stream_of(case_id)
    work.append(stream, ask(folded(work.read(stream)), question, authority.directory))


def question_answered(work: Work, case_id: UUID, given: Answer) -> None:
    """Record the answer to a question.   Raises: what `domain.questions.answer` raises."""
    stream = stream_of(case_id)
    work.append(stream, answer(folded(work.read(stream)), given))


def deadline_passed(reminder: Reminder, work: Work, authority: Authority) -> None:
    """Tell the approver's system once that the case is overdue; nobody is removed or added."""
    case = folded(work.read(stream_of(UUID(reminder.body["case_id"]))))
    if case.state == "open":
        _tell(work, authority, case, "overdue")
        views.mark_overdue(work, reminder.body["case_id"])


def _record(work: Work, before: Case, fact: Fact, authority: Authority) -> None:
    """Write what a decision has made of a case, and ask the next step, if one follows."""
    assert before.request is not None  # noqa: S101  somebody was asked, or nothing is decided
    case_id = before.request.case_id
    stream = stream_of(case_id)
    work.append(stream, fact)
    after = folded(work.read(stream))
    if after.state == "open":
        _tell(work, authority, after, "requested")
    elif before.state == "open":
        work.forget(_due_key(case_id))
        views.write(work, after, ())


def _recall(work: Work, authority: Authority, stream: str, reason: str) -> None:
    facts = recall(folded(work.read(stream)), reason)
    for fact in facts:
        work.append(stream, fact)
        work.forget(_due_key(fact.case_id))
        _tell(work, authority, folded(work.read(stream)), "recalled")


def _tell(work: Work, authority: Authority, case: Case, happening: messages.Happening) -> None:
    """Write the case's row and the message about its step."""
    able = able_now(case, authority.directory)
    message = messages.delivery(case, happening, able)
    if message is not None:
        work.deliver(message)
    if happening == "requested":
        for approver in asks_by_mail(case, able, authority.directory):
            work.deliver(messages.mail(case, approver))
    views.write(work, case, able)


def _latest(work: Work, quote_id: UUID, revision: int) -> tuple[str, str | None]:
    """Return the next free case name of a revision, and the stream of its latest case.

    Names are unique, so cases are counted: `revision/<quote>/<revision>/case/1`, `/2` ... Only the
    latest can be open, because every submission recalls the one before.
    """
    latest = None
    for count in range(1, MAX_SUBMISSIONS + 1):
        name = f"revision/{quote_id}/{revision}/case/{count}"
        stream = work.find(name)
        if stream is None:
            return name, latest
        latest = stream
    raise RuntimeError(f"more than {MAX_SUBMISSIONS} cases for revision {revision} of {quote_id}")


def _deadline(request: DiscountApprovalRequested) -> Reminder:
    return Reminder(
        key=_due_key(request.case_id),
        kind=DUE,
        due_at=request.due_at,
        deal_id=request.deal_id,
        body={"case_id": str(request.case_id)},
    )


def _due_key(case_id: UUID) -> str:
    return f"case/{case_id}/due"
