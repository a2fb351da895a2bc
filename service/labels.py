"""What Temporal knows a session by: for searches, for lists, and for who goes first."""

from temporalio.common import Priority, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from sessions.priorities import session_priority
from sessions.state import SessionState
from sessions.statuses import SessionStatus
from sessions.texts import shortened
from sessions.wire import FAILED_ITEMS_ATTRIBUTE, KIND_ATTRIBUTE, STATUS_ATTRIBUTE, TENANT_ATTRIBUTE

_SUMMARY_BYTES = 200

_KIND = SearchAttributeKey.for_keyword(KIND_ATTRIBUTE)
_STATUS = SearchAttributeKey.for_keyword(STATUS_ATTRIBUTE)
_TENANT = SearchAttributeKey.for_keyword(TENANT_ATTRIBUTE)
_FAILED_ITEMS = SearchAttributeKey.for_int(FAILED_ITEMS_ATTRIBUTE)


def search_attributes(state: SessionState) -> TypedSearchAttributes:
    """Return what Temporal finds a session by from its first moment. At the start they cost no action."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(_KIND, state.kind.value),
            SearchAttributePair(_STATUS, SessionStatus.PROCESSING.value),
            SearchAttributePair(_TENANT, state.tenant),
            SearchAttributePair(_FAILED_ITEMS, len(state.failed_items)),
        ]
    )


def priority(state: SessionState) -> Priority:
    """Return what decides who goes first where work waits. A session's items take it over."""
    return Priority(priority_key=session_priority(state), fairness_key=state.tenant)


def summary(state: SessionState) -> str:
    """Return the title as Temporal's UI shows it in lists."""
    return shortened(state.title, max_bytes=_SUMMARY_BYTES)
