"""A story as a PDF in the layout of a screenplay."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from screenplays.plain import plain
from screenplays.scenes import NARRATOR, CastMember, Scene, Sequence, cast, facts, sequences
from sessions.scripts import Story

DEADLINE = timedelta(minutes=5)
"""What typesetting may take; 10,000 segments take some seconds."""

_PROGRAM = Path(__file__).with_name("typesetting.py")
_PIECE = 1 << 18
# A word longer than a line of dialogue may be broken here; never before a mark that belongs to the letter before it.
_LONG_WORD = re.compile(r"(\S{30})(?=\w)")
_ZERO_WIDTH_SPACE = "\N{ZERO WIDTH SPACE}"


class TypesettingError(Exception):
    """The PDF could not be made. The message has the typesetter's own words."""


def write(story: Story) -> Iterator[bytes]:
    """Yield the PDF. Characters that no font of the machine has are shown as boxes.

    Typesetting runs in a process of its own: Typst keeps what it has laid out for as long as the process lives.

    Raises:
        TypesettingError: the typesetter failed or did not end within `DEADLINE`.
    """
    document = _typeset(json.dumps(_contents(story), ensure_ascii=False))
    for start in range(0, len(document), _PIECE):
        yield document[start : start + _PIECE]


def _typeset(contents: str) -> bytes:
    # Isolated, so that neither this folder (with its markdown.py) nor the environment decides what is imported.
    command = [sys.executable, "-I", str(_PROGRAM)]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; the story comes in as data
            command, input=contents.encode(), capture_output=True, check=True, timeout=DEADLINE.total_seconds()
        )
    except subprocess.CalledProcessError as error:
        last_lines = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise TypesettingError(f"The PDF could not be typeset: {' '.join(last_lines) or error}") from error
    except subprocess.TimeoutExpired as error:
        raise TypesettingError(f"The PDF was not typeset within {DEADLINE}.") from error
    return done.stdout


def _contents(story: Story) -> dict[str, object]:
    language, region = _language(story.generation_info.language)
    return {
        "title": _breakable(plain(story.title)),
        "summary": _breakable(plain(story.short_summary)),
        "description": _breakable(plain(story.description)),
        "language": language,
        "region": region,
        "facts": [{"label": label, "value": _breakable(value)} for label, value in facts(story)],
        "cast": [_member(member) for member in cast(story)],
        "sequences": [_sequence(sequence) for sequence in sequences(story)],
    }


def _member(member: CastMember) -> dict[str, str]:
    return {
        "name": _breakable(member.name),
        "role": _breakable(f", {member.role}") if member.role else "",
        "description": _breakable(f": {member.description}") if member.description else "",
    }


def _sequence(sequence: Sequence) -> dict[str, object]:
    return {
        "title": sequence.title,
        "absence": sequence.absence if sequence.made is None else "",
        "scenes": [_scene(scene) for scene in sequence.scenes],
    }


def _scene(scene: Scene) -> dict[str, object]:
    return {
        "number": scene.number,
        "heading": _breakable(scene.heading or f"SEGMENT {scene.number}"),
        "description": "".join(_breakable(text) for label, text in scene.action if not label),
        "details": [_breakable(f"{label}: {text}") for label, text in scene.action if label],
        "speeches": [
            {
                "cue": NARRATOR if speech.speaker is None else _breakable(speech.speaker.upper()),
                "text": _breakable(speech.text),
            }
            for speech in scene.speeches
        ],
        "transition": scene.transition,
        "closes": scene.closes,
    }


def _language(tag: str) -> tuple[str, str | None]:
    """Return the language and the country of a tag such as ``en-GB``; English for what is no such tag."""
    language, *others = tag.split("-")
    if not re.fullmatch("[A-Za-z]{2,3}", language):
        return "en", None
    region = next((other.upper() for other in others if re.fullmatch("[A-Za-z]{2}", other)), None)
    return language.lower(), region


def _breakable(text: str) -> str:
    return _LONG_WORD.sub(rf"\g<1>{_ZERO_WIDTH_SPACE}", text)
