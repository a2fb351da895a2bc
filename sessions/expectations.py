"""How many tokens calls are expected to take, and what recorded calls teach of how far that is from the truth.

What is learned are factors, not tokens: so a story of five sets teaches something of one of fifty.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import ValidationError

from sessions.costs import RecordedCall
from sessions.image_prompts import image_prompt
from sessions.images import ImageSessionRequest
from sessions.model import Value
from sessions.money import Usage
from sessions.pricing import expected_image_usage, image_output_tokens
from sessions.statuses import SessionKind
from sessions.stories import OUTLINE, StoryPlan, StorySessionRequest, part_number_of, story_items
from sessions.story_estimates import expected_usages

FEWEST_CALLS: Final = 5
"""Of fewer attempts nothing is learned."""

_LEAST_DOUBT: Final = 0.1
"""To either side of what is learned: that a few calls took the same is no promise of the next one."""

_FORMULA_MODEL: Final = "gpt-image-2"
_FORMULA_QUALITIES: Final = ("low", "medium", "high")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """By how much a number of tokens differs from what is expected: factors. At worst it is no better than high."""

    low: float
    expected: float
    high: float
    worst: float


_AS_EXPECTED: Final = Spread(low=1, expected=1, high=1, worst=1)
_GUESSED: Final = Spread(low=0.5, expected=1, high=2, worst=2)
_GUESSED_TEXT: Final = Spread(low=0.5, expected=1, high=3, worst=3)
"""Models that think before they write are billed for that, too."""
_GUESSED_DEAR: Final = Spread(low=0.5, expected=1, high=4, worst=4)
"""Of qualities beyond those that the formula has a figure for."""


@dataclass(frozen=True, kw_only=True)
class UsageSpread:
    """The spreads of the three prices' tokens."""

    text_input: Spread = _AS_EXPECTED
    image_input: Spread = _GUESSED
    output: Spread

    def scaled(self, usage: Usage, *, to: str) -> Usage:
        """Return the usage at one end: ``low``, ``expected``, ``high`` or ``worst``."""
        pictures = round(usage.input_image_tokens * getattr(self.image_input, to))
        text = round((usage.input_tokens - usage.input_image_tokens) * getattr(self.text_input, to))
        return Usage(
            input_tokens=text + pictures,
            input_image_tokens=pictures,
            output_tokens=round(usage.output_tokens * getattr(self.output, to)),
        )


@dataclass(frozen=True, kw_only=True)
class ExpectedCall:
    """A call that makes an item. ``likenesses`` name calls to compare it with, the most alike first."""

    item: str
    label: str
    group: str
    likenesses: tuple[str, str]
    usage: Usage


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What recorded calls have taught: spreads by likeness, and from how many calls each."""

    spreads: Mapping[str, UsageSpread] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)

    def spread_of(self, call: ExpectedCall, *, otherwise: UsageSpread) -> UsageSpread:
        """Return the spread of calls like this one, or the other one where there are too few of them."""
        return next((self.spreads[likeness] for likeness in call.likenesses if likeness in self.spreads), otherwise)

    def count_for(self, calls: Sequence[ExpectedCall]) -> int:
        """Return from how many attempts was learned what is said of these calls."""
        narrow = {call.likenesses[0] for call in calls}
        # The broader likeness holds all calls of the narrower ones.
        broad = {call.likenesses[1] for call in calls if call.likenesses[0] not in self.spreads}
        return max(sum(self.calls.get(likeness, 0) for likeness in likenesses) for likenesses in (narrow, broad))


def spread_unlearned(request: ImageSessionRequest | StorySessionRequest, *, model: str) -> UsageSpread:
    """Return by how much usage may differ from what is expected, as far as that can be told without the ledger."""
    if isinstance(request, StorySessionRequest):
        return UsageSpread(output=_GUESSED_TEXT)
    if has_formula(request, model=model):
        return UsageSpread(output=_AS_EXPECTED)
    if request.quality == "auto":
        # It is expected at its dearest, and the model may choose the cheapest.
        cheapest = image_output_tokens(size=request.size, quality="low")
        share = cheapest / image_output_tokens(size=request.size, quality="auto")
        return UsageSpread(output=replace(_GUESSED, low=_GUESSED.low * share))
    return UsageSpread(output=_GUESSED if request.quality in _FORMULA_QUALITIES else _GUESSED_DEAR)


def has_formula(request: ImageSessionRequest | StorySessionRequest, *, model: str) -> bool:
    """Whether the provider has published how many tokens a model takes for what is asked for."""
    return (
        isinstance(request, ImageSessionRequest)
        and (model == _FORMULA_MODEL or model.startswith(f"{_FORMULA_MODEL}-"))
        and request.quality in _FORMULA_QUALITIES
    )


def expected_calls(
    request: ImageSessionRequest | StorySessionRequest, *, plan: StoryPlan | None = None
) -> tuple[ExpectedCall, ...]:
    """Return the calls of a session whose first attempts all succeed, in the order of its items.

    Args:
        request: what is asked for.
        plan: how a story was divided, where that is not the request's to say any more.
    """
    if isinstance(request, ImageSessionRequest):
        return tuple(_image_calls(request))
    return tuple(_story_calls(request, plan=plan or request.plan))


def _image_calls(request: ImageSessionRequest) -> Iterator[ExpectedCall]:
    for image in request.images:
        usage = expected_image_usage(
            size=request.size,
            quality=request.quality,
            prompt_characters=len(image_prompt(request, image=image)),
            references=len(request.uploads),
        )
        yield ExpectedCall(
            item=image.item_key,
            label=image.item_label,
            group=image.item_key,
            likenesses=(f"{request.size} {request.quality}", request.quality),
            usage=usage,
        )


def _story_calls(request: StorySessionRequest, *, plan: StoryPlan) -> Iterator[ExpectedCall]:
    items = story_items(plan, max_attempts=1)
    for item, usage in zip(items, expected_usages(request, plan=plan), strict=True):
        group, label = "sets", "Sets"
        if item.key == OUTLINE:
            group, label = OUTLINE, "Outline"
        elif part_number_of(item.key) is not None:
            group, label = "outline_parts", "Outlines of parts"
        yield ExpectedCall(item=item.key, label=label, group=group, likenesses=(group, "any text"), usage=usage)


class _ImagesBegan(Value):
    request: ImageSessionRequest


class _StoryBegan(Value):
    request: StorySessionRequest
    plan: StoryPlan


def learned_from(calls: Sequence[RecordedCall], *, kind: SessionKind) -> Learned:
    """Return what recorded calls of one model and kind teach. Slow with hundreds of long stories: for a thread."""
    expected: dict[str, Mapping[str, ExpectedCall]] = {}
    alike: dict[str, list[tuple[Usage, Usage]]] = {}
    for call in calls:
        if call.session_id not in expected:
            expected[call.session_id] = _expected_of(call.start, kind=kind)
        if known := expected[call.session_id].get(call.item):
            for likeness in known.likenesses:
                alike.setdefault(likeness, []).append((known.usage, call.usage))
    enough = {likeness: pairs for likeness, pairs in alike.items() if len(pairs) >= FEWEST_CALLS}
    return Learned(
        spreads={likeness: _usage_spread(pairs) for likeness, pairs in enough.items()},
        calls={likeness: len(pairs) for likeness, pairs in enough.items()},
    )


def _expected_of(start: str, *, kind: SessionKind) -> Mapping[str, ExpectedCall]:
    try:
        if kind is SessionKind.IMAGES:
            calls = expected_calls(_ImagesBegan.model_validate_json(start).request)
        else:
            began = _StoryBegan.model_validate_json(start)
            calls = expected_calls(began.request, plan=began.plan)
    except ValidationError:
        return {}  # of another version, whose requests had another form
    return {call.item: call for call in calls}


def _usage_spread(pairs: Sequence[tuple[Usage, Usage]]) -> UsageSpread:
    text = [(expected.input_tokens - expected.input_image_tokens, _text_tokens(used)) for expected, used in pairs]
    pictures = [(expected.input_image_tokens, used.input_image_tokens) for expected, used in pairs]
    output = [(expected.output_tokens, used.output_tokens) for expected, used in pairs]
    return UsageSpread(
        text_input=_spread(text, otherwise=_AS_EXPECTED),
        image_input=_spread(pictures, otherwise=_GUESSED),
        output=_spread(output, otherwise=_GUESSED),
    )


def _text_tokens(usage: Usage) -> int:
    return max(0, usage.input_tokens - usage.input_image_tokens)


def _spread(pairs: Sequence[tuple[int, int]], *, otherwise: Spread) -> Spread:
    ratios = sorted(used / expected for expected, used in pairs if expected)
    if len(ratios) < FEWEST_CALLS:
        return otherwise
    last = len(ratios) - 1
    low, median, high = (ratios[round(share * last)] for share in (0.1, 0.5, 0.9))
    low, high = min(low, median * (1 - _LEAST_DOUBT)), max(high, median * (1 + _LEAST_DOUBT))
    return Spread(low=low, expected=median, high=high, worst=max(high, ratios[last]))
