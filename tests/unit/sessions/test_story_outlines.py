"""Turning what a model or a person wrote into the outline of a story."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.scripts import Outline, OutlinedPart, as_bytes
from sessions.stories import StorySessionRequest
from sessions.story_checks import InvalidStoryError, outline_of, outlined_part_of, person_outline_of
from tests.unit.sessions.story_examples import (
    TITLE,
    Json,
    character,
    outline_answer,
    outline_for,
    outlined_set,
    request_of,
)

REQUEST = request_of()
LONG = request_of(total_segments=1205)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=6), children, max_size=4),
    max_leaves=12,
)


def said_of(text: str, *, request: StorySessionRequest = REQUEST) -> str:
    with pytest.raises(InvalidStoryError) as caught:
        outline_of(text, request=request, plan=request.plan)
    return caught.value.message


def message_for(request: StorySessionRequest = REQUEST, **fields: Any) -> str:
    return said_of(json.dumps(outline_answer(request, **fields)), request=request)


def test_a_good_answer_becomes_an_outline() -> None:
    """Its sets are numbered by us, and what was asked for is not the model's to say."""
    outline = outline_for(REQUEST, generation_info={"total_segments": 3, "idea": "another"})
    assert (TITLE, [1, 2, 3], ()) == (outline.title, [one.set_number for one in outline.sets], outline.parts)
    info = outline.generation_info
    assert (25, 10, 3) == (info.total_segments, info.segments_per_set, info.total_sets)
    assert ("A keeper and a fox", "U", "en") == (info.idea, info.content_rating, info.language)
    assert outline == Outline.model_validate_json(as_bytes(outline))


def test_the_outline_of_a_long_story_has_parts_and_no_sets() -> None:
    """Each part knows its sets."""
    outline = outline_for(LONG, sets=[outlined_set(1)])
    assert () == outline.sets
    assert [(1, 1, 41), (2, 42, 81), (3, 82, 121)] == [
        (part.part_number, part.first_set, part.last_set) for part in outline.parts
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": " "}, "The outline has no title."),
        ({"title": None}, "The outline has no title."),
        ({"title": "x" * 60}, "The title has 60 characters; 59 are the most."),
        ({"description": ""}, "The outline leaves description blank."),
        ({"description": "x" * 4001}, "The outline has a description of 4,001 characters; 4,000 are the most."),
        ({"narrator_voice": 7}, "The outline leaves narrator voice blank."),
        ({"hashtags": ["#a"] * 9}, "The outline has 1 different hashtags instead of 7 to 15."),
        ({"characters": [character("Ada")]}, "The outline has 1 characters instead of 2 to 5."),
        ({"characters": [character(f"C{n}") for n in range(6)]}, "The outline has 6 characters instead of 2 to 5."),
        ({"characters": [character("Ada"), character("Fox", voice=" ")]}, "Character 2 leaves voice blank."),
        ({"sets": [outlined_set(1)] * 2}, "The outline has 2 sets instead of 3."),
        ({"sets": [outlined_set(1)] * 4}, "The outline has 4 sets instead of 3."),
        ({"sets": [outlined_set(1), {**outlined_set(2), "beats": ["", 3]}, outlined_set(3)]}, "Set 2 has no beats."),
        ({"sets": [{**outlined_set(1), "begins": ""}, *[outlined_set(2)] * 2]}, "Set 1 leaves begins blank."),
        ({"sets": [{**outlined_set(1), "beats": ["b" * 1001]}, *[outlined_set(2)] * 2]}, "Set 1 has a beat 1 of 1,001"),
        ({"sets": [{**outlined_set(1), "beats": ["b"] * 11}, *[outlined_set(2)] * 2]}, "Set 1 has 11 beats; 10 are"),
        (
            {"sets": [{**outlined_set(1), "beats": ["b" * 999] * 6}, *[outlined_set(2)] * 2]},
            "Set 1 is outlined in more",
        ),
    ],
)
def test_a_broken_rule_is_named_with_its_place(fields: Json, message: str) -> None:
    """One thing wrong is one sentence."""
    assert message_for(**fields).startswith(message)


def test_ten_beats_are_still_let_in() -> None:
    """Five are asked for at most, but twice as many do no harm."""
    sets = [{**outlined_set(number), "beats": ["b"] * 10} for number in (1, 2, 3)]
    assert 10 == len(outline_for(REQUEST, sets=sets).sets[0].beats)


def test_the_title_is_put_on_one_line() -> None:
    """Line breaks and control characters in it are no reason to ask again."""
    assert "The Last Lamp" == outline_for(REQUEST, title=" The\n Last\x00 Lamp ").title


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "The outline has 0 parts instead of 3."),
        ([{"summary": "s", "begins": "b", "ends": "e"}] * 4, "The outline has 4 parts instead of 3."),
        ([{"summary": "s", "begins": "b", "ends": ""}] * 3, "Part 1 leaves ends blank."),
    ],
)
def test_parts_are_counted_and_looked_into(parts: list[Json], message: str) -> None:
    """A long story needs all of its parts."""
    assert message_for(LONG, parts=parts).startswith(message)


def test_hashtags_are_spelt_alike() -> None:
    """One sign before each, no spaces within, none twice, 15 at most."""
    written = ["sea", "#Sea", "## last lamp", "#a #b, c", "fox!", "#", "", 7, "ночь", *[f"#n{n}" for n in range(20)]]
    tags = outline_for(REQUEST, hashtags=written).hashtags
    assert ("#sea", "#lastlamp", "#a", "#b", "#c", "#fox", "#ночь") == tags[:7]
    assert 15 == len(tags)


def test_own_characters_are_kept_as_given() -> None:
    """Every field that was given stands verbatim; the rest is the model's; they come first."""
    own = {"name": "Ada", "description": "Never\nsmiles ", "clothing": "a red  coat", "id": "The Keeper"}
    request = request_of(characters=[own])
    written = [character("Fox"), character("ada", description="sunny", clothing="blue", id="x")]
    ada, fox = outline_for(request, characters=written).characters_roster
    assert ("The Keeper", "Ada", "Never\nsmiles ", "a red  coat") == (ada.id, ada.name, ada.description, ada.clothing)
    assert ("ada's voice", "ada's role") == (ada.voice, ada.role)
    assert ("fox", None) == (fox.id, fox.description)


def test_an_own_character_whom_the_model_forgot_is_there_all_the_same() -> None:
    """With what was given, and words that say where the rest is; that is no reason to pay again."""
    request = request_of(characters=[{"name": "Zoë Ray", "description": "A diver"}, {"name": "Bo", "voice": "low"}])
    zoe, bo, *others = outline_for(request).characters_roster
    assert ("zoe-ray", "A diver", "as described") == (zoe.id, zoe.description, zoe.clothing)
    assert ("bo", "low", "not described") == (bo.id, bo.voice, bo.role)
    assert ["ada", "fox"] == [other.id for other in others]


def test_a_persons_character_is_known_by_its_id_under_a_new_name() -> None:
    """A model that renames somebody does not double them."""
    request = request_of(characters=[{"name": "Ada"}, {"name": "Bo"}])
    written = [character("Ada Ray", id="ada"), character("Fox"), character("Bo", id="ada")]
    roster = outline_for(request, characters=written).characters_roster
    assert [("ada", "Ada", "Ada Ray's role"), ("bo", "Bo", "Bo's role"), ("fox", "Fox", "Fox's role")] == [
        (one.id, one.name, one.role) for one in roster
    ]


def test_more_own_characters_than_five_are_fine() -> None:
    """The limit is for the model alone, which has nobody to add to them."""
    request = request_of(characters=[{"name": f"Own {number}"} for number in range(8)])
    assert [f"Own {number}" for number in range(8)] == [one.name for one in outline_for(request).characters_roster]


def test_ids_are_unique_and_usable() -> None:
    """Made of the name by code where the model's is no good."""
    names = ["Ada", "Ada!", "Зоя", "Bo"]
    written = [
        character(name, id=written_id) for name, written_id in zip(names, ["ada", "ada", "З", "Bo Bo"], strict=True)
    ]
    roster = outline_for(REQUEST, characters=[*written, character("ADA")]).characters_roster
    assert ["ada", "ada-2", "character-3", "bo"] == [one.id for one in roster]


def test_a_part_becomes_the_outline_of_its_sets() -> None:
    """They are numbered over the whole story, and counted."""
    sets = [outlined_set(number) for number in LONG.plan.sets_of(2)]
    part = outlined_part_of(json.dumps({"sets": sets}), plan=LONG.plan, part_number=2)
    assert (2, list(range(42, 82))) == (part.part_number, [one.set_number for one in part.sets])
    for wrong, message in (
        (sets[:-1], "Outline part 2 has 39 sets instead of 40."),
        ([*sets[:-1], {}], "Set 81 has no beats. Set 81 leaves begins blank. Set 81 leaves ends blank."),
    ):
        with pytest.raises(InvalidStoryError) as caught:
            outlined_part_of(json.dumps({"sets": wrong}), plan=LONG.plan, part_number=2)
        assert message == caught.value.message


@settings(deadline=None)
@given(st.text(st.characters()) | json_values.map(json.dumps))
def test_no_text_gets_further_than_a_refusal(text: str) -> None:
    """Whatever a model writes, outline or part, with parts or without."""
    said_of(text)
    said_of(text, request=LONG)
    with pytest.raises(InvalidStoryError):
        outlined_part_of(text, plan=LONG.plan, part_number=1)


OWN = request_of(characters=[{"name": "Ada", "description": "stern"}])


def outcome_of(text: str) -> Outline | InvalidStoryError:
    try:
        return outline_of(text, request=OWN, plan=OWN.plan)
    except InvalidStoryError as error:
        return error


def is_told(error: InvalidStoryError) -> bool:
    return error.message.endswith(".") and 0 < len(error.correction.encode()) <= 1500


def is_storable(outline: Outline) -> bool:
    return outline == Outline.model_validate_json(as_bytes(outline))


@settings(deadline=None)
@given(st.sampled_from(sorted(outline_answer(REQUEST))), json_values)
def test_any_value_in_any_place_gives_a_storable_outline_or_a_refusal(name: str, value: Any) -> None:
    """Nothing but the error for it is ever raised."""
    answer = json.dumps(outline_answer(OWN, **{name: value}))
    outcome = outcome_of(answer)
    assert is_told(outcome) if isinstance(outcome, InvalidStoryError) else is_storable(outcome)


@settings(deadline=None)
@given(st.sampled_from(sorted(character("Ada"))), json_values)
def test_any_trait_gives_a_storable_roster_or_a_refusal(name: str, value: Any) -> None:
    """The person's character survives whatever was written about it."""
    answer = outline_answer(OWN, characters=[{**character("Ada"), name: value}, character("Fox")])
    outcome = outcome_of(json.dumps(answer))
    if isinstance(outcome, InvalidStoryError):
        assert is_told(outcome)
    else:
        assert is_storable(outcome)
        assert ("Ada", "stern") == (outcome.characters_roster[0].name, outcome.characters_roster[0].description)


def sent(request: StorySessionRequest, **fields: Any) -> Outline:
    short = outline_for(REQUEST)
    sets = [{"set_number": number, **outlined_set(number)} for number in range(1, request.plan.total_sets + 1)]
    return Outline.model_validate({**short.model_dump(), "sets": sets, **fields})


def test_a_person_can_send_an_outline_in_place_of_ours() -> None:
    """What the story was asked for stays, whatever the outline says about it."""
    other = {**outline_for(LONG).generation_info.model_dump(), "idea": "Another"}
    outline, parts = person_outline_of(sent(REQUEST, generation_info=other), request=REQUEST, plan=REQUEST.plan)
    assert outline_for(REQUEST) == outline
    assert () == parts


def test_a_persons_outline_of_a_long_story_is_taken_apart() -> None:
    """All sets are sent in one list; each goes to its part, whose edges are those of its sets."""
    outline, parts = person_outline_of(sent(LONG), request=LONG, plan=LONG.plan)
    assert () == outline.sets
    assert list(range(1, 122)) == [one.set_number for part in parts for one in part.sets]
    assert (42, 81, "Begins 42", "Ends 81") == (
        outline.parts[1].first_set,
        outline.parts[1].last_set,
        outline.parts[1].begins,
        outline.parts[1].ends,
    )
    assert outline.parts[1].summary.startswith("Beat 42a Beat 42b Beat 43a")
    assert [1, 2, 3] == [part.part_number for part in parts]
    assert all(isinstance(part, OutlinedPart) for part in parts)


def test_summaries_of_parts_that_are_sent_back_stay() -> None:
    """A person who changed the sets alone keeps what the parts were about."""
    parts = outline_for(LONG).model_dump()["parts"]
    outline, _ = person_outline_of(sent(LONG, parts=parts), request=LONG, plan=LONG.plan)
    assert ["Summary 1", "Summary 2", "Summary 3"] == [part.summary for part in outline.parts]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": "x" * 60}, "The title has 60 characters; 59 are the most."),
        ({"title": "The\nLamp"}, "The title is not one line."),
        ({"hashtags": [f"#n{n}" for n in range(16)]}, "The outline has 16 different hashtags instead of 7 to 15."),
        ({"sets": []}, "The outline has 0 sets instead of 3."),
        (
            {"sets": [{"set_number": number, **outlined_set(number)} for number in (1, 3, 2)]},
            "The sets of the outline are not numbered 1 to 3 in order.",
        ),
        (
            {"sets": [{"set_number": n, **outlined_set(n), "beats": ["a", " "]} for n in (1, 2, 3)]},
            "Set 1 leaves beat 2 blank. Set 2 leaves beat 2 blank. Set 3 leaves beat 2 blank.",
        ),
        ({"characters_roster": [character("Ada")] * 2}, "Several characters share the same id."),
        ({"description": "a\0b"}, "The outline holds control characters in its description."),
    ],
)
def test_a_persons_outline_is_never_mended_silently(fields: Json, message: str) -> None:
    """What is wrong with it is told with its place."""
    with pytest.raises(InvalidStoryError) as caught:
        person_outline_of(sent(REQUEST, **fields), request=REQUEST, plan=REQUEST.plan)
    assert caught.value.message.startswith(message)


def test_a_persons_roster_gets_the_ids_that_it_lacks() -> None:
    """Up to 20 characters, each known by an id."""
    roster = [character("Ada", id=""), character("Bo", id="ada"), *[character(f"C{n}") for n in range(18)]]
    outline, _ = person_outline_of(sent(REQUEST, characters_roster=roster), request=REQUEST, plan=REQUEST.plan)
    assert ["ada-2", "ada", "c0"] == [one.id for one in outline.characters_roster[:3]]
    roster = [character("Bo", id=""), character("Bo!", id=" ")]
    outline, _ = person_outline_of(sent(REQUEST, characters_roster=roster), request=REQUEST, plan=REQUEST.plan)
    assert ["bo", "bo-2"] == [one.id for one in outline.characters_roster]
