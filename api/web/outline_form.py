"""An outline as a form: what stands in its fields, what was typed into them, and which of them is wrong."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from pydantic import ValidationError

from api.validation import RawError, described
from sessions.outlines import OutlineDecision, SentOutline
from sessions.scripts import Character, Outline, SetOutline
from sessions.stories import MAX_OWN_CHARACTERS

TEXTS: Final = ("title", "short_summary", "description", "narrator_voice")
TRAITS: Final = ("physical_appearance", "clothing", "personality", "role", "voice", "description")

_HASHTAGS: Final = "hashtags"
_CHARACTER_FIELD: Final = "character-"
_CHARACTERS: Final = "characters"
_ANYWHERE: Final = ""
_SET_TEXTS: Final = ("beats", "begins", "ends")
_FIELD: Final = re.compile(
    rf"{'|'.join(TEXTS)}|hashtags"
    rf"|character-(?P<row>[1-9]|1[0-9]|20)-(?:id|name|out|{'|'.join(TRAITS)})"
    rf"|set-(?P<set>[1-9][0-9]{{0,3}})-(?:{'|'.join(_SET_TEXTS)})"
)
_BETWEEN_HASHTAGS: Final = re.compile(r"[\s,;]+")
_FIELD_NAMED: Final = re.compile(r"leaves (.+) blank|has an? (.+) of [\d,]+ characters|in its (.+)$")
_CHARACTER: Final = re.compile(r"Character (\d+) ")
_SET: Final = re.compile(r"Set (\d+) ")


class MistakenFormError(Exception):
    """What was typed is no outline; ``mistakes`` says what is wrong, by the name of the field."""

    def __init__(self, mistakes: Mapping[str, str]) -> None:
        super().__init__("Some of the fields need another look.")
        self.mistakes = mistakes


@dataclass(frozen=True, kw_only=True)
class OutlineForm:
    """The fields of an outline, by name. Names tell of places: ``character-2-voice``, ``set-3-beats``.

    ``rows`` numbers the characters, the last of which is there to be filled in; ``sets`` those that can be changed.
    """

    texts: Mapping[str, str]
    rows: Sequence[int]
    sets: Sequence[int]
    mistakes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, outline: Outline) -> "OutlineForm":
        """Return the form of an outline as it stands. The sets of one in parts are too many to be changed in a form."""
        texts = {name: _normal(getattr(outline, name)) for name in TEXTS}
        texts[_HASHTAGS] = " ".join(outline.hashtags)
        for row, character in enumerate(outline.characters_roster, start=1):
            texts |= {f"character-{row}-id": character.id, f"character-{row}-name": _normal(character.name)}
            texts |= {f"character-{row}-{trait}": _normal(getattr(character, trait) or "") for trait in TRAITS}
        sets = () if outline.parts else outline.sets
        for one in sets:
            texts[f"set-{one.set_number}-beats"] = "\n".join(map(_normal, one.beats))
            texts |= {f"set-{one.set_number}-{name}": _normal(getattr(one, name)) for name in ("begins", "ends")}
        rows = range(1, min(len(outline.characters_roster) + 1, MAX_OWN_CHARACTERS) + 1)
        return cls(texts=texts, rows=rows, sets=[one.set_number for one in sets])

    @classmethod
    def sent(cls, data: Mapping[str, str]) -> "OutlineForm":
        """Return the form as somebody sent it. What is no field of an outline is left out."""
        texts: dict[str, str] = {}
        rows: set[int] = set()
        sets: set[int] = set()
        for name, text in data.items():
            if found := _FIELD.fullmatch(name):
                texts[name] = _normal(text)
                rows |= {int(row) for row in [found["row"]] if row}
                sets |= {int(number) for number in [found["set"]] if number}
        return cls(texts=texts, rows=sorted(rows), sets=sorted(sets))

    def over(self, outline: Outline) -> "OutlineForm":
        """Return the form with what stands in an outline where a field was not sent."""
        standing = OutlineForm.of(outline)
        is_cast_sent = bool(self.rows)
        kept = {
            name: text
            for name, text in standing.texts.items()
            if not (is_cast_sent and name.startswith(_CHARACTER_FIELD))
        }
        sent = {name: text for name, text in self.texts.items() if name in kept or name.startswith(_CHARACTER_FIELD)}
        return OutlineForm(texts={**kept, **sent}, rows=self.rows or standing.rows, sets=standing.sets)

    def with_mistakes(self, mistakes: Mapping[str, str]) -> "OutlineForm":
        """Return the form with what is wrong in it."""
        return OutlineForm(texts=self.texts, rows=self.rows, sets=self.sets, mistakes=mistakes)

    def text(self, name: str) -> str:
        """Return what stands in a field."""
        return self.texts.get(name, "")

    def is_open(self, row: int) -> bool:
        """Whether a character is to be looked at: something is wrong there, or somebody comes or goes."""
        place = f"{_CHARACTER_FIELD}{row}-"
        is_new = not self.text(f"{place}id") and row in self._cast
        return is_new or bool(self.text(f"{place}out")) or any(name.startswith(place) for name in self.mistakes)

    def decision(self, outline: Outline) -> OutlineDecision:
        """Return what somebody decides who sends this form: the outline as it stands, or with what they changed.

        To be asked of a form that is whole, as `over` makes it. What was not changed stays to the letter, whatever
        browsers do to line ends.

        Raises:
            MistakenFormError: something in it cannot be.
        """
        standing = OutlineForm.of(outline)
        if self._is_as_in(standing, *self.texts, *standing.texts):
            return OutlineDecision(approve=True)
        texts: dict[str, object] = {
            name: getattr(outline, name) if self._is_as_in(standing, name) else self.text(name) for name in TEXTS
        }
        hashtags: Iterable[str] = filter(None, _BETWEEN_HASHTAGS.split(self.text(_HASHTAGS)))
        kept = self._is_as_in(standing, _HASHTAGS)
        try:
            sent = SentOutline.model_validate(
                {
                    **texts,
                    _HASHTAGS: outline.hashtags if kept else tuple(hashtags),
                    "characters_roster": tuple(self._character(row) for row in self._cast),
                    "sets": tuple(self._set(one, standing=standing) for one in outline.sets),
                    "parts": outline.parts,
                }
            )
        except ValidationError as error:
            raw_errors = cast(list[RawError], error.errors(include_url=False, include_input=False))
            raise MistakenFormError(_first_of_each((self._place(raw), described(raw)) for raw in raw_errors)) from error
        return OutlineDecision(outline=sent)

    def mistakes_of(self, problems: Iterable[str]) -> Mapping[str, str]:
        """Return problems of the outline that a whole form stands for, by the fields that they are about."""
        return _first_of_each((self._field_of(problem), problem) for problem in problems)

    @property
    def _cast(self) -> Sequence[int]:
        """The rows of those who are in the story: rows that say something and are not to be taken out."""
        return [
            row
            for row in self.rows
            if not self.text(f"character-{row}-out")
            and any(self.text(f"character-{row}-{name}") for name in ("name", *TRAITS))
        ]

    def _is_as_in(self, other: "OutlineForm", *names: str) -> bool:
        return all(self.text(name) == other.text(name) for name in names)

    def _character(self, row: int) -> Character:
        traits = {trait: self.text(f"character-{row}-{trait}") for trait in TRAITS}
        return Character(
            id=self.text(f"character-{row}-id"),
            name=self.text(f"character-{row}-name"),
            **{**traits, "description": traits["description"] or None},
        )

    def _set(self, outlined: SetOutline, *, standing: "OutlineForm") -> SetOutline:
        number = outlined.set_number
        if number not in self.sets or self._is_as_in(standing, *(f"set-{number}-{name}" for name in _SET_TEXTS)):
            return outlined
        return SetOutline(
            set_number=number,
            beats=tuple(line for line in self.text(f"set-{number}-beats").splitlines() if line.strip()),
            begins=self.text(f"set-{number}-begins"),
            ends=self.text(f"set-{number}-ends"),
        )

    def _place(self, raw: RawError) -> str:
        name = str(raw["loc"][0]) if raw["loc"] else _ANYWHERE
        return name if name in (*TEXTS, _HASHTAGS) else _CHARACTERS if name == "characters_roster" else _ANYWHERE

    def _field_of(self, problem: str) -> str:
        named = _FIELD_NAMED.search(problem)
        name = next((group for group in named.groups() if group), "").replace(" ", "_") if named else ""
        if found := _SET.match(problem):
            place = f"set-{found[1]}-{name if name in ('begins', 'ends') else 'beats'}"
            return place if place in self.texts else _ANYWHERE
        if found := _CHARACTER.match(problem):
            # Problems count those who are in the story; rows that were taken out are not among them.
            row = self._cast[int(found[1]) - 1]
            return f"character-{row}-{name if name in TRAITS else 'name'}"
        if "title" in problem:
            return "title"
        if "hashtags" in problem:
            return _HASHTAGS
        if "characters instead of" in problem or problem.startswith("Several characters"):
            return _CHARACTERS
        return name if name in TEXTS else _ANYWHERE


def _normal(text: str) -> str:
    """Return a text with the line ends of a text: browsers send those of the network."""
    return "\n".join(text.splitlines()).strip()


def _first_of_each(mistakes: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    told: dict[str, str] = {}
    for place, words in mistakes:
        sentence = f"{words[:1].upper()}{words[1:]}."
        # What belongs to no field is told together.
        told[place] = f"{told[place]} {sentence}" if place == _ANYWHERE and place in told else told.get(place, sentence)
    return told
