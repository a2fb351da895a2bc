"""Names on the wire between our processes and Temporal. Histories hold them: changing one breaks replay."""

from typing import Final

TASK_QUEUE: Final = "retakes"


def records_queue(task_queue: str) -> str:
    """Return the task queue on which sessions of a queue are written down."""
    return f"{task_queue}-records"


IMAGE_SESSION: Final = "ImageSession"
STORY_SESSION: Final = "StorySession"

SESSION_QUERY: Final = "session"
"""Answers with the session as the API shows it; for people who open Temporal."""
STATE_QUERY: Final = "state"
"""Answers with the state itself; for our own API, which adds the attempts under way."""
RETRY_SIGNAL: Final = "retry_failed"
RETRY_UPDATE: Final = "retry"
APPROVE_OUTLINE_UPDATE: Final = "approve_outline"

GENERATE_IMAGE_ACTIVITY: Final = "generate_image"
WRITE_OUTLINE_ACTIVITY: Final = "write_outline"
WRITE_OUTLINE_PART_ACTIVITY: Final = "write_outline_part"
WRITE_SET_ACTIVITY: Final = "write_set"
RECORD_SESSION_ACTIVITY: Final = "record_session"

KIND_ATTRIBUTE: Final = "RetakesKind"
STATUS_ATTRIBUTE: Final = "RetakesStatus"
TENANT_ATTRIBUTE: Final = "RetakesTenant"
FAILED_ITEMS_ATTRIBUTE: Final = "RetakesFailedItems"

FINGERPRINT_MEMO: Final = "request_sha256"
"""Memo: digest of the request that started the session, to tell a repeated request from a different one."""
