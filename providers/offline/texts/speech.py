"""What is said between the beats: narration and dialogue, by how far the story is.

``{x}`` and ``{y}`` are who is there, ``{focus}`` is what it is about, ``{place}`` is where; all without an article.
"""

from typing import Final

NARRATION: Final = (
    (
        "Nobody speaks of the {focus}, and yet nobody thinks of anything else.",
        "{x} pretends not to be curious. It lasts about a breath and a half.",
        "The {place} has never felt so large, or so awake.",
        "There are days that knock before they enter. This is not one of them.",
        "{x} takes one step, then another. That is how it always starts.",
        "Somewhere close, something clicks, quite politely, into place.",
        "{y} has seen that look on {x} before, and quietly ties both shoelaces.",
    ),
    (
        "For the length of one breath, the whole {place} holds still.",
        "{x} thinks of turning round, and does not.",
        "What {y} lacks in plans, {y} makes up for in sandwiches.",
        "The {focus} is closer now; even the floorboards seem to know.",
        "{x} counts the exits of the {place}. There is one fewer than before.",
        "Outside, the weather changes its mind.",
        "{y} laughs, too loudly, and the {place} laughs back.",
        "Some doors are opened with keys. {x} has always preferred questions.",
        "A draught moves through the {place}, and every shadow leans the same way.",
        "The trail of the {focus} is faint, but {x} has sharp eyes and nothing to lose.",
    ),
    (
        "{x} is afraid, and goes on. There is a word for that.",
        "No one at the {place} will sleep tonight.",
        "All that was said about the {focus} is true, and none of it is enough.",
        "{y} looks at {x}, and for once there is no need to explain.",
        "The last lamp of the {place} flickers, and decides to stay.",
        "Far off, a bell begins to ring, as if it had waited for {x}.",
        "It is now or it is never, and never has had its turn.",
    ),
)
DIALOGUE: Final = (
    (
        ("Tell me you did not touch the {focus}.", "I touched it a little."),
        ("What if it was waiting for us?", "Then let us not keep it waiting."),
        ("You have that face again.", "What face?", "The one before trouble."),
        ("Do you believe in the {focus}?", "Ask me again tomorrow."),
        ("We could still go home.", "We could. After this corner."),
        ("Who else knows about the {focus}?", "You, me, and whoever wrote that."),
        ("I had plans for today.", "Now you have better ones."),
        ("This place was locked yesterday.", "Yesterday it did not know us."),
    ),
    (
        ("Stay close. The {place} does not like us.", "I do not like it either. We are even."),
        ("Did you hear that?", "I was hoping you would say no."),
        ("You said you knew the way.", "I said I knew a way."),
        ("Hold the light. I see the {focus}.", "I see it too, and I wish it would blink."),
        ("Why are you helping me?", "Because nobody helped me."),
        ("Left or right?", "Whichever looks less hungry."),
        ("We are missing something about the {focus}.", "We are missing lunch. Think louder."),
        ("If this goes wrong, I am sorry.", "If this goes wrong, I will be sorry faster."),
        ("That is not on the map.", "Then the map has some growing to do."),
        ("Give me your hand.", "Only if you give it back."),
        ("How long have we got?", "Less than when you asked."),
        ("You kept the {focus} from me.", "I kept you from it. That is different."),
    ),
    (
        ("I cannot do this alone.", "Good. You are not."),
        ("It ends at the {place}, one way or the other.", "Then let it end our way."),
        ("Are you afraid?", "Terribly. Let us go."),
        ("Look at the {focus}. It was here all along.", "So were we."),
        ("Promise me you will remember this.", "I could not forget it if I tried."),
        ("You came back.", "You left the door open."),
        ("One last time?", "One last time."),
        ("And if nobody believes us?", "Then we will know, and that is two of us."),
    ),
)
ALONE: Final = (
    "All right. One more step, and then I am allowed to panic.",
    "I know you are there. I would be disappointed otherwise.",
    "Think. What would a cleverer me do now?",
    "If anybody asks, this was the plan.",
    "I came for the {focus}, and I am not leaving without it.",
    "Say something, old {place}. You have kept quiet long enough.",
)
CLOSINGS: Final = (
    "And that is where we leave them: {x} at the {place}, the kettle singing, and every door open.",
    "{x} looks back once, smiles, and turns out the light. Good night, {place}.",
    "Some stories end. This one only puts on its coat and walks {x} home.",
)

SCENES_TOLD: Final = (
    "Wide over the {place} {hour}: {x}, small in the picture, comes to a halt.",
    "Inside the {place} {hour}. {x} moves along the wall, one hand on the stones.",
    "The {place} {hour}. Dust turns in the light while {x} looks closely at something we cannot see yet.",
    "Close on the hands of {x} {hour}, then up, to the {place} all around.",
    "{x} crosses the {place} {hour}; {y} follows a few steps behind.",
    "The {place} {hour}, seen through a keyhole. {x} passes, stops, and comes back.",
    "From above: {x} and {y} are two dots of colour in the grey of the {place}.",
)
SCENES_SPOKEN: Final = (
    "{x} and {y} stand face to face at the {place} {hour}.",
    "{x} sits on the steps of the {place} {hour}; {y} remains standing.",
    "Shoulder to shoulder {hour}, {x} and {y} lean over what they have found at the {place}.",
    "{x} stops {y} with a raised hand, in the half-light of the {place}.",
    "{y} warms both hands at a lantern; {x} paces up and down the {place}.",
    "{x} whispers over one shoulder; behind, {y} keeps watch on the {place} {hour}.",
)
SCENES_ALONE: Final = (
    "{x} stands alone at the {place} {hour}, talking to nobody in particular.",
    "{x} kneels on the floor of the {place} {hour} and speaks under the breath.",
    "Close on {x} {hour}, reflected in a dark window of the {place}.",
)
HOURS: Final = (
    "in the early light",
    "at mid-morning",
    "at noon",
    "in the late afternoon",
    "at dusk",
    "in the blue hour",
    "by lantern light",
    "under the first stars",
    "before sunrise",
)
"""In the order of a day: a set has the hour after that of the set before."""
