"""Sending calls: `Retakes` waits, `AsyncRetakes` is awaited. What they do is the same, and decided elsewhere.

::

    with Retakes("http://127.0.0.1:8000") as retakes:
        session = retakes.ask(calls.start_images(ImageSessionRequest(product=Product(title="Steel bottle"))))
        for news in retakes.watch(session.id):
            ...
"""

import asyncio
import ipaddress
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import ValidationError

from client.call import Call
from client.errors import ServerError, UnreachableError, error_of, misread
from client.files import target_of, written_whole
from client.following import DEFAULT_PATIENCE, MOST_EVENT_BYTES, SILENCE, Changed, Following, Lost, Restored

DEFAULT_URL: Final = "http://127.0.0.1:8000"
DEFAULT_TIMEOUT: Final = timedelta(seconds=60)

_CONNECT_SECONDS: Final = 10.0
_PAUSES: Final = (timedelta(milliseconds=200), timedelta(milliseconds=800))
_LONGEST_PAUSE: Final = timedelta(seconds=5)
_SECONDS: Final = re.compile(r"[0-9]{1,4}")
_WORTH_ANOTHER_TRY: Final = (502, 503, 504)

T = TypeVar("T")


class Retakes:
    """A server. Close it, or use it as a context manager."""

    def __init__(self, url: str = DEFAULT_URL, *, key: str | None = None, timeout: timedelta = DEFAULT_TIMEOUT) -> None:
        """Args:
        url: where the server is, with a path if it lies below one.
        key: one of its keys, where it asks for any.
        timeout: how long it may be silent.
        """
        self._url = url
        self._http = httpx2.Client(**_options(url, key=key, timeout=timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, call: Call[T]) -> T:
        """Send a call and return its answer. What can be repeated safely is, twice, when no answer comes.

        Raises:
            RetakesError: as `client.errors` draws them.
        """
        tries = 0
        while True:
            outcome: httpx2.Response | httpx2.RequestError
            try:
                outcome = self._http.send(_request(self._http, call))
            except httpx2.RequestError as error:
                outcome = error
            if (pause := _pause_after(outcome, call=call, tries=tries)) is None:
                return _answer(outcome, call=call, url=self._url)
            time.sleep(pause.total_seconds())
            tries += 1

    def save(self, call: Call[bytes], to: Path, *, overwrite: bool = False) -> Path:
        """Send a call and write its answer into a file, which is there once it is whole. Returns the file.

        Args:
            call: what to download.
            to: the file, or a folder, in which it gets the server's name for it.
            overwrite: whether a file of that name is replaced.

        Raises:
            RetakesError: as `client.errors` draws them.
            FileExistsError: there is such a file, and it is not to be replaced.
            OSError: it cannot be written.
        """
        try:
            with ExitStack() as stack:
                response = self._http.send(_request(self._http, call), stream=True)
                stack.callback(response.close)
                if not response.is_success:
                    response.read()
                    raise error_of(response)
                path = target_of(response, wanted=to)
                file = stack.enter_context(written_whole(path, overwrite=overwrite))
                for chunk in response.iter_bytes():
                    file.write(chunk)
            return path
        except httpx2.RequestError as error:
            raise UnreachableError.of(error, url=self._url) from error

    def watch(
        self, session_id: str, *, after: int | None = None, patience: timedelta = DEFAULT_PATIENCE
    ) -> Iterator[Changed | Lost | Restored]:
        """Yield a session now and at every change, until its workflow has closed. Stop whenever you like.

        A connection that is lost is told of, made again, and goes on where it was.

        Args:
            session_id: which session.
            after: the version that is known already: nothing older is shown, and that one not again.
            patience: how long the server may be out of reach.

        Raises:
            RetakesError: as `client.errors` draws them; of a server out of reach only once the patience is over.
        """
        following = Following(session_id=session_id, url=self._url, after=after, patience=patience)
        while not following.is_over:
            try:
                with self._http.sse(following.path, **_stream_options(following)) as source:
                    if not source.response.is_success:
                        source.response.read()
                        raise error_of(source.response)
                    if (restored := following.connected(source.response)) is not None:
                        yield restored
                    for event in source:
                        if (changed := following.news(event)) is not None:
                            yield changed
                        if following.is_over:
                            return
                lost = following.lost("the server ended the connection", now=datetime.now(UTC))
            except (httpx2.RequestError, ServerError) as error:
                lost = following.lost(str(error) or type(error).__name__, now=datetime.now(UTC))
            yield lost
            time.sleep(lost.pause.total_seconds())


class AsyncRetakes:
    """A server, for asyncio. Close it, or use it as an async context manager. `Retakes` says what each method does."""

    def __init__(self, url: str = DEFAULT_URL, *, key: str | None = None, timeout: timedelta = DEFAULT_TIMEOUT) -> None:
        self._url = url
        self._http = httpx2.AsyncClient(**_options(url, key=key, timeout=timeout))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, call: Call[T]) -> T:
        """Send a call and return its answer."""
        tries = 0
        while True:
            outcome: httpx2.Response | httpx2.RequestError
            try:
                outcome = await self._http.send(_request(self._http, call))
            except httpx2.RequestError as error:
                outcome = error
            if (pause := _pause_after(outcome, call=call, tries=tries)) is None:
                return _answer(outcome, call=call, url=self._url)
            await asyncio.sleep(pause.total_seconds())
            tries += 1

    async def save(self, call: Call[bytes], to: Path, *, overwrite: bool = False) -> Path:
        """Send a call and write its answer into a file."""
        try:
            async with AsyncExitStack() as stack:
                response = await self._http.send(_request(self._http, call), stream=True)
                stack.push_async_callback(response.aclose)
                if not response.is_success:
                    await response.aread()
                    raise error_of(response)
                path = target_of(response, wanted=to)
                file = stack.enter_context(written_whole(path, overwrite=overwrite))
                async for chunk in response.aiter_bytes():
                    await asyncio.to_thread(file.write, chunk)
            return path
        except httpx2.RequestError as error:
            raise UnreachableError.of(error, url=self._url) from error

    async def watch(
        self, session_id: str, *, after: int | None = None, patience: timedelta = DEFAULT_PATIENCE
    ) -> AsyncIterator[Changed | Lost | Restored]:
        """Yield a session now and at every change, until its workflow has closed."""
        following = Following(session_id=session_id, url=self._url, after=after, patience=patience)
        while not following.is_over:
            try:
                async with self._http.sse(following.path, **_stream_options(following)) as source:
                    if not source.response.is_success:
                        await source.response.aread()
                        raise error_of(source.response)
                    if (restored := following.connected(source.response)) is not None:
                        yield restored
                    async for event in source:
                        if (changed := following.news(event)) is not None:
                            yield changed
                        if following.is_over:
                            return
                lost = following.lost("the server ended the connection", now=datetime.now(UTC))
            except (httpx2.RequestError, ServerError) as error:
                lost = following.lost(str(error) or type(error).__name__, now=datetime.now(UTC))
            yield lost
            await asyncio.sleep(lost.pause.total_seconds())


def _options(url: str, *, key: str | None, timeout: timedelta) -> dict[str, Any]:
    try:
        httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise UnreachableError(f"{url} is no address of a server ({error})") from error
    return {
        "base_url": url,
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "timeout": httpx2.Timeout(timeout.total_seconds(), connect=_CONNECT_SECONDS),
        # A proxy leads nowhere from this machine to itself.
        "trust_env": not _is_here(url),
    }


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _request(http: httpx2.Client | httpx2.AsyncClient, call: Call[Any]) -> httpx2.Request:
    files = {"file": (call.picture.name, call.picture.data)} if call.picture else None
    return http.build_request(
        call.method, call.path, params=call.query or None, headers=call.headers, content=call.body, files=files
    )


def _stream_options(following: Following) -> dict[str, Any]:
    return {
        "headers": following.headers,
        "timeout": httpx2.Timeout(SILENCE.total_seconds(), connect=_CONNECT_SECONDS),
        "max_event_size": MOST_EVENT_BYTES,
    }


def _pause_after(outcome: httpx2.Response | httpx2.RequestError, *, call: Call[Any], tries: int) -> timedelta | None:
    """Return how long to wait before a call is sent again, None where it is not."""
    if tries >= len(_PAUSES) or isinstance(outcome, httpx2.UnsupportedProtocol):
        return None
    if isinstance(outcome, httpx2.Response) and outcome.status_code not in _WORTH_ANOTHER_TRY:
        return None
    # What never got through to the server has not happened, whatever it is.
    if not call.is_repeatable and not isinstance(outcome, httpx2.ConnectError):
        return None
    asked = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx2.Response) else ""
    wanted = timedelta(seconds=int(asked)) if _SECONDS.fullmatch(asked) else timedelta()
    return min(max(wanted, _PAUSES[tries]), _LONGEST_PAUSE)


def _answer(outcome: httpx2.Response | httpx2.RequestError, *, call: Call[T], url: str) -> T:
    if isinstance(outcome, httpx2.RequestError):
        raise UnreachableError.of(outcome, url=url) from outcome
    if not outcome.is_success:
        raise error_of(outcome)
    try:
        return call.read(outcome.content)
    except ValidationError as error:
        raise misread(outcome) from error
