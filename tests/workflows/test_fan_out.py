"""How many items are with the workers at a time."""

import pytest

from sessions.images import ImageRequest, ImageSessionRequest, ImageType, Product
from sessions.statuses import SessionStatus
from tests.support.workflow_environment import Studio, image_input

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _custom(number: int, *, prompt: str) -> ImageRequest:
    return ImageRequest(type=ImageType.CUSTOM, key=f"image-{number}", prompt=prompt)


async def test_the_largest_request_is_made(real_studio: Studio) -> None:
    """A hundred images with long prompts in a script of three bytes a character: no message outgrows the server."""
    images = tuple(_custom(number, prompt="絵" * 2900) for number in range(100))
    session = await real_studio.start(image_input(ImageSessionRequest(product=Product(title="x"), images=images)))
    state = await session.result()
    assert SessionStatus.COMPLETE is state.status


async def test_no_more_items_are_handed_out_than_the_session_allows(real_studio: Studio) -> None:
    """The next item follows when one has ended; all are made."""
    images = tuple(_custom(number, prompt="a picture") for number in range(7))
    start = image_input(ImageSessionRequest(product=Product(title="x"), images=images))
    session = await real_studio.start(start.model_copy(update={"items_at_once": 2}))
    state = await session.result()
    under_way, most = 0, 0
    for event in (await session.history()).events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            under_way += event.activity_task_scheduled_event_attributes.activity_type.name == "generate_image"
        elif event.HasField("activity_task_completed_event_attributes"):
            under_way -= 1
        most = max(most, under_way)
    assert (SessionStatus.COMPLETE, 2) == (state.status, most)
