"""The activity of image sessions."""

import asyncio

from temporalio import activity

from activities.attempt import Attempts
from activities.plans import Call, Plan
from sessions.attempts import AttemptOutcome
from sessions.errors import PermanentFailure, TransientFailure
from sessions.identifiers import artifact_key
from sessions.image_prompts import image_prompt
from sessions.images import ImageTask
from sessions.ports import ArtifactStore, ImageCall, ImageProvider, ReferencePicture, ReferenceStore
from sessions.pricing import expected_image_usage
from sessions.variations import varied
from sessions.wire import GENERATE_IMAGE_ACTIVITY


class ImageActivities:
    """Makes images."""

    def __init__(
        self, *, attempts: Attempts, provider: ImageProvider, references: ReferenceStore, artifacts: ArtifactStore
    ) -> None:
        self._attempts = attempts
        self._artifacts = artifacts
        self._provider = provider
        self._references = references

    @activity.defn(name=GENERATE_IMAGE_ACTIVITY)
    async def generate(self, task: ImageTask) -> AttemptOutcome:
        """Make one attempt at one image.

        Raises:
            ApplicationError: the attempt failed; its type is the class of the failure.
        """

        async def plan_for(variation: str | None, *, correction: str | None) -> Plan:
            return self._plan(task, variation=variation)

        return await self._attempts.run(task, plan_for=plan_for)

    def _plan(self, task: ImageTask, *, variation: str | None) -> Plan:
        request = task.request
        own = task.prompt and varied(task.prompt, variation=variation)
        prompt = own or image_prompt(
            request,
            image=task.image,
            variation=variation,
            retry_note=task.note,
            is_refined=task.previous is not None,
        )

        async def prepare() -> Call:
            call = ImageCall(
                prompt=prompt,
                model=task.model,
                size=request.size,
                quality=request.quality,
                format=request.format,
                references=(*await self._previous(task), *await self._pictures(request.uploads)),
            )
            return lambda on_pending: self._provider.generate(call)

        return Plan(
            prompt=prompt,
            worst_case=expected_image_usage(
                size=request.size,
                quality=request.quality,
                prompt_characters=len(prompt),
                references=len(request.uploads) + (task.previous is not None),
            ),
            prepare=prepare,
        )

    async def _previous(self, task: ImageTask) -> tuple[ReferencePicture, ...]:
        """Return the picture to start from, where there is one."""
        if task.previous is None:
            return ()
        key = artifact_key(task.session_id, item=task.item, attempt=task.previous.attempt)
        try:
            data = await self._artifacts.read(key, artifact=task.previous)
        except FileNotFoundError as error:
            raise PermanentFailure(
                "The picture to start from is no longer stored.", advice="Make the item again without it."
            ) from error
        except OSError as error:
            raise TransientFailure(
                "The picture to start from could not be read.", advice="Bring the artifact store back, then retry."
            ) from error
        return (ReferencePicture(name="previous", media_type=task.previous.media_type, data=data),)

    async def _pictures(self, upload_ids: tuple[str, ...]) -> tuple[ReferencePicture, ...]:
        try:
            return tuple(await asyncio.gather(*(self._references.load(upload_id) for upload_id in upload_ids)))
        except KeyError as error:
            raise PermanentFailure(
                "A reference picture is no longer there.",
                advice="Upload it again and start a new session with it.",
            ) from error
        except OSError as error:
            raise TransientFailure(
                "The reference pictures could not be read.", advice="Bring the artifact store back, then retry."
            ) from error
