"""Turning what a model wrote into a set, and judging finished ones."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.scripts import StorySet, as_bytes
from sessions.story_checks import InvalidStoryError, set_problems, story_set_of
from tests.unit.sessions.story_examples import TITLE, Json, metadata_for, request_of, set_answer

REQUEST = request_of()
PLAN = REQUEST.plan
METADATA = metadata_for(REQUEST)
LAST = PLAN.total_sets


def checked(answer: Any, *, set_number: int = 2) -> StorySet:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return story_set_of(text, metadata=METADATA, plan=PLAN, set_number=set_number)


def changed(index: int = 0, *, set_number: int = 2, **fields: Any) -> Json:
    answer = set_answer(PLAN, set_number)
    answer["segments"][index] |= fields
    return answer


def said_of(answer: Any, *, set_number: int = 2) -> str:
    with pytest.raises(InvalidStoryError) as caught:
        checked(answer, set_number=set_number)
    return caught.value.message


@pytest.mark.parametrize("set_number", [1, 2, LAST])
def test_a_good_answer_becomes_a_set(set_number: int) -> None:
    """Its title, numbers and counts are ours, and it passes the same rules again."""
    made = checked({**set_answer(PLAN, set_number), "title": "Another", "set_number": 9}, set_number=set_number)
    numbers = PLAN.segments_of(set_number)
    assert (TITLE, set_number, LAST) == (made.title, made.set_number, made.total_sets)
    assert (numbers[0], numbers[-1]) == (made.first_segment, made.last_segment)
    assert list(numbers) == [segment.number for segment in made.segments]
    assert () == set_problems(made, metadata=METADATA, plan=PLAN)


def test_words_and_seconds_are_counted_and_never_taken_over() -> None:
    """Whatever the model says about them."""
    narration = " ".join(["word"] * 25)
    made = checked(changed(narration=narration, word_count=3, duration_seconds=1))
    assert (25, 10) == (made.segments[0].word_count, made.segments[0].duration_seconds)
    assert made.word_count == sum(segment.word_count for segment in made.segments)
    assert made.duration_seconds == sum(segment.duration_seconds for segment in made.segments) == 82


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"number": 12}, "The segments of set 2 are not numbered 11 to 20 in order."),
        ({"number": "one"}, "A segment has no number where 11 should be."),
        ({"narration": ""}, "Segment 11 has neither narration nor dialogue."),
        ({"narration": "\u200b"}, "Segment 11 has neither narration nor dialogue."),
        ({"narration": None}, "Segment 11 has neither narration nor dialogue."),
        (
            {"dialogue": [{"character_id": "ada", "line": "No"}]},
            "Segment 11 has both narration and dialogue.",
        ),
        ({"content_type": "dialogue"}, "Segment 11 is called dialogue and holds the other."),
        ({"content_type": "song"}, "Segment 11 has neither narration nor dialogue as its content_type."),
        ({"narration": "word " * 26}, "Segment 11 has 26 spoken words; 25 are the most."),
        ({"narration": "w" * 501}, "Segment 11 has more than 500 spoken characters."),
        ({"characters_present": ["ada", "Bob"]}, "Segment 11 names characters who are not in the roster: “Bob”."),
        (
            {"characters_present": ["x" * 99, "y", "z", "ada"]},
            f"Segment 11 names characters who are not in the roster: “{'x' * 30}…”, “y” and 1 more.",
        ),
        ({"scene": " "}, "Segment 11 leaves scene blank."),
        ({"scene": ["a list"]}, "Segment 11 leaves scene blank."),
        ({"camera": "c" * 1001}, "Segment 11 has a camera of 1,001 characters; 1,000 are the most."),
        ({"transition": "end"}, "Segment 11 has the transition end, and the story goes on."),
        (
            {"transition": "star wipe"},
            "Segment 11 has none of the transitions cut, dissolve, fade, match cut, wipe, end.",
        ),
    ],
)
def test_a_broken_rule_is_named_with_its_segment(fields: Json, message: str) -> None:
    """One thing wrong is one sentence."""
    assert message == said_of(changed(**fields))


def test_too_few_and_too_many_segments_are_told() -> None:
    """The number of segments is never accepted silently."""
    answer = set_answer(PLAN, 2)
    assert said_of({"segments": answer["segments"][:8]}) == "Set 2 has 8 segments instead of 10."
    assert said_of({"segments": answer["segments"][:1]}) == "Set 2 has 1 segment instead of 10."
    more = [*answer["segments"], {**answer["segments"][-1], "number": 21}]
    assert said_of({"segments": more}) == "Set 2 has 11 segments instead of 10."


@pytest.mark.parametrize("numbers", [range(1, 11), range(20, 10, -1), [11] * 10, range(12, 22)])
def test_numbers_run_on_from_the_set_before(numbers: range) -> None:
    """A set that counts from 1, backwards, or twice the same is refused."""
    answer = set_answer(PLAN, 2)
    for segment, number in zip(answer["segments"], numbers, strict=True):
        segment["number"] = number
    assert "not numbered 11 to 20" in said_of(answer)


def test_all_lines_of_dialogue_count_together() -> None:
    """25 words are for everybody who speaks in a segment."""
    lines = [{"character_id": who, "line": "word " * 13} for who in ("ada", "fox")]
    assert said_of(changed(1, dialogue=lines)) == "Segment 12 has 26 spoken words; 25 are the most."


def test_blank_lines_and_texts_are_absent() -> None:
    """An empty narration beside dialogue, or an empty line beside narration, is nothing."""
    silent = [{"character_id": "ada", "line": " "}]
    made = checked(changed(0, dialogue=silent))
    assert () == made.segments[0].dialogue
    assert None is checked(changed(1, narration="  ")).segments[1].narration


@pytest.mark.parametrize("spelling", ["Fox", "FOX", " fox "])
def test_a_characters_name_is_as_good_as_its_id(spelling: str) -> None:
    """It becomes the id, everywhere in the set."""
    made = checked(
        changed(1, dialogue=[{"character_id": spelling, "line": "No"}], characters_present=[spelling, "fox"])
    )
    assert "fox" == made.segments[1].dialogue[0].character_id
    assert ("fox",) == made.segments[1].characters_present


@pytest.mark.parametrize(
    ("written", "transition"), [("Match-Cut", "match cut"), (" FADE", "fade"), ("match_cut", "match cut")]
)
def test_transitions_are_read_in_whatever_spelling(written: str, transition: str) -> None:
    """Case and hyphens do not make a set invalid."""
    assert transition == checked(changed(transition=written)).segments[0].transition


@pytest.mark.parametrize(
    "fields",
    [
        {"scene": "Title card: THE LAST LAMP"},
        {"scene": "A rock", "narration": "This is “The Last Lamp”!"},
        {
            "scene": "A rock",
            "content_type": "dialogue",
            "narration": None,
            "dialogue": [{"character_id": "fox", "line": "Behold the last lamp."}],
        },
    ],
)
def test_segment_1_opens_with_the_title(fields: Json) -> None:
    """In its scene, its narration or its first line, in whatever case."""
    assert checked(changed(set_number=1, **fields), set_number=1)


def test_a_story_that_does_not_open_with_its_title_is_refused() -> None:
    """Only the first segment has to."""
    assert said_of(changed(set_number=1, scene="A rock"), set_number=1) == "Segment 1 does not open with the title."


def test_no_set_before_the_last_one_ends_the_story() -> None:
    """Not even by its last segment."""
    wrong = changed(-1, transition="end")
    assert said_of(wrong) == "Segment 20 has the transition end, and the story goes on."


def test_limits_are_what_is_still_let_in() -> None:
    """25 words of 500 characters altogether, and directions of 1,000."""
    narration = " ".join(["w" * 19] * 24 + ["w" * 20])
    assert 500 == len(narration)
    assert 25 == checked(changed(narration=narration, camera="c" * 1000)).segments[0].word_count


def test_a_kind_that_is_none_is_the_only_thing_told() -> None:
    """What the segment holds is not held against a kind that it does not have."""
    message = "Segment 12 has neither narration nor dialogue as its content_type."
    assert message == said_of(changed(1, content_type="song"))


def test_line_breaks_within_a_text_do_not_spoil_an_answer() -> None:
    """They are no JSON, and small models write them."""
    text = json.dumps(changed(scene="A rock at night")).replace("A rock at night", "A rock\n\tat night")
    assert "A rock at night" == checked(text).segments[0].scene


def test_the_last_segment_closes_the_story() -> None:
    """By its transition."""
    wrong = changed(-1, set_number=LAST, transition="fade")
    assert said_of(wrong, set_number=LAST) == "Segment 25 closes the story, and its transition is not end."
    early = changed(0, set_number=LAST, transition="end")
    assert said_of(early, set_number=LAST) == "Segment 21 has the transition end, and the story goes on."


def test_people_are_told_a_few_problems_and_the_model_more_of_them() -> None:
    """A message stays readable, and a correction stays short enough for a prompt."""
    answer = set_answer(PLAN, 2)
    for segment in answer["segments"]:
        segment |= {"scene": "", "characters_present": ["x" * 500]}
    with pytest.raises(InvalidStoryError) as caught:
        checked(answer)
    assert caught.value.message.endswith("17 more things are wrong.")
    assert 10 == caught.value.correction.count("Segment 1")
    assert len(caught.value.correction.encode()) <= 1500
    assert "\n" not in caught.value.correction


@pytest.mark.parametrize(
    "wrapped",
    [
        "```json\n{}\n```",
        "<think>I could {write} this.</think>\n{}",
        "thinking aloud</think>```\n{}```",
        "Here it is:\n\n{}\n\nEnjoy!",
        "\ufeff {}",
    ],
)
def test_what_small_models_put_around_their_answer_is_passed_over(wrapped: str) -> None:
    """Fences, thoughts and polite words."""
    text = json.dumps(set_answer(PLAN, 2))
    assert checked(text) == checked(text.join(wrapped.split("{}")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "null",
        "{",
        json.dumps(set_answer(PLAN, 2))[:-2],
        '{"segments": ' + "[" * 100_000,
        '{"a":' * 100_000,
        "x" * 1_000_000,
        "{" * 1_000_000,
        '{"n": ' + "1" * 10_000 + "}",
        "<think>for ever",
        "\ud800",
        '"\\ud800"',
        "\0",
        "{" + " " * 3_000_000 + "}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    """Quickly, whatever its size and depth, and without a word of it."""
    assert said_of(text) == "Set 2 came back as something else than one whole JSON object."


@pytest.mark.parametrize(
    "answer",
    [{}, {"segments": None}, {"segments": {}}, {"segments": "ten"}, {"sets": []}, {"segments": float("nan")}],
)
def test_another_shape_has_no_segments(answer: Json) -> None:
    """It is told like a set without segments."""
    assert said_of(answer) == "Set 2 has 0 segments instead of 10."


def test_characters_that_cannot_be_stored_are_taken_out() -> None:
    """Halves of surrogate pairs and control characters never reach a document."""
    made = checked(changed(scene="A\x00 rock\ud800 at\n\x1b night", narration="The\u2028sea"))
    assert ("A rock at night", "The sea") == (made.segments[0].scene, made.segments[0].narration)
    assert made == StorySet.model_validate_json(as_bytes(made))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=6), children, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.text(st.characters()) | json_values.map(json.dumps))
def test_no_text_gets_further_than_a_refusal(text: str) -> None:
    """Whatever a model writes, the answer is a set or a refusal."""
    with pytest.raises(InvalidStoryError):
        checked(text)


@settings(deadline=None)
@given(
    st.integers(0, 9),
    st.sampled_from(["segments", *set_answer(PLAN, 2)["segments"][0]]),
    json_values,
)
def test_any_value_in_any_place_gives_a_storable_set_or_a_refusal(index: int, name: str, value: Any) -> None:
    """Nothing but the error for it is ever raised, and what passes can be stored and read back."""
    answer = {"segments": value} if name == "segments" else changed(index, **{name: value})
    try:
        made: StorySet | InvalidStoryError = checked(answer)
    except InvalidStoryError as refused:
        made = refused
    if isinstance(made, InvalidStoryError):
        assert made.message.endswith(".")
        assert len(made.message.encode()) < 2000
    else:
        assert made == StorySet.model_validate_json(as_bytes(made))
        assert () == set_problems(made, metadata=METADATA, plan=PLAN)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "entry",
    [
        "{}",
        '{"dialogue": [' + ",".join(["{}"] * 1000) + "]}",
        '{"characters_present": [' + ",".join(['"x"'] * 1000) + "]}",
    ],
    ids=["segments", "lines", "characters"],
)
def test_a_model_that_runs_wild_keeps_nobody_waiting(entry: str) -> None:
    """Only the beginning of endless lists is looked at."""
    text = '{"segments": [' + ",".join([entry] * (900_000 // (len(entry) + 1))) + "]}"
    assert "instead of 10" in said_of(text)


def finished(**fields: Any) -> StorySet:
    return checked(set_answer(PLAN, 2)).model_copy(update=fields)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"title": "The Lost Lamp"}, "Set 2 has another title than the story"),
        ({"set_number": 4}, "Set 4 is none of the story's 3 sets"),
        ({"total_sets": 6}, "Set 2 counts 6 sets in the story instead of 3"),
        ({"first_segment": 1}, "Set 2 does not say that its segments are 11 to 20"),
        ({"segments": ()}, "Set 2 has 0 segments instead of 10"),
    ],
)
def test_finished_sets_that_people_send_back_are_judged_too(fields: Json, problem: str) -> None:
    """A set of another story, or one that was edited into something invalid, is told with what is wrong."""
    assert (problem,) == set_problems(finished(**fields), metadata=METADATA, plan=PLAN)


def test_names_and_control_characters_in_finished_sets_are_problems() -> None:
    """Nothing is mended in what comes back: it stays byte for byte, or is refused."""
    made = finished()
    segments = list(made.segments)
    segments[0] = segments[0].model_copy(update={"characters_present": ("Ada",), "scene": "a\0b", "narration": "a\0b"})
    assert (
        "Segment 11 holds control characters",
        "Segment 11 names characters who are not in the roster: “Ada”",
        "Segment 11 holds control characters in its scene",
    ) == set_problems(finished(segments=tuple(segments)), metadata=METADATA, plan=PLAN)


def test_counts_of_a_finished_set_are_not_judged() -> None:
    """How words are counted may change; what was finished before stays valid."""
    assert () == set_problems(finished(word_count=1, duration_seconds=1), metadata=METADATA, plan=PLAN)


def test_checking_a_set_of_twenty_segments_is_quick() -> None:
    """About a millisecond; the bound is wide because other work shares the machine."""
    request = request_of(total_segments=40, segments_per_set=20)
    text = json.dumps(set_answer(request.plan, 2))
    metadata = metadata_for(request)
    quickest = float("inf")
    for _ in range(20):
        started = time.perf_counter()
        story_set_of(text, metadata=metadata, plan=request.plan, set_number=2)
        quickest = min(quickest, time.perf_counter() - started)
    assert quickest < 0.010
