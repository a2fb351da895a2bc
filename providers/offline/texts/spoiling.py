"""Breaking the rules of a story on purpose."""

from collections.abc import Mapping
from typing import Literal

from providers.offline.dice import Dice
from providers.offline.texts.briefs import SetBrief
from providers.offline.texts.outlines import OutlineDocument, Sets, WithParts, WithSets
from providers.offline.texts.scripts import Line, Segment, SetDocument

Mistake = Literal["too_few", "wrong_numbers", "both", "too_many_words", "unknown_character", "no_title", "not_closed"]
_ANYWHERE: tuple[Mistake, ...] = (
    "too_few",
    "wrong_numbers",
    "both",
    "too_many_words",
    "unknown_character",
    "not_closed",
)
_LONG_BREATH = " ".join(["and so it went on, as such things do,"] * 5)
_STRANGER = "nobody-we-know"


def spoilt_outline(document: OutlineDocument | Sets) -> OutlineDocument | Sets:
    """Return an outline with a set, or a part, too few."""
    match document:
        case WithSets() | Sets():
            return document.model_copy(update={"sets": document.sets[:-1]})
        case WithParts():
            return document.model_copy(update={"parts": document.parts[:-1]})
        case _:
            return document


def spoilt_set(document: SetDocument, *, brief: SetBrief, what: Mistake | None, seed: str) -> SetDocument:
    """Return a set with a mistake in it; without one named, the seed text chooses among those that fit the set."""
    possible = (*_ANYWHERE, "no_title") if brief.number == 1 else _ANYWHERE
    mistake = what or Dice(seed).pick("mistake", possible)
    segments = document.segments
    if not segments or mistake not in possible:
        return document
    if mistake == "too_few":
        return SetDocument(segments=segments[:-1])
    first, middle, last = 0, len(segments) // 2, len(segments) - 1
    position, update = {
        "wrong_numbers": (last, {"number": segments[last].number + 1}),
        "both": (middle, _both(segments[middle])),
        "too_many_words": (middle, {"content_type": "narration", "narration": _LONG_BREATH, "dialogue": ()}),
        "unknown_character": (middle, {"characters_present": (_STRANGER,)}),
        "no_title": (first, _untitled(segments[first])),
        "not_closed": (last, {"transition": "cut" if brief.number == brief.total_sets else "end"}),
    }[mistake]
    changed = [*segments]
    changed[position] = segments[position].model_copy(update=update)
    return SetDocument(segments=tuple(changed))


def _both(segment: Segment) -> Mapping[str, object]:
    speaker = next(iter(segment.characters_present), _STRANGER)
    return {
        "narration": segment.narration or "Nobody hears what is said next.",
        "dialogue": segment.dialogue or (Line(character_id=speaker, line="Did somebody speak?"),),
    }


def _untitled(segment: Segment) -> Mapping[str, object]:
    narration = None if segment.narration is None else "It is early, and the town is still asleep."
    return {"scene": "A street, early in the morning. Nothing moves.", "narration": narration}
