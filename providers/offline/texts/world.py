"""Where stories happen, what turns up in them, and what people find out: the stock of the writer.

Places, things and topics are written without an article. ``{a}`` is the lead, ``{b}`` and ``{c}`` are others.
"""

import re
from typing import Final

PLACES: Final = (
    "drowned pier",
    "glass orchard",
    "old observatory",
    "night market",
    "clock tower",
    "salt road",
    "crooked library",
    "ferry landing",
    "rooftop garden",
    "signal tower",
    "tin theatre",
    "bell foundry",
    "winter greenhouse",
    "canal bridge",
    "map room",
    "silent carousel",
    "echo cave",
    "paper mill",
    "lantern workshop",
    "tram depot",
    "weather station",
    "moth museum",
    "bakery cellar",
    "stone circle",
    "whispering well",
    "sleeping quarry",
    "harbour wall",
    "dancing hall",
    "puppet attic",
    "last windmill",
)
THINGS: Final = (
    "brass key",
    "unsigned letter",
    "folded map",
    "music box",
    "silver whistle",
    "stopped watch",
    "paper lantern",
    "blue notebook",
    "cracked compass",
    "empty birdcage",
    "jar of sand",
    "one-way ticket",
    "wooden fish",
    "red umbrella",
    "box of matches",
    "torn photograph",
    "glass marble",
    "tuning fork",
    "knotted rope",
    "chipped teacup",
)
THEMES: Final = ("promise", "secret", "long way home", "missing hour", "old song", "open door")
"""What a story is about whose idea says nothing that can be used."""

KNOWN: Final = re.compile("|".join(sorted((*PLACES, *THINGS), key=len, reverse=True)))
PLACE: Final = re.compile("|".join(sorted(PLACES, key=len, reverse=True)))

OPENING_STATES: Final = (
    "A quiet morning at the {place}; {a} has no idea that the {topic} is about to change everything.",
    "At the {place}, {a} is late, as usual, and the {topic} is only a rumour.",
    "The lamps are still lit at the {place}; {a} and {b} have the whole day before them and no plan at all.",
)
CLOSING_STATES: Final = (
    "{a} and {b} sit at the {place} and count the lanterns; the {topic} is safe, and so are they.",
    "Calm returns to the {place}: the {topic} is where it belongs at last, and {a} can finally rest.",
    "{a} closes the door of the {place} softly; the {topic} will never be forgotten again.",
)
ENDS: Final = (
    "{a} and {b} reach the {place}, knowing now that {learned}.",
    "At the {place}, {a} tells {b} the truth: {learned}.",
    "{b} waits at the {place}; {a} arrives with the proof that {learned}.",
    "The {place} lies in front of {a} and {b}, and both understand that {learned}.",
    "{a} stands at the {place} with the {thing} and one certainty: {learned}.",
)
BEGINS: Final = (
    "Still at the {place}, {a} and {b} know that {learned}, and have to decide what to do.",
    "{a} and {b} have not left the {place}; that {learned} changes all their plans.",
    "Moments later at the {place}, nobody speaks: {learned}.",
    "The {place} has grown quiet around {a} and {b}; {learned}, and time is short.",
)
LEARNED: Final = (
    (
        "the {topic} is no accident",
        "somebody else is looking for the {topic}",
        "the {thing} belongs to somebody close",
        "nobody in town will help",
        "the {topic} leaves a trail for those who look",
        "{c} has seen the {thing} before",
        "there are only three days left",
        "the {thing} is older than the town",
    ),
    (
        "{c} has been one step ahead all along",
        "the {thing} only works for two people at once",
        "the {topic} has two sides",
        "every map of this place is wrong on purpose",
        "somebody they trust has lied about the {topic}",
        "the way back is closed",
        "{c} is not the enemy",
        "the {thing} was meant for {b}",
    ),
    (
        "only the truth about the {topic} can end this",
        "the {thing} has to be given away",
        "the {topic} was never lost, only waiting",
        "{c} will stand with them after all",
        "it has to happen tonight",
        "the {topic} answers those who ask kindly",
        "one of them has to stay behind",
        "they were never alone in this",
    ),
)
"""What people find out: early, in the middle, late."""
