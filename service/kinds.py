"""What is different between kinds of session where they are started: the workflow and its input."""

import json
from collections.abc import Mapping

from sessions.attempts import SessionInput
from sessions.images import ImageSessionInput
from sessions.state import SessionState
from sessions.statuses import SessionKind
from sessions.stories import StorySessionInput
from sessions.wire import IMAGE_SESSION, STORY_SESSION

WORKFLOWS: Mapping[SessionKind, str] = {SessionKind.IMAGES: IMAGE_SESSION, SessionKind.STORY: STORY_SESSION}
INPUTS: Mapping[str, type[SessionInput]] = {IMAGE_SESSION: ImageSessionInput, STORY_SESSION: StorySessionInput}
"""The type of each workflow's input."""


def start_of(start: SessionInput) -> str:
    """Return what a session was started with as the records keep it: the workflow's input without its state."""
    return start.model_dump_json(exclude={"state", "unrecorded"})


def input_to_go_on(start: str, *, state: SessionState) -> SessionInput:
    """Return the input by which a closed session is started again: as it was, with another state."""
    return INPUTS[WORKFLOWS[state.kind]].model_validate({**json.loads(start), "state": state})
