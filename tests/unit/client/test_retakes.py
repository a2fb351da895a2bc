"""Both clients against a real server, and against connections that break."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from client import calls
from client.errors import (
    InvalidRequestError,
    KeyRefusedError,
    NotFoundError,
    ServerError,
    UnexpectedAnswerError,
    UnreachableError,
    WrongStateError,
)
from client.following import Changed, Lost, Restored
from client.retakes import AsyncRetakes, Retakes
from sessions.images import ImageSessionRequest
from sessions.present import session_view
from sessions.view import SessionView
from tests.support.scripted_http import answer, events, scripted_http, session_event
from tests.unit.api.in_memory import InMemory, application
from tests.unit.api.serving import served
from tests.unit.client.conftest import REQUEST, Serving

PROBLEM = b'{"title": "Service Unavailable", "status": 503, "detail": "Temporal does not answer."}'
DOWN = answer("503 Service Unavailable", PROBLEM, media_type="application/problem+json")


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_both_clients_read_the_same(serving: Serving) -> None:
    """What one client starts, the other reads, as the same typed session."""
    started = await serving.retakes.ask(calls.start_images(REQUEST))

    def read() -> SessionView:
        with serving.waiting() as retakes:
            return retakes.ask(calls.session(started.id))

    assert started == await asyncio.to_thread(read)
    assert "Steel bottle" == started.title


async def test_an_answer_comes_as_it_was_sent(serving: Serving) -> None:
    """With its text, an answer keeps the server's very bytes beside the typed value."""
    started = await serving.retakes.ask(calls.start_images(REQUEST).with_text())
    assert started.value == SessionView.model_validate_json(started.data)
    assert started.data.startswith(b'{"id":')


async def test_every_refusal_has_its_place_in_the_tree(serving: Serving) -> None:
    """A status becomes the error that is drawn for it, with the server's words."""
    session = await serving.retakes.ask(calls.start_images(REQUEST))
    with pytest.raises(NotFoundError, match="There is no session 'nope'"):
        await serving.retakes.ask(calls.session("nope"))
    with pytest.raises(WrongStateError, match="Nothing has failed"):
        await serving.retakes.ask(calls.retry(session.id))
    with pytest.raises(InvalidRequestError, match="cursor"):
        await serving.retakes.ask(calls.sessions(cursor="x" * 201))
    told = b'{"title": "Internal Server Error", "status": 500, "detail": "Something broke here."}'
    broken = answer("500 Oops", told, media_type="application/problem+json", headers=["X-Request-ID: req-17"])
    async with scripted_http(broken) as script, AsyncRetakes(script.url) as retakes:
        with pytest.raises(ServerError, match=r"Something broke here\. Its log knows this as request req-17\."):
            await retakes.ask(calls.session(session.id))


async def test_the_key_opens_the_server() -> None:
    """A server that asks for a key answers to the right one, and refuses none and a wrong one."""
    async with served(application(InMemory(), keys=("right",))) as (_, http):
        url = str(http.base_url)
        for key in (None, "wrong"):
            async with AsyncRetakes(url, key=key) as retakes:
                with pytest.raises(KeyRefusedError):
                    await retakes.ask(calls.sessions())
        async with AsyncRetakes(url, key="right") as retakes:
            assert () == (await retakes.ask(calls.sessions())).sessions


@pytest.mark.parametrize("broken", [None, DOWN, answer("200 OK", b"{}")[:-1]])
async def test_a_start_whose_answer_is_lost_is_asked_for_again_with_its_key(broken: bytes | None) -> None:
    """However the answer was lost, the second request is the first one, byte for byte, so nothing starts twice."""
    session = session_view(InMemory().begin(REQUEST))
    whole = answer("202 Accepted", session.model_dump_json().encode())
    async with scripted_http(broken, whole) as script, AsyncRetakes(script.url) as retakes:
        assert session == await retakes.ask(calls.start_images(REQUEST))
    first, second = script.requests
    assert first == second
    assert b"Idempotency-Key:" in first


async def test_what_must_not_happen_twice_is_not_repeated() -> None:
    """A pause whose answer is lost may have been obeyed: that is said, and nothing is sent again."""
    async with scripted_http(None) as script, AsyncRetakes(script.url) as retakes:
        with pytest.raises(UnreachableError):
            await retakes.ask(calls.pause("ses-aaaabbbbccccdddd"))
    assert 1 == len(script.requests)


async def test_patience_has_an_end() -> None:
    """After two repeats the server's own words are what is told."""
    async with scripted_http(DOWN) as script, AsyncRetakes(script.url) as retakes:
        with pytest.raises(ServerError, match="Temporal does not answer"):
            await retakes.ask(calls.sessions())
    assert 3 == len(script.requests)


@pytest.mark.parametrize(
    "odd",
    [
        answer("200 OK", b"<html>", media_type="text/html"),
        answer("404 Not Found", b"nothing here", media_type="text/plain"),
        answer("200 OK", b'{"sessions": [{}], "next_cursor": null}'),
    ],
)
async def test_another_server_is_told_from_ours(odd: bytes) -> None:
    """What is no answer of this API is named as such."""
    async with scripted_http(odd) as script, AsyncRetakes(script.url) as retakes:
        with pytest.raises(UnexpectedAnswerError):
            await retakes.ask(calls.sessions())


def test_no_server_and_no_address_are_said_so() -> None:
    """Nobody listens, or the address is none: one error, with what to do."""
    with Retakes("http://127.0.0.1:9") as retakes, pytest.raises(UnreachableError, match="RETAKES_URL"):
        retakes.ask(calls.sessions())
    with pytest.raises(UnreachableError, match="no address"):
        Retakes("http://[::1")


async def test_both_clients_watch_until_the_end(serving: Serving) -> None:
    """Each change is shown once, the last one when the workflow has closed, and then the watch ends."""
    memory = serving.memory
    state = memory.begin(ImageSessionRequest.model_validate({"product": {"title": "T"}, "images": [{"type": "main"}]}))

    def watch() -> list[str]:
        with serving.waiting() as retakes:
            news = list(retakes.watch(state.id))
            return [one.sent.value.status for one in news if isinstance(one, Changed)]

    waiting = asyncio.create_task(asyncio.to_thread(watch))
    statuses = []
    async for news in serving.retakes.watch(state.id):
        assert isinstance(news, Changed)
        statuses.append(news.sent.value.status)
        if len(statuses) == 1:
            memory.close(memory.complete(state, key="main", data=b"picture"))
            await memory.tell()
    assert "complete" == statuses[-1]
    assert "complete" == (await waiting)[-1]


async def test_a_lost_connection_is_told_of_and_made_again() -> None:
    """After a break the client goes on from the version that it saw last; nothing older is shown."""
    memory = InMemory()
    state = memory.begin(REQUEST)
    first = session_view(state)
    later = session_view(memory.complete(state, key="main", data=b"picture"))
    assert later.version > first.version
    broken = events(session_event(first.model_dump_json().encode(), version=first.version))
    rest = events(
        session_event(first.model_dump_json().encode(), version=first.version - 1),
        session_event(later.model_dump_json().encode(), version=later.version),
        session_event(b"{}", version=later.version, name=b"end"),
    )
    async with scripted_http(broken, DOWN, rest) as script:
        async with AsyncRetakes(script.url) as retakes:
            news = [one async for one in retakes.watch(first.id)]
        with_what_they_knew = [b"Last-Event-ID: %d" % first.version in request for request in script.requests]
    assert [Changed, Lost, Lost, Restored, Changed, Changed] == [type(one) for one in news]
    assert later == news[-1].sent.value if isinstance(news[-1], Changed) else False
    assert [False, True, True] == with_what_they_knew


async def test_a_stale_state_is_not_named_as_seen() -> None:
    """After a break the same version is sent again once it is confirmed, and shown."""
    memory = InMemory()
    fresh = session_view(memory.begin(REQUEST))
    stale = fresh.model_copy(update={"stale": True})
    broken = events(session_event(stale.model_dump_json().encode(), version=stale.version))
    rest = events(
        session_event(fresh.model_dump_json().encode(), version=fresh.version),
        session_event(b"{}", version=fresh.version, name=b"end"),
    )
    async with scripted_http(broken, rest) as script:
        async with AsyncRetakes(script.url) as retakes:
            news = [one async for one in retakes.watch(fresh.id)]
        named = [b"Last-Event-ID: %d\r\n" % (fresh.version - 1) in request for request in script.requests]
    assert [True, False] == [one.sent.value.stale for one in news if isinstance(one, Changed)]
    assert [False, True] == named


async def test_a_server_that_stays_away_is_an_error_in_the_end() -> None:
    """Once the patience is over, the watch says that nobody answers."""
    async with scripted_http(None) as script, AsyncRetakes(script.url) as retakes:
        with pytest.raises(UnreachableError, match="for a long time"):
            async for _ in retakes.watch("ses-aaaabbbbccccdddd", patience=timedelta()):
                pass


async def test_a_download_is_whole_or_not_there(tmp_path: Path) -> None:
    """A connection that breaks leaves nothing behind; a whole download has the server's name and the usual rights."""
    named = ["Content-Disposition: attachment; filename=\"x.zip\"; filename*=UTF-8''Caf%C3%A9%2F..%2Fx.zip"]
    whole = answer("200 OK", b"PK all of it", media_type="application/zip", headers=named)
    async with scripted_http(whole[:-3], whole) as script, AsyncRetakes(script.url) as retakes:
        with pytest.raises(UnreachableError):
            await retakes.save(calls.archive("ses-aaaabbbbccccdddd"), tmp_path)
        assert [] == files_in(tmp_path)
        path = await retakes.save(calls.archive("ses-aaaabbbbccccdddd"), tmp_path)
    assert [tmp_path / "Café_.._x.zip"] == [path] == files_in(tmp_path)
    assert b"PK all of it" == path.read_bytes()
    (tmp_path / "plain").touch()
    assert (tmp_path / "plain").stat().st_mode == path.stat().st_mode


async def test_a_file_that_is_there_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    """Nothing is overwritten by accident, and on demand the new file takes the place of the old one at once."""
    target = tmp_path / "x.zip"
    target.write_bytes(b"mine")
    async with scripted_http(answer("200 OK", b"theirs", media_type="application/zip")) as script:

        def save(*, overwrite: bool) -> Path:
            with Retakes(script.url) as retakes:
                return retakes.save(calls.archive("ses-aaaabbbbccccdddd"), target, overwrite=overwrite)

        with pytest.raises(FileExistsError):
            await asyncio.to_thread(save, overwrite=False)
        assert b"mine" == target.read_bytes()
        await asyncio.to_thread(save, overwrite=True)
    assert b"theirs" == target.read_bytes()
    assert [target] == files_in(tmp_path)
