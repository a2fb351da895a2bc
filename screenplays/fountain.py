"""A story as Fountain, the plain-text form that screenwriting programs exchange.

Every element is written in its forced spelling unless its text is ours or surely reads the same without, so that no
sentence of a story is taken for a heading, a cue or a transition. What Fountain has no escape for is parted by a
word joiner, which is not seen.
"""

import re
from collections.abc import Iterator

from screenplays.plain import plain
from screenplays.scenes import NARRATOR, Scene, Sequence, begins_like_a_heading, cast, facts, sequences
from sessions.scripts import Story

JOINER = "\N{WORD JOINER}"

# A backslash is only an escape before one of these; elsewhere, and for some readers always, it stands for itself.
_EMPHASIS = re.compile(r"[*_]|\\(?=[\\*_])")
_NOTES_AND_BONEYARD = re.compile(r"\[(?=\[)|\](?=\])|/(?=\\?\*)|\*(?=/)")
_CUE_AS_IT_IS = re.compile(r"(?!(?:INT|EXT|EST)\b)[A-Z][A-Z0-9 '-]*")


def write(story: Story) -> Iterator[bytes]:
    """Yield the story set by set: a title page, what is known of it, the cast, then a section for each set."""
    yield _title_page(story).encode()
    yield _encoded(_front(story))
    for sequence in sequences(story):
        yield _encoded(_sequence(sequence))


def _title_page(story: Story) -> str:
    # Keys of one word, since readers differ about longer ones. Beside its key a value cannot be taken for an element
    # of the script, as it can on a line of its own.
    values = (("Title", story.title), ("Notes", story.short_summary), ("Language", story.generation_info.language))
    return "".join(f"{key}: {_escaped(value)}\n" for key, value in values if plain(value)) + "\n"


def _front(story: Story) -> Iterator[str]:
    yield "# Story"
    if plain(story.description):
        yield f"!{_escaped(story.description)}"
    for label, value in facts(story):
        yield f"!{label}: {_escaped(value)}"
    yield "# Cast"
    for member in cast(story):
        role = f", {_escaped(member.role)}" if member.role else ""
        description = f": {_escaped(member.description)}" if member.description else ""
        yield f"!{_escaped(member.name)}{role}{description}"
    yield "==="


def _sequence(sequence: Sequence) -> Iterator[str]:
    yield f"# {sequence.title}"
    if sequence.made is None:
        yield f"!{sequence.absence}"
    for scene in sequence.scenes:
        yield from _scene(scene)


def _scene(scene: Scene) -> Iterator[str]:
    # Of two number signs in a heading, some readers take all that is between for the number of the scene.
    is_heading = "#" not in scene.heading
    yield _heading(scene.heading if is_heading else "", number=scene.number)
    if not is_heading:
        yield f"!{_escaped(scene.heading)}"
    for label, text in scene.action:
        yield f"!{label}: {_escaped(text)}" if label else f"!{_escaped(text)}"
    for speech in scene.speeches:
        cue = NARRATOR if speech.speaker is None else _cue(speech.speaker)
        yield f"{cue}\n{_dialogue(speech.text)}"
    yield f"> {scene.transition} <" if scene.closes else f"> {scene.transition}"


def _heading(text: str, *, number: int) -> str:
    if begins_like_a_heading(text):
        return f"{_escaped(text)} #{number}#"
    # The forced spelling needs a letter or digit after its point, which some readers look for in ASCII only.
    return f".Segment {number}{f': {_escaped(text)}' if text else ''} #{number}#"


def _cue(name: str) -> str:
    if not any(character.isalpha() for character in name.partition("(")[0]):
        return _cue(f"Speaker {name}")  # a cue has to have a letter, and what stands in parentheses is no name
    if _CUE_AS_IT_IS.fullmatch(name.upper()):
        return name.upper()
    # At the end a caret would set the speech beside the one before.
    return f"@{_escaped(name)}{JOINER if name.endswith('^') else ''}"


def _dialogue(text: str) -> str:
    # Whatever could make an element of its own of the line needs its beginning or capitals throughout.
    is_harmless = text[0].isalpha() and not text.isupper() and not begins_like_a_heading(text)
    return _escaped(text) if is_harmless else f"{JOINER}{_escaped(text)}"


def _escaped(text: str) -> str:
    parted = _NOTES_AND_BONEYARD.sub(rf"\g<0>{JOINER}", plain(text))
    return _EMPHASIS.sub(r"\\\g<0>", parted)


def _encoded(blocks: Iterator[str]) -> bytes:
    return "".join(f"{block}\n\n" for block in blocks).encode()
