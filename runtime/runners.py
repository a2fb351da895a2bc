"""Something around the SDK's way of running workflows: everything is passed on, but for what a subclass does."""

from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner


class RunnerAround(WorkflowRunner):
    """Runs workflows as another runner does."""

    def __init__(self, runner: WorkflowRunner) -> None:
        self._runner = runner

    def prepare_workflow(self, defn: Any) -> None:
        """Prepare a workflow, as the other runner does. The SDK has no public name for what a definition is."""
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Return a workflow that is about to run."""
        return self._runner.create_instance(det)

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        """Pass on which exceptions fail a workflow."""
        self._runner.set_worker_level_failure_exception_types(types)


class WorkflowAround(WorkflowInstance):
    """One workflow of another runner. The types of ``command_info`` have no public names in the SDK."""

    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Have the workflow act on what it is told."""
        return self._instance.activate(act)

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        """Return what the workflow says."""
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        """Return what the workflow says."""
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> workflow.Info:
        """Return what the workflow says."""
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        """Return what the workflow says."""
        return self._instance.get_thread_id()
