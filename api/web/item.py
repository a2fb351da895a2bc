"""The page of one item: its versions side by side, which of them counts, and how to make another."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from sse_starlette import EventSourceResponse
from starlette.responses import RedirectResponse, Response, StreamingResponse

from api.files import export_disposition, file_name
from api.routes.events import LastEventId, version_seen
from api.services import Services, TheBackend, TheServices
from api.streams import event_stream, session_event
from api.web.board import can_retake
from api.web.differences import condensed
from api.web.pages import BEAT_SECONDS, ThePages, beat
from api.web.paths import is_scripted, item_page
from api.web.session import done
from api.web.shared import TheEvents
from api.web.typed import TypedText, asked, typed
from api.web.versions import ShownVersion, own_prompt, pair_of, prompts_compared, shown_versions
from service.errors import ArtifactNotFoundError
from service.watch import Change
from sessions.commands import RetryRequest
from sessions.identifiers import artifact_key
from sessions.present import Seen
from sessions.statuses import SessionKind
from sessions.steering import MAX_PROMPT_CHARACTERS, RetakeRequest, SelectionRequest
from sessions.stories import set_number_of
from sessions.view import ItemView

router = APIRouter(prefix="/sessions/{session_id}/items/{key}", include_in_schema=False)

ItemKey = Annotated[str, Path(max_length=200)]
Attempt = Annotated[int, Query(ge=0, le=1_000_000)]
Place = Annotated[Literal["card", "item"], Form()]
"""Where a form stands, and so where somebody without scripts is led back to."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The attempts whose versions somebody wants to see beside each other, 0 where it is left to us."""

    left: int = 0
    right: int = 0


def compared_of(left: Attempt = 0, right: Attempt = 0) -> Compared:
    """Return which versions somebody asks for."""
    return Compared(left=left, right=right)


TheCompared = Annotated[Compared, Depends(compared_of)]


@router.get("")
async def item(
    session_id: str, key: ItemKey, services: TheServices, pages: ThePages, compared: TheCompared
) -> Response:
    """Show an item."""
    seen = await services.reader.seen(session_id)
    return pages.page("item.html", **await _values(seen, key=key, compared=compared, services=services))


@router.get("/live")
async def live(
    session_id: str,
    key: ItemKey,
    *,
    services: TheServices,
    backend: TheBackend,
    pages: ThePages,
    events: TheEvents,
    compared: TheCompared,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    """Stream what is shown of an item: at once, and whenever something of it changes."""
    known = await services.reader.seen(session_id)
    _item_of(known, key=key)
    changes = services.watch.changes(session_id, after=version_seen(last_event_id), known=known)

    async def written(change: Change) -> bytes:
        async def make() -> bytes:
            values = await _values(change.seen, key=key, compared=compared, services=services)
            return session_event(pages.rendered("making.html", **values), of=change.view)

        return await events.of(change, place=(key, compared), make=make)

    return event_stream(
        of_item(changes, key=key), written=written, backend=backend, greeting=beat, ping_seconds=BEAT_SECONDS
    )


@router.get("/download")
async def download(session_id: str, key: ItemKey, services: TheServices, attempt: Attempt = 0) -> Response:
    """Give out one version as a file with a name of its own."""
    seen = await services.reader.seen(session_id)
    label = _item_of(seen, key=key).label
    artifact = await services.reader.artifact(session_id, item=key, attempt=attempt or None)
    chunks = await services.artifacts.open(
        artifact_key(session_id, item=key, attempt=artifact.attempt), artifact=artifact
    )
    disposition = export_disposition(
        f"{label} {artifact.attempt} {seen.view.title}",
        extension=file_name("", media_type=artifact.media_type).removeprefix("."),
        fallback=f"{key}-{artifact.attempt}",
    )
    headers = {"Content-Disposition": disposition, "Content-Length": str(artifact.bytes)}
    return StreamingResponse(chunks, headers=headers, media_type=artifact.media_type)


@router.post("/select")
async def select(
    session_id: str,
    key: ItemKey,
    services: TheServices,
    request: Request,
    attempt: Annotated[int, Form(ge=1, le=1_000_000)],
) -> Response:
    """Choose which version counts."""
    view = await services.steering.select(session_id, asked(SelectionRequest, attempt=attempt), item=key)
    await services.stories.refile(view, key=key)
    return _done(request, session_id, key=key, place="item")


@router.post("/retry")
async def retry(
    session_id: str,
    key: ItemKey,
    *,
    services: TheServices,
    request: Request,
    note: TypedText = "",
    place: Place = "card",
) -> Response:
    """Make one failed item again."""
    await services.steering.retry(session_id, asked(RetryRequest, items=[{"key": key, "note": typed(note)}]))
    return _done(request, session_id, key=key, place=place)


@router.post("/retake")
async def retake(
    session_id: str,
    key: ItemKey,
    *,
    services: TheServices,
    request: Request,
    note: TypedText = "",
    prompt: TypedText = "",
    from_previous: Annotated[bool, Form()] = False,
    place: Place = "card",
) -> Response:
    """Make another version of a finished item: with a note, or a prompt of one's own, or from the picture there is."""
    wanted = asked(RetakeRequest, note=typed(note), prompt=typed(prompt), from_previous=from_previous)
    await services.steering.retake(session_id, wanted, item=key)
    return _done(request, session_id, key=key, place=place)


def _done(request: Request, session_id: str, *, key: str, place: Literal["card", "item"]) -> Response:
    if place == "item" and not is_scripted(request):
        return RedirectResponse(item_page(session_id, key), status_code=303)
    return done(request, session_id, item=key)


async def of_item(changes: AsyncGenerator[Change, None], *, key: str) -> AsyncGenerator[Change, None]:
    """Yield the changes of a session that are changes of an item: a thousand others are nothing to those who see one.

    The last one is always among them.
    """
    last: object = None
    async with aclosing(changes):
        async for change in changes:
            now = (_item_of(change.seen, key=key), change.seen.state.item(key), change.view.stale)
            if now != last or change.is_last:
                last = now
                yield change


async def _values(seen: Seen, *, key: str, compared: Compared, services: Services) -> Mapping[str, Any]:
    """Return what the template of the page is filled in with."""
    view, item = seen.view, _item_of(seen, key=key)
    state = seen.state.item(key)
    versions = await services.versions.versions(view.id, item=key)
    pair = pair_of(versions, left=compared.left, right=compared.right)
    shown = await shown_versions(pair, versions=versions, key=key, session=view, services=services)
    under_way = seen.under_way.get(key)
    difference = await prompts_compared(pair)
    last_prompt = own_prompt(versions[-1]) if versions else None
    return {
        "session": view,
        "item": item,
        "note": state.note,
        "is_chosen": state.is_chosen,
        "began_at": under_way.began_at if under_way and under_way.is_running else None,
        "versions": versions,
        "numbers": {version.attempt: number for number, version in enumerate(versions, start=1)},
        "shown": shown,
        "difference": difference,
        "condensed": condensed(difference),
        "prompts_known": all(version.prompt is not None for version in pair),
        "last_prompt": last_prompt if last_prompt and len(last_prompt) <= MAX_PROMPT_CHARACTERS else None,
        "most_of_prompt": MAX_PROMPT_CHARACTERS,
        "can_retake": can_retake(state, kind=view.kind),
        "can_choose": view.kind is SessionKind.IMAGES or set_number_of(key) is not None,
        "has_picture": _has_picture(shown),
        "left": compared.left,
        "right": compared.right,
    }


def _has_picture(shown: Sequence[ShownVersion]) -> bool:
    return any(one.version.artifact.width is not None for one in shown)


def _item_of(seen: Seen, *, key: str) -> ItemView:
    """Return an item of a session.

    Raises:
        ArtifactNotFoundError: it has none with this key.
    """
    item = next((item for item in seen.view.items if item.key == key), None)
    if item is None:
        raise ArtifactNotFoundError(f"This session has no item '{key[:80]}'.")
    return item
