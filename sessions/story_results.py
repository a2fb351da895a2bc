"""What the two calls of a whole story answer with: how it came out, set by set, with all that a later retry needs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag

from sessions.model import Value
from sessions.scripts import GenerationInfo, Outline, PartOutline, SetOutline, StoryMetadata, StorySet
from sessions.stories import MAX_SETS, OwnCharacter, StoryPlan, StorySessionRequest

RETRY_ENDPOINT: Literal["/retry-failed-story-sets"] = "/retry-failed-story-sets"


class AskedStory(Value):
    """What stands for the metadata while there is no outline: what was asked for, so that it can be begun anew."""

    generation_info: GenerationInfo
    custom_character_roster: tuple[OwnCharacter, ...] = ()

    @classmethod
    def of(cls, request: StorySessionRequest, *, plan: StoryPlan) -> Self:
        """Return what a request asks for."""
        info = GenerationInfo(
            total_segments=plan.total_segments,
            segments_per_set=plan.segments_per_set,
            total_sets=plan.total_sets,
            idea=request.idea,
            content_rating=request.content_rating,
            language=request.language,
        )
        return cls(generation_info=info, custom_character_roster=request.characters)


class ResultMetadata(StoryMetadata):
    """What is the same in every set, and the outlines of all sets: failed ones are made again by them.

    ``parts`` are there in a long story only. One whose outline stopped half-way has the sets of whole parts.
    """

    outline: tuple[SetOutline, ...]
    parts: tuple[PartOutline, ...] = Field(default=(), exclude_if=lambda parts: not parts)

    @classmethod
    def of(cls, outline: Outline, *, sets: Sequence[SetOutline]) -> Self:
        """Return the metadata of an outline with these sets."""
        fields = {name: getattr(outline, name) for name in StoryMetadata.model_fields}
        return cls(**fields, outline=tuple(sets), parts=outline.parts)

    @property
    def stored(self) -> Outline:
        """The outline as it is stored: that of a long story refers to its parts, which hold the sets."""
        fields = {name: getattr(self, name) for name in StoryMetadata.model_fields}
        return Outline(**fields, sets=() if self.parts else self.outline, parts=self.parts)


def _kind_of_metadata(value: object) -> str:
    if isinstance(value, Mapping):
        return "written" if "title" in value else "asked"
    return "asked" if isinstance(value, AskedStory) else "written"


def _described_as_either(schema: dict[str, Any]) -> None:
    # What is written holds everything that was asked for, too, so it has both forms and not "one of" them.
    schema["anyOf"] = schema.pop("oneOf")


Told = Annotated[
    Annotated[ResultMetadata, Tag("written")] | Annotated[AskedStory, Tag("asked")],
    Discriminator(_kind_of_metadata),
    Field(json_schema_extra=_described_as_either),
]


class GenerationSummary(Value):
    """How much was asked for, and how much there is."""

    total_segments_requested: int
    total_segments_generated: int
    total_sets_requested: int
    successful_sets: int
    failed_sets: int
    segments_per_set: int
    failed_set_numbers: tuple[int, ...]

    @classmethod
    def of(cls, plan: StoryPlan, *, failed: Sequence[int]) -> Self:
        """Return the summary of a story whose other sets are finished."""
        without = sum(len(plan.segments_of(number)) for number in failed)
        return cls(
            total_segments_requested=plan.total_segments,
            total_segments_generated=plan.total_segments - without,
            total_sets_requested=plan.total_sets,
            successful_sets=plan.total_sets - len(failed),
            failed_sets=len(failed),
            segments_per_set=plan.segments_per_set,
            failed_set_numbers=tuple(failed),
        )


class SetRetry(Value):
    """That a set was retried, and when its last retry began (UTC)."""

    was_retried: Literal[True] = True
    retry_timestamp: datetime


class _Entry(Value):
    set_number: int = Field(ge=1)
    retry_info: SetRetry | None = Field(default=None, exclude_if=lambda info: info is None)


class FinishedSetHead(_Entry):
    """A set that is there, without its text. ``file_path`` is None where its file could not be written."""

    status: Literal["success"] = "success"
    segments_count: int
    file_path: str | None


class FinishedSet(FinishedSetHead):
    """A set that is there."""

    set_data: StorySet


class FailedSet(_Entry):
    """A set that is not there, and why."""

    status: Literal["failed"] = "failed"
    error: str
    file_path: None = None
    set_data: None = None


class FailedSets(Value):
    """Whether there is something to retry, and where."""

    can_retry: bool
    failed_sets: tuple[int, ...]
    retry_endpoint: Literal["/retry-failed-story-sets"] = RETRY_ENDPOINT

    @classmethod
    def of(cls, numbers: Sequence[int]) -> Self:
        """Return what is said of a story in which these sets have failed."""
        return cls(can_retry=bool(numbers), failed_sets=tuple(numbers))


class ResultHead(Value):
    """A result without its sets. ``success`` means that every set is there.

    ``files_saved`` names the files that there are: that of the metadata, then those of the sets in their order.
    """

    success: bool
    session_id: str
    story_title: str
    story_metadata: Told
    generation_summary: GenerationSummary
    files_saved: tuple[str, ...]
    output_directory: str


class StoryResult(ResultHead):
    """How a story came out. The same object, sent back, has the failed sets made again."""

    sets: Annotated[
        tuple[Annotated[FinishedSet | FailedSet, Field(discriminator="status")], ...],
        Field(min_length=1, max_length=MAX_SETS),
    ]
    retry_info: FailedSets

    @property
    def asked(self) -> GenerationInfo:
        """What the story was asked for."""
        return self.story_metadata.generation_info

    @property
    def plan(self) -> StoryPlan:
        """How the story is divided."""
        return StoryPlan(total_segments=self.asked.total_segments, segments_per_set=self.asked.segments_per_set)

    @property
    def finished(self) -> Sequence[FinishedSet]:
        """The sets that are there."""
        return [entry for entry in self.sets if isinstance(entry, FinishedSet)]

    @property
    def failed_numbers(self) -> Sequence[int]:
        """The numbers of the sets that are not there."""
        return [entry.set_number for entry in self.sets if isinstance(entry, FailedSet)]

    @property
    def retries(self) -> Mapping[int, SetRetry]:
        """When finished sets were retried, by number, for those that were."""
        return {entry.set_number: entry.retry_info for entry in self.finished if entry.retry_info}

    def request_fields(self) -> Mapping[str, Any]:
        """Return the fields of the request that starts the story anew, not yet checked."""
        told = self.story_metadata
        return {
            "idea": self.asked.idea,
            "total_segments": self.asked.total_segments,
            "segments_per_set": self.asked.segments_per_set,
            "content_rating": self.asked.content_rating,
            "language": self.asked.language,
            "characters": told.custom_character_roster if isinstance(told, AskedStory) else (),
        }


def result_opening(head: ResultHead) -> bytes:
    """Return the JSON of a result as far as its first set."""
    return head.model_dump_json().encode().removesuffix(b"}") + b',"sets":['


def result_set(entry: FinishedSetHead | FailedSet, *, data: bytes | None = None) -> bytes:
    """Return the JSON of a set in a result. ``data`` is the JSON of a finished one, and goes in as it is."""
    written = entry.model_dump_json().encode()
    return written if data is None else b'%s,"set_data":%s}' % (written.removesuffix(b"}"), data)


def result_closing(failed: Sequence[int]) -> bytes:
    """Return the JSON of a result after its last set. ``failed`` are the numbers of the sets that are not there."""
    return b'],"retry_info":%s}' % FailedSets.of(failed).model_dump_json().encode()
