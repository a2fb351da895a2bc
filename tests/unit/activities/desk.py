"""One attempt without a server: an activity environment around ports in memory."""

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime

from temporalio.testing import ActivityEnvironment

from activities.attempt import Attempts
from activities.images import ImageActivities
from activities.ledger import LedgerWriter
from sessions.artifacts import Artifact, Receipt
from sessions.attempts import AttemptLimits, AttemptOutcome, Heartbeat
from sessions.identifiers import artifact_key
from sessions.images import ImageRequest, ImageSessionRequest, ImageTask, ImageType, Product
from sessions.ledger import LedgerEntry
from sessions.pricing import expected_image_usage
from sessions.statuses import AttemptStatus
from tests.support.memory import MemoryArtifacts, MemoryGate, MemoryRecords, MemoryReferences
from tests.support.scripted import USAGE, ScriptedImages
from tests.support.workflow_environment import PRICES

SESSION = "ses-aaaaaaaaaaaaaaaa"
LIFESTYLE = ImageRequest(type=ImageType.LIFESTYLE)


def image_task(
    *,
    round_number: int = 1,
    attempts_before_round: int = 0,
    max_attempts: int = 3,
    is_budgeted: bool = False,
    limits: AttemptLimits = AttemptLimits(),  # noqa: B008 - frozen, so it can't change between calls
    request: ImageSessionRequest | None = None,
) -> ImageTask:
    """Return the task of the lifestyle image of a session."""
    return ImageTask(
        session_id=SESSION,
        item="lifestyle",
        label="Lifestyle",
        round=round_number,
        attempts_before_round=attempts_before_round,
        max_attempts=max_attempts,
        is_budgeted=is_budgeted,
        limits=limits,
        request=request or ImageSessionRequest(product=Product(title="Steel bottle"), images=(LIFESTYLE,)),
        image=LIFESTYLE,
        model="gpt-image-2",
    )


def stored_receipt(attempt: int) -> Receipt:
    """Return what an interrupted attempt left beside its bytes."""
    return Receipt(
        artifact=Artifact(attempt=attempt, media_type="image/png", bytes=3, sha256="ab" * 32, width=8, height=8),
        model="gpt-image-2",
        request_id=f"req-of-{attempt}",
        usage=USAGE,
    )


def running_entry(attempt: int, *, worker: str = "the dead worker") -> LedgerEntry:
    """Return the entry that an attempt opened before its worker died."""
    return LedgerEntry(
        item="lifestyle",
        attempt=attempt,
        round=1,
        prompt_sha256="00" * 32,
        model="gpt-image-2",
        status=AttemptStatus.RUNNING,
        started_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
        worker=worker,
    )


def cost_at_worst(prompt: str) -> int:
    """Return what a call with this prompt costs at worst, in micro-dollars."""
    usage = expected_image_usage(size="1024x1024", quality="medium", prompt_characters=len(prompt), references=0)
    return PRICES.cost_microdollars(usage, model="gpt-image-2")


@dataclass
class Desk:
    """The ports of an attempt, and what it told the server."""

    artifacts: MemoryArtifacts = field(default_factory=MemoryArtifacts)
    records: MemoryRecords = field(default_factory=MemoryRecords)
    provider: ScriptedImages = field(default_factory=ScriptedImages)
    references: MemoryReferences = field(default_factory=MemoryReferences)
    gate: MemoryGate = field(default_factory=MemoryGate)
    heartbeats: list[Heartbeat] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = LedgerWriter(self.records)

    def environment(self, *, attempt: int = 1, told: Heartbeat | None = None) -> ActivityEnvironment:
        """Return the surroundings of an attempt: its number in the round, and what the one before told last."""
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(
            environment.info,
            attempt=attempt,
            # As it arrives: the SDK decodes these details without knowing their type.
            heartbeat_details=[told.model_dump(mode="json")] if told else [],
        )
        environment.on_heartbeat = self.heartbeats.append
        return environment

    async def run(self, task: ImageTask, *, environment: ActivityEnvironment | None = None) -> AttemptOutcome:
        """Run one attempt."""
        attempts = Attempts(
            artifacts=self.artifacts, ledger=self.ledger, prices=PRICES, gate=self.gate, worker="this worker"
        )
        images = ImageActivities(
            attempts=attempts, provider=self.provider, references=self.references, artifacts=self.artifacts
        )
        return await (environment or self.environment()).run(images.generate, task)

    def store(self, attempt: int) -> Receipt:
        """Leave an artifact behind, as an attempt that was interrupted after storing it did."""
        receipt = stored_receipt(attempt)
        self.artifacts.stored[artifact_key(SESSION, item="lifestyle", attempt=attempt)] = (b"png", receipt)
        return receipt

    @property
    def entries(self) -> list[LedgerEntry]:
        """The ledger, by attempt."""
        return self.records.ledger("lifestyle")
