"""A desk of its own for every test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.unit.activities.desk import Desk


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    await made.ledger.close()
