"""Story sessions of a running product: started, retried, and held against the provider's own log."""

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tests.support.product import Product

IDEA: Final = "A lighthouse keeper finds a map of a drowned city."
OUTLINE_CALL: Final = "Write the outline of a story"

FAULTS: Final[Sequence[str | Mapping[str, Any]]] = (
    "server_error",
    {"kind": "rate_limit", "retry_after": 0.1},
    "refusal",
    "invalid_set",
    "invalid_output",
    "incomplete",
    "disconnect",
    "truncated",
)
"""What goes wrong with a text, each in another way."""

_OUTCOMES: Final[Mapping[str | None, tuple[str, str | None]]] = {
    None: ("complete", None),
    "server_error": ("failed", "transient"),
    "refusal": ("failed", "content"),
    "invalid_set": ("failed", "content"),
    "invalid_output": ("failed", "content"),
    "incomplete": ("failed", "content"),
    "disconnect": ("uncertain", "uncertain"),
    "truncated": ("uncertain", "uncertain"),
}
_SET_LINE: Final = re.compile(r"^Set ([0-9]+) of [0-9]+ \(segments ", re.MULTILINE)


def failing(match: str, *, times: int | None = None, kind: str = "server_error") -> dict[str, Any]:
    """Return a fault plan by which calls with this text in their prompt fail: the next ones, or all of them."""
    return {"seed": 1, "rules": [{"match": match, "times": times, "fault": kind}]}


async def start_story(product: Product, **request: Any) -> str:
    """Start a story session and return its id."""
    response = await product.api.post("/api/sessions/stories", json={"idea": IDEA, **request})
    assert 202 == response.status_code, response.text
    return str(response.json()["id"])


async def retry(product: Product, session_id: str) -> None:
    """Ask for what failed to be made again."""
    response = await product.api.post(f"/api/sessions/{session_id}/retry")
    assert 202 == response.status_code, response.text


async def ledger_of(product: Product, session_id: str) -> list[dict[str, Any]]:
    """Return every attempt of a session, oldest first."""
    response = await product.api.get(f"/api/sessions/{session_id}/attempts")
    assert 200 == response.status_code, response.text
    return list(response.json()["attempts"])


async def calls_since(product: Product, n: int) -> list[dict[str, Any]]:
    """Return the calls that the provider received after its n-th, in order."""
    return list((await product.provider.get("/log", params={"since": n})).json()["calls"])


async def last_call(product: Product) -> int:
    """Return the number of the provider's last call, 0 before the first."""
    return max((call["n"] for call in await product.calls()), default=0)


async def archive_of(product: Product, session_id: str) -> dict[str, Any]:
    """Return the documents in a session's archive, by their names in the order in which they stand there."""
    response = await product.api.get(f"/api/sessions/{session_id}/archive")
    assert 200 == response.status_code, response.text
    with zipfile.ZipFile(io.BytesIO(response.content)) as files:
        assert files.testzip() is None
        return {name: json.loads(files.read(name)) for name in files.namelist()}


def item_of(call: Mapping[str, Any]) -> str:
    """Return the key of the item that a call was made for. No story here is so long that its outline has parts."""
    found = _SET_LINE.search(call["prompt"])
    return f"set-{int(found[1]):02d}" if found else "outline"


def finished(session: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of what a session has finished, by item."""
    return {item["key"]: item["artifact"]["sha256"] for item in session["items"] if item["artifact"]}


def failed(session: Mapping[str, Any]) -> list[str]:
    """Return the keys of what has failed in a session."""
    return [item["key"] for item in session["items"] if item["status"] == "failed"]


def check_ledger(ledger: Iterable[Mapping[str, Any]], *, calls: Iterable[Mapping[str, Any]]) -> None:
    """Check that the ledger tells of every call what the provider's log tells, and of nothing else.

    A call that was throttled is no attempt: the attempt waits, and its entry is that of the call which ends it.
    """
    attempts = [call for call in calls if call["fault"] != "rate_limit"]
    asked = {item: [call for call in attempts if item_of(call) == item] for item in map(item_of, attempts)}
    told: dict[str, list[Mapping[str, Any]]] = {}
    for entry in ledger:
        told.setdefault(entry["item"], []).append(entry)
    assert asked.keys() == told.keys()
    for item, entries in told.items():
        assert list(range(1, len(entries) + 1)) == [entry["attempt"] for entry in entries], item
        expected = [(call["prompt_sha256"], *_OUTCOMES[call["fault"]]) for call in asked[item]]
        assert expected == [(entry["prompt_sha256"], entry["status"], entry["error_type"]) for entry in entries], item
        answered = [call["request_id"] if call["status"] else None for call in asked[item]]
        assert answered == [entry["request_id"] for entry in entries], item


def check_written_once(calls: Iterable[Mapping[str, Any]]) -> None:
    """Check that nothing was asked for again once the provider had delivered it."""
    per_item: dict[str, list[str | None]] = {}
    for call in calls:
        per_item.setdefault(item_of(call), []).append(call["fault"])
    for item, faults in per_item.items():
        assert faults.count(None) == 1, (item, faults)
        assert faults[-1] is None, (item, faults)


def check_one_story(documents: Mapping[str, Any], *, sets: int, segments: int) -> str:
    """Check that the files of a story tell one story without a gap, and return its title."""
    *files, manifest = documents
    assert "manifest.json" == manifest
    (title,) = {documents[name]["title"] for name in files}
    stem = files[0].removesuffix("_metadata.json")
    assert [f"{stem}_metadata.json", f"{stem}_outline.json"] == files[:2]
    assert [f"{stem}_set_{number:02d}.json" for number in range(1, sets + 1)] == files[2:]
    numbers = Counter(segment["number"] for name in files[2:] for segment in documents[name]["segments"])
    assert Counter(range(1, segments + 1)) == numbers
    assert title in documents[files[2]]["segments"][0]["scene"]
    assert "end" == documents[files[-1]]["segments"][-1]["transition"]
    return str(title)
