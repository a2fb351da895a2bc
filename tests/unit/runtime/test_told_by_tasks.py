"""When a workflow has got ahead of its workflow task, and what becomes of a query then."""

from typing import Any, cast

import pytest
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

from runtime.told_by_tasks import ToldByTasks


class Obedient(WorkflowRunner):
    """Runs workflows that do nothing, successfully."""

    def prepare_workflow(self, defn: Any) -> None:
        return None

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return cast(WorkflowInstance, self)

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        done = WorkflowActivationCompletion()
        done.successful.SetInParent()
        return done


def news(*, task: int, history: int) -> WorkflowActivation:
    """Return what a workflow is told by the task that began at this second, with so much history."""
    activation = WorkflowActivation(history_length=history, jobs=[WorkflowActivationJob()])
    activation.jobs[0].resolve_activity.SetInParent()
    activation.timestamp.FromSeconds(task)
    return activation


def query(*, task: int, history: int) -> WorkflowActivation:
    """Return a query to a workflow as it stands after that task."""
    activation = WorkflowActivation(history_length=history, jobs=[WorkflowActivationJob()])
    activation.jobs[0].query_workflow.SetInParent()
    activation.timestamp.FromSeconds(task)
    return activation


@pytest.mark.parametrize(
    ("activations", "is_answered"),
    [
        ([news(task=1, history=3), query(task=1, history=3)], True),
        ([news(task=1, history=3), query(task=1, history=9)], True),
        ([news(task=1, history=3), news(task=2, history=8), query(task=2, history=8)], True),
        ([news(task=1, history=3), news(task=1, history=3), query(task=1, history=3)], True),
        ([news(task=1, history=3), news(task=1, history=8), query(task=1, history=8)], False),
        ([news(task=1, history=3), news(task=1, history=8), news(task=1, history=8), query(task=1, history=8)], False),
        ([news(task=1, history=3), news(task=1, history=8), news(task=2, history=9), query(task=2, history=9)], True),
    ],
    ids=["told", "not told yet", "told by the next", "more of one task", "ahead", "still ahead", "told in the end"],
)
def test_a_query_is_answered_unless_the_session_is_ahead(
    activations: list[WorkflowActivation], is_answered: bool
) -> None:
    """More history without another task is what nobody has told the session; all else is, and is answered."""
    instance = ToldByTasks(Obedient()).create_instance(cast(WorkflowInstanceDetails, None))
    *before, _ = completions = [instance.activate(activation) for activation in activations]
    assert all(completion.HasField("successful") for completion in before)
    assert is_answered == completions[-1].HasField("successful")
