"""What became of every session and item, by everybody who can tell."""

from collections.abc import Sequence

from sessions.ledger import LedgerEntry
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from tests.chaos.checks.matching import Casebook
from tests.chaos.checks.result import CheckResult, Findings
from tests.chaos.evidence import SessionEvidence
from tests.chaos.journal import Asked

NOT_THERE = "HTTP 404"
MADE_BEFORE = "an earlier retry was making it or had made it: the list of what had failed was older"
ASKED_AGAIN = "a question to the workflow got no answer, and was asked again"
CANCELLED_MEANWHILE = "a person cancelled it at the same time"
_STARTS_A_ROUND = ("retry", "retake")


def nothing_lost(book: Casebook) -> CheckResult:
    """Every session that was asked for exists, once, and nothing else does."""
    found = Findings("nothing lost", "Every session that was asked for is there, once, and no other.")
    evidence = book.evidence
    for mark in evidence.asked_for:
        found.expect(mark in book.sessions, f"{mark} was asked for and is not there")
    for session_id in evidence.strangers:
        found.fail(f"nobody asked for the session {session_id}")
    starts: dict[str, set[str]] = {}
    for asked in evidence.asked:
        if asked.act == "start":
            starts.setdefault(asked.mark, set()).add(asked.outcome)
    for mark, ids in starts.items():
        found.expect(len(ids) == 1, f"{mark}: one key began {len(ids)} sessions: {sorted(ids)}")
    return found.result()


def nothing_stuck(book: Casebook) -> CheckResult:
    """Everything settled in the time that was given, once faults had ended."""
    found = Findings("nothing stuck", "Everything settles in the time that is given, once faults have ended.")
    evidence = book.evidence
    found.look(len(evidence.asked_for))
    for mark in evidence.unsettled:
        session = book.sessions.get(mark)
        said = session.view.message if session else "it does not exist"
        found.fail(f"{mark} had not settled within {evidence.settle_within_seconds:g} s: {said}")
    return found.result()


def one_final_state(book: Casebook) -> CheckResult:
    """Each item has one final state, and everybody who can tell says the same."""
    found = Findings("one final state", "Each item is in exactly one final state, whoever is asked.")
    for mark, session in book.sessions.items():
        view = session.view
        items = {item.key: item for item in view.items}
        found.expect(len(items) == len(view.items), f"{mark} shows an item twice")
        found.expect(view.status.is_settled, f"{mark} is {view.status}")
        found.expect(
            _status(view.status, [item.status for item in view.items]), f"{mark} is {view.status}: {view.counts}"
        )
        if session.questions > 1:
            found.excuse(ASKED_AGAIN)
        expected = {key: item.status.value for key, item in items.items()}
        for who, told in session.standings.items():
            differing = [key for key in expected.keys() | told.keys() if expected.get(key) != told.get(key)]
            found.expect(not differing, f"{mark}: {who} and the API differ about {', '.join(differing)}")
        for key, item in items.items():
            found.expect(
                item.status in (ItemStatus.COMPLETE, ItemStatus.FAILED, ItemStatus.CANCELLED),
                f"{mark} {key} is {item.status}",
            )
            of_item = [entry for entry in session.ledger if entry.item == key]
            if item.status is ItemStatus.FAILED:
                last = max((entry.attempt for entry in of_item), default=0)
                found.expect(
                    item.attempt == last,
                    f"{mark} {key} failed with attempt {item.attempt}, and its last one was {last}",
                )
            if item.status is not ItemStatus.COMPLETE:
                continue
            counted = [entry for entry in of_item if entry.attempt == item.selected_attempt]
            is_entered = bool(
                counted
                and item.artifact
                and counted[0].status is AttemptStatus.COMPLETE
                and counted[0].artifact
                and counted[0].artifact.sha256 == item.artifact.sha256
            )
            found.expect(is_entered, f"{mark} {key} is complete, and its ledger does not say so of that attempt")
    return found.result()


def _status(status: SessionStatus, items: list[ItemStatus]) -> bool:
    match status:
        case SessionStatus.COMPLETE:
            return ItemStatus.FAILED not in items and ItemStatus.COMPLETE in items
        case SessionStatus.PARTIAL:
            return ItemStatus.FAILED in items and ItemStatus.COMPLETE in items
        case SessionStatus.FAILED:
            return ItemStatus.COMPLETE not in items and ItemStatus.FAILED in items
        case _:
            return ItemStatus.CANCELLED in items


def nothing_left_failed(book: Casebook) -> CheckResult:
    """No retry passes over an item that had failed, and in the end nothing is left that somebody retried.

    Whoever retries may look at an old list: while no worker answers, the API shows what was recorded last and says
    so. What an earlier retry of the same item was making by then, and made, was not failed any more.
    """
    found = Findings("no failed item skipped", "A retry makes every item that had failed; in the end all are made.")
    for mark, session in book.sessions.items():
        if session.is_cancelled_by_plan:
            continue
        left = [item.key for item in session.view.items if item.status is ItemStatus.FAILED]
        found.expect(not left, f"{mark}: {', '.join(left)} stayed failed")
    retries = [asked for asked in book.evidence.asked if asked.act == "retry" and asked.mark in book.sessions]
    for asked in retries:
        session = book.sessions[asked.mark]
        if session.is_cancelled_by_plan or not asked.is_accepted:
            continue
        before = [other for other in retries if other.mark == asked.mark and other.asked_at < asked.asked_at]
        for key in asked.failed:
            of_item = [entry for entry in session.ledger if entry.item == key]
            is_begun = any(entry.started_at >= asked.asked_at for entry in of_item)
            if not is_begun and _is_made_for(before, of_item=of_item):
                found.excuse(MADE_BEFORE)
                continue
            if not is_begun and _is_cancelled_by_somebody(book, session, key=key):
                found.excuse(CANCELLED_MEANWHILE)
                continue
            text = f"{asked.mark} {key} had failed, was retried by {asked.by}, and was never begun again"
            found.expect(is_begun, text)
    return found.result()


def _is_cancelled_by_somebody(book: Casebook, session: SessionEvidence, *, key: str) -> bool:
    """Whether an item ended as cancelled, in a session of which somebody had an item cancelled."""
    is_cancelled = any(item.key == key and item.status is ItemStatus.CANCELLED for item in session.view.items)
    return is_cancelled and any(
        asked.act == "cancel item" and asked.is_accepted and asked.mark == session.mark for asked in book.evidence.asked
    )


def _is_made_for(before: Sequence[Asked], *, of_item: Sequence[LedgerEntry]) -> bool:
    """Whether an item was made by an attempt that an earlier retry which had named it, too, had begun by then."""
    made = [entry for entry in of_item if entry.status is AttemptStatus.COMPLETE and entry.round > 1]
    return any(entry.item in other.failed and entry.started_at >= other.asked_at for other in before for entry in made)


def duplicates_begin_nothing(book: Casebook) -> CheckResult:
    """The same retry or retake sent again begins no round of its own."""
    found = Findings("duplicates begin nothing", "What is sent twice with one key begins one round at the most.")
    wanted: dict[str, set[str]] = {}
    for asked in book.evidence.asked:
        if asked.act in _STARTS_A_ROUND and asked.once:
            wanted.setdefault(asked.mark, set()).add(asked.once)
    for mark, session in book.sessions.items():
        most = 1 + len(wanted.get(mark, ()))
        found.expect(
            session.view.round <= most,
            f"{mark} is in round {session.view.round}, after {most - 1} different retries and retakes",
        )
    return found.result()


def finished_stays(book: Casebook) -> CheckResult:
    """What was seen finished keeps its bytes, through every retry and retake."""
    found = Findings("finished items keep their bytes", "What was once shown as finished is served, byte for byte.")
    for seen in book.evidence.seen:
        session = book.sessions.get(seen.mark)
        served = session.contents.get(f"{seen.item}#{seen.attempt}") if session else None
        found.expect(
            served == seen.sha256,
            f"{seen.mark} {seen.item} attempt {seen.attempt} was seen as {seen.sha256[:12]} and is {served}",
        )
    for mark, session in book.sessions.items():
        of_attempt: dict[tuple[str, int], str] = {}
        for seen in book.evidence.seen:
            if seen.mark == mark:
                known = of_attempt.setdefault((seen.item, seen.attempt), seen.sha256)
                found.expect(known == seen.sha256, f"{mark} {seen.item} attempt {seen.attempt} changed its hash")
        counted = {(entry.item, entry.attempt) for entry in session.ledger if entry.status is AttemptStatus.COMPLETE}
        for stored in session.stored:
            served = session.contents.get(f"{stored.item}#{stored.attempt}")
            if served == NOT_THERE and (stored.item, stored.attempt) not in counted:
                found.excuse("stored, and never taken up: nobody is shown it")
                continue
            found.expect(
                served == stored.sha256,
                f"{mark} {stored.item} attempt {stored.attempt}: other bytes are served",
            )
    return found.result()


def streams_end_with_the_truth(book: Casebook) -> CheckResult:
    """Who watched, and who begins to watch now, sees the session as it is."""
    found = Findings("SSE replay = final state", "A stream shows the session as it is, to old viewers and to new ones.")
    for mark, session in book.sessions.items():
        found.expect(session.replayed == session.view, f"{mark}: a new stream shows another session than the API")
        if session.watched is not None:
            found.expect(
                session.watched == session.view,
                f"{mark}: who watched has last seen version {session.watched.version} ({session.watched.status}), "
                f"and it is {session.view.version} ({session.view.status})",
            )
            is_closed = session.view.closed_at is not None
            found.expect(session.has_stream_ended or not is_closed, f"{mark} has closed, and its stream goes on")
    for text in book.evidence.disorders:
        found.fail(text)
    return found.result()
