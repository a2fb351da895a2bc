import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from cli.output import plain

ROOT = Path(__file__).parents[3]
FULL = Path("/dev/full")
HELP = [sys.executable, "-m", "cli.app", "--help"]
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Steel bottle, 24 h", "Steel bottle, 24 h"),
        ("two\r\nlines\tand\u2028more", "two  lines and more"),
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),
        ("\x9b31m", "�31m"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("\U000e0041tag", "�tag"),
        ("עברית", "עברית"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("日本語", "日本語"),
    ],
)
def test_nothing_that_a_terminal_would_obey_gets_through(text: str, expected: str) -> None:
    """What would steer a terminal is replaced, every script and joined emoji pass."""
    assert expected == plain(text)


def printed(call: str, *, in_terminal: bool, columns: int = 80) -> bytes:
    """Return what a program of its own prints."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from cli import output; output.{call}"
    command = [sys.executable, "-c", program]
    if not in_terminal:
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    primary, secondary = pty.openpty()
    environment = {**os.environ, "PYTHONUTF8": "1", "TERM": "xterm", "COLUMNS": str(columns)}
    subprocess.run(command, stdout=secondary, check=True, env=environment)
    os.close(secondary)
    data = b""
    try:
        while part := os.read(primary, 65_536):
            data += part
    except OSError:  # on Linux, the end
        pass
    os.close(primary)
    return data


def test_json_is_the_very_bytes_for_programs_and_the_same_value_for_terminals() -> None:
    """A program gets what the server sent; a terminal gets JSON of the same value that cannot steer it."""
    value = {"title": "\x9b31m \u202e ü 日本 \U000e0041", "pretty": ["a", 1]}
    sent = json.dumps(value, ensure_ascii=False).encode()
    assert sent + b"\n" == printed(f"print_json({sent!r})", in_terminal=False)
    shown = printed(f"print_json({sent!r})", in_terminal=True).decode()
    assert value == json.loads(shown)
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "ü 日本" in shown


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            80,
            """
            ID                    STATUS    TITLE
            ses-aaaabbbbccccdddd  complete  A bottle of steel for walkers
            ses-eeeeffffgggghhhh  failed
            """,
        ),
        (
            40,
            """
            ID                    STATUS
              TITLE
            ses-aaaabbbbccccdddd  complete
              A bottle of steel for walkers
            ses-eeeeffffgggghhhh  failed
            """,
        ),
    ],
)
def test_no_id_is_cut_off_in_a_narrow_terminal(columns: int, expected: str) -> None:
    """The longest text has its own line where there is no room for it beside the others."""
    rows = [
        ("ses-aaaabbbbccccdddd", "complete", "A bottle of steel for walkers"),
        ("ses-eeeeffffgggghhhh", "failed", ""),
    ]
    call = f"print_table(('ID', 'STATUS', 'TITLE'), {rows!r})"
    shown = re.sub(r"\x1b\[\d*m", "", printed(call, in_terminal=True, columns=columns).decode())
    assert dedent(expected).strip().splitlines() == [line.rstrip() for line in shown.splitlines()]


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_output_that_cannot_be_written_is_told_in_one_line() -> None:
    """A full disk is nobody's bug."""
    with FULL.open("wb") as full:
        ended = subprocess.run(
            HELP, check=False, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=BUFFERED
        )
    assert (2, "retakes: the output cannot be written: No space left on device\n") == (ended.returncode, ended.stderr)


def test_whoever_reads_no_further_hears_no_complaint() -> None:
    """As `retakes list | head` does."""
    end, beginning = os.pipe()
    os.close(end)
    ended = subprocess.run(HELP, check=False, stdout=beginning, stderr=subprocess.PIPE, cwd=ROOT, env=BUFFERED)
    os.close(beginning)
    assert (1, b"") == (ended.returncode, ended.stderr)
