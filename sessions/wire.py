"""Names on the wire between our processes and Temporal. Histories hold them: changing one breaks replay."""

from typing import Final

TASK_QUEUE: Final = "retakes"


def records_queue(task_queue: str) -> str:
    """Return the task queue on which sessions of a queue are written down."""
    return f"{task_queue}-records"


def callbacks_queue(task_queue: str) -> str:
    """Return the task queue on which the callbacks of sessions of a queue are delivered.

    Not the one on which they are written down: a receiver that never answers would hold that up.
    """
    return f"{task_queue}-callbacks"


def images_queue(task_queue: str) -> str:
    """Return the task queue that holds the limit on image starts; images of a queue go there while there is one."""
    return f"{task_queue}-images"


IMAGE_SESSION: Final = "ImageSession"
STORY_SESSION: Final = "StorySession"
CALLBACK_DELIVERY: Final = "CallbackDelivery"

SESSION_QUERY: Final = "session"
"""Answers with the session as the API shows it; for people who open Temporal."""
STATE_QUERY: Final = "state"
"""Answers with the state itself; for our own API, which adds the attempts under way."""
MAY_BEGIN_QUERY: Final = "may_begin"
"""Answers whether a further attempt of an item may begin; for attempts, which cannot know of a pause or the budget."""
RETRY_SIGNAL: Final = "retry_failed"
RETRY_UPDATE: Final = "retry"
RETAKE_UPDATE: Final = "retake"
SELECT_UPDATE: Final = "select"
PAUSE_UPDATE: Final = "pause"
RESUME_UPDATE: Final = "resume"
CANCEL_ITEMS_UPDATE: Final = "cancel_items"
BUDGET_UPDATE: Final = "budget"
APPROVE_OUTLINE_UPDATE: Final = "approve_outline"

GENERATE_IMAGE_ACTIVITY: Final = "generate_image"
WRITE_OUTLINE_ACTIVITY: Final = "write_outline"
WRITE_OUTLINE_PART_ACTIVITY: Final = "write_outline_part"
WRITE_SET_ACTIVITY: Final = "write_set"
RECORD_SESSION_ACTIVITY: Final = "record_session"
REPORT_ROUND_ACTIVITY: Final = "report_round"
DELIVER_CALLBACK_ACTIVITY: Final = "deliver_callback"

KIND_ATTRIBUTE: Final = "RetakesKind"
STATUS_ATTRIBUTE: Final = "RetakesStatus"
TENANT_ATTRIBUTE: Final = "RetakesTenant"
FAILED_ITEMS_ATTRIBUTE: Final = "RetakesFailedItems"

HELD_ATTEMPTS_MEMO: Final = "held_attempts"
"""Memo: which attempts the session holds back. It is there once that has changed since the run began."""
FINGERPRINT_MEMO: Final = "request_sha256"
"""Memo: digest of the request that started the session, to tell a repeated request from a different one."""
