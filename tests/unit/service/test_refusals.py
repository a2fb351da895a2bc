import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from service.errors import OutOfReachError
from service.start import _not_started
from service.steer import _refusal
from sessions.commands import CommandRefusedError, ItemNotRetryableError, NothingFailedError, refusals


@pytest.mark.parametrize("refusal", refusals().values(), ids=refusals())
def test_a_refusal_crosses_the_wire_by_its_name(refusal: type[CommandRefusedError]) -> None:
    """Every refusal of a command is known again, those included that are added later."""
    error = _refusal(WorkflowUpdateFailedError(ApplicationError("why", type=refusal.__name__)))
    assert (refusal, "why") == (type(error), str(error))
    assert {NothingFailedError, ItemNotRetryableError} <= set(refusals().values())


@pytest.mark.parametrize("cause", [ApplicationError("no field x", type="ValidationError"), RuntimeError("?")])
def test_a_worker_that_cannot_read_the_request_is_out_of_reach(cause: BaseException) -> None:
    """It is a fault of the installation, which may be mended: no answer of the session, and no fault of the API."""
    assert isinstance(_refusal(WorkflowUpdateFailedError(cause)), OutOfReachError)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (RPCStatusCode.UNAVAILABLE, "does not answer"),
        (RPCStatusCode.DEADLINE_EXCEEDED, "does not answer"),
        (RPCStatusCode.RESOURCE_EXHAUSTED, "no more work"),
        (RPCStatusCode.INVALID_ARGUMENT, "refused to start the session: too large."),
    ],
)
def test_what_temporal_says_of_a_start_is_told(status: RPCStatusCode, told: str) -> None:
    """A server that refuses has answered: only silence is called silence."""
    assert told in str(_not_started(RPCError("too large", status, b"")))
