"""How long after a worker was killed its items went on."""

import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta

from activities.heartbeat import INTERVAL
from sessions.ledger import UNKNOWN_WORKER, LedgerEntry
from tests.chaos.checks.matching import Casebook, Matched, is_lost
from tests.chaos.checks.result import CheckResult, Findings, Listed
from tests.chaos.evidence import SessionEvidence
from tests.chaos.journal import Outage
from tests.chaos.scale import Blow
from workflows.policies import HEARTBEAT_TIMEOUT

LONGEST = timedelta(seconds=15)
MEANWHILE = "something else was broken meanwhile"
NO_PLACE = "back in the queue in time, and others beside it waited as long for a place at a worker"
IN_TURN = "the next attempt was killed as well before it was known: each kill has its own time"
COUNTED = "taken up to be counted under its budget; the session that was to hand it out again lost its worker, too"
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 8.0
_SOON = timedelta(milliseconds=300)
_MEANTIME = timedelta(seconds=5)
"""Those that were begun so shortly before or after another were queued at about the same time."""
_STARTING = timedelta(seconds=5)
"""How long a process that was killed may take to serve again once it is started."""


def items_go_on(book: Casebook) -> CheckResult:
    """After SIGKILL of a worker each of its items goes on within 15 seconds.

    Reckoned from the kill to the next attempt, less the pause that the retry policy makes between the two. Where
    something else was broken meanwhile that the items need, they go on when that is mended: counted apart. So they are
    where they were back in the queue in time, and long outages had left that full: then they have their turn. An
    attempt that was killed in its turn before anybody knew of it had gone on all the same, and its own kill has its
    own time.
    """
    found = Findings(
        "items go on within 15 s", "What a killed worker was making goes on elsewhere within 15 seconds of the kill."
    )
    for kill in book.worker_kills:
        for (mark, item), lines in book.matched.items():
            for number, line in enumerate(lines):
                if _was_its(kill, line):
                    rest = [line for line in lines[number:] if line.entry.round == lines[number].entry.round]
                    _recovered(book, kill, rest, place=(mark, item), found=found)
    return found.result()


def _was_its(kill: Outage, line: Matched) -> bool:
    """Whether a worker that was killed was making an attempt: its entry says so, or a call that broke off with it.

    Before its first heartbeat nobody knows of an attempt but its worker. The entry is then made up by the next one,
    which gives its own name, and begins after the kill.
    """
    entry = line.entry
    if entry.worker == kill.worker:
        is_open = entry.ended_at is None or entry.ended_at > kill.began_at + _SOON
        return entry.started_at < kill.began_at and is_open
    broke_off = any(
        call.at < kill.began_at and not call.answered and call.ended_at and abs(call.ended_at - kill.began_at) < _SOON
        for call in line.asked
    )
    return is_lost(entry) and entry.started_at > kill.began_at and broke_off


def _recovered(
    book: Casebook, kill: Outage, lines: Sequence[Matched], *, place: tuple[str, str], found: Findings
) -> None:
    """Look at how an item went on. ``lines``: the attempt that was killed, and what followed in its round."""
    mark, _ = place
    this, known = lines[0].entry, [line.entry for line in book.matched[place]]
    pause = policy_pause(this, lines=known)
    next_kill = _taken_in_turn(book, kill, [line.entry for line in lines[1:]], known=known)
    if next_kill is not None:
        found.excuse(IN_TURN)
        _went_on(book, kill, this, next_kill.began_at, place=place, pause=pause, found=found)
        if not _was_its(next_kill, lines[1]):
            _recovered(book, next_kill, lines[1:], place=place, found=found)
    elif (counted_at := _counted_at(book, kill, this, mark=mark)) and (
        next_kill := _taken_while_counted(book, kill, since=counted_at, until=_next_beginning(lines))
    ):
        found.excuse(COUNTED)
        _went_on(book, kill, this, counted_at, place=place, pause=pause, found=found)
        _went_on(book, next_kill, this, lines[1].entry.started_at, place=place, pause=timedelta(0), found=found)
    elif len(lines) > 1:
        _went_on(book, kill, this, lines[1].entry.started_at, place=place, pause=pause, found=found)
    elif this.status != "complete" or this.ended_at is None or _is_last(this, book.sessions[mark], known=known):
        # What it has left is looked for on the session's word, not by another attempt.
        found.excuse("it was the last attempt of its round")
    elif (
        _is_late(kill, this.ended_at, pause=pause)
        and _excuse(book, kill, this.ended_at, place=place, pause=pause) is None
        and (next_kill := _taken_while_looking(book, kill, this.ended_at, pause=pause))
    ):
        found.excuse(IN_TURN)
        _went_on(book, kill, this, next_kill.began_at, place=place, pause=pause, found=found)
        _went_on(book, next_kill, this, this.ended_at, place=place, pause=_next(pause), found=found)
    else:
        _went_on(book, kill, this, this.ended_at, place=place, pause=pause, found=found)


def _went_on(
    book: Casebook,
    kill: Outage,
    entry: LedgerEntry,
    moment: datetime,
    *,
    place: tuple[str, str],
    pause: timedelta,
    found: Findings,
) -> None:
    """Judge, and show, that an item went on at a moment after a kill, the policy's pause included."""
    mark, item = place
    took = moment - kill.began_at
    excuse = _excuse(book, kill, moment, place=place, pause=pause)
    if excuse is None:
        found.expect(
            not _is_late(kill, moment, pause=pause),
            f"{mark} {item} went on {took.total_seconds():.1f} s after {kill.target} was killed, "
            f"the policy's pause of {pause.total_seconds():g} s included",
        )
    else:
        found.excuse(excuse)
    found.show(
        Listed(
            session=mark,
            item=item,
            at=book.seconds(kill.began_at),
            reason=excuse or f"{kill.target} was killed",
            text=f"{kill.target}, attempt {entry.attempt}, pause of the policy {pause.total_seconds():g} s",
            seconds=round(took.total_seconds(), 2),
        )
    )


def _taken_while_looking(book: Casebook, kill: Outage, ended_at: datetime, *, pause: timedelta) -> Outage | None:
    """Return the kill that took the attempt in between, where a later one took up what the first had left.

    Only whoever takes it up makes an entry: the one in between, killed while it looked, has none. Its loss was noticed
    at the heartbeat timeout, no sooner, and the next was handed out after the pause.
    """
    began_by = ended_at - HEARTBEAT_TIMEOUT - _next(pause) + INTERVAL
    fitting = [one for one in book.worker_kills if kill.began_at < one.began_at <= began_by]
    return max(fitting, key=lambda one: one.began_at, default=None)


def _counted_at(book: Casebook, kill: Outage, lost: LedgerEntry, *, mark: str) -> datetime | None:
    """Return when a lost attempt was taken up by one that then came back: under a budget the session counts first."""
    is_budgeted = book.sessions[mark].budget_microdollars is not None
    is_told = is_lost(lost) and lost.ended_at is not None and lost.ended_at > kill.began_at
    return lost.ended_at if is_budgeted and is_told else None


def _next_beginning(lines: Sequence[Matched]) -> datetime | None:
    return lines[1].entry.started_at if len(lines) > 1 else None


def _taken_while_counted(book: Casebook, kill: Outage, *, since: datetime, until: datetime | None) -> Outage | None:
    """Return the kill that took a session's worker between a loss that was told and the next attempt; the first such.

    A session whose worker was killed shortly before is with nobody yet: the server notices as late as an attempt's.
    """
    if until is None:
        return None
    earliest = max(kill.began_at, since - HEARTBEAT_TIMEOUT)
    fitting = [one for one in book.worker_kills if earliest < one.began_at < until]
    return min(fitting, key=lambda one: one.began_at, default=None)


def _next(pause: timedelta) -> timedelta:
    """Return the pause after the next attempt."""
    return min(2 * pause, timedelta(seconds=_LONGEST_PAUSE))


def _taken_in_turn(
    book: Casebook, kill: Outage, later: Sequence[LedgerEntry], *, known: list[LedgerEntry]
) -> Outage | None:
    """Return the kill that took the next attempt as well, before anybody but its worker knew of it. None: no such kill.

    The entry that a later attempt makes up for it gives that one's time. Of the kills at which it can have run, the
    last is meant: it leaves the attempt before most time to be late in, and a loss that no kill explains is no excuse.
    """
    if not later or not (_is_the_sessions(later[0]) or (len(later) > 1 and _is_made_up(later[0]))):
        return None
    told_by = _began_by(later, known=known) + INTERVAL
    fitting = [one for one in book.worker_kills if kill.began_at < one.began_at <= told_by]
    return max(fitting, key=lambda one: one.began_at, default=None)


def _began_by(entries: Sequence[LedgerEntry], *, known: list[LedgerEntry]) -> datetime:
    """Return the latest moment at which the first of some attempts can have begun.

    The server gives an attempt up at its heartbeat timeout, no sooner, and hands the next out after the pause.
    """
    first = entries[0]
    if _is_the_sessions(first):
        return first.started_at - HEARTBEAT_TIMEOUT
    if len(entries) < 2 or not _is_made_up(first):
        return first.started_at
    return _began_by(entries[1:], known=known) - policy_pause(first, lines=known) - HEARTBEAT_TIMEOUT


def _is_last(entry: LedgerEntry, session: SessionEvidence, *, known: list[LedgerEntry]) -> bool:
    before = [other for other in known if other.round == entry.round and other.attempt <= entry.attempt]
    return len(before) >= session.max_attempts


def _is_made_up(entry: LedgerEntry) -> bool:
    """Whether a later attempt made up the entry of a lost one: no loss is noticed before the heartbeat timeout."""
    return is_lost(entry) and entry.ended_at is not None and entry.ended_at - entry.started_at < HEARTBEAT_TIMEOUT


def _is_the_sessions(entry: LedgerEntry) -> bool:
    """Whether the session made up the entry of a last attempt, at the moment at which it was told of its loss."""
    return is_lost(entry) and entry.worker == UNKNOWN_WORKER


def policy_pause(entry: LedgerEntry, *, lines: list[LedgerEntry]) -> timedelta:
    """Return the pause that the retry policy makes after an attempt: 1, 2, 4, at most 8 seconds."""
    in_round = sum(other.round == entry.round and other.attempt <= entry.attempt for other in lines)
    return timedelta(seconds=min(_FIRST_PAUSE * 2.0 ** (in_round - 1), _LONGEST_PAUSE))


def _excuse(book: Casebook, kill: Outage, until: datetime, *, place: tuple[str, str], pause: timedelta) -> str | None:
    """Return why an item may go on later, None where nothing speaks for it."""
    if struck := _struck_meanwhile(book, kill, until, mark=place[0]):
        return f"{MEANWHILE}: {struck}"
    is_late = _is_late(kill, until, pause=pause)
    return NO_PLACE if is_late and _had_its_turn(book, kill, until, place=place, pause=pause) else None


def _is_late(kill: Outage, moment: datetime, *, pause: timedelta) -> bool:
    return moment - kill.began_at - pause > LONGEST


def _had_its_turn(book: Casebook, kill: Outage, until: datetime, *, place: tuple[str, str], pause: timedelta) -> bool:
    """Whether an attempt was back in the queue in time, and went on as soon as those did that had been queued with it.

    The queue hands out in its order. So had there been a place, or had nobody but this one been kept waiting, those
    that were begun at the same time would not have waited as long.
    """
    waits = [wait for wait in book.waits.get(place, ()) if kill.began_at < wait.taken_at <= until + _SOON]
    if not waits or _is_late(kill, waits[-1].queued_at, pause=pause):
        return False
    wait = waits[-1]
    is_retried = _round_at(book, until, place=place) > 1
    beside = [
        book.waited(line)
        for other, lines in book.matched.items()
        for line in lines
        if other != place
        and abs(line.entry.started_at - wait.taken_at) <= _MEANTIME
        and not _is_made_up(line.entry)
        and (line.entry.round > 1) is is_retried
    ]
    return statistics.median(beside or [0.0]) >= wait.seconds / 2


def _round_at(book: Casebook, moment: datetime, *, place: tuple[str, str]) -> int:
    """Return the round that an item was in: what somebody has asked for again goes before the rest."""
    begun = [line.entry.round for line in book.matched[place] if line.entry.started_at <= moment]
    return max(begun, default=1)


def _struck_meanwhile(book: Casebook, kill: Outage, until: datetime, *, mark: str) -> str | None:
    """Return what else kept an item from going on between the kill and the moment at which it went on."""
    back_at = kill.ended_at + _STARTING
    for outage in book.evidence.outages:
        if outage is kill or outage.began_at > until or outage.ended_at + _STARTING < kill.began_at:
            continue
        if outage.blow is Blow.KILL_WORKER:
            # One of the two is enough to go on.
            if outage.target != kill.target and outage.began_at < back_at:
                return "no worker was there"
        elif outage.blow is Blow.CUT_LINK:
            # What is cut for an instant is connected again at once.
            is_lasting = outage.way != "cut" and outage.target.startswith("worker")
            if is_lasting and outage.target.endswith(">temporal"):
                return f"{outage.blow} {outage.target}"
        elif outage.blow in (Blow.KILL_TEMPORAL, Blow.BREAK_STORE):
            return outage.blow
    is_steered = any(
        asked.mark == mark and asked.act in ("pause", "cancel", "cancel item") and asked.asked_at <= until
        for asked in book.evidence.asked
    )
    return "a person held or cancelled it" if is_steered else None
