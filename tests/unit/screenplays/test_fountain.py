"""A story as Fountain, read by fountain-py and by screenplay-tools."""

import pytest
from fountain.document import FountainDocument
from fountain.elements import ElementType
from fountain.parser import FountainParser
from screenplay_tools.fountain.parser import Parser  # type: ignore[import-untyped]  # the package has no types

from screenplays.fountain import write
from sessions.scripts import Story
from tests.unit.screenplays.readers import JOINER, one_line
from tests.unit.screenplays.stories import TRAPS, character, lamp_story, narrated, spoken, story_of, story_set


def parsed(story: Story) -> FountainDocument:
    return FountainParser().parse(b"".join(write(story)).decode())


def texts(document: FountainDocument, kind: ElementType) -> list[str]:
    return [element.text.replace(JOINER, "") for element in document.elements if element.type is kind]


def test_sets_are_sections() -> None:
    """Programs that fold a script fold it by set."""
    sections = texts(parsed(lamp_story()), ElementType.SECTION)
    assert ["Story", "Cast", "Set 1 (segments 1–2)", "Set 2 (segments 3–4)", "Set 3 (segments 5–6)"] == sections


def test_a_known_place_is_a_natural_heading_and_others_are_forced() -> None:
    """Nobody invents that a scene is inside or outside."""
    lines = b"".join(write(lamp_story())).decode().splitlines()
    assert {".Segment 1 #1#", "INT. LAMP ROOM #2#", "INT. LAMP ROOM #5#", ".Segment 6: A lamp room #6#"} == {
        line for line in lines if line.endswith("#") and line[0] in ".I"
    }


@pytest.mark.parametrize("scene", ["INT. CELL #9#", "Cell #9", "Cell #9 # 8"])
def test_a_number_sign_is_kept_out_of_headings(scene: str) -> None:
    """The only number that a heading can be read to have is the segment's."""
    story = story_of(
        [story_set(1, segments=[narrated(1, text="Hush.", around=scene)])], total_segments=1, segments_per_set=1
    )
    assert ".Segment 1 #1#" in b"".join(write(story)).decode().splitlines()
    assert scene in texts(parsed(story), ElementType.ACTION)


def test_transitions_are_transitions_and_the_end_is_centred() -> None:
    """Every segment leads over to the next, and the last closes the story."""
    document = parsed(lamp_story())
    assert ["CUT TO:", "DISSOLVE TO:", "MATCH CUT TO:"] == texts(document, ElementType.TRANSITION)
    assert ["THE END"] == texts(document, ElementType.CENTERED)


def test_the_cast_is_described() -> None:
    """Before the first scene."""
    assert "Ada, keeper: Tall. Clothing: Tall. Personality: Tall. Voice: Tall." in texts(
        parsed(lamp_story()), ElementType.ACTION
    )


def test_only_capitals_are_a_cue_without_an_at_sign() -> None:
    """A name that capitals would change beyond plain letters keeps its spelling."""
    lines = b"".join(write(lamp_story())).decode().splitlines()
    assert "ADA" in lines
    assert "@José Ñ." in lines


def test_a_name_without_a_letter_still_speaks() -> None:
    """Fountain knows no cue of digits and signs only."""
    segments = [spoken(1, lines=[("r", "Beep.")])]
    story = story_of(
        [story_set(1, segments=segments)], total_segments=1, segments_per_set=1, cast=[character("r", name="23")]
    )
    document = parsed(story)
    assert ["SPEAKER 23"] == texts(document, ElementType.CHARACTER)
    assert ["Beep."] == texts(document, ElementType.DIALOGUE)


def test_a_second_reader_finds_the_same() -> None:
    """What is spoken does not hang on one program's reading."""
    parser = Parser()
    parser.add_text(b"".join(write(lamp_story())).decode())
    said = [element.text for element in parser.script.elements if element.type.name == "DIALOGUE"]
    numbers = [element.scene_number for element in parser.script.elements if element.type.name == "HEADING"]
    assert ["1", "2", "5", "6"] == numbers
    assert [
        "The Last Lamp. Nobody had climbed the tower since winter.",
        "We were never meant to read this, José.",
        "Now we have to answer.",
        "Привет, Αθήνα — žluťoučký kůň.",
        "The light came on.",
    ] == said


@pytest.mark.parametrize("trap", TRAPS)
def test_action_stays_action(trap: str) -> None:
    """Whatever a description looks like, it opens no heading, note, section or comment."""
    segments = [narrated(1, text="Hush.", around=f"{trap} {'x' * 60}"), spoken(2, lines=[("ada", "Go.")])]
    story = story_of(
        [story_set(1, segments=segments)],
        total_segments=2,
        segments_per_set=2,
        cast=[character("ada", name="Ada", text=trap)],
        title=trap,
        text=trap,
    )
    document = parsed(story)
    actions = texts(document, ElementType.ACTION)
    assert one_line(f"{trap} {'x' * 60}") in actions
    assert one_line(f"Camera: {trap} {'x' * 60}") in actions
    assert one_line(trap) in actions
    assert {kind.value for kind in (element.type for element in document.elements)} <= {
        *("section", "action", "page_break", "scene_heading", "character", "dialogue", "transition"),
    }
