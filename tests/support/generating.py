"""The seed's two calls as a client makes them, against the whole product."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.support.product import Product

Json = dict[str, Any]
GENERATE = "/generate-movie-auto"
RETRY = "/retry-failed-story-sets"
ELSEWHERE = "ses-aaaaaaaaaaaaaaaa"
ROUND = timedelta(seconds=30)
PERMANENT = {"kind": "bad_request"}
TRANSIENT = {"kind": "server_error"}


async def failing(product: Product, faults: Mapping[str, Json], *, times: int | None = None) -> None:
    """Have calls fail whose prompt holds a text."""
    rules = [{"match": match, "fault": fault, **({"times": times} if times else {})} for match, fault in faults.items()]
    await product.faults({"seed": 1, "rules": rules})


async def posted(product: Product, path: str, body: Json, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await product.api.post(path, json=body, headers=named, timeout=ROUND.total_seconds())


async def generated(product: Product, *, sets: int = 3, **headers: str) -> Json:
    """Return the result of a story of two segments a set."""
    body = {"idea": "A lighthouse keeper finds a door in the sea", "total_segments": 2 * sets, "segments_per_set": 2}
    response = await posted(product, GENERATE, body, **headers)
    assert response.status_code == 200, response.text
    return result_in(response)


async def retried(product: Product, previous: Json, *, max_retries: int = 3, **headers: str) -> Json:
    response = await posted(product, RETRY, {"previous_result": previous, "max_retries": max_retries}, **headers)
    assert response.status_code == 200, response.text
    return result_in(response)


def result_in(response: httpx2.Response) -> Json:
    result: Json = response.json()
    assert f"/api/sessions/{result['session_id']}" == response.headers["location"]
    return result


def raw_sets(text: str) -> dict[int, str]:
    """Return the text of each set_data just as it stands in a response."""
    found: dict[int, str] = {}
    for match in re.finditer(r'"set_data":(?=\{)', text):
        value, end = json.JSONDecoder().raw_decode(text, match.end())
        found[value["set_number"]] = text[match.end() : end]
    return found


def are_files(result: Json) -> bool:
    """Whether every file of a result is there, in the folder that it names."""
    folder = Path(result["output_directory"])
    return all(Path(path).is_file() and Path(path).parent == folder for path in result["files_saved"])


def filed(entry: Json) -> str:
    """Return what is in the file of a set."""
    return Path(entry["file_path"]).read_text(encoding="utf-8")


def texts(result: Json) -> list[Json | None]:
    return [entry["set_data"] for entry in result["sets"]]


def statuses(result: Json) -> dict[int, str]:
    return {entry["set_number"]: entry["status"] for entry in result["sets"]}


async def attempts_at(product: Product, session_id: str, item: str) -> list[Json]:
    response = await product.api.get(f"/api/sessions/{session_id}/attempts")
    return [attempt for attempt in response.json()["attempts"] if attempt["item"] == item]


async def texts_asked_for(product: Product, *, since: int) -> list[str]:
    """Return which sets the provider was asked for since a number of calls."""
    asked = [json.dumps(call) for call in (await product.calls())[since:]]
    return sorted(match[0] for text in asked if (match := re.search(r"Set \d+ of \d+", text)))
