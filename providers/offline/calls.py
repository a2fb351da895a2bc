"""The log of every call: in memory in the order of arrival, and in a file that outlives the process."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from providers.offline.decisions import prompt_sha256


class Asked(BaseModel):
    """What a call asks for, as far as it could be read; ``images`` counts its reference images."""

    model_config = ConfigDict(frozen=True)

    model: str | None = None
    prompt: str | None = None
    size: str | None = None
    quality: str | None = None
    images: int = 0


class Call(Asked):
    """One call received.

    Attributes:
        n: its place in the order of arrival, from 1.
        at: when it had been read whole, UTC.
        request_id: what the answer's ``x-request-id`` says.
        fault: the kind of the planned fault, None where the call is served as it should be.
        status: the HTTP status that was sent, None while or where none was.
        answered: whether the answer was handed over to its last byte. A caller that hung up meanwhile was not
            answered; one that goes in the instant in which the last bytes leave cannot be told apart.
        ended_at: when it was over, UTC; None while it runs.
        authorization: whether a key was sent. The key itself is not kept.
    """

    n: int
    at: datetime
    method: str
    path: str
    prompt_sha256: str | None
    request_id: str
    fault: str | None
    authorization: Literal["present", "absent"]
    status: int | None = None
    answered: bool = False
    ended_at: datetime | None = None


class CallLog:
    """All calls since the log was last cleared.

    With a file, each call is appended on arrival and once more when it is over, one JSON object a line; the later
    line of a number counts. An existing file is read first and its numbers go on, so the log survives a kill.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._calls: dict[int, Call] = {}
        self._file: IO[str] | None = None
        if path is not None:
            self._calls = {call.n: call for call in _read(path)}
            # A line cut off by a kill must not swallow the next one.
            is_cut_off = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
            self._file = path.open("a", encoding="utf-8")
            self._file.write("\n" if is_cut_off else "")
        self._last = max(self._calls, default=0)

    def received(
        self, asked: Asked, *, method: str, path: str, request_id: str, fault: str | None, has_key: bool
    ) -> Call:
        """Enter a call and return it."""
        self._last += 1
        call = Call(
            **asked.model_dump(),
            n=self._last,
            at=datetime.now(UTC),
            method=method,
            path=path,
            prompt_sha256=None if asked.prompt is None else prompt_sha256(asked.prompt),
            request_id=request_id,
            fault=fault,
            authorization="present" if has_key else "absent",
        )
        self._keep(call)
        return call

    def ended(self, n: int, *, status: int | None, answered: bool) -> None:
        """Enter how a call ended; one that was cleared meanwhile stays cleared."""
        if n in self._calls:
            ended = {"status": status, "answered": answered, "ended_at": datetime.now(UTC)}
            self._keep(self._calls[n].model_copy(update=ended))

    def since(self, n: int = 0) -> tuple[Call, ...]:
        """Return the calls with a number above n, in order."""
        return tuple(call for call in self._calls.values() if call.n > n)

    def clear(self) -> None:
        """Forget all calls, in the file too; numbers go on."""
        self._calls.clear()
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        """Close the file; calls that end later are kept in memory alone."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _keep(self, call: Call) -> None:
        self._calls[call.n] = call
        if self._file is not None:
            self._file.write(call.model_dump_json() + "\n")
            self._file.flush()


def _read(path: Path) -> Iterator[Call]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield Call.model_validate_json(line)
        except ValidationError:
            continue
