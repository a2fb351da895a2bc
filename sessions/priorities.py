"""Who goes first where work waits: Temporal's priority keys, 1 to 5, of which the smallest goes first."""

from typing import Final

from sessions.state import SessionState

RETRY_PRIORITY: Final = 2
"""What a person has asked for again: somebody looks at it and waits."""
NORMAL_PRIORITY: Final = 3
BULK_PRIORITY: Final = 4

MOST_NORMAL_ITEMS: Final = 20
"""A session of more items is bulk work. So many are with the workers at a time, so it makes others wait."""


def session_priority(state: SessionState) -> int:
    """Return the priority key of a session that is about to start; its items take it over."""
    if state.round > 1:
        return RETRY_PRIORITY
    return NORMAL_PRIORITY if len(state.items) <= MOST_NORMAL_ITEMS else BULK_PRIORITY
