"""A seed is a plan: the same one again, whoever asks, and another one for another seed."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from sessions.images import ImageSessionRequest
from sessions.stories import StorySessionRequest
from tests.chaos.plan import links, plan_of
from tests.chaos.scale import Blow, Records, long_scale, short_scale


def test_the_same_seed_is_the_same_plan() -> None:
    """All of it: requests, times, steps, strikes and the provider's faults."""
    scale = long_scale(seed=7, records=Records.SQLITE)

    assert plan_of(scale) == plan_of(long_scale(seed=7, records=Records.SQLITE))
    assert plan_of(scale) != plan_of(replace(scale, seed=8))


def test_more_sessions_leave_the_strikes_as_they_were() -> None:
    """Each purpose has dice of its own, so a smaller load meets the same attack."""
    scale = long_scale(seed=7, records=Records.SQLITE)

    assert plan_of(scale).strikes == plan_of(replace(scale, images=3)).strikes


def test_every_request_is_one_that_the_product_accepts() -> None:
    """A plan that asks for what is refused would attack nothing."""
    wishes = plan_of(long_scale(seed=7, records=Records.SQLITE)).wishes

    assert Counter(images=1000, stories=50) == Counter(wish.kind for wish in wishes)
    for wish in wishes:
        model = ImageSessionRequest if wish.kind == "images" else StorySessionRequest
        assert wish.mark in model.model_validate(wish.request).model_dump_json()


def test_the_long_run_strikes_everything() -> None:
    """Every kind of blow falls, in every way, and every link is cut; workers are killed every 5 to 15 seconds."""
    plan = plan_of(long_scale(seed=7, records=Records.POSTGRESQL))
    kills = [strike for strike in plan.strikes if strike.blow is Blow.KILL_WORKER]
    pauses = [later.at - earlier.at - earlier.lasts for earlier, later in pairwise(kills)]

    assert set(Blow) == {strike.blow for strike in plan.strikes}
    assert {"full", "read-only", "freeze", "refuse", "cut", "stall", ""} == {strike.way for strike in plan.strikes}
    assert set(links(Records.POSTGRESQL)) == {strike.target for strike in plan.strikes if strike.blow is Blow.CUT_LINK}
    assert all(5 <= pause <= 15 for pause in pauses)
    assert {0.3} == {plan.faults.rate}


def test_no_strike_outlasts_the_attack() -> None:
    """When faults end, everything is mended."""
    for scale in (short_scale(seed=3, records=Records.SQLITE), long_scale(seed=3, records=Records.SQLITE)):
        end = scale.duration.total_seconds()
        assert all(strike.at < end and strike.at + strike.lasts <= end + 0.2 for strike in plan_of(scale).strikes)
