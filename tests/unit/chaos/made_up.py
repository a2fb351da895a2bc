"""A small run that never was, in which every promise is kept; tests spoil it, one fact at a time."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.offline.calls import Call
from sessions.artifacts import Artifact
from sessions.errors import ErrorClass
from sessions.ledger import LedgerEntry
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind, SessionStatus
from sessions.view import ArtifactView, CostView, Counts, ItemView, Links, RetryInfo, SessionView, UsageView
from tests.chaos.evidence import Evidence, HistoryEvidence, SessionEvidence, Stored
from tests.chaos.journal import Asked, Outage, Seen
from tests.chaos.scale import Blow

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
MARK = "mark-i00001"
ID = "ses-aaaaaaaaaaaaaaaa"
WORKER = "here:101"
LABELS = {"main": "Main image", "lifestyle": "Lifestyle"}
SHA = {"main": "a" * 64, "lifestyle": "b" * 64}
COST = 4000


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after the run's beginning."""
    return BEGAN + timedelta(seconds=seconds)


def prompt(item: str, *, variation: str = "") -> str:
    return f"Image: {LABELS[item]}\nProduct: Bottle {MARK}\n{variation}"


def artifact(item: str, *, attempt: int) -> Artifact:
    return Artifact(attempt=attempt, media_type="image/png", bytes=10, sha256=SHA[item], width=256, height=256)


def call(n: int, item: str, *, began: float, ended: float, variation: str = "", **more: Any) -> Call:
    text = prompt(item, variation=variation)
    known: dict[str, Any] = {
        "n": n,
        "at": at(began),
        "ended_at": at(ended),
        "method": "POST",
        "path": "/v1/images/generations",
        "prompt": text,
        "prompt_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "request_id": f"req-{n}",
        "fault": None,
        "authorization": "present",
        "status": 200,
        "answered": True,
    }
    return Call.model_validate({**known, **more})


def entry(item: str, attempt: int, *, began: float, ended: float, variation: str = "", **more: Any) -> LedgerEntry:
    known: dict[str, Any] = {
        "item": item,
        "attempt": attempt,
        "round": 1,
        "prompt_sha256": hashlib.sha256(prompt(item, variation=variation).encode()).hexdigest(),
        "model": "gpt-image-2.5-flare",
        "status": AttemptStatus.COMPLETE,
        "started_at": at(began),
        "ended_at": at(ended),
        "worker": WORKER,
        "cost_microdollars": COST,
        "worst_case_microdollars": COST,
    }
    if more.get("status", AttemptStatus.COMPLETE) is AttemptStatus.COMPLETE:
        known["artifact"] = artifact(item, attempt=attempt)
    return LedgerEntry.model_validate({**known, **more})


def lost_entry(item: str, attempt: int, *, began: float, ended: float, **more: Any) -> LedgerEntry:
    """Return the entry of an attempt whose worker died."""
    running = entry(item, attempt, began=began, ended=ended, status=AttemptStatus.RUNNING, **more)
    return running.abandoned(noticed_at=at(ended))


def item_view(item: str, *, attempt: int, **more: Any) -> ItemView:
    known: dict[str, Any] = {
        "key": item,
        "label": LABELS[item],
        "status": ItemStatus.COMPLETE,
        "attempt": attempt,
        "max_attempts": 3,
        "retry_count": attempt - 1,
        "variation": None,
        "next_attempt_at": None,
        "error": None,
        "artifact": ArtifactView(url="/", media_type="image/png", bytes=10, sha256=SHA[item], width=256, height=256),
        "selected_attempt": attempt,
    }
    return ItemView.model_validate({**known, **more})


def view(*items: ItemView, **more: Any) -> SessionView:
    known: dict[str, Any] = {
        "id": ID,
        "version": 9,
        "kind": SessionKind.IMAGES,
        "title": f"Bottle {MARK}",
        "status": SessionStatus.COMPLETE,
        "paused": False,
        "round": 1,
        "message": "All 2 images are ready.",
        "counts": Counts(total=2, pending=0, processing=0, complete=2, failed=0, cancelled=0),
        "items": items or (item_view("main", attempt=2), item_view("lifestyle", attempt=1)),
        "retry_info": RetryInfo(can_retry=False, failed_items=(), retry_endpoint="/"),
        "usage": UsageView(input_tokens=0, output_tokens=0),
        "cost_usd": CostView(estimated=0, spent=0, uncertain=0),
        "created_at": at(1),
        "updated_at": at(9),
        "settled_at": at(9),
        "closed_at": at(9),
        "stale": False,
        "links": Links(self="/", events="/", archive="/", temporal=None),
    }
    return SessionView.model_validate({**known, **more})


def session(**more: Any) -> SessionEvidence:
    """Two items: ``main`` failed once and was then made, ``lifestyle`` was made at once."""
    shown = more.get("view", view())
    standing = {item.key: item.status.value for item in shown.items}
    known: dict[str, Any] = {
        "mark": MARK,
        "id": ID,
        "is_cancelled_by_plan": False,
        "max_attempts": 3,
        "budget_microdollars": 3 * COST,
        "spent_within_budget": (2 * COST, 0),
        "view": shown,
        "standings": {"api-1": standing, "the records": standing, "the workflow": standing},
        "ledger": (
            entry(
                "main",
                1,
                began=1,
                ended=2,
                status=AttemptStatus.FAILED,
                error_type=ErrorClass.TRANSIENT,
                request_id="req-1",
                cost_microdollars=0,
            ),
            entry("main", 2, began=3, ended=4, variation="simply", request_id="req-3"),
            entry("lifestyle", 1, began=1, ended=2, request_id="req-2"),
        ),
        "stored": (
            Stored(item="main", attempt=2, stored_at=at(4), sha256=SHA["main"], request_id="req-3"),
            Stored(item="lifestyle", attempt=1, stored_at=at(2), sha256=SHA["lifestyle"], request_id="req-2"),
        ),
        "contents": {"main#2": SHA["main"], "lifestyle#1": SHA["lifestyle"]},
        "replayed": shown,
        "watched": shown,
    }
    return SessionEvidence.model_validate({**known, **more})


def evidence(*, of: SessionEvidence | None = None, **more: Any) -> Evidence:
    """Return a run of one session in which every promise is kept, but for what is given."""
    known: dict[str, Any] = {
        "seed": 1,
        "command": "make chaos",
        "commit": "0000000",
        "records": "sqlite",
        "store": "a folder",
        "began_at": BEGAN,
        "faults_ended_at": at(60),
        "settled_at": at(70),
        "asked_for": (MARK,),
        "unsettled": (),
        "strangers": (),
        "sessions": (of or session(),),
        "calls": calls(),
        "outages": (),
        "asked": (asked("start", outcome=ID),),
        "seen": (Seen(mark=MARK, item="lifestyle", attempt=1, sha256=SHA["lifestyle"]),),
        "histories": (HistoryEvidence(session_id=ID, run_id="run", events=30, size=9000),),
        "workers": (WORKER,),
        "disorders": (),
        "waits": (),
        "settle_within_seconds": 60.0,
    }
    return Evidence.model_validate({**known, **more})


def calls() -> tuple[Call, ...]:
    """Return the calls of the run in which every promise is kept."""
    return (
        call(1, "main", began=1.1, ended=1.5, status=500, fault="server_error"),
        call(2, "lifestyle", began=1.1, ended=1.9),
        call(3, "main", began=3.1, ended=3.9, variation="simply"),
    )


def asked(act: str, *, when: float = 1.0, outcome: str = "202", **more: Any) -> Asked:
    known: dict[str, Any] = {
        "mark": MARK,
        "act": act,
        "by": "http",
        "asked_at": at(when),
        "answered_at": at(when),
        "outcome": outcome,
        "is_accepted": True,
    }
    return Asked.model_validate({**known, **more})


def outage(blow: Blow, *, began: float, ended: float, target: str = "worker-1", **more: Any) -> Outage:
    worker = WORKER if blow is Blow.KILL_WORKER else None
    known: dict[str, Any] = {"worker": worker, **more}
    return Outage(blow=blow, target=target, began_at=at(began), ended_at=at(ended), **known)
