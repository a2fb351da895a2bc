"""Ports held in memory: real implementations without a disk or a database, for tests of what uses them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from sessions.artifacts import Artifact, Receipt
from sessions.deletions import Deletion
from sessions.ledger import LedgerEntry
from sessions.ports import Hold, ReferencePicture
from sessions.records import RecordsOutOfReachError
from sessions.state import SessionState
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind


class MemoryArtifacts:
    """An artifact store. While `is_down` it refuses what is stored, and counts how often."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[bytes, Receipt]] = {}
        self.is_down = False
        self.refusals = 0

    async def put(self, key: str, *, data: bytes, receipt: Receipt) -> None:
        if self.is_down:
            self.refusals += 1
            raise OSError("no space left on device")
        self.stored[key] = (data, receipt)

    async def find(self, key: str) -> Receipt | None:
        stored = self.stored.get(key)
        return stored[1] if stored else None

    async def read(self, key: str, *, artifact: Artifact) -> bytes:
        if self.is_down:
            raise OSError("input/output error")
        data, receipt = self.stored.get(key, (b"", None))
        if receipt is None or receipt.artifact.sha256 != artifact.sha256:
            raise FileNotFoundError(key)
        return data


class MemoryFiles:
    """A session's files. While `is_down` none can be written."""

    def __init__(self) -> None:
        self.saved: dict[tuple[str, str], bytes] = {}
        self.is_down = False

    async def save(self, session_id: str, *, name: str, data: bytes) -> None:
        if self.is_down:
            raise OSError("no space left on device")
        self.saved[session_id, name] = data

    async def remove(self, session_id: str, *, name: str) -> None:
        self.saved.pop((session_id, name), None)

    async def names(self, session_id: str) -> Sequence[str]:
        return sorted(name for known, name in self.saved if known == session_id)

    def location(self, session_id: str, *, name: str = "") -> str:
        return f"memory/{session_id}/{name}"


class MemoryRecords:
    """Records of attempts and sessions. While `is_down`, they do not answer."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str, int], LedgerEntry] = {}
        self.items: dict[tuple[str, str], ItemStatus] = {}
        self.states: dict[str, SessionState] = {}
        self.deletions: dict[str, Deletion] = {}
        self.is_down = False

    async def record_attempt(
        self, session_id: str, *, entry: LedgerEntry, item_status: ItemStatus, max_attempts: int
    ) -> None:
        self._answer()
        if session_id in self.deletions:
            return
        self._enter(session_id, entry)
        self.items[session_id, entry.item] = item_status

    async def record_session(self, state: SessionState, *, entries: Sequence[LedgerEntry]) -> None:
        self._answer()
        if state.id in self.deletions:
            return
        for entry in entries:
            self._enter(state.id, entry)
        over = {item.key: item.round for item in state.items if item.status.is_settled}
        for (session_id, key, _), entry in list(self.entries.items()):
            is_over = session_id == state.id and entry.round <= over.get(key, 0)
            if is_over and entry.status is AttemptStatus.RUNNING:
                self._enter(session_id, entry.abandoned())
        known = self.states.get(state.id)
        if known is None or known.revision <= state.revision:
            self.states[state.id] = state

    async def attempts(self, session_id: str) -> Sequence[LedgerEntry]:
        self._answer()
        return [entry for (known, _, _), entry in self.entries.items() if known == session_id]

    async def delete_session(self, session_id: str, *, kind: SessionKind) -> None:
        self._answer()
        marked = Deletion(session_id=session_id, kind=kind, deleted_at=datetime.now(UTC))
        self.deletions.setdefault(session_id, marked)
        self.states.pop(session_id, None)
        self.entries = {key: entry for key, entry in self.entries.items() if key[0] != session_id}
        self.items = {key: status for key, status in self.items.items() if key[0] != session_id}

    async def deletion(self, session_id: str) -> Deletion | None:
        self._answer()
        return self.deletions.get(session_id)

    async def is_deleted(self, session_id: str) -> bool:
        self._answer()
        return session_id in self.deletions

    async def unfinished_deletions(self, *, before: datetime, limit: int) -> Sequence[Deletion]:
        self._answer()
        unfinished = [
            deletion
            for deletion in self.deletions.values()
            if deletion.finished_at is None and (deletion.removed_at is None or deletion.deleted_at < before)
        ]
        return sorted(unfinished, key=lambda deletion: deletion.deleted_at)[:limit]

    async def note_removed(self, session_id: str, *, is_final: bool) -> None:
        self._answer()
        now = datetime.now(UTC)
        changed: dict[str, datetime] = {"removed_at": now} | ({"finished_at": now} if is_final else {})
        if session_id in self.deletions:
            self.deletions[session_id] = self.deletions[session_id].model_copy(update=changed)

    def ledger(self, item: str) -> list[LedgerEntry]:
        """Return the entries of an item, by attempt."""
        entries = [entry for (_, key, _), entry in self.entries.items() if key == item]
        return sorted(entries, key=lambda entry: entry.attempt)

    def _enter(self, session_id: str, entry: LedgerEntry) -> None:
        known = self.entries.get((session_id, entry.item, entry.attempt))
        if known is None or known.status is AttemptStatus.RUNNING or entry.status is AttemptStatus.COMPLETE:
            self.entries[session_id, entry.item, entry.attempt] = entry

    def _answer(self) -> None:
        if self.is_down:
            raise RecordsOutOfReachError


class MemoryReferences:
    """Uploaded pictures."""

    def __init__(self) -> None:
        self.pictures: dict[str, ReferencePicture] = {}

    async def load(self, upload_id: str) -> ReferencePicture:
        await asyncio.sleep(0)
        return self.pictures[upload_id]


class MemoryGate:
    """Lets every attempt begin, but while `held` says why not; counts how often it was asked."""

    def __init__(self) -> None:
        self.held: Hold | None = None
        self.asked = 0

    async def hold(
        self,
        session_id: str,
        *,
        spent_in_round_microdollars: int,
        worst_case_microdollars: int,
        is_first: bool,
        is_told: bool,
    ) -> Hold | None:
        self.asked += 1
        return self.held


class MemorySpending:
    """What the installation has spent this month."""

    def __init__(self) -> None:
        self.microdollars = 0

    async def spent_since(self, moment: datetime) -> int:
        return self.microdollars
