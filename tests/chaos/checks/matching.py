"""Which ledger entry each of the provider's calls belongs to: by its request id, else by its prompt and time."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from providers.offline.calls import Call
from sessions.ledger import UNKNOWN_PROMPT, LedgerEntry
from sessions.statuses import AttemptStatus
from tests.chaos.evidence import Evidence, SessionEvidence
from tests.chaos.journal import Outage, Wait
from tests.chaos.scale import Blow

MARK = re.compile(r"mark-[is][0-9]{5}")
_SLACK = timedelta(milliseconds=250)
_BEGINNING = timedelta(seconds=5)
"""From the moment at which a worker takes an attempt on to its entry: what the one before has left is looked for."""
_IMAGE = re.compile(r"^Image: (.+)$", re.MULTILINE)
_SET = re.compile(r"^Set ([0-9]+) of [0-9]+ ", re.MULTILINE)
_PART = re.compile(r"^Outline part ([0-9]+) of ", re.MULTILINE)


@dataclass
class Matched:
    """An entry and the calls that are its."""

    session: SessionEvidence
    entry: LedgerEntry
    calls: list[Call] = field(default_factory=list)

    @property
    def asked(self) -> list[Call]:
        """The calls that were not turned away with a request to wait: an attempt has one at the most."""
        return [call for call in self.calls if not is_throttled(call)]


def is_throttled(call: Call) -> bool:
    """Whether the provider turned a call away and asked for patience."""
    return (call.status == 429 and call.fault == "rate_limit") or call.status == 503


class Casebook:
    """The evidence by session and item."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.sessions = {session.mark: session for session in evidence.sessions}

    @cached_property
    def calls(self) -> Mapping[tuple[str, str], Sequence[Call]]:
        """The calls of each session and item, in their order; those of nobody under two empty texts."""
        found: dict[tuple[str, str], list[Call]] = defaultdict(list)
        for call in self.evidence.calls:
            if call.prompt is not None:
                found[self.owner(call)].append(call)
        return found

    @cached_property
    def matched(self) -> Mapping[tuple[str, str], Sequence[Matched]]:
        """Every entry with its calls, by session and item, in the order of the attempts."""
        return self._matching[0]

    @cached_property
    def unmatched(self) -> Sequence[Call]:
        """Calls of which the ledger knows nothing."""
        return self._matching[1]

    def is_its_link(self, outage: Outage, entry: LedgerEntry, *, to: str) -> bool:
        """Whether an outage is of a connection of the worker that made an attempt.

        Any worker's counts where it is not known whose it was: the entry of a lost attempt bears the name of whoever
        found it, and which of the two a process was is told by its kill.
        """
        if outage.blow is not Blow.CUT_LINK or not outage.target.endswith(f">{to}"):
            return False
        own = None if is_lost(entry) else self._names.get(entry.worker)
        return outage.target == f"{own}>{to}" if own else outage.target.startswith("worker")

    @cached_property
    def _names(self) -> Mapping[str | None, str]:
        return {one.worker: one.target for one in self.worker_kills}

    @cached_property
    def worker_kills(self) -> Sequence[Outage]:
        """Every kill of a worker, in the order of the evidence."""
        return [one for one in self.evidence.outages if one.blow is Blow.KILL_WORKER]

    @cached_property
    def waits(self) -> Mapping[tuple[str, str], Sequence[Wait]]:
        """How long attempts had waited in the queue, by session and item, in the order in which they were taken on."""
        found: dict[tuple[str, str], list[Wait]] = defaultdict(list)
        for wait in self.evidence.waits:
            found[wait.mark, wait.item].append(wait)
        return found

    def waited(self, line: "Matched") -> float:
        """Return for how many seconds an attempt had been in the queue. Where no worker told of it: for none."""
        own = self.waits.get((line.session.mark, line.entry.item), ())
        just_before = [wait for wait in own if -_SLACK <= line.entry.started_at - wait.taken_at <= _BEGINNING]
        return just_before[-1].seconds if just_before else 0.0

    def seconds(self, moment: datetime) -> float:
        """Return the seconds from the beginning of the run to a moment."""
        return round((moment - self.evidence.began_at).total_seconds(), 3)

    def owner(self, call: Call) -> tuple[str, str]:
        """Return the session and the item that a call was for, two empty texts for nobody's."""
        prompt = call.prompt or ""
        mark = MARK.search(prompt)
        session = self.sessions.get(mark[0]) if mark else None
        if session is None:
            return "", ""
        if image := _IMAGE.search(prompt):
            keys = {item.label: item.key for item in session.view.items}
            return session.mark, keys.get(image[1], "")
        if found := _SET.search(prompt):
            return session.mark, f"set-{int(found[1]):02d}"
        if found := _PART.search(prompt):
            return session.mark, f"outline-{int(found[1]):02d}"
        return session.mark, "outline"

    @cached_property
    def _matching(self) -> tuple[dict[tuple[str, str], list[Matched]], list[Call]]:
        books: dict[tuple[str, str], list[Matched]] = defaultdict(list)
        for session in self.evidence.sessions:
            for entry in sorted(session.ledger, key=lambda entry: entry.attempt):
                books[session.mark, entry.item].append(Matched(session, entry))
        unmatched = [call for owner, calls in self.calls.items() if owner not in books for call in calls]
        for owner, lines in books.items():
            by_request = {line.entry.request_id: line for line in lines if line.entry.request_id}
            rest = []
            for call in self.calls.get(owner, ()):
                if line := by_request.get(call.request_id):
                    line.calls.append(call)
                else:
                    rest.append(call)
            for call in rest:
                if line := _line_of(call, lines):
                    line.calls.append(call)
                else:
                    unmatched.append(call)
        return dict(books), unmatched


def _line_of(call: Call, lines: Sequence[Matched]) -> Matched | None:
    """Return the entry during which a call was made.

    An entry that its own worker could not write any more was made up by the next one: it begins after the call, and
    is the first uncertain one without a call.
    """
    of_prompt = [line for line in lines if line.entry.prompt_sha256 in (call.prompt_sha256, UNKNOWN_PROMPT)]
    during = [line for line in of_prompt if _spans(line.entry, call.at)]
    if during:
        return max(during, key=lambda line: (line.entry.prompt_sha256 == call.prompt_sha256, line.entry.started_at))
    if is_throttled(call):
        # An attempt whose worker died while it waited is made again under its number, and its entry begins anew.
        later = [line for line in of_prompt if line.entry.started_at > call.at]
        return min(later, key=lambda line: line.entry.attempt, default=None)
    made_up = [line for line in of_prompt if is_lost(line.entry) and line.entry.started_at > call.at and not line.asked]
    return min(made_up, key=lambda line: line.entry.attempt, default=None)


def is_lost(entry: LedgerEntry) -> bool:
    """Whether an entry was closed by somebody else, for a worker that had died."""
    return entry.status is AttemptStatus.UNCERTAIN and "worker stopped before" in (entry.error or "")


def _spans(entry: LedgerEntry, moment: datetime) -> bool:
    return entry.started_at - _SLACK <= moment and (entry.ended_at is None or moment <= entry.ended_at + _SLACK)
