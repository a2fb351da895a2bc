"""From a session's state to the callback that tells of it.

Apart from `sessions.callbacks`, which requests know: from there the way back to how sessions are shown is a circle.
"""

from sessions.callbacks import CallbackTask, SettledSession
from sessions.identifiers import delivery_id
from sessions.present import session_view
from sessions.state import SessionState


def settled_callback(state: SessionState, *, url: str) -> CallbackTask:
    """Return the callback of a session that has settled.

    Its id belongs to the round and revision, so that telling the same twice is one delivery.
    """
    view = session_view(state)
    return CallbackTask(
        delivery_id=delivery_id(state.id, round_number=state.round, revision=state.revision),
        url=url,
        settled_at=state.settled_at or state.updated_at,
        session=SettledSession(
            id=view.id,
            kind=view.kind,
            title=view.title,
            status=view.status,
            round=view.round,
            version=view.version,
            counts=view.counts,
            message=view.message,
            links=view.links,
        ),
    )
