import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from cli.output import plain

ROOT = Path(__file__).parents[3]


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


def printed_json(sent: bytes, *, in_terminal: bool) -> bytes:
    """Return what a program of its own prints."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from cli.output import print_json; print_json({sent!r})"
    command = [sys.executable, "-c", program]
    if not in_terminal:
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    primary, secondary = pty.openpty()
    subprocess.run(command, stdout=secondary, check=True, env={**os.environ, "PYTHONUTF8": "1"})
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
    assert sent + b"\n" == printed_json(sent, in_terminal=False)
    shown = printed_json(sent, in_terminal=True).decode()
    assert value == json.loads(shown)
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "ü 日本" in shown
