"""The fault plan as JSON."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from providers.offline.faults import Plan, RateLimit, Rule, ServerError, Slow


def test_plan_is_read_from_json_with_seconds_as_numbers() -> None:
    """A plan can be written by hand: kinds alone where there are no options, durations in seconds."""
    plan = Plan.model_validate_json(
        """{"seed": 7, "rate": 0.25, "rate_faults": ["server_error", {"kind": "slow", "seconds": 0.5}],
            "rules": [{"match": "Image: Lifestyle", "times": 2, "skip": 1,
                       "fault": {"kind": "rate_limit", "retry_after": 3}}]}"""
    )

    rule = Rule(match="Image: Lifestyle", times=2, skip=1, fault=RateLimit(retry_after=timedelta(seconds=3)))
    assert (
        Plan(
            seed=7,
            rate=0.25,
            rate_faults=(ServerError(), Slow(duration=timedelta(seconds=0.5))),
            rules=(rule,),
        )
        == plan
    )


def test_plan_survives_a_round_trip() -> None:
    """What GET /faults says can be sent to PUT /faults."""
    plan = Plan(rules=(Rule(fault=Slow(duration=timedelta(milliseconds=250)), times=1),))

    assert plan == Plan.model_validate_json(plan.model_dump_json())
    assert '"seconds":0.25' in plan.model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        '{"rules": [{"fault": "flood"}]}',
        '{"rules": [{"fault": "quota", "times": 0}]}',
        '{"rules": [{"fault": "quota", "skip": -1}]}',
        '{"rules": [{"fault": {"kind": "slow", "seconds": -1}}]}',
        '{"rules": [{"fault": {"kind": "server_error", "status": 418}}]}',
        '{"rules": [{"fault": {"kind": "invalid_set", "what": "too_many_dragons"}}]}',
        '{"rate": 1.5, "rate_faults": ["quota"]}',
        '{"rate": 0.5}',
        '{"speed": 1}',
    ],
)
def test_wrong_plan_is_refused(text: str) -> None:
    """A mistake in a plan is an error, not a plan that quietly does nothing."""
    with pytest.raises(ValidationError):
        Plan.model_validate_json(text)
