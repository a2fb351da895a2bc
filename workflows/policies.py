"""Every timeout and retry policy, named, with its reason."""

from datetime import timedelta

from temporalio.common import RetryPolicy

from sessions.attempts import AttemptLimits

HEARTBEAT_TIMEOUT = timedelta(seconds=10)
"""A worker that is silent for three heartbeats is dead; its attempts go on elsewhere."""

RECORD_TIMEOUT = timedelta(seconds=15)
"""For one write to the records, the wait for a busy database included."""

RECORD_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=15)
)
"""The records may be down for long and nothing may be lost, so there is no last attempt."""

_ATTEMPT_MARGIN = timedelta(seconds=30)


def attempt_retries(max_attempts: int) -> RetryPolicy:
    """Return the promise of the product: waits of 1, 2, 4, at most 8 seconds between attempts."""
    return RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=8),
        maximum_attempts=max_attempts,
    )


def attempt_timeout(limits: AttemptLimits) -> timedelta:
    """Return how long one attempt may take in all: its own deadlines end it first, this one catches a bug.

    There is no timeout over all attempts: with the workers away for a night, an item waits and is then made.
    """
    return limits.throttle_patience + limits.deadline + limits.storage_patience + _ATTEMPT_MARGIN


SUMMARY_BYTES = 200
"""What the server accepts as a summary."""
