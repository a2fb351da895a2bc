"""What happens in a story, stage by stage: the beats that outlines are made of.

``{a}`` is the lead, ``{b}`` and ``{c}`` are others, ``{topic}`` is what the idea is about. Each beat is one sentence
that a narrator could speak in a few seconds.
"""

from typing import Final

OPENING: Final = (
    "{a} wakes before dawn at the {place} and finds the {thing} where nothing lay the night before.",
    "The day begins like any other at the {place}, until {b} comes running with news of the {topic}.",
    "{a} has passed the {place} a thousand times; today its door stands open.",
    "Nobody at the {place} believes in the {topic}, and {a} has stopped trying to explain it.",
    "A bell rings twice at the {place}, and {a} is the only one who counts.",
    "{b} bets a week of breakfasts that {a} will never solve the riddle of the {topic}.",
    "A parcel without a sender reaches the {place}; inside, {a} finds the {thing}.",
)
CALL: Final = (
    "{b} swears the {thing} is a trick, but {a} has already packed a bag.",
    "{a} asks one question too many about the {topic}, and the whole {place} falls silent.",
    "On the back of the {thing}, {a} reads a name that should not be there.",
    "{c} offers a fortune for the {thing}, and smiles when {a} says no.",
    "{a} and {b} follow the first clue to the {place} and find somebody has swept the floor.",
    "{b} finds the {place} on no map, and that is how {a} knows it is right.",
    "A stranger hums the tune of the {topic} at the {place}, then runs.",
    "{a} makes {b} a promise at the {place}: whatever happens, they will see the {topic} through.",
)
TRIALS: Final = (
    "The way to the {place} is guarded by a riddle, a puddle and {c}.",
    "{a} trades a good coat for a bad boat and reaches the {place} by water.",
    "At the {place}, {b} fixes the {thing} with a hairpin, and it starts to point somewhere.",
    "At the {place}, {a} and {b} learn to move without a sound, and nearly laugh.",
    "{c} sends them the wrong way round the {place}, which turns out to be shorter.",
    "Rain floods the {place}; {a} saves the {thing} and loses the notes.",
    "{a} finds an old drawing of the {topic} on the wall of the {place}.",
    "{b} admits a fear of the dark at the worst corner of the {place}.",
    "Somebody has left supper for two at the {place}, and it is still warm.",
    "{a} plays the fool at the {place} while {b} quietly opens the lock.",
    "A crowd gathers at the {place}, and every one of them has a story about the {topic}.",
    "{a} and {b} quarrel over the {thing} and make up over a borrowed sandwich.",
    "An old woman at the {place} sells {a} an answer about the {topic}, and it is the wrong one.",
    "{b} sleeps at last at the {place}, and {a} keeps watch with the {thing}.",
    "The {thing} falls into a crack in the floor of the {place}; a very small hand gives it back.",
    "{a} dances at the {place} to keep {c} from looking up.",
    "Fog comes down over the {place}, and {b} leads the way by smell alone.",
    "{c} leaves a note at the {place}: it is an apology, and half of a map.",
    "{a} reads the ledger of the {place} and finds the {topic} listed under lost property.",
    "{b} teaches {a} to whistle at the {place}, which will matter later.",
    "A child at the {place} asks what the {topic} is for, and nobody has an answer.",
    "{a} and {b} wait out the storm at the {place} and take the {thing} apart.",
    "The last ferry leaves without them, and the {place} has exactly one bed.",
    "{a} climbs to the roof of the {place} and sees how far it still is.",
)
TURNS: Final = (
    "In the middle of the {place}, the {topic} shows itself for the length of a breath.",
    "{c} tells {a} the one thing about the {topic} that nobody was meant to know.",
    "The {thing} opens at last, and what {b} finds inside changes everything.",
    "{a} sees who has been following them to the {place}: it is {c}, and {c} is frightened.",
    "{b} vanishes at the {place}, leaving only the {thing} behind.",
    "What they took for the {topic} turns out to be its shadow.",
)
SETBACKS: Final = (
    "{c} takes the {thing}, and the doors of the {place} close behind it.",
    "{a} says something unforgivable at the {place}, and {b} walks out into the rain.",
    "The trail of the {topic} ends at the {place}, in a wall without a door.",
    "The lamps of the {place} go out one by one while {a} counts them.",
    "{b} finds {a} sitting alone at the {place}, and sits down without a word.",
    "Everything they built at the {place} falls down in a single gust.",
    "{c} offers {a} a way home, and the price is the {topic}.",
    "For the first time, {a} wonders whether the {topic} wants to be found.",
)
CLIMAX: Final = (
    "{a} steps into the light of the {place} and speaks for the {topic} when nobody else will.",
    "{b} holds the door of the {place} while {a} does the one brave thing left.",
    "{c} has to choose between the {thing} and the truth, and lets go.",
    "All at once the {place} begins to move, and {a} understands how the {thing} fits.",
    "{a} and {b} count to three at the {place} and jump on two.",
    "The whole town comes to the {place}, carrying lanterns, looking for the {topic}.",
)
ENDINGS: Final = (
    "{a} gives the {thing} back to where it belongs, and the {place} breathes out.",
    "{c} puts the kettle on at the {place}, which is as near to sorry as {c} comes.",
    "{b} wins the bet about the {topic} and pays for breakfast anyway.",
    "The {place} fills with people who say they always believed in the {topic}.",
    "{a} and {b} hang the {thing} above the door, where everybody can see it.",
    "On the way home, {a} stops at the {place} and listens: all is well.",
)

STAGES: Final = (
    (0.0, CALL),
    (0.2, TRIALS),
    (0.48, TURNS),
    (0.56, TRIALS),
    (0.68, SETBACKS),
    (0.82, CLIMAX),
)
"""From which share of the story on a stage lasts. The first set has openings besides, the last one endings."""
