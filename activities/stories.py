"""The activities of story sessions: the outline, its parts, and the sets."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass

from temporalio import activity

from activities.attempt import Attempts
from activities.outlines import Outlines
from activities.plans import Call, Finish, Plan
from sessions.artifacts import Artifact, Made
from sessions.attempts import AttemptOutcome, ItemTask
from sessions.errors import ContentRejected
from sessions.identifiers import artifact_key
from sessions.pending import PendingCall
from sessions.ports import ArtifactStore, OnPending, StoryFiles, TextCall, TextProvider, Written
from sessions.pricing import expected_text_usage
from sessions.scripts import Document, Outline, SetOutline, as_bytes
from sessions.stories import OutlinePartTask, OutlineTask, SetTask
from sessions.story_checks import InvalidStoryError, outline_of, outlined_part_of, story_set_of
from sessions.story_estimates import outline_tokens, part_tokens, set_tokens
from sessions.story_files import is_metadata_file, metadata_file, set_file
from sessions.story_prompts import outline_prompt, part_prompt, set_prompt
from sessions.story_schemas import Schema, outline_schema, part_schema, set_schema
from sessions.variations import varied
from sessions.wire import WRITE_OUTLINE_ACTIVITY, WRITE_OUTLINE_PART_ACTIVITY, WRITE_SET_ACTIVITY

_JSON = "application/json"
_WRITE_ANOTHER = "Press Retry failed; if it keeps happening, start a new session with another model or another idea."

_logger = logging.getLogger("retakes.stories")


class StoryActivities:
    """Writes stories."""

    def __init__(
        self, *, attempts: Attempts, provider: TextProvider, artifacts: ArtifactStore, files: StoryFiles
    ) -> None:
        self._attempts = attempts
        self._provider = provider
        self._artifacts = artifacts
        self._files = files
        self._outlines = Outlines(artifacts)

    @activity.defn(name=WRITE_OUTLINE_ACTIVITY)
    async def write_outline(self, task: OutlineTask) -> AttemptOutcome:
        """Make one attempt at the outline of a story. Its metadata is filed before any set begins.

        Raises:
            ApplicationError: the attempt failed; its type is the class of the failure.
        """

        async def plan_for(variation: str | None, *, correction: str | None) -> Plan:
            return self._plan(
                task,
                prompt=outline_prompt(
                    task.request, plan=task.plan, variation=variation, note=task.note, correction=correction
                ),
                schema=outline_schema(task.request, plan=task.plan),
                checked=lambda text: outline_of(text, request=task.request, plan=task.plan),
                variation=variation,
                output_tokens=outline_tokens(task.plan),
                finish=finish,
            )

        async def finish(artifact: Artifact, data: bytes | None) -> str | None:
            outline = Outline.model_validate_json(data or await self._stored(task, artifact=artifact))
            await self._file_metadata(task, outline=outline)
            return outline.title

        return await self._attempts.run(task, plan_for=plan_for)

    @activity.defn(name=WRITE_OUTLINE_PART_ACTIVITY)
    async def write_outline_part(self, task: OutlinePartTask) -> AttemptOutcome:
        """Make one attempt at outlining the sets of one part.

        Raises:
            ApplicationError: the attempt failed; its type is the class of the failure.
        """

        async def plan_for(variation: str | None, *, correction: str | None) -> Plan:
            outline = await self._outlines.outline(task, artifact=task.outline)
            return self._plan(
                task,
                prompt=part_prompt(
                    outline,
                    plan=task.plan,
                    part_number=task.part_number,
                    variation=variation,
                    note=task.note,
                    correction=correction,
                ),
                schema=part_schema(plan=task.plan, part_number=task.part_number),
                checked=lambda text: outlined_part_of(text, plan=task.plan, part_number=task.part_number),
                variation=variation,
                output_tokens=part_tokens(task.plan, part_number=task.part_number),
            )

        return await self._attempts.run(task, plan_for=plan_for)

    @activity.defn(name=WRITE_SET_ACTIVITY)
    async def write_set(self, task: SetTask) -> AttemptOutcome:
        """Make one attempt at one set. Its file is there when the set shows as complete.

        Raises:
            ApplicationError: the attempt failed; its type is the class of the failure.
        """

        async def plan_for(variation: str | None, *, correction: str | None) -> Plan:
            outline = await self._outline_of_set(task)
            sets = await self._sets_around(task, outline=outline)
            metadata = outline.metadata
            return self._plan(
                task,
                prompt=set_prompt(
                    metadata,
                    plan=task.plan,
                    set_number=task.set_number,
                    here=sets[task.set_number],
                    previous=sets.get(task.set_number - 1),
                    following=sets.get(task.set_number + 1),
                    variation=variation,
                    note=task.note,
                    correction=correction,
                ),
                schema=set_schema(metadata, plan=task.plan, set_number=task.set_number),
                checked=lambda text: story_set_of(text, metadata=metadata, plan=task.plan, set_number=task.set_number),
                variation=variation,
                output_tokens=set_tokens(task.plan, set_number=task.set_number),
                finish=finish,
            )

        async def finish(artifact: Artifact, data: bytes | None) -> None:
            outline = await self._outlines.outline(task, artifact=task.outline)
            content = data or await self._stored(task, artifact=artifact)
            await self._file(task, name=set_file(outline.title, set_number=task.set_number), data=content)

        return await self._attempts.run(task, plan_for=plan_for)

    async def _outline_of_set(self, task: SetTask) -> Outline:
        """Return the outline that a set is written by; its metadata is filed before the first set is.

        A person may have replaced it, and whoever took that in may have died before filing it. So each worker sees to
        it, when it meets an outline for the first time.
        """
        is_new = not self._outlines.has(task, artifact=task.outline)
        outline = await self._outlines.outline(task, artifact=task.outline)
        if is_new:
            await self._file_metadata(task, outline=outline)
        return outline

    async def _sets_around(self, task: SetTask, *, outline: Outline) -> Mapping[int, SetOutline]:
        """Return the outlines of a set and of those beside it, by number."""
        sets = list(outline.sets)
        for number, artifact in task.parts.items():
            sets += (await self._outlines.part(task, part_number=number, artifact=artifact)).sets
        return {one.set_number: one for one in sets}

    def _plan(
        self,
        task: ItemTask,
        *,
        prompt: str,
        schema: Schema,
        checked: Callable[[str], Document],
        output_tokens: int,
        variation: str | None,
        finish: Finish | None = None,
    ) -> Plan:
        if task.prompt:
            prompt = varied(task.prompt, variation=variation)
        if task.is_chosen:
            finish = None  # the files are of the version that counts, and that stays
        call = TextCall(prompt=prompt, model=task.model, schema_name=schema.name, json_schema=schema.json_schema)

        writing = _Writing(self._provider, call=call, checked=checked)

        async def prepare() -> Call:
            return writing.write

        return Plan(
            prompt=prompt,
            worst_case=expected_text_usage(
                input_characters=len(prompt) + len(schema.json_schema), output_tokens=output_tokens
            ),
            prepare=prepare,
            finish=finish,
            pending=writing,
        )

    async def _stored(self, task: ItemTask, *, artifact: Artifact) -> bytes:
        key = artifact_key(task.session_id, item=task.item, attempt=artifact.attempt)
        return await self._artifacts.read(key, artifact=artifact)

    async def _file_metadata(self, task: ItemTask, *, outline: Outline) -> None:
        """File what is the same in every set, in place of what was so under another title."""
        name = metadata_file(outline.title)
        await self._file(task, name=name, data=as_bytes(outline.metadata))
        try:
            for other in await self._files.names(task.session_id):
                if is_metadata_file(other) and other != name:
                    await self._files.remove(task.session_id, name=other)
        except OSError as error:
            _logger.warning(
                "an outdated file could not be removed", extra={"session_id": task.session_id, "reason": repr(error)}
            )

    async def _file(self, task: ItemTask, *, name: str, data: bytes) -> None:
        """File a document. The artifact is what counts, so a file that cannot be written is logged, no more."""
        try:
            await self._files.save(task.session_id, name=name, data=data)
        except Exception as error:
            _logger.warning(
                "a file could not be written",
                extra={"session_id": task.session_id, "item": task.item, "reason": repr(error)},
            )


@dataclass(frozen=True)
class _Writing:
    """One text on its way from the provider to a document."""

    provider: TextProvider
    _: KW_ONLY
    call: TextCall
    checked: Callable[[str], Document]

    async def write(self, on_pending: OnPending) -> Made:
        return self._made(await self.provider.write(self.call, on_pending=on_pending))

    async def take_up(self, pending: PendingCall) -> Made | None:
        written = await self.provider.take_up(pending, call=self.call)
        return None if written is None else self._made(written)

    async def give_up(self, pending: PendingCall) -> None:
        await self.provider.give_up(pending)

    def _made(self, written: Written) -> Made:
        try:
            document = self.checked(written.text)
        except InvalidStoryError as error:
            raise ContentRejected(
                error.message,
                advice=_WRITE_ANOTHER,
                request_id=written.request_id,
                usage=written.usage,
                correction=error.correction,
            ) from None  # not chained: tracebacks are logged, and what the model wrote may be anything
        return Made(
            data=as_bytes(document),
            media_type=_JSON,
            model=written.model,
            request_id=written.request_id,
            usage=written.usage,
        )
