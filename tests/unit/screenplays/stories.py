"""Stories to write, small ones that have everything and any number of strange ones."""

from collections.abc import Sequence

from hypothesis import strategies as st

from sessions.scripts import Character, DialogueLine, GenerationInfo, Segment, Story, StorySet, Transition

TRAPS = (
    "INT. KITCHEN - DAY",
    "Est. 1900, the sign says.",
    "EXT",
    "CUT TO:",
    "FADE OUT.",
    "THE END",
    "> right <",
    "> SMASH CUT TO:",
    "!forced",
    "@ada",
    ".forced",
    "...and then",
    "~la la~",
    "# Section",
    "#1#",
    "= synopsis",
    "===",
    "(softly)",
    "[[a note]]",
    "[[[",
    "/* boneyard */",
    "*/",
    "*one* **two** _three_ \\*",
    "C:\\dir\\_x",
    "\\",
    "Title: value",
    "- item",
    "1. first",
    "2) second",
    "---",
    "```",
    "    code",
    "<script>alert(1)</script>",
    "&amp; &#65; <!-- x --> ]]>",
    "![picture](x) [link](y) <http://a.example>",
    "| a | b |",
    "=1+1",
    "+1",
    "-1",
    '@SUM(1,"2")',
    'a,"b";c',
    "line\nbreak\r\nagain\u2028and\x0bagain",
    "#set page(width: 1pt)",
    "$x$ #sys.version \\u{41}",
    "Привет, Αθήνα, žluť",
    "日本語 한국어",
    "שלום عربي",
    "👩‍👩‍👧 e\u0301 \u202e \ufeff",
    "W" * 200,
    "ß ŉ ﬁ İ",
)

# Without what is unwritable (its replacement has tests of its own) and what a document is free to show otherwise.
_WRITABLE = st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], exclude_characters="\u2060\u200b")
strange_texts = st.one_of(
    st.sampled_from(TRAPS),
    st.text(_WRITABLE, max_size=60),
    st.lists(st.sampled_from(TRAPS), min_size=2, max_size=3).map(" ".join),
)
# Without what the reading of a shot list goes by, and with the letter that Fountain asks for.
strange_names = strange_texts.map(lambda text: text.replace(":", "")[:40]).map(
    lambda name: name if any(letter.isalpha() for letter in name.partition("(")[0]) else f"Q{name}"
)


def character(identifier: str, *, name: str, text: str = "Tall") -> Character:
    """Return a character who is described by one text throughout."""
    return Character(
        id=identifier,
        name=name,
        physical_appearance=text,
        clothing=text,
        personality=text,
        role="keeper",
        voice=text,
        description=None,
    )


def narrated(number: int, *, text: str, transition: Transition = "cut", around: str = "A lamp room") -> Segment:
    """Return a segment that the narrator speaks, with ``around`` in all its other texts."""
    return _segment(number, narration=text, dialogue=(), transition=transition, around=around)


def spoken(
    number: int,
    *,
    lines: Sequence[tuple[str, str]],
    transition: Transition = "dissolve",
    around: str = "INT. LAMP ROOM",
) -> Segment:
    """Return a segment of dialogue."""
    dialogue = tuple(DialogueLine(character_id=identifier, line=line) for identifier, line in lines)
    return _segment(number, narration=None, dialogue=dialogue, transition=transition, around=around)


def story_of(
    sets: Sequence[StorySet],
    *,
    total_segments: int,
    segments_per_set: int,
    cast: Sequence[Character] = (),
    title: str = "The Last Lamp",
    language: str = "en-GB",
    text: str = "A keeper finds a letter.",
) -> Story:
    """Return a story that was asked to have so many segments, with the sets given."""
    return Story(
        title=title,
        short_summary=text,
        description=text,
        hashtags=("#sea", "#light"),
        narrator_voice=text,
        characters_roster=tuple(cast),
        generation_info=GenerationInfo(
            total_segments=total_segments,
            segments_per_set=segments_per_set,
            total_sets=-(-total_segments // segments_per_set),
            idea=text,
            content_rating="U",
            language=language,
        ),
        sets=tuple(sets),
    )


def story_set(set_number: int, *, segments: Sequence[Segment]) -> StorySet:
    """Return a set of these segments."""
    return StorySet(
        title="The Last Lamp",
        set_number=set_number,
        total_sets=3,
        first_segment=segments[0].number,
        last_segment=segments[-1].number,
        word_count=sum(segment.word_count for segment in segments),
        duration_seconds=sum(segment.duration_seconds for segment in segments),
        segments=tuple(segments),
    )


def lamp_story() -> Story:
    """Return a story of three sets, the second of which is not ready."""
    long_scene = "A narrow stair turns up into the dark while the sea beats at the rock below and Ada climbs it."
    first = story_set(
        1,
        segments=[
            narrated(1, text="The Last Lamp. Nobody had climbed the tower since winter.", around=long_scene),
            spoken(2, lines=[("ada", "We were never meant to read this, José."), ("jose", "Now we have to answer.")]),
        ],
    )
    last = story_set(
        3,
        segments=[
            spoken(5, lines=[("jose", "Привет, Αθήνα — žluťoučký kůň.")], transition="match cut"),
            narrated(6, text="The light came on.", transition="end"),
        ],
    )
    cast = (character("ada", name="Ada"), character("jose", name="José Ñ."))
    return story_of((first, last), total_segments=6, segments_per_set=2, cast=cast)


@st.composite
def strange_stories(draw: st.DrawFn) -> Story:
    """Return stories whose every text may be anything."""
    cast = [character(f"c{index}", name=draw(strange_names), text=draw(strange_texts)) for index in range(2)]
    segments = [
        narrated(1, text=draw(strange_texts), around=draw(strange_texts)),
        spoken(
            2,
            lines=[("c0", draw(strange_texts)), ("c1", draw(strange_texts)), ("unknown", draw(strange_texts))],
            around=draw(strange_texts),
        ),
        narrated(3, text=draw(strange_texts), around=draw(strange_texts), transition="end"),
    ]
    return story_of(
        [story_set(1, segments=segments)],
        total_segments=6,
        segments_per_set=3,
        cast=cast,
        title=draw(strange_texts),
        language=draw(st.sampled_from(["en", "zh-Hant-TW", "ar", "deu", "not a language", ""])),
        text=draw(strange_texts),
    )


def _segment(
    number: int, *, narration: str | None, dialogue: tuple[DialogueLine, ...], transition: Transition, around: str
) -> Segment:
    return Segment(
        number=number,
        scene=around,
        content_type="dialogue" if narration is None else "narration",
        narration=narration,
        dialogue=dialogue,
        characters_present=tuple(line.character_id for line in dialogue),
        camera=around,
        background_definition=around,
        music="a piano",
        sound_effects="rain",
        mood="uneasy",
        transition=transition,
        word_count=9,
        duration_seconds=8,
    )
