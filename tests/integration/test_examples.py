"""The examples, run as people run them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.product import Product, free_port, running_product

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]
RETRY_LOGIC = ROOT / "examples" / "test_retry_logic.py"
STANDING = {"seed": 5, "rules": [{"match": "something nobody asks for", "times": 2, "fault": "auth"}]}
"""A fault plan that somebody has set before."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with running_product(tmp_path_factory.mktemp("product")) as product:
        yield product


async def run(*arguments: str | Path, **variables: str) -> tuple[int | None, str]:
    """Run Python with arguments; return its exit status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(argument) for argument in arguments),
        cwd=ROOT,
        env=os.environ | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


def addresses(product: Product) -> list[str]:
    """Return the options that say where a product is."""
    return ["--url", str(product.api.base_url), "--provider", product.provider_url]


async def test_the_retry_logic_is_shown(product: Product) -> None:
    """The seed's script holds against the product, says so, and leaves the provider as it was."""
    await product.faults(STANDING)
    before = (await product.provider.get("/faults")).json()
    status, output = await run(RETRY_LOGIC, *addresses(product))
    assert 0 == status, output
    assert "[ok] finished sets come back byte for byte" in output
    assert "[ok] each file holds the set that the result holds" in output
    assert "[ok] max_retries 11 is refused in plain words" in output
    assert "[NO]" not in output
    assert before == (await product.provider.get("/faults")).json()


async def test_the_retry_logic_is_a_test_where_the_product_runs(product: Product) -> None:
    """`pytest examples` runs the demonstration against the ports that the settings name."""
    await product.faults({"seed": 1})
    ports = {name: value for name, value in product.environment.items() if name.endswith("_PORT")}
    status, output = await run("-m", "pytest", "-q", "-p", "no:cacheprovider", RETRY_LOGIC, **ports)
    assert 0 == status, output
    assert "1 passed" in output


async def test_the_examples_are_skipped_where_nothing_runs() -> None:
    """`pytest examples` on a machine without a product says what to start, and fails nobody."""
    nowhere = {"RETAKES_API_PORT": str(free_port()), "RETAKES_OFFLINE_PORT": str(free_port())}
    status, output = await run("-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "examples", **nowhere)
    assert 0 == status, output
    assert "1 skipped" in output
    assert "start it with `make run`" in output


async def test_a_demonstration_without_a_product_says_what_to_start() -> None:
    """It ends with 1 and in plain words, without a traceback."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, output = await run(RETRY_LOGIC, "--url", nowhere, "--provider", nowhere)
    assert 1 == status
    assert "Is `make run` running" in output
    assert "Traceback" not in output


async def test_a_demonstration_that_breaks_off_puts_the_fault_plan_back(product: Product) -> None:
    """Whoever points it at a product that is not there keeps a provider that works as before."""
    await product.faults(STANDING)
    before = (await product.provider.get("/faults")).json()
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, _ = await run(RETRY_LOGIC, "--url", nowhere, "--provider", product.provider_url)
    assert 1 == status
    assert before == (await product.provider.get("/faults")).json()


async def test_the_retry_logic_needs_nothing_but_python() -> None:
    """The script imports the standard library alone, so any Python runs it."""
    status, output = await run("-I", "-S", RETRY_LOGIC, "--help")
    assert 0 == status, output
    assert "--provider" in output
