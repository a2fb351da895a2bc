"""Answers that were paid for and lost: each must have a reason that was planned, and is shown with it."""

from collections import defaultdict
from datetime import datetime, timedelta

from providers.offline.calls import Call
from tests.chaos.checks.matching import Casebook, Matched, is_lost
from tests.chaos.checks.result import CheckResult, Findings, Listed
from tests.chaos.journal import Outage
from tests.chaos.scale import Blow

BETWEEN = "killed between the answer and the write"
NOBODY_WANTED_IT = (
    "stored or set aside by a worker that was then killed, and a person cancelled before it was looked for"
)
_BROKEN_BY_PLAN = ("disconnect", "hang", "truncated", "broken_body", "invalid_json")
_SLACK = timedelta(milliseconds=300)
_LONGEST_WRITE = timedelta(seconds=1)
"""From an answer to its receipt: milliseconds, and a little more on a busy machine that is also just killing things."""
_GIVEN_UP_AFTER = timedelta(seconds=45)
"""Ten seconds without a heartbeat, and as long as a server that was killed takes to notice."""


def calls_paid_twice(book: Casebook) -> CheckResult:
    """Every answer that was given in full and that nobody entered was lost to a crash; to which is shown."""
    found = Findings(
        "calls paid twice",
        "An answer that was given and lost has a crash or a cut of its own that took it, and no other reason.",
    )
    entered = {line.entry.request_id for lines in book.matched.values() for line in lines if line.entry.request_id}
    for (mark, item), lines in book.matched.items():
        for line in lines:
            for call in line.asked:
                if call.status not in (200, None) or call.request_id in entered:
                    continue
                found.look()
                if call.fault in _BROKEN_BY_PLAN:
                    found.excuse(f"the provider's own fault: {call.fault}")
                    continue
                _explain(book, line, call, place=(mark, item), found=found)
    _two_results_of_a_round(book, found)
    return found.result()


def _explain(book: Casebook, line: Matched, call: Call, *, place: tuple[str, str], found: Findings) -> None:
    reason = _reason(book, line, call)
    mark, item = place
    if reason is None:
        found.fail(
            f"{mark} {item} attempt {line.entry.attempt}: the answer to call {call.n} is lost, and nothing took it; "
            f"the ledger says: {line.entry.status}, {line.entry.error}"
        )
        return
    if not call.answered:
        # The provider had not finished when it was left. It may bill that all the same: the ledger says "uncertain".
        found.excuse(f"left before the provider had finished: {reason}")
        return
    found.excuse(reason)
    found.show(
        Listed(
            session=mark,
            item=item,
            at=book.seconds(call.at),
            reason=reason,
            text=f"call {call.n}, attempt {line.entry.attempt} of {line.entry.worker}: {line.entry.error or ''}",
        )
    )


def _reason(book: Casebook, line: Matched, call: Call) -> str | None:
    """Return what took an answer, None where nothing did."""
    # A provider that was killed could not write down when the call was over.
    entry, ended = line.entry, call.ended_at or line.entry.ended_at or call.at
    until = max(ended, entry.ended_at or ended) + _SLACK
    if is_lost(entry) and _is_stored(line, call):
        return NOBODY_WANTED_IT if _is_cancelled(book, line) else _out_of_touch(book, call.at, until)
    stored_by = _stored_by(book, call, ended=ended)
    for outage in book.evidence.outages:
        if outage.blow is Blow.KILL_WORKER and call.at - _SLACK <= outage.began_at <= stored_by + _LONGEST_WRITE:
            # An entry that the next worker had to make up bears that one's name.
            if outage.worker != entry.worker and entry.started_at <= call.at:
                continue
            if not call.answered or outage.began_at < ended - _SLACK:
                return "killed while the provider worked"
            if outage.began_at <= ended + _LONGEST_WRITE:
                return BETWEEN
            if _is_cancelled(book, line):
                return NOBODY_WANTED_IT
    for outage in book.evidence.outages:
        if outage.blow is Blow.KILL_PROVIDER and _meets(outage, call.at, ended):
            return "the provider was killed"
        if book.is_its_link(outage, entry, to="provider") and _meets(outage, call.at, until):
            return f"the connection to the provider: {outage.way}"
    if _is_cancelled(book, line) and "stopped" in (entry.error or ""):
        return "a person cancelled"
    if "no whole answer within" in (entry.error or ""):
        return "the attempt's deadline"
    return _out_of_touch(book, call.at, until) if is_lost(entry) else None


def _out_of_touch(book: Casebook, since: datetime, until: datetime) -> str | None:
    is_so = _is_out_of_touch(book, since, until)
    return "its worker could not speak to Temporal and was given up for dead" if is_so else None


def _is_cancelled(book: Casebook, line: Matched) -> bool:
    """Whether a person cancelled the session or items of it: what those attempts have left nobody comes for."""
    mark = line.session.mark
    return any(asked.mark == mark and asked.act.startswith("cancel") for asked in book.evidence.asked)


def _stored_by(book: Casebook, call: Call, *, ended: datetime) -> datetime:
    """Return until when an answer may have waited to be stored: for as long as the store was broken, else no time."""
    if not call.answered:
        return ended
    broken = [outage for outage in book.evidence.outages if outage.blow is Blow.BREAK_STORE]
    return max((outage.ended_at for outage in broken if _meets(outage, ended, ended)), default=ended)


def _is_stored(line: Matched, call: Call) -> bool:
    stored = line.session.stored
    return any((one.item, one.request_id) == (line.entry.item, call.request_id) for one in stored)


def _two_results_of_a_round(book: Casebook, found: Findings) -> None:
    for mark, session in book.sessions.items():
        rounds = {(entry.item, entry.attempt): entry.round for entry in session.ledger}
        results: dict[tuple[str, int], list[datetime]] = defaultdict(list)
        for stored in session.stored:
            results[stored.item, rounds.get((stored.item, stored.attempt), 0)].append(stored.stored_at)
        for (item, round_number), moments in results.items():
            if round_number == 0 or len(moments) == 1:
                continue
            reason = "two results of one round: the first was given up for dead while it lived"
            if _is_out_of_touch(book, min(moments) - _GIVEN_UP_AFTER, max(moments)):
                found.excuse(reason)
                found.show(Listed(session=mark, item=item, at=book.seconds(max(moments)), reason=reason))
            else:
                found.fail(f"{mark} {item}: {len(moments)} results were stored in round {round_number}")


def _is_out_of_touch(book: Casebook, since: datetime, until: datetime) -> bool:
    return any(
        outage.began_at <= until and outage.ended_at + _GIVEN_UP_AFTER >= since
        for outage in book.evidence.outages
        if outage.blow is Blow.KILL_TEMPORAL
        or (outage.blow is Blow.CUT_LINK and outage.target.startswith("worker") and outage.target.endswith(">temporal"))
    )


def _meets(outage: Outage, since: datetime, until: datetime) -> bool:
    return outage.began_at <= until + _SLACK and outage.ended_at >= since - _SLACK
