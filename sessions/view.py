"""A session as the API, the query and the page show it: one shape for all of them."""

from datetime import datetime

from sessions.errors import ErrorClass, ItemError
from sessions.model import Value
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind, SessionStatus


class ArtifactView(Value):
    """An artifact and where its bytes are. Sizes are bytes and pixels."""

    url: str
    media_type: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None


class ItemView(Value):
    """One item. ``attempt`` numbers the attempt that runs or ran last, ``max_attempts`` the last one allowed."""

    key: str
    label: str
    status: ItemStatus
    attempt: int
    max_attempts: int
    retry_count: int
    variation: str | None
    next_attempt_at: datetime | None
    error: ItemError | None
    artifact: ArtifactView | None
    selected_attempt: int | None


class Counts(Value):
    """How many items there are of each status."""

    total: int
    pending: int
    processing: int
    complete: int
    failed: int
    cancelled: int


class RetryInfo(Value):
    """Whether there is something to retry, and where."""

    can_retry: bool
    failed_items: tuple[str, ...]
    retry_endpoint: str


class UsageView(Value):
    """Tokens used so far."""

    input_tokens: int
    output_tokens: int


class CostView(Value):
    """US dollars."""

    estimated: float
    spent: float
    uncertain: float


class Links(Value):
    """Paths of what belongs to the session; ``temporal`` is a whole address, None where no UI is known."""

    self: str
    events: str
    archive: str
    temporal: str | None


class SessionView(Value):
    """A session. ``version`` grows with every change; ``stale`` says that no worker could answer."""

    id: str
    version: int
    kind: SessionKind
    title: str
    status: SessionStatus
    paused: bool
    round: int
    message: str
    counts: Counts
    items: tuple[ItemView, ...]
    retry_info: RetryInfo
    usage: UsageView
    cost_usd: CostView
    created_at: datetime
    updated_at: datetime
    settled_at: datetime | None
    closed_at: datetime | None
    stale: bool
    links: Links


class SessionList(Value):
    """A page of sessions, newest first."""

    sessions: tuple[SessionView, ...]
    next_cursor: str | None


class AttemptView(Value):
    """A ledger entry as it is shown. ``cost_usd`` of an uncertain attempt is what it costs at worst."""

    item: str
    attempt: int
    round: int
    variation: str | None
    prompt_sha256: str
    model: str
    status: AttemptStatus
    error_type: ErrorClass | None
    error: str | None
    request_id: str | None
    started_at: datetime
    ended_at: datetime | None
    usage: UsageView | None
    cost_usd: float
    artifact_sha256: str | None
    worker: str


class AttemptList(Value):
    """The ledger of a session, oldest first."""

    attempts: tuple[AttemptView, ...]


class VersionView(Value):
    """One version of an item. ``prompt`` is what it was made from, None where that is not known."""

    attempt: int
    artifact: ArtifactView
    is_selected: bool
    variation: str | None
    prompt: str | None


class VersionList(Value):
    """The versions of an item, oldest first."""

    versions: tuple[VersionView, ...]
