"""Every operation of the description, attacked by Schemathesis: no 500, nothing undescribed, nothing left behind."""

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.api_fuzz import Findings, close_everything, every_session, fuzzed, some_sessions
from tests.fuzz.effort import IS_LONG, LIMIT, SEED
from tests.support.product import Product, running_product

KEY = "a-key-of-the-fuzz-tests"
_QUICK = {"RETAKES_RETRY_WINDOW": "1s"}
# Systematic cases come on top of the examples, about a thousand over all operations.
_EXAMPLES = 300 if IS_LONG else 2
_FEWEST_CASES = 10_000 if IS_LONG else 1_000
_NEVER_ACCEPTED = {
    # Answers only to results that a session has made: tests/fuzz/test_sent_results.py sends those.
    "POST /retry-failed-story-sets",
    "POST /api/retry-failed-story-sets",
    # Calls nobody: only addresses of this machine are sent, which are refused.
    "POST /api/callbacks/test",
}


def check(findings: Findings) -> None:
    """Check that nothing was found."""
    assert [] == list(findings.found), findings.output
    print(f"{findings.cases} requests, seed {SEED}")  # noqa: T201 - pytest -s: how much was tried


async def check_nothing_broke(product: Product) -> None:
    """Check that no part of the product has logged an exception that nobody expected."""
    for name in ("api", "worker"):
        broken = [line for line in product.log(name).splitlines() if "Traceback" in line and "a request broke" in line]
        assert [] == broken


@pytest.mark.timeout(LIMIT)
async def test_whatever_is_sent_the_api_answers_as_it_says(tmp_path: Path) -> None:
    """Every operation, by itself and in sequences: described statuses, forms and types; all sessions end."""
    async with running_product(tmp_path, settings=_QUICK) as product:
        await some_sessions(product)
        findings = await fuzzed(product, examples=_EXAMPLES, seed=SEED, folder=tmp_path)
        check(findings)
        assert findings.cases >= _FEWEST_CASES
        before = Counter(session["status"] for session in await every_session(product))
        assert sum(before.values()) == await close_everything(product)
        await check_nothing_broke(product)
    if IS_LONG:
        unreached = {operation for operation, times in findings.accepted.items() if not times}
        assert unreached <= _NEVER_ACCEPTED, findings.output


@pytest.mark.timeout(LIMIT)
async def test_behind_a_key_the_api_answers_the_same_and_nobody_gets_in_without(tmp_path: Path) -> None:
    """Without a key everything but the health is 401 whatever is sent, and nothing starts."""
    async with running_product(tmp_path, settings={**_QUICK, "RETAKES_API_KEYS": KEY}) as product:
        phases = "fuzzing"
        findings = await fuzzed(product, examples=8, seed=SEED, folder=tmp_path, key=KEY, is_closed=True, phases=phases)
        check(findings)
        let_in = {operation for operation, times in findings.accepted.items() if times}
        assert let_in <= {"GET /health/live", "GET /health/ready"}
        product.api.headers["Authorization"] = f"Bearer {KEY}"
        assert [] == await every_session(product)
        if IS_LONG:
            await some_sessions(product)
            check(await fuzzed(product, examples=20, seed=SEED + 1, folder=tmp_path, key=KEY))
            await close_everything(product)
        await check_nothing_broke(product)
