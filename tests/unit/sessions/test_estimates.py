"""What a session would cost: told as exactly as it is known, and no more exactly."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sessions.costs import RecordedCall
from sessions.estimates import AmountRange, Estimate, EstimateBasis, EstimateRequest, estimate
from sessions.expectations import Learned, expected_calls, learned_from
from sessions.images import ImageSessionRequest
from sessions.model import Value
from sessions.money import Usage, dollars
from sessions.pricing import ModelPrice, PriceTable
from sessions.statuses import SessionKind
from sessions.stories import StoryPlan, StorySessionRequest

PRICES = PriceTable(
    as_of=date(2026, 11, 1),
    models={
        "gpt-image-2": ModelPrice(text_input=5, image_input=8, output=30),
        "gpt-image-2.5-flare": ModelPrice(text_input=5, image_input=8, output=30),
        "gpt-6-luna": ModelPrice(text_input=0.1, output=0.5),
    },
    fallback=ModelPrice(text_input=5, image_input=8, output=30),
)
TODAY = date(2026, 11, 21)
UPLOAD = "upl-" + "a" * 26


class _Began(Value):
    request: ImageSessionRequest | StorySessionRequest
    plan: StoryPlan | None = None
    model: str = "any"


def images(**changed: Any) -> ImageSessionRequest:
    return ImageSessionRequest.model_validate({"product": {"title": "Steel bottle"}, **changed})


def story(**changed: Any) -> StorySessionRequest:
    return StorySessionRequest.model_validate({"idea": "Two keepers of a light.", "total_segments": 60, **changed})


def estimated(
    request: ImageSessionRequest | StorySessionRequest,
    *,
    model: str,
    learned: Learned | None = Learned(),  # noqa: B008 - a frozen value
    today: date = TODAY,
) -> Estimate:
    return estimate(request, model=model, prices=PRICES, learned=learned, today=today)


def calls_of(
    request: ImageSessionRequest | StorySessionRequest, *, factors: list[float], session_id: str = "ses-a"
) -> list[RecordedCall]:
    """Return what would be recorded of a session whose calls took so many times the tokens expected of them."""
    plan = request.plan if isinstance(request, StorySessionRequest) else None
    start = _Began(request=request, plan=plan).model_dump_json()
    return [
        RecordedCall(
            session_id=session_id,
            item=call.item,
            usage=Usage(
                input_tokens=call.usage.input_tokens,
                input_image_tokens=call.usage.input_image_tokens,
                output_tokens=round(call.usage.output_tokens * factor),
            ),
            start=start,
        )
        for call, factor in zip(expected_calls(request), factors, strict=False)
    ]


@pytest.mark.parametrize("model", ["gpt-image-2", "gpt-image-2-2026-04-21"])
def test_a_published_formula_gives_a_figure(model: str) -> None:
    """Nobody is shown a range where the number of tokens is known."""
    found = estimated(images(), model=model)

    assert found.estimated_usd.low == found.estimated_usd.expected == found.estimated_usd.high
    assert 5 * 1756 * 30 / 1e6 <= found.estimated_usd.expected < 0.28
    assert (EstimateBasis.PRICE_TABLE, "gpt-image-2", None) == (
        found.basis,
        found.priced_as,
        found.learned_from_attempts,
    )


@pytest.mark.parametrize(
    ("request_", "model"),
    [
        (images(), "gpt-image-2.5-flare"),
        (images(), "gpt-image-20"),
        (images(quality="auto"), "gpt-image-2"),
        (images(quality="max"), "gpt-image-2"),
        (images(references=[UPLOAD]), "gpt-image-2"),
        (story(), "gpt-6-luna"),
    ],
)
def test_a_guess_is_a_range(request_: ImageSessionRequest | StorySessionRequest, model: str) -> None:
    """Where the model decides how many tokens it takes, or a picture how many it is, the estimate says so."""
    amount = estimated(request_, model=model).estimated_usd

    assert amount.low < amount.expected <= amount.high
    assert amount.low < amount.high


def test_at_worst_every_attempt_is_billed() -> None:
    """The worst case holds every attempt of every item, each at the dear end."""
    found = estimated(images(max_attempts=4), model="gpt-image-2.5-flare")

    assert 4 * found.estimated_usd.high == pytest.approx(found.worst_case_usd)


def test_an_unknown_model_is_priced_high_and_that_is_said() -> None:
    """A price that is not in the table is nobody's to know."""
    found = estimated(images(), model="unheard-of")

    assert (EstimateBasis.FALLBACK, None) == (found.basis, found.priced_as)
    assert any("no entry for 'unheard-of'" in note for note in found.notes)


def test_tokens_are_learned_and_prices_are_not() -> None:
    """A model that the table does not know is counted as the ledger tells, and priced by the fallback, and says so."""
    learned = learned_from(calls_of(images(), factors=[0.4, 0.5, 0.5, 0.5, 0.6]), kind=SessionKind.IMAGES)
    guess, found = (estimated(images(), model="unheard-of", learned=known) for known in (Learned(), learned))

    assert (EstimateBasis.LEARNED, None, 5) == (found.basis, found.priced_as, found.learned_from_attempts)
    assert found.estimated_usd.low < found.estimated_usd.expected < found.estimated_usd.high
    assert guess.estimated_usd.expected / 2 == pytest.approx(found.estimated_usd.expected, rel=0.05)
    assert guess.estimated_usd.high - guess.estimated_usd.low > found.estimated_usd.high - found.estimated_usd.low
    assert any("Prices cannot be learned" in note for note in found.notes)


def test_what_is_learned_is_no_promise() -> None:
    """Five calls that took the same still leave a doubt about the next one."""
    learned = learned_from(calls_of(images(), factors=[1.0] * 5), kind=SessionKind.IMAGES)
    amount = estimated(images(), model="gpt-image-2.5-flare", learned=learned).estimated_usd

    assert amount.low < 0.92 * amount.expected < 1.08 * amount.expected < amount.high


def test_the_formula_is_not_unlearned() -> None:
    """Where tokens are published, the ledger has nothing to add."""
    learned = learned_from(calls_of(images(), factors=[9.0] * 5), kind=SessionKind.IMAGES)

    assert estimated(images(), model="gpt-image-2") == estimated(images(), model="gpt-image-2", learned=learned)


def test_nothing_is_learned_of_too_few() -> None:
    """Four attempts are an anecdote."""
    learned = learned_from(calls_of(images(), factors=[9.0] * 4), kind=SessionKind.IMAGES)

    assert EstimateBasis.PRICE_TABLE is estimated(images(), model="gpt-image-2.5-flare", learned=learned).basis


def test_qualities_are_told_apart_and_sizes_where_they_can_be() -> None:
    """High pictures teach nothing of low ones; of the same quality, those of the same size count first."""
    small, large = images(quality="low"), images(quality="low", size="2048x2048")
    calls = [
        *calls_of(small, factors=[2.0] * 5, session_id="ses-small"),
        *calls_of(large, factors=[4.0] * 5, session_id="ses-large"),
    ]
    learned = learned_from(calls, kind=SessionKind.IMAGES)

    def factor(request: ImageSessionRequest) -> float:
        before = estimated(request, model="gpt-image-2.5-flare").estimated_usd.expected
        return estimated(request, model="gpt-image-2.5-flare", learned=learned).estimated_usd.expected / before

    assert 1.5 < factor(small) < 2.1
    assert 3.0 < factor(large) < 4.1
    assert 1.5 < factor(images(quality="low", size="512x512")) < 4.1
    assert 1.0 == factor(images(quality="high"))


def test_a_short_story_teaches_of_a_long_one() -> None:
    """What is learned is by how much sets and outlines differ from what is expected of their length."""
    told = story(total_segments=40, segments_per_set=5)
    learned = learned_from(calls_of(told, factors=[3.0, *[2.0] * 8]), kind=SessionKind.STORY)
    found = estimated(story(total_segments=100), model="gpt-6-luna", learned=learned)
    guess = estimated(story(total_segments=100), model="gpt-6-luna")

    assert (EstimateBasis.LEARNED, 9) == (found.basis, found.learned_from_attempts)
    assert 1.5 < found.estimated_usd.expected / guess.estimated_usd.expected < 2.1


def test_starts_that_cannot_be_read_teach_nothing() -> None:
    """Another version may have written what this one does not understand."""
    calls = [call.model_copy(update={"start": "{}"}) for call in calls_of(images(), factors=[1.0] * 5)]

    assert Learned() == learned_from(calls, kind=SessionKind.IMAGES)


def test_an_old_table_is_pointed_out() -> None:
    """Prices change: after half a year somebody should look."""
    fresh, old = (estimated(images(), model="gpt-image-2", today=PRICES.as_of + timedelta(days=n)) for n in (180, 181))

    assert not any("days old" in note for note in fresh.notes)
    assert any("181 days old" in note for note in old.notes)


@pytest.mark.parametrize(("budget", "is_enough"), [(None, True), (0.01, False), (100.0, True)])
def test_a_budget_that_may_not_be_enough_is_pointed_out(budget: float | None, is_enough: bool) -> None:
    """Whoever sets a budget hears before the start that the session may come to wait for more."""
    notes = estimated(images(budget_usd=budget), model="gpt-image-2").notes

    assert is_enough == (not any("budget" in note for note in notes))


def test_a_silent_ledger_is_no_empty_one() -> None:
    """An estimate that could not ask the ledger says so."""
    assert any("does not answer" in note for note in estimated(story(), model="gpt-6-luna", learned=None).notes)


def test_a_long_story_is_summed_up() -> None:
    """A thousand sets are one line."""
    found = estimated(story(total_segments=10_000), model="gpt-6-luna")

    assert [("outline", 1), ("outline_parts", 17), ("sets", 1000)] == [
        (group.key, group.count) for group in found.items
    ]


REQUESTS = st.one_of(
    st.builds(
        images,
        quality=st.sampled_from(["low", "medium", "high", "xhigh", "max", "auto"]),
        size=st.sampled_from(["16x16", "1024x1024", "1536x1024", "3840x1280"]),
        max_attempts=st.integers(1, 10),
        references=st.lists(st.just(UPLOAD), max_size=2),
    ),
    st.builds(story, total_segments=st.integers(1, 900), segments_per_set=st.integers(1, 20)),
)


@given(REQUESTS, st.sampled_from([*PRICES.models, "unheard-of"]), st.lists(st.floats(0.1, 20), max_size=6))
def test_low_is_low_and_the_items_add_up(
    request: ImageSessionRequest | StorySessionRequest, model: str, factors: list[float]
) -> None:
    """Whatever is asked for and whatever was learned: low ≤ expected ≤ high ≤ worst, and the items are the whole."""
    kind = SessionKind.IMAGES if isinstance(request, ImageSessionRequest) else SessionKind.STORY
    found = estimated(request, model=model, learned=learned_from(calls_of(request, factors=factors), kind=kind))
    amount = found.estimated_usd

    assert 0 < amount.low <= amount.expected <= amount.high <= found.worst_case_usd
    for name in AmountRange.model_fields:
        parts = sum(round(getattr(group.estimated_usd, name) * 1e6) for group in found.items)
        assert getattr(amount, name) == dollars(parts)


ADAPTER: TypeAdapter[Any] = TypeAdapter(EstimateRequest)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"kind": "images"}, ("product",)),
        ({"kind": "images", "product": {"title": "x"}, "idea": "y"}, ("idea",)),
        ({"kind": "images", "product": {"title": "x"}, "images": [{"type": "no"}]}, ("images", 0, "type")),
        ({"kind": "story"}, ("idea",)),
        ({"kind": "story", "idea": "x", "characters": [{"name": ""}]}, ("characters", 0, "name")),
        ({"kind": "audio"}, ("kind",)),
        ({"idea": "x"}, ("kind",)),
        ([], ()),
    ],
)
def test_mistakes_are_where_they_were_made(body: object, place: tuple[str | int, ...]) -> None:
    """A place leads into the body as it was sent, whatever its kind."""
    with pytest.raises(ValidationError) as refused:
        ADAPTER.validate_python(body)

    assert place == refused.value.errors()[0]["loc"]
