"""Where images wait for a limit is no matter of determinism: a session replays whether there is one or not.

Workers send images to the queue that has the limit, and which queue that is changes while sessions run. The SDK
compares an activity's type and id with the history and not its queue; should a release of it begin to, it shows here.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from runtime.image_limit import ImageLimit, ImagesUnderLimit
from sessions.wire import GENERATE_IMAGE_ACTIVITY, IMAGE_SESSION, images_queue
from tests.replay.record import HISTORIES
from worker import WORKFLOWS, workflow_runner

FILES = sorted((HISTORIES / IMAGE_SESSION).glob("*.json"))


class CountedLimit(ImageLimit):
    """A limit that holds, and counts how often it was asked for."""

    def __init__(self) -> None:
        async def is_changed() -> bool:
            return True

        super().__init__(is_set=True, is_changed=is_changed)
        self.asked = 0

    @property
    def holds(self) -> bool:
        """Whether image starts are limited."""
        self.asked += 1
        return super().holds


def recorded(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def replayer(*interceptors: ImagesUnderLimit) -> Replayer:
    return Replayer(
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(),
        data_converter=pydantic_data_converter,
        interceptors=interceptors,
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_session_from_before_a_limit_goes_on_under_it(file: Path) -> None:
    """Its history names the sessions' queue for images that its code now sends to the other."""
    limit = CountedLimit()
    await replayer(ImagesUnderLimit(limit)).replay_workflow(WorkflowHistory.from_json(file.stem, recorded(file)))

    assert limit.asked > 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_session_from_under_a_limit_goes_on_without_it(file: Path) -> None:
    """Its history names the queue with the limit for images that its code now keeps on the sessions' queue."""
    document = recorded(file)
    moved = 0
    for event in document["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes")
        if scheduled and scheduled["activityType"]["name"] == GENERATE_IMAGE_ACTIVITY:
            scheduled["taskQueue"]["name"] = images_queue(scheduled["taskQueue"]["name"])
            moved += 1
    await replayer().replay_workflow(WorkflowHistory.from_json(file.stem, document))

    assert moved > 0
