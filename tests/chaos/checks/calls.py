"""The ledger against the provider's own log, call for call."""

from datetime import datetime, timedelta

from providers.offline.calls import Call
from sessions.ledger import LedgerEntry
from sessions.statuses import AttemptStatus, ItemStatus
from tests.chaos.checks.matching import Casebook, Matched, is_lost, is_throttled
from tests.chaos.checks.result import CheckResult, Findings
from tests.chaos.evidence import SessionEvidence
from tests.chaos.journal import Outage
from tests.chaos.scale import Blow

_CANCEL_IS_HEARD = timedelta(seconds=8)
"""A cancel reaches an attempt with its next heartbeat, every three seconds; the rest is a busy machine."""
_OUTAGE_ECHO = timedelta(seconds=15)
_RACE = timedelta(seconds=1)
_KEPT_IN_MEMORY = timedelta(seconds=35)
"""As long as the records are ever stopped, and a little more."""
FORGOTTEN = "the entry died with its worker while the records were out of reach, and the item was cancelled"
NEVER_ARRIVED = "the answer that asked to wait was stuck on its way: a connection stalled, or the provider was killed"


def ledger_is_the_log(book: Casebook) -> CheckResult:
    """Each call of the provider's log stands in the ledger, and each outcome of the ledger in the log."""
    found = Findings("ledger = log", "The ledger and the provider's own log agree, call for call.")
    for call in book.unmatched:
        if _is_forgotten_by_cancel(book, call):
            found.excuse(FORGOTTEN)
            continue
        found.fail(f"call {call.n} ({(call.prompt or '')[:60]!r}) stands in no ledger")
    found.look(sum(len(calls) for calls in book.calls.values()))
    for (mark, item), lines in book.matched.items():
        for line in lines:
            _compare(book, line, name=f"{mark} {item} attempt {line.entry.attempt}", found=found)
    return found.result()


def _is_forgotten_by_cancel(book: Casebook, call: Call) -> bool:
    """Whether a call's entry was in the memory of a worker that was killed, and the item then cancelled.

    While the records do not take it, an entry travels with the attempt's heartbeats; the server does not hand those
    over of an activity that is cancelled between two attempts.
    """
    mark, item = book.owner(call)
    session = book.sessions.get(mark)
    is_cancelled = session is not None and any(
        shown.key == item and shown.status is ItemStatus.CANCELLED for shown in session.view.items
    )
    return is_cancelled and any(call.at <= kill.began_at <= call.at + _KEPT_IN_MEMORY for kill in book.worker_kills)


def _never_arrived(book: Casebook, line: Matched) -> bool:
    """Whether something was broken between the provider and the worker when an answer asked it to wait."""
    entry = line.entry
    return entry.status is AttemptStatus.UNCERTAIN and any(
        outage.began_at <= (entry.ended_at or call.at) and outage.ended_at >= call.at
        for call in line.calls
        if is_throttled(call)
        for outage in book.evidence.outages
        if outage.blow is Blow.KILL_PROVIDER or book.is_its_link(outage, entry, to="provider")
    )


def _compare(book: Casebook, line: Matched, *, name: str, found: Findings) -> None:
    entry = line.entry
    found.look()
    own = [call for call in line.calls if call.request_id == entry.request_id]
    if entry.status is AttemptStatus.RUNNING:
        found.fail(f"{name} was never closed")
    if entry.request_id and not own:
        found.fail(f"{name} names the request {entry.request_id}, which the provider never had")
    if entry.status is AttemptStatus.COMPLETE and not (own and own[0].status == 200):
        found.fail(f"{name} is complete without an answer of the provider")
    if len(line.asked) > 1:
        found.fail(f"{name} asked {len(line.asked)} times: calls {[call.n for call in line.asked]}")
    if entry.status is AttemptStatus.FAILED and line.asked and not entry.request_id:
        found.fail(f"{name} failed as if it had not asked, and call {line.asked[0].n} is its")
    if entry.status is AttemptStatus.UNCERTAIN and not line.asked:
        found.excuse("uncertain in the ledger, and the request never reached the provider")
    waits = sum(is_throttled(call) for call in line.calls)
    if waits != entry.throttled_calls:
        if waits > entry.throttled_calls and _could_not_tell(entry):
            found.excuse("waits that a killed worker could not count")
        elif waits > entry.throttled_calls and _never_arrived(book, line):
            found.excuse(NEVER_ARRIVED)
        elif waits < entry.throttled_calls:
            found.excuse("an answer that asked to wait came from somewhere else: a relay or a server that ended")
            found.fail(f"{name} counts {entry.throttled_calls} waits, and the provider asked for {waits}")
        else:
            found.fail(f"{name} counts {entry.throttled_calls} waits, and the provider asked for {waits}")


def _could_not_tell(entry: LedgerEntry) -> bool:
    """Whether whoever closed an entry was not the one who had waited: a dead worker's, or one that was taken up."""
    return is_lost(entry) or entry.status is AttemptStatus.COMPLETE or entry.error_type == "throttle"


def nothing_after_a_stored_artifact(book: Casebook) -> CheckResult:
    """Once an item's result of a round is stored, the provider is not asked for it again in that round."""
    found = Findings("no call after a stored artifact", "What is stored is not asked for again in its round.")
    for mark, session in book.sessions.items():
        rounds = {(entry.item, entry.attempt): entry.round for entry in session.ledger}
        for stored in session.stored:
            found.look()
            round_number = rounds.get((stored.item, stored.attempt))
            for line in book.matched.get((mark, stored.item), ()):
                if line.entry.round != round_number:
                    continue
                for call in line.calls:
                    if call.at <= stored.stored_at:
                        continue
                    late = (call.at - stored.stored_at).total_seconds()
                    text = (
                        f"{mark} {stored.item}: call {call.n} came {late:.2f} s "
                        f"after attempt {stored.attempt} of the same round was stored"
                    )
                    if call.at - stored.stored_at < _RACE and _is_struck(book, stored.stored_at, call.at):
                        found.excuse("an attempt given up for dead stored its result as the next one began")
                    else:
                        found.fail(text)
    return found.result()


def attempts_within_their_maximum(book: Casebook) -> CheckResult:
    """No item is tried more often in a round than was allowed, and no attempt asks twice."""
    found = Findings("no attempt beyond its maximum", "No round of an item has more attempts than it may have.")
    for (mark, item), lines in book.matched.items():
        numbers = [line.entry.attempt for line in lines]
        found.expect(len(numbers) == len(set(numbers)), f"{mark} {item}: two entries of one attempt: {numbers}")
        rounds: dict[int, int] = {}
        for line in lines:
            rounds[line.entry.round] = rounds.get(line.entry.round, 0) + 1
        most = book.sessions[mark].max_attempts
        for round_number, attempts in rounds.items():
            found.expect(
                attempts <= most, f"{mark} {item}: {attempts} attempts in round {round_number}, {most} were allowed"
            )
    return found.result()


def cancel_stops_calls(book: Casebook) -> CheckResult:
    """After a session was cancelled, nothing new is asked for."""
    found = Findings("cancel stops new calls", "A cancelled session asks the provider for nothing more.")
    for asked in book.evidence.asked:
        if asked.act != "cancel" or not asked.is_accepted:
            continue
        session = book.sessions[asked.mark]
        found.expect(
            session.view.status in ("cancelled", "complete") or _had_ended(session),
            f"{asked.mark} was cancelled and is {session.view.status}",
        )
        later = [
            call
            for (mark, _), calls in book.calls.items()
            if mark == asked.mark
            for call in calls
            if call.at > asked.answered_at
        ]
        for call in later:
            if call.at <= asked.answered_at + _CANCEL_IS_HEARD:
                found.excuse("begun in the seconds in which a cancel travels")
            elif _is_struck(book, asked.answered_at - _OUTAGE_ECHO, call.at):
                found.excuse("begun while the worker could not hear of it")
            else:
                late = (call.at - asked.answered_at).total_seconds()
                found.fail(f"{asked.mark}: call {call.n} came {late:.1f} s after the session was cancelled")
    return found.result()


def _had_ended(session: SessionEvidence) -> bool:
    """Whether every item that failed had used what it may, so that the cancel came too late to change anything."""
    return all(
        item.attempt >= item.max_attempts or (item.error is not None and not item.error.type.is_retried)
        for item in session.view.items
        if item.status is ItemStatus.FAILED
    )


def _is_struck(book: Casebook, since: datetime, until: datetime) -> bool:
    """Whether a worker and the server could not speak with each other at some time of a span."""
    return any(
        _severs(outage) and outage.began_at <= until and outage.ended_at + _OUTAGE_ECHO >= since
        for outage in book.evidence.outages
    )


def _severs(outage: Outage) -> bool:
    if outage.blow is Blow.CUT_LINK:
        return outage.target.startswith("worker") and outage.target.endswith(">temporal")
    return outage.blow in (Blow.KILL_TEMPORAL, Blow.KILL_WORKER)
