"""A story as Markdown, read by markdown-it."""

import pytest
from markdown_it import MarkdownIt

from screenplays.markdown import write
from sessions.scripts import Story
from tests.unit.screenplays.readers import one_line
from tests.unit.screenplays.stories import TRAPS, character, lamp_story, narrated, story_of, story_set


def lines_of(story: Story) -> list[str]:
    """Return what is shown, block by block."""
    tokens = MarkdownIt("commonmark").parse(b"".join(write(story)).decode())
    return ["".join(child.content for child in token.children or []) for token in tokens if token.type == "inline"]


def test_the_front_has_the_counts_and_the_cast() -> None:
    """What a person wants to know before reading."""
    lines = lines_of(lamp_story())
    assert {"Words: 36", "Running time: 32 s", "Segments: 4 of 6", "Sets: 2 of 3", "Language: en-GB"} <= set(lines)
    assert "Ada (keeper): Tall. Clothing: Tall. Personality: Tall. Voice: Tall." in lines
    assert "José Ñ. (keeper): Tall. Clothing: Tall. Personality: Tall. Voice: Tall." in lines


def test_every_set_has_its_own_counts() -> None:
    """Words and running time, beneath the heading of the set."""
    lines = lines_of(lamp_story())
    assert "18 words, 16 s" == lines[lines.index("Set 1 (segments 1–2)") + 1]


@pytest.mark.parametrize("trap", TRAPS)
def test_nothing_becomes_markup(trap: str) -> None:
    """No list, no HTML, no link, no code, wherever the text stands."""
    story = story_of(
        [story_set(1, segments=[narrated(1, text=trap, around=trap)])],
        total_segments=1,
        segments_per_set=1,
        cast=[character("ada", name="Ada", text=trap)],
        text=trap,
    )
    tokens = MarkdownIt("commonmark").parse(b"".join(write(story)).decode())
    shown = [child for token in tokens for child in token.children or []]
    assert one_line(trap) in lines_of(story)
    assert {"text", "strong_open", "strong_close", "em_open", "em_close", "hardbreak"} >= {
        child.type for child in shown if child.type != "text_special"
    }
    assert {"heading", "paragraph", "bullet", "list", "blockquote", "inline"} >= {
        token.type.split("_")[0] for token in tokens
    }
