from collections.abc import AsyncIterator

import httpx2
import pytest

from sessions.images import ImageSessionRequest
from sessions.state import SessionState
from tests.unit.api.in_memory import InMemory, application, client_of

REQUEST = ImageSessionRequest.model_validate({"product": {"title": "Steel bottle"}})


@pytest.fixture
def memory() -> InMemory:
    return InMemory()


@pytest.fixture
def state(memory: InMemory) -> SessionState:
    """A session whose first image is complete and whose last has failed."""
    state = memory.complete(memory.begin(REQUEST), key="main", data=b"main picture" * 1000)
    return memory.fail(state, key="comparison")


@pytest.fixture
async def client(memory: InMemory) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(application(memory)) as client:
        yield client
