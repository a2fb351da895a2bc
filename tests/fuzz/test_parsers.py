"""Bytes from outside, as Atheris drives them into every branch of what reads them; with `make fuzz` alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.fuzz.api_fuzz import ROOT
from tests.fuzz.effort import LIMIT, SEED
from tests.unit.providers.asking_texts import completion, output_text, response
from tests.unit.sessions import story_examples as examples
from tests.unit.sessions.test_story_results import written
from tests.unit.storage.pictures import NOT_PICTURES, animation, photo, picture

_SECONDS: Final = 60
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_PICTURES: Final = [
    *(photo(form, orientation=6) for form in _FORMATS),
    *(picture(form, width=4, height=4) for form in _FORMATS),
    *(animation(form) for form in ("WEBP", "PNG")),
    *NOT_PICTURES.values(),
]
_REQUEST: Final = examples.request_of()
BEGINNINGS: Final[dict[str, list[bytes]]] = {
    "metadata": _PICTURES,
    "photo": _PICTURES,
    "story": [json.dumps(examples.set_answer(_REQUEST.plan, 1)).encode()],
    "answer": [json.dumps(body).encode() for body in (response(output_text()), completion())],
    "sent": [b'{"previous_result": %b, "max_retries": 3}' % written(), b"respond-async, wait=5"],
}
"""What each target begins with: whole inputs, from which Atheris goes on."""


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("target", BEGINNINGS)
def test_no_bytes_break_what_reads_them(tmp_path: Path, target: str) -> None:
    """Nothing but the refusals that are meant for it comes out, and nothing takes longer than ten seconds."""
    beginnings = tmp_path / "beginnings"
    beginnings.mkdir()
    for number, data in enumerate(BEGINNINGS[target]):
        (beginnings / str(number)).write_bytes(data)
    options = (f"-max_total_time={_SECONDS}", f"-seed={SEED % 2**31}", "-timeout=10", "-rss_limit_mb=2048")
    command = [sys.executable, "-m", "tests.fuzz.parsers", target, *options, f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run([*command, str(beginnings)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr[-4000:]
    print(f"{target}: {done.stderr.strip().splitlines()[-1]}")  # noqa: T201 - pytest -s: how much was tried
