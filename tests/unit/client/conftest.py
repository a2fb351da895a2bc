from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from client.retakes import AsyncRetakes, Retakes
from sessions.images import ImageSessionRequest
from tests.unit.api.in_memory import InMemory, application
from tests.unit.api.serving import served

REQUEST = ImageSessionRequest.model_validate({"product": {"title": "Steel bottle"}})


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A server with an application over sessions in memory, and both clients of it."""

    memory: InMemory
    url: str
    retakes: AsyncRetakes

    @contextmanager
    def waiting(self) -> Iterator[Retakes]:
        """Give the client that waits; use it in another thread."""
        with Retakes(self.url) as retakes:
            yield retakes


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    memory = InMemory()
    async with served(application(memory)) as (_, http):
        url = str(http.base_url).rstrip("/")
        async with AsyncRetakes(url) as retakes:
            yield Serving(memory=memory, url=url, retakes=retakes)
