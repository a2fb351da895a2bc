"""Why a service refuses. Plain errors: what they become in HTTP is the API's business."""


class ServiceError(Exception):
    """Base. The message is for the person who asked, and says what to do."""


class SessionNotFoundError(ServiceError):
    """There is no such session."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"There is no session '{session_id[:80]}'. The list of sessions shows those there are.")


class SessionDeletedError(SessionNotFoundError):
    """Somebody has deleted the session."""

    def __init__(self, session_id: str) -> None:
        ServiceError.__init__(self, f"Session '{session_id}' was deleted, with everything that belonged to it.")


class IdempotencyKeySpentError(ServiceError):
    """The session that the Idempotency-Key has started was deleted."""

    def __init__(self) -> None:
        super().__init__(
            "The session that this Idempotency-Key started was deleted, so nothing was started. "
            "Use a new key to make it again."
        )


class ArtifactNotFoundError(ServiceError):
    """There is nothing stored for this item and attempt."""


class IdempotencyConflictError(ServiceError):
    """The Idempotency-Key was used with another request."""

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key already started a session with a different request. "
            "Use a new key for a new request, or send the first request again to get its session."
        )


class UnknownReferenceError(ServiceError):
    """A reference picture was never uploaded."""

    def __init__(self, upload_ids: tuple[str, ...]) -> None:
        super().__init__(
            f"There is no upload {', '.join(upload_ids)}. "
            "Upload the picture to /api/uploads first and use the id it returns."
        )
        self.upload_ids = upload_ids


class CallbackRefusedError(ServiceError):
    """No callback may go to this address; nothing has been sent or started."""


class WrongStateError(ServiceError):
    """The session's state does not allow this; nothing has changed."""


class NotRetryableError(ServiceError):
    """The request names an item that cannot be retried; nothing has changed."""


class OutOfReachError(ServiceError):
    """Something this depends on does not answer; the same request may work in a moment."""


class UncertainStartError(OutOfReachError):
    """Nobody said whether the session was started; the same request, with the same Idempotency-Key, settles it."""

    def __init__(self) -> None:
        super().__init__(
            "Temporal does not answer, so it is not certain that the session was started. Send the request "
            "again; with an Idempotency-Key the same session is never started twice."
        )


class BusyError(ServiceError):
    """More is being started at this moment than can be begun in time; nothing was started."""

    def __init__(self) -> None:
        super().__init__(
            "More sessions are being started at this moment than can be begun; nothing was started. Send the same "
            "request again after the seconds in Retry-After."
        )


class InvalidOutlineError(ServiceError):
    """No sets can be written by the outline that was sent; nothing has changed.

    ``problems`` are all its mistakes, in sentences without a full stop; the message tells of the first few.
    """

    def __init__(self, message: str, *, problems: tuple[str, ...]) -> None:
        super().__init__(message)
        self.problems = problems


class ChangedResultError(ServiceError):
    """A result that was sent back is not what its session has made."""

    def __init__(self, item: str) -> None:
        super().__init__(
            f"previous_result was changed: what it holds of '{item}' is not what its session has made. Nothing was "
            "started; send the result as it was returned, or start a new story."
        )
