"""Every timeout and retry policy, named, with its reason."""

from datetime import timedelta

from temporalio.common import Priority, RetryPolicy

from sessions.attempts import AttemptLimits
from sessions.pauses import LONGEST_PAUSE, PAUSE_FACTOR, pause_after
from sessions.priorities import RETRY_PRIORITY

HEARTBEAT_TIMEOUT = timedelta(seconds=10)
"""A worker that is silent for three heartbeats is dead; its attempts go on elsewhere."""

RECORD_TIMEOUT = timedelta(seconds=15)
"""For one write to the records, the wait for a busy database included."""

RECORD_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=15)
)
"""The records may be down for long and nothing may be lost, so there is no last attempt."""

REPORT_PATIENCE = timedelta(seconds=10)
"""For asking the ledger what became of a round: a person who has cancelled waits for it."""

CALLBACK_TIMEOUT = timedelta(seconds=30)
"""For one call: the sender gives up after half of it, this one catches a bug."""

CALLBACK_PATIENCE = timedelta(hours=24)
"""For all attempts at one callback: whoever's server is down has a day to mend it (schedule-to-close)."""

CALLBACK_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=5), backoff_coefficient=2.0, maximum_interval=timedelta(hours=1)
)
"""A receiver that restarts is told within seconds, and one that is down for long is not hammered."""

_ATTEMPT_MARGIN = timedelta(seconds=30)


def attempt_retries(max_attempts: int, *, made: int = 0) -> RetryPolicy:
    """Return the promise of the product: waits of 1, 2, 4, at most 8 seconds between the attempts of a round.

    ``made``: attempts of the round before these, where the item has come back from the workers in between.
    """
    return RetryPolicy(
        initial_interval=pause_after(made + 1),
        backoff_coefficient=PAUSE_FACTOR,
        maximum_interval=LONGEST_PAUSE,
        maximum_attempts=max_attempts,
    )


LOOK_RETRIES = attempt_retries(5)
"""For a look at what lost attempts have left: workers may go on dying, and it costs nothing to look again."""


def attempt_priority(round_number: int) -> Priority:
    """Return who goes first where attempts wait: what a person has asked for again; all else goes as its session."""
    return Priority(priority_key=RETRY_PRIORITY) if round_number > 1 else Priority.default


def attempt_timeout(limits: AttemptLimits) -> timedelta:
    """Return how long one attempt may take in all: its own deadlines end it first, this one catches a bug.

    There is no timeout over all attempts: with the workers away for a night, an item waits and is then made.
    """
    return limits.throttle_patience + limits.deadline + limits.storage_patience + _ATTEMPT_MARGIN


MOST_PAYLOAD_BYTES = 1_900_000
"""The server takes 2 MiB; what the converter adds around a payload has room in the rest."""

SUMMARY_BYTES = 200
"""What the server accepts as a summary."""
