"""Who is in a story: the characters that a person brings along stay as given, the others are the model's."""

import re
import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import chain

from sessions.scripts import Character
from sessions.stories import OwnCharacter
from sessions.story_answers import is_blank, many_lines, objects, one_line
from sessions.story_limits import MAX_ID_CHARACTERS, roster_limits

_TRAITS = ("physical_appearance", "clothing", "personality", "role", "voice")
_USABLE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
_SLUG_CHARACTERS = 40

AS_DESCRIBED = "as described"
"""Stands for a trait that neither the person nor the model wrote, when the person described the character."""
LEFT_OPEN = "not described"
"""Stands for a trait that nobody wrote, of a character whom nobody described."""


def roster_of(answer: object, *, given: Sequence[OwnCharacter]) -> tuple[Character, ...]:
    """Return the characters of a story: those that a person brought along first, then the model's.

    Of a person's character every field that was given stands as it was given, and the rest is taken from what the
    model wrote under the same name or id; where it wrote nothing, ``as described`` or ``not described`` stands. A cast
    that leaves no room for others stays among itself. Whom the model wrote twice, under one name, is there once.
    Traits of the model's own characters may come out blank.

    Args:
        answer: what the model wrote for ``characters``, of whatever shape.
        given: the person's characters.
    """
    written = [_draft(entry) for entry in objects(answer)]
    ids = {character.id for character in given if character.id}
    names = {_folded(character.name) for character in given}
    roster: list[Character] = []
    for own in given:
        own_id = own.id or unused_id(own.name, taken=ids, position=len(roster) + 1)
        draft = _draft_of(own, own_id=own_id, written=written, names=names)
        written = [other for other in written if other is not draft]
        roster.append(_completed(own, own_id=own_id, draft=draft))
        ids.add(own_id)
    if len(given) >= roster_limits(len(given))[1]:
        return tuple(roster)
    for draft in written:
        name = _folded(draft["name"])
        if name in names:
            continue
        draft_id = draft["id"]
        if not _USABLE_ID.fullmatch(draft_id) or draft_id in ids:
            draft_id = unused_id(draft["name"], taken=ids, position=len(roster) + 1)
        roster.append(Character.model_validate({**draft, "id": draft_id}))
        ids.add(draft_id)
        names.add(name)
    return tuple(roster)


def own_roster(characters: Iterable[Character]) -> tuple[Character, ...]:
    """Return a roster that a person wrote, with an id for each character who came without a usable one."""
    characters = tuple(characters)
    taken = {one_line(character.id) for character in characters}
    roster: list[Character] = []
    for position, character in enumerate(characters, start=1):
        own_id = one_line(character.id)
        if is_blank(own_id) or len(own_id) > MAX_ID_CHARACTERS:
            own_id = unused_id(character.name, taken=taken, position=position)
            taken.add(own_id)
        roster.append(character.model_copy(update={"id": own_id, "name": one_line(character.name)}))
    return tuple(roster)


def unused_id(name: str, *, taken: Container[str], position: int) -> str:
    """Return an id made of a name: lower-case letters, digits and hyphens, unlike those that are taken.

    Accents are dropped; a name without Latin letters or digits gives ``character-`` and the position.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", errors="ignore").decode().lower()
    slug = _NOT_IN_IDS.sub("-", plain).strip("-")[:_SLUG_CHARACTERS].strip("-") or f"character-{position}"
    candidate, number = slug, 1
    while candidate in taken:
        number += 1
        candidate = f"{slug}-{number}"
    return candidate


class Cast:
    """Finds the id that a model means by what it wrote: the id itself, or the character's name."""

    def __init__(self, roster: Iterable[Character]) -> None:
        self._ids: dict[str, str] = {}
        characters = tuple(roster)
        # An id is never taken for a name, and what is spelt exactly comes before what differs in case.
        for spelling in (
            {character.id: character.id for character in characters},
            {one_line(character.name): character.id for character in characters},
            {_folded(character.id): character.id for character in characters},
            {_folded(character.name): character.id for character in characters},
        ):
            self._ids = {**spelling, **self._ids}

    def id_of(self, written: str) -> str:
        """Return the id of a known character, or what was written where nobody is known by that."""
        return self._ids.get(written) or self._ids.get(_folded(written)) or written


def _draft(entry: Mapping[str, object]) -> dict[str, str]:
    return {
        "id": one_line(entry.get("id")),
        "name": one_line(entry.get("name")),
        **{trait: many_lines(entry.get(trait)) for trait in _TRAITS},
    }


def _draft_of(
    own: OwnCharacter, *, own_id: str, written: Sequence[dict[str, str]], names: Container[str]
) -> Mapping[str, str]:
    """Return what the model wrote about a person's character: by its name, else by its id under a new name."""
    named = (draft for draft in written if _folded(draft["name"]) == _folded(own.name))
    renamed = (draft for draft in written if draft["id"] == own_id and _folded(draft["name"]) not in names)
    return next(chain(named, renamed), {})


def _completed(own: OwnCharacter, *, own_id: str, draft: Mapping[str, str]) -> Character:
    fallback = AS_DESCRIBED if own.description else LEFT_OPEN
    traits = {trait: getattr(own, trait) or draft.get(trait) or fallback for trait in _TRAITS}
    return Character(id=own_id, name=own.name, description=own.description, **traits)


def _folded(name: str) -> str:
    return one_line(name).casefold()
