"""A story as Markdown (CommonMark), with word counts and running times."""

import re
from collections.abc import Iterator

from screenplays.plain import plain
from screenplays.scenes import NARRATOR, Scene, Sequence, cast, facts, running_time, sequences
from sessions.scripts import Story

_INLINE = re.compile(r"[\\`*_\[\]<>&~|$]")
_AT_START = re.compile(r"^(?:[#+\-=:!]|\d+(?=[.)]))")


def write(story: Story) -> Iterator[bytes]:
    """Yield the story set by set; every block begins on a line of its own with an empty line after it."""
    yield _encoded(_front(story))
    for sequence in sequences(story):
        yield _encoded(_sequence(sequence))


def _front(story: Story) -> Iterator[str]:
    yield f"# {_escaped(story.title)}"
    for text in (story.short_summary, story.description):
        if plain(text):
            yield _escaped(text)
    yield "\n".join(f"- **{label}:** {_escaped(value)}" for label, value in facts(story))
    yield "## Cast"
    for member in cast(story):
        role = f" ({_escaped(member.role)})" if member.role else ""
        description = f": {_escaped(member.description)}" if member.description else ""
        yield f"- **{_escaped(member.name)}**{role}{description}"


def _sequence(sequence: Sequence) -> Iterator[str]:
    yield f"## {sequence.title}"
    if sequence.made is None:
        yield f"> **{sequence.absence}**"
        return
    yield f"{sequence.made.word_count} words, {running_time(sequence.made.duration_seconds)}"
    for scene in sequence.scenes:
        yield from _scene(scene)


def _scene(scene: Scene) -> Iterator[str]:
    yield f"### Segment {scene.number}" + (f": {_escaped(scene.heading)}" if scene.heading else "")
    for label, text in scene.action:
        yield f"*{label}:* {_escaped(text)}" if label else _escaped(text)
    for speech in scene.speeches:
        yield f"> **{NARRATOR if speech.speaker is None else _escaped(speech.speaker)}**\\\n> {_escaped(speech.text)}"
    yield f"*{scene.transition}*"


def _escaped(text: str) -> str:
    """Return the text so that Markdown shows it as it is, wherever in a line it stands."""
    escaped = _INLINE.sub(r"\\\g<0>", plain(text))
    return _AT_START.sub(lambda start: _without_effect(start.group()), escaped)


def _without_effect(start: str) -> str:
    # A number cannot be escaped; the full stop after it can, and is what makes a list of it.
    return f"{start}\\" if start.isdigit() else f"\\{start}"


def _encoded(blocks: Iterator[str]) -> bytes:
    return "".join(f"{block}\n\n" for block in blocks).encode()
