"""The recorder of terminals, as a process, on small programs that do what ours do on a screen."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"

IN_COLOUR = r"""
import os, sys
assert os.isatty(1)
print("\x1b[1;32mready\x1b[0m", os.get_terminal_size().columns, "<&>")
sys.exit(3)
"""
REDRAWN = r"""
import sys, time
for step in range(6):
    print(f"\r\x1b[2Kstep {step}", end="", flush=True)
    time.sleep(0.15)  # longer than the rest after which the recorder looks
print()
"""
ENDLESS = r"""
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(print("ended")))
print("serving", flush=True)
while True: signal.pause()
"""


def record(program: str, *options: str, out: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "docs" / "record.py"), str(out), "--show", "retakes", *options]
    return subprocess.run(
        [*command, "--", sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def texts(node: ElementTree.Element) -> list[str]:
    return [(text.text or "").replace("\xa0", " ").strip() for text in node.iter(f"{SVG}text")]


def test_a_still_picture_shows_the_end_in_colour(tmp_path: Path) -> None:
    """A terminal of the asked width, the command line above, the exit code passed on; no fonts, scripts, addresses."""
    out = tmp_path / "out.svg"
    ended = record(IN_COLOUR, "--columns", "70", out=out)
    assert (3, "", "") == (ended.returncode, ended.stdout, ended.stderr)
    svg = out.read_text()
    drawn = ElementTree.fromstring(svg)
    assert ["$ retakes", "ready", "70 <&>"] == texts(drawn)
    assert re.search(r"fill: #98a84b;font-weight: bold", svg)
    assert not re.search(r"@font-face|<script|url\(|https?://(?!www\.w3\.org/2000/svg)|@keyframes", svg)


def test_key_frames_are_shown_in_turn(tmp_path: Path) -> None:
    """Not more of them than asked for, what is drawn over is gone, and the last shows the end."""
    out = tmp_path / "out.svg"
    assert 0 == record(REDRAWN, "--frames", "3", out=out).returncode
    svg = out.read_text()
    frames = [node for node in ElementTree.fromstring(svg).iter(f"{SVG}g") if node.get("class") == "frame"]
    assert 3 == len(frames) == svg.count("@keyframes")
    assert ["$ retakes", "step 5"] == texts(frames[-1])
    assert all(2 >= len(texts(frame)) for frame in frames)


def test_what_serves_for_ever_is_ended_at_a_text(tmp_path: Path) -> None:
    """Ctrl-C, once the text is on the screen; ending so is no failure."""
    out = tmp_path / "out.svg"
    assert 0 == record(ENDLESS, "--until", "serving", out=out).returncode
    assert ["$ retakes", "serving"] == texts(ElementTree.fromstring(out.read_text()))
