"""Every call of the API, each a function that returns it. `client.retakes` sends them, sync or async.

What a call raises when it is sent is in `client.errors`. Starts, retries and retakes carry an Idempotency-Key, a fresh
one unless one is given, so that an answer that was lost is asked for again and nothing is begun twice.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel

from client.call import IDEMPOTENCY_KEY, Call, Picture
from sessions.callbacks import CallbackUrl
from sessions.commands import RetryRequest
from sessions.costs import CostBy, CostReport
from sessions.deliveries import DeliveryList, TriedCallback
from sessions.estimates import Estimate, ImageEstimateRequest, StoryEstimateRequest
from sessions.exports import ExportFormat
from sessions.images import ImageSessionRequest
from sessions.model import RequestModel
from sessions.outlines import OutlineDecision
from sessions.pricing import PriceTable
from sessions.rates import Rates, RatesChange
from sessions.scripts import Outline, Story
from sessions.statuses import SessionKind, SessionStatus
from sessions.steering import RetakeRequest, SelectionRequest
from sessions.stories import StorySessionRequest
from sessions.story_results import StoryResult
from sessions.uploads import Upload
from sessions.view import AttemptList, SessionList, SessionView, VersionList

_SESSIONS: Final = "/api/sessions"
_JSON: Final[Mapping[str, str]] = {"Content-Type": "application/json"}


class _Items(RequestModel):
    items: tuple[str, ...]


class _Budget(RequestModel):
    budget_usd: float | None


class _Trial(RequestModel):
    url: CallbackUrl


def start_images(request: ImageSessionRequest, *, idempotency_key: str | None = None) -> Call[SessionView]:
    """Start an image session."""
    return _start(f"{_SESSIONS}/images", request, idempotency_key=idempotency_key)


def start_story(request: StorySessionRequest, *, idempotency_key: str | None = None) -> Call[SessionView]:
    """Start a story session."""
    return _start(f"{_SESSIONS}/stories", request, idempotency_key=idempotency_key)


def sessions(
    *,
    kind: SessionKind | None = None,
    status: SessionStatus | None = None,
    title: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> Call[SessionList]:
    """Read a page of sessions, newest first. ``title``: text that the title holds; ``cursor``: the last page's."""
    query = {"kind": kind, "status": status, "q": title, "limit": str(limit), "cursor": cursor}
    return Call(method="GET", path=_SESSIONS, query=_given(query), read=SessionList.model_validate_json)


def session(session_id: str) -> Call[SessionView]:
    """Read a session."""
    return Call(method="GET", path=session_path(session_id), read=SessionView.model_validate_json)


def attempts(session_id: str) -> Call[AttemptList]:
    """Read the ledger of a session."""
    return Call(method="GET", path=session_path(session_id, "attempts"), read=AttemptList.model_validate_json)


def deliveries(session_id: str) -> Call[DeliveryList]:
    """Read the log of a session's callbacks."""
    return Call(method="GET", path=session_path(session_id, "deliveries"), read=DeliveryList.model_validate_json)


def retry(
    session_id: str, request: RetryRequest | None = None, *, idempotency_key: str | None = None
) -> Call[SessionView]:
    """Make failed items again: those named, or all."""
    return _start(session_path(session_id, "retry"), request or RetryRequest(), idempotency_key=idempotency_key)


def retake(
    session_id: str, item: str, request: RetakeRequest | None = None, *, idempotency_key: str | None = None
) -> Call[SessionView]:
    """Make another version of a finished item."""
    path = session_path(session_id, "items", item, "retake")
    return _start(path, request or RetakeRequest(), idempotency_key=idempotency_key)


def select(session_id: str, item: str, *, attempt: int) -> Call[SessionView]:
    """Choose which version of an item counts."""
    return _changed("PUT", session_path(session_id, "items", item, "selected"), SelectionRequest(attempt=attempt))


def versions(session_id: str, item: str) -> Call[VersionList]:
    """Read what was made of an item."""
    path = session_path(session_id, "items", item, "versions")
    return Call(method="GET", path=path, read=VersionList.model_validate_json)


def content(session_id: str, item: str, *, attempt: int | None = None) -> Call[bytes]:
    """Read the bytes of an attempt, or of the one that counts."""
    query = _given({"attempt": None if attempt is None else str(attempt)})
    return Call(method="GET", path=session_path(session_id, "items", item, "content"), query=query, read=bytes)


def pause(session_id: str) -> Call[SessionView]:
    """Begin nothing further."""
    return _changed("POST", session_path(session_id, "pause"), None)


def resume(session_id: str) -> Call[SessionView]:
    """Go on after a pause."""
    return _changed("POST", session_path(session_id, "resume"), None)


def cancel(session_id: str, *, items: Sequence[str] = ()) -> Call[SessionView]:
    """Stop a session, or the items named."""
    return _changed("POST", session_path(session_id, "cancel"), _Items(items=tuple(items)) if items else None)


def delete(session_id: str) -> Call[None]:
    """Delete a session that has settled, with everything that belongs to it. What it has cost stays in the sums."""
    return Call(method="DELETE", path=session_path(session_id), read=lambda _: None)


def set_budget(session_id: str, *, budget_usd: float | None) -> Call[SessionView]:
    """Change what a session may cost, in US dollars; None lifts the limit."""
    return _changed("PUT", session_path(session_id, "budget"), _Budget(budget_usd=budget_usd))


def outline(session_id: str) -> Call[Outline]:
    """Read the outline of a story."""
    return Call(method="GET", path=session_path(session_id, "outline"), read=Outline.model_validate_json)


def decide_on_outline(session_id: str, decision: OutlineDecision) -> Call[SessionView]:
    """Approve the outline of a story that waits for it, or put another in its place."""
    return _changed("PUT", session_path(session_id, "outline"), decision)


def story(session_id: str) -> Call[Story]:
    """Read a story put together from the sets that are ready."""
    return Call(method="GET", path=session_path(session_id, "story"), read=Story.model_validate_json)


def result(session_id: str) -> Call[StoryResult]:
    """Read how a story came out, once it has settled."""
    return Call(method="GET", path=session_path(session_id, "result"), read=StoryResult.model_validate_json)


def export(session_id: str, export_format: ExportFormat) -> Call[bytes]:
    """Read a story as a file."""
    return Call(method="GET", path=session_path(session_id, "export", export_format.value), read=bytes)


def archive(session_id: str) -> Call[bytes]:
    """Read everything that is complete, as a ZIP file."""
    return Call(method="GET", path=session_path(session_id, "archive"), read=bytes)


def upload(picture: Path) -> Call[Upload]:
    """Upload a reference photo. The same picture gets the same id again.

    Raises:
        OSError: the file cannot be read.
    """
    sent = Picture(name=picture.name, data=picture.read_bytes())
    return Call(method="POST", path="/api/uploads", picture=sent, read=Upload.model_validate_json)


def estimate(request: ImageEstimateRequest | StoryEstimateRequest) -> Call[Estimate]:
    """Ask what a session would cost. Nothing is started."""
    return Call(
        method="POST",
        path="/api/estimate",
        headers=_JSON,
        body=_body(request),
        read=Estimate.model_validate_json,
    )


def costs(
    *,
    begin: str | None = None,
    end: str | None = None,
    by: CostBy = CostBy.DAY,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[CostReport]:
    """Read what attempts have cost. ``begin``, ``end``: days or moments, as `sessions.costs.boundary_of` reads them."""
    query = {"from": begin, "to": end, "by": by, "limit": str(limit) if limit else None, "cursor": cursor}
    return Call(method="GET", path="/api/costs", query=_given(query), read=CostReport.model_validate_json)


def prices() -> Call[PriceTable]:
    """Read the price table."""
    return Call(method="GET", path="/api/prices", read=PriceTable.model_validate_json)


def rates() -> Call[Rates]:
    """Read the limit on image starts that holds."""
    return Call(method="GET", path="/api/rates", read=Rates.model_validate_json)


def change_rates(change: RatesChange) -> Call[Rates]:
    """Change the limit on image starts."""
    return Call(method="PUT", path="/api/rates", headers=_JSON, body=_body(change), read=Rates.model_validate_json)


def try_callback(url: CallbackUrl | None = None) -> Call[TriedCallback]:
    """Have an address called to try it out; without one, the installation's."""
    body, headers = (_body(_Trial(url=url)), _JSON) if url else (None, {})
    path = "/api/callbacks/test"
    return Call(method="POST", path=path, headers=headers, body=body, read=TriedCallback.model_validate_json)


def session_path(session_id: str, *parts: str) -> str:
    """Return the path of a session, or of something below it."""
    return "/".join([_SESSIONS, *(quote(part, safe="") for part in (session_id, *parts))])


def _start(path: str, request: RequestModel, *, idempotency_key: str | None) -> Call[SessionView]:
    headers = {**_JSON, IDEMPOTENCY_KEY: idempotency_key or uuid4().hex}
    return Call(method="POST", path=path, headers=headers, body=_body(request), read=SessionView.model_validate_json)


def _changed(method: str, path: str, request: RequestModel | None) -> Call[SessionView]:
    body, headers = (_body(request), _JSON) if request else (None, {})
    return Call(method=method, path=path, headers=headers, body=body, read=SessionView.model_validate_json)


def _body(request: BaseModel) -> bytes:
    # What was not given is left out: an older server may not know it.
    return request.model_dump_json(exclude_unset=True).encode()


def _given(query: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value is not None}
