"""Directions for camera, sound and light."""

from typing import Final

CAMERA_TOLD: Final = (
    "Slow push in from a wide shot",
    "Crane down from the rooftops to eye level",
    "Long lateral tracking shot at walking pace",
    "Static wide shot, figures small in the frame",
    "Handheld, close behind the shoulder",
    "Overhead shot, turning a few degrees",
    "Low angle from the ground, looking up",
)
CAMERA_SPOKEN: Final = (
    "Over the shoulder, cutting on the reply",
    "Two-shot at eye level, shallow focus",
    "Close-up on the one who listens",
    "Slow circle around both",
    "Medium shot, held until the silence gets funny",
    "Profile close-ups, alternating",
)
BACKGROUNDS: Final = (
    "The {place} {hour}: worn stone, coils of rope, one lit window far behind",
    "The {place} {hour}, with peeling paint, a crooked sign and long shadows",
    "The {place} {hour}: mist at knee height, a row of lanterns, wet cobbles",
    "The {place} {hour}, its shelves crowded with odd and well-loved things",
    "The {place} {hour}: bare boards, drifting dust, a draught that moves the curtains",
)
MUSIC: Final = (
    (
        "Solo clarinet, playful and a little sleepy",
        "Plucked strings, as if walking on tiptoe",
        "A music-box figure over soft accordion",
    ),
    (
        "Low strings with a ticking pulse",
        "Muted piano, two notes that keep coming back",
        "Hand drums, far away, getting closer",
        "Bowed glass and a single held cello note",
    ),
    (
        "The first theme, slower, on full strings",
        "A choir without words, very quiet",
        "Solo piano, then warm brass beneath it",
    ),
)
SOUNDS: Final = (
    "Gulls, a creaking board, distant water",
    "Rain on tin, a clock that is slightly too fast",
    "Footsteps on gravel, a gate, then nothing",
    "Wind in loose shutters, a match being struck",
    "A kettle in another room, muffled voices",
    "Cloth on stone, a held breath, one falling drop",
    "A bell buoy, paper being unfolded",
)
MOODS: Final = (
    ("curious", "playful", "expectant", "gently uneasy", "bright"),
    ("tense", "wry", "hushed", "restless", "eerie", "determined"),
    ("brave", "tender", "urgent", "hopeful", "solemn"),
)
TRANSITIONS: Final = ("cut", "cut", "cut", "cut", "cut", "dissolve", "match cut", "fade", "wipe")
