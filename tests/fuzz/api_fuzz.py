"""Runs Schemathesis against the running product, and waits for what it started."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tests.fuzz.api_hooks import KNOWN_SESSIONS
from tests.fuzz.effort import IS_LONG
from tests.support.eventually import eventually
from tests.support.product import Product

ROOT: Final = Path(__file__).parents[2]
SETTLING: Final = timedelta(seconds=120)
_CLOSING: Final = timedelta(seconds=30)
_OPEN: Final = ("pending", "processing")

# What the description cannot say, such as which session is in which state, makes valid requests refused.
_UNCHECKED: Final = "positive_data_acceptance"
# Without a key there is nothing to find out about a resource: each answer is the refusal that `is_closed` asks for.
_REFUSALS: Final = "not_a_server_error,status_code_conformance,content_type_conformance,errors_are_problems"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What came of a run: how many requests were made, what they found, and where some were accepted."""

    cases: int
    found: Sequence[str]
    accepted: Mapping[str, int]
    output: str


async def fuzzed(
    product: Product,
    *,
    examples: int,
    seed: int,
    folder: Path,
    key: str | None = None,
    phases: str = "coverage,fuzzing,stateful",
    is_closed: bool = False,
) -> Findings:
    """Send generated requests to every operation except the endless stream of events.

    Args:
        product: what is attacked.
        examples: how many a phase generates for each operation at most, beside its systematic ones.
        seed: the same seed sends the same requests, as far as answers are the same.
        folder: where the report is written.
        key: the API key, if one is needed.
        phases: which ways of generating requests are gone.
        is_closed: send no key, and only check refusals.
    """
    described = folder / "openapi.json"
    authorised = {} if key is None else {"Authorization": f"Bearer {key}"}
    if not described.exists():
        described.write_text((await product.api.get("/api/openapi.json", headers=authorised)).text, encoding="utf-8")
    report = folder / f"schemathesis-{seed}-{'closed' if is_closed else 'open'}.json"
    checks = ("--checks", _REFUSALS) if is_closed else ("--exclude-checks", _UNCHECKED)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
        *("run", str(described), "--url", str(product.api.base_url)),
        *("--exclude-path-regex", "/events$"),
        *("--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--workers", "2"),
        *(("--generation-database", "none") if IS_LONG else ("--generation-deterministic",)),
        *("--no-shrink", "--continue-on-failure"),
        *("--suppress-health-check", "all", "--request-timeout", "30"),
        *("--report", "json", "--report-json-path", str(report)),
        *(() if key is None or is_closed else ("--header", f"Authorization: Bearer {key}")),
        *checks,
        cwd=ROOT,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.fuzz.api_hooks",
            KNOWN_SESSIONS: json.dumps({} if is_closed else await _known_items(product)),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode(errors="replace")
    assert report.is_file(), output
    told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    assert told["complete"], output
    return Findings(
        cases=told["test_cases"]["generated"],
        found=[f"{failure['title']}: {', '.join(failure['operations'])}" for failure in told["failures"]]
        + [str(error) for error in told["errors"]],
        accepted={
            operation: sum(phase["accepted"] for phase in phases.values())
            for operation, phases in told["valid_rates"].items()
        },
        output=output,
    )


async def some_sessions(product: Product) -> None:
    """Have sessions in every state: complete, partial, failed, waiting for an approval, paused and cancelled."""
    refusal = {"kind": "moderation", "categories": ["violence"]}
    plan = {"seed": 1, "rules": [{"match": "unlucky", "fault": refusal}, {"match": "Set 2 of 3", "fault": refusal}]}
    await product.faults(plan)
    small = {"size": "256x256", "quality": "low"}
    settling = [
        await product.start_images(**small),
        await product.start_images(**small, images=[{"type": "main"}, {"type": "lifestyle", "note": "unlucky"}]),
        await product.start_images(product={"title": "An unlucky bottle"}, **small),
        await _story(product, total_segments=4),
        await _story(product, total_segments=6),
    ]
    for session in settling:
        await product.settled(session)
    await _story(product, total_segments=4, approve_outline=True)
    paused = await product.start_images(**small, budget_usd=0)
    assert (await product.api.post(f"/api/sessions/{paused}/pause")).status_code == 202
    cancelled = await product.start_images(**small, budget_usd=0)
    assert (await product.api.post(f"/api/sessions/{cancelled}/cancel")).status_code == 202


async def close_everything(product: Product) -> int:
    """Wait for what nobody holds, cancel the rest, and return how many sessions there are once all have closed."""
    assert (await product.api.put("/api/rates", json={"images_per_minute": None})).status_code == 200
    await product.faults({})
    for session in await every_session(product):
        if session["status"] in _OPEN and session["paused"]:
            await product.api.post(f"/api/sessions/{session['id']}/resume")

    async def only_those_that_wait() -> bool:
        working = [session for session in await every_session(product) if session["status"] in _OPEN]
        stuck = [session for session in working if session["counts"]["processing"] or not _is_held(session)]
        assert not stuck, [(session["id"], session["message"]) for session in stuck]
        return True

    pause = timedelta(milliseconds=500)
    await eventually(only_those_that_wait, timeout=SETTLING, interval=pause)
    for session in await every_session(product):
        if session["status"] in _OPEN:
            answer = await product.api.post(f"/api/sessions/{session['id']}/cancel")
            assert answer.status_code in (202, 409), answer.text

    async def all_closed() -> int:
        sessions = await every_session(product)
        lasting = [(session["id"], session["message"]) for session in sessions if session["closed_at"] is None]
        assert not lasting, lasting[:5]
        return len(sessions)

    return await eventually(all_closed, timeout=_CLOSING, interval=pause)


async def every_session(product: Product) -> list[dict[str, Any]]:
    """Return every session there is, as the list shows them."""
    sessions: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = {"limit": "100", **({"cursor": cursor} if cursor else {})}
        page = (await product.api.get("/api/sessions", params=query)).json()
        sessions += page["sessions"]
        if (cursor := page["next_cursor"]) is None:
            return sessions


def _is_held(session: Mapping[str, Any]) -> bool:
    """Whether a session that does nothing says what it waits for."""
    return any(word in session["message"] for word in ("approv", "budget", "monthly"))


async def _story(product: Product, **request: Any) -> str:
    body = {"idea": "A lighthouse keeper finds a door in the sea", "segments_per_set": 2, **request}
    response = await product.api.post("/api/sessions/stories", json=body)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def _known_items(product: Product) -> dict[str, list[str]]:
    """Return the keys of the items of each session."""
    return {session["id"]: [item["key"] for item in session["items"]] for session in await every_session(product)}
