"""Reads shared by all who ask at the same time."""

import asyncio
import gc

import pytest

from service.shared_reads import SharedReads


class Source:
    """Answers with how often it was asked, when a test lets it."""

    def __init__(self) -> None:
        self.reads = 0
        self.may_answer = asyncio.Event()
        self.is_broken = False

    async def read(self, _key: str) -> int:
        self.reads += 1
        number = self.reads
        await self.may_answer.wait()
        if self.is_broken:
            raise OSError("broken")
        return number


async def asked(shared: SharedReads[str, int]) -> asyncio.Task[int]:
    """Ask, and return once the question is under way."""
    task = asyncio.create_task(shared.read("a session"))
    for _ in range(3):
        await asyncio.sleep(0)
    return task


async def test_many_who_ask_at_once_cost_two_reads() -> None:
    """Those who come while a read runs share the next one: the one that runs may have looked before they asked."""
    source = Source()
    shared = SharedReads(source.read)
    first = await asked(shared)
    others = [await asked(shared) for _ in range(100)]
    source.may_answer.set()
    assert 1 == await first
    assert {2} == set(await asyncio.gather(*others))
    assert 3 == await shared.read("a session")


async def test_one_who_gives_up_takes_nothing_from_others() -> None:
    """The read that they share goes on."""
    source = Source()
    shared = SharedReads(source.read)
    first = await asked(shared)
    second, third = await asked(shared), await asked(shared)
    first.cancel()
    second.cancel()
    source.may_answer.set()
    assert 2 == await third


async def test_everybody_is_told_what_went_wrong() -> None:
    """And the next one who asks has it read anew."""
    source = Source()
    shared = SharedReads(source.read)
    source.is_broken = True
    asking = [await asked(shared) for _ in range(3)]
    source.may_answer.set()
    for task in asking:
        with pytest.raises(OSError, match="broken"):
            await task
    source.is_broken = False
    assert 3 == await shared.read("a session")


@pytest.mark.parametrize("turns", range(8))
async def test_one_who_comes_while_hands_change(turns: int) -> None:
    """Whenever somebody asks, nobody waits in vain, and nobody gets what was read before they asked."""
    source = Source()
    shared = SharedReads(source.read)
    first, second = await asked(shared), await asked(shared)
    source.may_answer.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    reads_before = source.reads
    third = asyncio.create_task(shared.read("a session"))
    async with asyncio.timeout(5):
        answers = await asyncio.gather(first, second, third)
    assert answers[0] < answers[1]
    assert reads_before <= answers[2]
    assert source.reads + 1 == await shared.read("a session")


async def test_a_read_that_fails_when_nobody_waits_any_more_is_no_mishap() -> None:
    """Everybody who asked has gone: there is nobody to tell, and nothing for the log."""
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    source = Source()
    source.is_broken = True
    shared = SharedReads(source.read)
    for asking in [await asked(shared), await asked(shared)]:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    source.may_answer.set()
    for _ in range(20):
        await asyncio.sleep(0)
    del asking
    gc.collect()

    assert 2 == source.reads
    assert [] == told
