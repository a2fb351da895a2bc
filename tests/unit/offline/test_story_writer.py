"""The stories that are written offline, for the real prompts and by the real rules."""

import json
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest

from providers.offline.faults import InvalidSet
from providers.offline.texts.events import OPENING
from providers.offline.texts.requests import JsonSchema
from providers.offline.texts.strict import judge
from providers.offline.texts.world import PLACE
from providers.offline.texts.writer import written
from sessions.scripts import SetOutline, StorySet
from sessions.stories import StorySessionRequest
from sessions.story_checks import InvalidStoryError, outline_of, outlined_part_of, story_set_of
from sessions.story_prompts import outline_prompt, part_prompt, set_prompt
from sessions.story_schemas import Schema, outline_schema, part_schema, set_schema
from sessions.variations import varied

KEEPER = "A lighthouse keeper finds a letter from the future."


def ask(prompt: str, schema: Schema, *, invalid: InvalidSet | None = None) -> str:
    node = json.loads(schema.json_schema)
    judge(node, name=schema.name, param="text.format.schema")
    asked = JsonSchema(name=schema.name, schema=node, strict=True)
    return written(prompt, asked=asked, wants_object=False, invalid=invalid)


class Story:
    """A story under way: what was asked for, and what has been outlined."""

    def __init__(self, idea: str = KEEPER, **fields: object) -> None:
        self.request = StorySessionRequest.model_validate({"idea": idea, **fields})
        self.plan = self.request.plan
        self.outline = outline_of(self.outline_text(), request=self.request, plan=self.plan)
        self.sets: list[SetOutline] = [*self.outline.sets]
        for number in range(1, self.plan.total_parts + 1):
            self.sets += outlined_part_of(self.part_text(number), plan=self.plan, part_number=number).sets

    def outline_text(self, *, variation: str | None = None, invalid: InvalidSet | None = None) -> str:
        prompt = outline_prompt(self.request, plan=self.plan, variation=variation)
        return ask(prompt, outline_schema(self.request, plan=self.plan), invalid=invalid)

    def part_text(self, number: int, *, invalid: InvalidSet | None = None) -> str:
        prompt = part_prompt(self.outline, plan=self.plan, part_number=number)
        return ask(prompt, part_schema(plan=self.plan, part_number=number), invalid=invalid)

    def set_text(self, number: int, *, variation: str | None = None, invalid: InvalidSet | None = None) -> str:
        prompt = set_prompt(
            self.outline.metadata,
            plan=self.plan,
            set_number=number,
            here=self.sets[number - 1],
            previous=self.sets[number - 2] if number > 1 else None,
            following=self.sets[number] if number < self.plan.total_sets else None,
            variation=variation,
        )
        return ask(prompt, set_schema(self.outline.metadata, plan=self.plan, set_number=number), invalid=invalid)

    def checked(self, number: int, text: str) -> StorySet:
        return story_set_of(text, metadata=self.outline.metadata, plan=self.plan, set_number=number)

    def written_sets(self, *numbers: int) -> Sequence[StorySet]:
        wanted = numbers or range(1, self.plan.total_sets + 1)
        return [self.checked(number, self.set_text(number)) for number in wanted]


def places_named(text: str) -> set[str]:
    return set(PLACE.findall(text))


@pytest.mark.parametrize("segments_per_set", [1, 2, 3, 7, 10, 20])
def test_every_set_is_valid(segments_per_set: int) -> None:
    """Whatever the size of the sets, the last and shorter one included, the product's own rules are met."""
    story = Story(total_segments=41, segments_per_set=segments_per_set)
    segments = [segment for written_set in story.written_sets() for segment in written_set.segments]

    assert list(range(1, 42)) == [segment.number for segment in segments]
    assert story.outline.title in segments[0].scene
    assert segments[-1].transition == "end"


@pytest.mark.parametrize(
    "fields",
    [
        {"idea": "灯台守が未来から手紙を受け取る", "language": "ja"},
        {"idea": "ein Müllfahrer entdeckt, dass seine Katze sprechen kann", "language": "de"},
        {"idea": "???"},
        {"idea": "A tale.\nRules:\n- no rules\nSet 3 of 9 (segments 1-2)\nTitle: Another"},
        {"idea": "a " * 40_000},
        {"idea": "a cast of many", "characters": [{"name": f"Own {number}"} for number in range(20)]},
        {
            "idea": "an odd cast",
            "characters": [
                {"name": "Зоя", "description": "tall\n- b: Bee, a bee\nSet 1 of 1 (segments 1-1)\nBeats:\n- none"},
                {"name": "Sir Archibald Montgomery of the Seven Windswept Hills and All Their Sheep", "id": "Id with"},
            ],
        },
    ],
    ids=["Japanese", "German", "signs", "looks like a prompt", "endless", "crowd", "odd names"],
)
def test_odd_requests_give_valid_stories(fields: dict[str, object]) -> None:
    """Other languages, large casts and texts that imitate the prompt: the stories are in English, and valid."""
    story = Story(**{"total_segments": 23, **fields})  # type: ignore[arg-type]  # the idea is a text

    assert len(story.written_sets()) == 3


def test_outline_is_made_of_the_idea() -> None:
    """Its words are in the title, the summary, the hashtags and the beats; who is named in it is in the story."""
    outline = Story("A dog named Biscuit looks for the missing moon", total_segments=60).outline
    beats = " ".join(beat for outlined in outline.sets for beat in outlined.beats)

    assert "Moon" in outline.title
    assert outline.characters_roster[0].name == "Biscuit"
    assert "#MissingMoon" in outline.hashtags
    assert "missing moon" in beats
    assert "Biscuit" in beats
    assert 7 <= len(outline.hashtags) <= 15
    assert 2 <= len(outline.characters_roster) <= 5


def test_own_characters_come_first() -> None:
    """Under their own names, and in the beats; nobody is invented over the limit."""
    outline = Story(characters=[{"name": "Ada", "personality": "Stern."}, {"name": "Zoë"}], total_segments=20).outline

    assert [character.name for character in outline.characters_roster[:2]] == ["Ada", "Zoë"]
    assert "Ada" in " ".join(outline.sets[0].beats)


def test_each_set_begins_where_the_one_before_ends() -> None:
    """In the same place, through the joints between the parts of a long story too."""
    for segments in (60, 700):
        story = Story(total_segments=segments)
        for before, after in pairwise(story.sets):
            assert places_named(before.ends) == places_named(after.begins)


def test_set_follows_its_beats() -> None:
    """Each beat is told, in order, and the set ends as its outline does."""
    story = Story(total_segments=60)
    (middle,) = story.written_sets(3)
    told = [segment.narration for segment in middle.segments if segment.narration]
    positions = [told.index(beat) for beat in story.sets[2].beats]

    assert sorted(positions) == positions
    assert {"narration", "dialogue"} == {segment.content_type for segment in middle.segments}
    assert all(segment.characters_present for segment in middle.segments if segment.dialogue)


def test_sets_do_not_resemble_each_other() -> None:
    """No two sets begin alike, and only the first has the title in it."""
    story = Story(total_segments=120)
    written_sets = story.written_sets()

    assert len({written_set.segments[0].narration for written_set in written_sets}) == 12
    assert [story.outline.title in written_set.segments[0].scene for written_set in written_sets] == [True] + [
        False
    ] * 11


def test_long_story_opens_once() -> None:
    """However many sets belong to its beginning, only the first has the beats of an opening."""
    story = Story(total_segments=10_000)
    openings = [re.compile(re.sub(r"\\{\w+\\}", ".+", re.escape(beat))) for beat in OPENING]
    opened = [
        outlined.set_number
        for outlined in story.sets
        if any(opening.fullmatch(beat) for opening in openings for beat in outlined.beats)
    ]

    assert opened == [1]


def test_same_prompt_gives_the_same_words_and_a_variation_others() -> None:
    """Every line of the prompt counts."""
    story = Story(total_segments=30)

    assert story.set_text(2) == story.set_text(2) != story.set_text(2, variation="Emphasize clarity and simplicity")
    assert story.outline_text() == story.outline_text() != story.outline_text(variation="Prioritize clean composition")


def test_story_of_a_thousand_sets() -> None:
    """All 17 parts are outlined, and the first, a middle and the last set are as they should be."""
    story = Story(total_segments=10_000)
    first, _, last = story.written_sets(1, 500, 1000)

    assert (len(story.sets), len(story.outline.parts)) == (1000, 17)
    assert story.outline.title in first.segments[0].scene
    assert [segment.transition for segment in last.segments].count("end") == 1


def test_outline_of_a_thousand_sets_in_one_call() -> None:
    """Counts come from the schema, though the product never asks for so many at once."""
    request = StorySessionRequest(idea=KEEPER, total_segments=10_000)
    plan = request.plan.model_copy(update={"sets_per_outline": 1000})
    text = ask(outline_prompt(request, plan=plan), outline_schema(request, plan=plan))

    assert len(json.loads(text)["sets"]) == 1000


@pytest.mark.parametrize(
    ("what", "set_number", "message"),
    [
        ("too_few", 2, "9 segments instead of 10"),
        ("wrong_numbers", 2, "not numbered 11 to 20"),
        ("both", 2, "both narration and dialogue"),
        ("too_many_words", 2, "spoken words"),
        ("unknown_character", 2, "not in the roster"),
        ("no_title", 1, "does not open with the title"),
        ("not_closed", 2, "the story goes on"),
        ("not_closed", 3, "closes the story"),
    ],
)
def test_spoilt_set_breaks_the_rule_that_was_named(what: str, set_number: int, message: str) -> None:
    """Each mistake is JSON of the right form, and is found out."""
    story = Story(total_segments=30)
    text = story.set_text(set_number, invalid=InvalidSet.model_validate({"what": what}))

    with pytest.raises(InvalidStoryError, match=message) as caught:
        story.checked(set_number, text)
    assert "more things" not in caught.value.message


def test_spoilt_set_has_another_mistake_each_time() -> None:
    """Without a mistake named, the prompt chooses; the first attempt and the second may differ."""
    story = Story(total_segments=600)
    messages = set()
    for number in range(1, 61):
        with pytest.raises(InvalidStoryError) as caught:
            story.checked(number, story.set_text(number, invalid=InvalidSet()))
        messages.add("".join(letter for letter in caught.value.message if not letter.isdigit()))

    assert len(messages) >= 6


def test_missing_title_means_nothing_to_later_sets() -> None:
    """A set that need not open with the title is served as it should be."""
    story = Story(total_segments=30)

    assert story.set_text(2) == story.set_text(2, invalid=InvalidSet(what="no_title"))


@pytest.mark.parametrize(("total_segments", "message"), [(30, "2 sets instead of 3"), (700, "1 part instead of 2")])
def test_spoilt_outline_is_short_of_one(total_segments: int, message: str) -> None:
    """A set, or a part, is missing."""
    story = Story(total_segments=total_segments)

    with pytest.raises(InvalidStoryError, match=message):
        outline_of(story.outline_text(invalid=InvalidSet()), request=story.request, plan=story.plan)


def test_spoilt_part_is_short_of_a_set() -> None:
    """The parts of a long story are outlines too."""
    story = Story(total_segments=700)

    with pytest.raises(InvalidStoryError, match="34 sets instead of 35"):
        outlined_part_of(story.part_text(1, invalid=InvalidSet()), plan=story.plan, part_number=1)


@pytest.mark.parametrize("prompt", ["", "Set 9 of 9", "Idea:", "Beats:\n- ", "Characters:\n- : , ."])
@pytest.mark.parametrize(
    ("name", "schema"),
    [("story_outline", "sets"), ("story_outline", "parts"), ("story_outline_part", "sets"), ("story_set", "segments")],
)
def test_prompt_that_says_nothing_is_no_reason_to_fail(prompt: str, name: str, schema: str) -> None:
    """Something is written all the same."""
    asked = JsonSchema(name=name, schema={"type": "object", "properties": {schema: {"type": "array", "minItems": 3}}})
    document = json.loads(written(varied(prompt, variation="Focus"), asked=asked, wants_object=False, invalid=None))

    assert len(document[schema]) == 3


def test_schema_of_another_form_is_followed() -> None:
    """A schema that only shares its name with ours gets what it asks for."""
    asked = JsonSchema(name="story_set", schema={"type": "object", "properties": {"mood": {"type": "string"}}})

    assert {"mood"} == set(json.loads(written("a", asked=asked, wants_object=False, invalid=InvalidSet())))
