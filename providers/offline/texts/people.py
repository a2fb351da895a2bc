"""The characters of a story: those that are given, and those that are made up."""

import re
import unicodedata
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from providers.offline.texts.deck import Deck
from providers.offline.texts.phrases import is_many, is_somebody
from providers.offline.texts.vocabulary import listed

FEWEST, MOST = 2, 5
_USUAL = 3
_CALLED = re.compile(r"\b(?:named|called)\s+([A-Z][^\W\d_]{1,19})\b")
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")

_NAMES = listed("""
    Mira Tomas Odile Bram Juno Anselm Tove Kofi Saskia Emeka Linnea Rafi Noor Casper Imani Pia Lorcan Yuki Zadie
    Milo Freya Dario Wren Ines Hollis Amara Otis Selma Ravi Greta Silvan Maeve Tariq Elodie Jonah Petra Ludo
    Asha Finn Cleo
""")
_LOOKS = (
    "Small and quick, with wind-tangled dark hair and ink on both thumbs",
    "Tall and slightly stooped, with silver eyebrows that speak before the mouth does",
    "Broad-shouldered and freckled, with a gap-toothed grin and very careful hands",
    "Round glasses, short black curls and a scar like a comma above the left eyebrow",
    "Grey-eyed and thin as a fishing rod, hair cut in the dark by a friend",
    "Warm brown skin, laughter lines and a long copper braid tied with string",
    "Soft-faced and heavy-browed, always a little out of breath",
    "Cropped white hair, sunburnt nose and the steady gaze of somebody who counts stars",
)
_CLOTHES = (
    "A patched yellow raincoat with far too many pockets",
    "A moss-green cardigan, buttoned wrongly, over a striped shirt",
    "Worn leather boots and a blue work jacket with a missing sleeve button",
    "A long plum-coloured scarf that has clearly been through something",
    "A railway waistcoat, rolled sleeves and a pencil behind the ear",
    "A sand-coloured coat two sizes too large, its hem darned in red",
    "Paint-stained dungarees and a knitted hat in every colour",
    "A neat grey suit with muddy shoes",
)
_TEMPERS = (
    "Curious to a fault; asks the question everybody else swallows",
    "Patient, dry and loyal; makes plans for the plans",
    "Brave in company and honest about being afraid alone",
    "Talks to machines more kindly than to people, and is working on it",
    "Generous and stubborn, with a laugh that arrives late",
    "Watchful; forgets nothing and forgives slowly, but forgives",
    "Cheerful, hungry and surprisingly hard to fool",
    "Proud of one great mistake and ashamed of a small one",
)
_ROLES = (
    "the friend who would rather be asleep and comes along anyway",
    "the rival who knows more than is good for anybody",
    "the neighbour with the only working map",
    "the keeper of an old promise",
    "the stranger who arrived on the last boat",
    "the mechanic who can open anything but a conversation",
    "the one who has been here before and will not say why",
)
_VOICES = (
    "Bright and quick, sentences that trip over each other",
    "Low, slow and warm, with long pauses",
    "A little hoarse, as if every word were a secret",
    "Clear and precise, going up at the end when lying",
    "Soft, with a laugh hidden in it",
    "Gravelly and amused, never in a hurry",
)


class Person(BaseModel):
    """A character, with everything that is asked for."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    physical_appearance: str
    clothing: str
    personality: str
    role: str
    voice: str


def roster(idea: str, *, given: Sequence[str], topics: Sequence[str], most: int, seed: str) -> tuple[Person, ...]:
    """Return the characters of a story: those given first, then as many as a small story needs.

    Args:
        idea: what the story is about; who is called something in it is in the story.
        given: the names of characters that are decided.
        topics: what the idea speaks of; the first that is somebody becomes the lead's role.
        most: how many characters there may be.
        seed: decides everything else.
    """
    # A name that a person gave is kept however it is written.
    names = [*given]
    if not given:
        names += dict.fromkeys(_CALLED.findall(idea[:3000]))
    names = names[: max(most, len(given))]
    invented = Deck(_NAMES, seed=f"{seed} names")
    while len(names) < min(_USUAL, max(most, FEWEST)):
        names.append(invented.draw_other_than(*names))
    traits = [Deck(cards, seed=f"{seed} {cards[0]}") for cards in (_LOOKS, _CLOTHES, _TEMPERS, _VOICES)]
    looks, clothes, tempers, voices = traits
    roles = Deck(_ROLES, seed=f"{seed} roles")
    lead = next((topic for topic in topics if is_somebody(topic)), "")
    article = "one of the" if lead and is_many(lead) else "the"
    ids: list[str] = []
    people = []
    for number, name in enumerate(names):
        ids.append(_unused_id(name, taken=ids))
        people.append(
            Person(
                id=ids[-1],
                name=name,
                physical_appearance=looks.draw(),
                clothing=clothes.draw(),
                personality=tempers.draw(),
                role=roles.draw()
                if number
                else f"{article} {lead or 'one who starts it all'}, at the heart of the story",
                voice=voices.draw(),
            )
        )
    return tuple(people)


def _unused_id(name: str, *, taken: Sequence[str]) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", errors="ignore").decode().lower()
    slug = _NOT_IN_IDS.sub("-", plain).strip("-")[:40] or "character"
    return slug if slug not in taken else f"{slug}-{len(taken) + 1}"


def called(name: str) -> str:
    """Return what somebody with a long name is called in a sentence."""
    words = name.split()
    return name if len(words) <= 2 and len(name) <= 30 else words[0][:30] if words else name
