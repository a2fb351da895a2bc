"""The API process: composition root of routes, services and what they work with."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from temporalio.client import Client

from api.auth import Keys
from api.body_limit import BodyLimit
from api.gate import Gate
from api.head import HeadAsGet
from api.limits import MOST_BYTES, MOST_BYTES_AT
from api.observe import Observed
from api.openapi import DescribedApi
from api.problems import Answer, install_problems, problem, problem_response
from api.routes import (
    archive,
    callbacks,
    costs,
    events,
    generation,
    health,
    items,
    metrics,
    rates,
    sessions,
    stories,
    uploads,
)
from api.services import Backend, Services
from api.stores import ArtifactsInStore, ThumbnailsInStore, UploadsInStore
from api.web import (
    estimate_form,
    item,
    login,
    outline,
    pages,
    photo_form,
    recorder,
    session,
    start_form,
    story,
    thumbnails,
)
from api.web.paths import STATIC, is_page
from api.web.rendering import STATIC_FOLDER, LastingFiles, Pages
from api.web.shared import Shared
from api.web.story_parts import StoryParts
from runtime.prices import PriceFileError, load_prices
from runtime.refusal import Refused
from runtime.settings import Settings
from runtime.temporal import connect_patiently, sdk_runtime
from runtime.webhook_secret import webhook_secret
from service.beginnings import Beginnings
from service.callbacks import CallbackRules, CallbackService
from service.costs import CostService
from service.deletion import SessionDeletion
from service.errors import OutOfReachError
from service.generation import StoryGeneration
from service.generation_results import StoryResults
from service.outlook import Outlooks
from service.overviews import SessionOverviews
from service.rates import ImageRates
from service.read import SessionReader
from service.start import SessionStarter, StartDefaults
from service.steer import SessionSteering
from service.stories import StoryService
from service.versions import Versions
from service.watch import SessionWatch
from sessions.attempts import AttemptLimits
from sessions.pricing import PriceTable
from sessions.problems import Problem
from storage.artifacts import StoredArtifacts
from storage.files import StoredFiles
from storage.objects import Objects
from storage.records.database import DEFAULT_PATIENCE, Database
from storage.records.repository import Records
from storage.spool import SpooledArtifacts
from storage.thumbnails import Thumbnails
from storage.uploads import UploadedPictures
from webhooks.sender import WebhookSender

_CHECK_PATIENCE: Final = timedelta(seconds=1)
_PAUSE_AFTER_A_FAULT: Final = timedelta(seconds=1)
_REPORT_PATIENCE: Final = timedelta(seconds=15)

_logger = logging.getLogger("retakes.api")


def end_process() -> None:
    """Have the process end as when it is told to, with what is under way brought to its end."""
    signal.raise_signal(signal.SIGTERM)


def create_app(
    settings: Settings, *, services: Services | None = None, give_up: Callable[[], None] = end_process
) -> FastAPI:
    """Build the application.

    Args:
        settings: where everything is, and who may ask.
        services: what routes work with, for tests. Left out, they are built when the application starts, and work
            from when Temporal first answers; until then whatever needs them is answered with 503.
        give_up: called when the services have failed for good, because then this process is of no use.

    Raises:
        Refused: the price table cannot be used.
    """
    prices = _prices(settings) if services is None else None
    backend = Backend(keys=Keys([key.get_secret_value() for key in settings.api_keys]), services=services)
    templates = Pages(asks_for_key=bool(backend.keys))
    answer = _answer(templates)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if prices is None:
            yield
            return
        async with _standing_behind(settings, backend=backend, prices=prices, give_up=give_up):
            yield

    app = DescribedApi(
        title="Retakes",
        summary="Image sets and stories from paid AI models that always get finished.",
        version="1",
        openapi_url="/api/openapi.json",
        # Both viewers load their scripts from elsewhere, which the content security policy forbids.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[
            Middleware(Observed, metrics=backend.metrics, answer=answer),
            Middleware(
                BodyLimit,
                most=MOST_BYTES,
                most_at=MOST_BYTES_AT,
                refusal=lambda request: answer(request, problem(413), {"Connection": "close"}),
            ),
            Middleware(Gate, keys=backend.keys, answer=answer),
            Middleware(HeadAsGet),
        ],
    )
    app.state.backend = backend
    app.state.pages = templates
    app.state.shared_events = Shared[bytes]()
    app.state.story_parts = StoryParts(pages=templates)
    for module in (
        sessions,
        stories,
        generation,
        events,
        items,
        archive,
        uploads,
        costs,
        callbacks,
        rates,
        health,
        metrics,
        pages,
        session,
        item,
        recorder,
        thumbnails,
        story,
        outline,
        start_form,
        estimate_form,
        photo_form,
        login,
    ):
        app.include_router(module.router)
    app.mount(STATIC, LastingFiles(directory=STATIC_FOLDER))
    install_problems(app, answer=answer)
    return app


def _answer(templates: Pages) -> Answer:
    def answer(request: Request, found: Problem, headers: Mapping[str, str]) -> Response:
        if not is_page(request):
            return problem_response(found, headers)
        return templates.problem(found, headers, path=request.scope["path"])

    return answer


@asynccontextmanager
async def _standing_behind(
    settings: Settings, *, backend: Backend, prices: PriceTable, give_up: Callable[[], None]
) -> AsyncIterator[None]:
    """Put the services behind an application while it serves.

    Raises:
        Refused: the secret of callbacks cannot be used.
    """
    secret = webhook_secret(settings)
    database = Database(settings.database_url.get_secret_value())
    client: Client | None = None

    async def check_temporal() -> None:
        if client is None or not await client.service_client.check_health(timeout=_CHECK_PATIENCE):
            raise OutOfReachError("Temporal does not answer.")

    async def check_records() -> None:
        await database.ping(patience=_CHECK_PATIENCE)

    async def check_services() -> None:
        if backend.services is None:
            raise OutOfReachError("The services wait for Temporal.")

    async def serve() -> None:
        nonlocal client
        # The metrics of the SDK are the worker's to show: its port is taken where both run on one machine.
        runtime = sdk_runtime(settings.model_copy(update={"worker_metrics_port": None}))
        client = await connect_patiently(settings, patience=timedelta.max, runtime=runtime)
        _logger.info("connected to Temporal")
        records = Records(database, session_patience=DEFAULT_PATIENCE)
        await _serve(settings, backend=backend, client=client, records=records, prices=prices, secret=secret)

    def ended(serving: asyncio.Task[None]) -> None:
        if not serving.cancelled() and (error := serving.exception()) is not None:
            _logger.critical("the services failed, so this process ends: %s", error, exc_info=error)
            give_up()

    backend.checks = {"temporal": check_temporal, "records": check_records, "services": check_services}
    serving = asyncio.create_task(serve(), name="services")
    serving.add_done_callback(ended)
    try:
        yield
    finally:
        backend.services = None
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await database.close()


async def _serve(
    settings: Settings,
    *,
    backend: Backend,
    client: Client,
    records: Records,
    prices: PriceTable,
    secret: str | None,
) -> None:
    """Give the application its services, and tail the ledger for those who watch, until cancelled."""
    objects = Objects(settings.artifacts_url)
    uploads_kept = UploadsInStore(UploadedPictures(objects))
    reader = SessionReader(client=client, records=records, ui_url=settings.temporal_ui_url)
    callback_rules = CallbackRules(
        allow_private=settings.webhook_allow_private,
        can_sign=secret is not None,
        installation_url=settings.callback_url,
    )
    defaults = StartDefaults(
        image_model=settings.image_model,
        text_model=settings.text_model,
        callbacks=callback_rules,
        prices=prices,
        limits=AttemptLimits(deadline=settings.attempt_timeout, throttle_patience=settings.throttle_patience),
        retry_window=settings.retry_window,
    )
    starter = SessionStarter(client=client, records=records, uploads=uploads_kept, reader=reader, defaults=defaults)
    watch = SessionWatch(client=client, reader=reader, records=records)
    steering = SessionSteering(client=client, records=records, reader=reader)
    artifacts = StoredArtifacts(objects)
    deletion = SessionDeletion(
        client=client,
        records=records,
        reader=reader,
        artifacts=SpooledArtifacts(artifacts, folder=settings.spool_dir),
    )
    # Sums over a year take longer than anybody else may wait, and are not to hold up their connections.
    reports = Database(settings.database_url.get_secret_value(), patience=_REPORT_PATIENCE)
    backend.services = Services(
        reader=reader,
        overviews=SessionOverviews(records=records),
        starter=starter,
        steering=steering,
        deletion=deletion,
        stories=StoryService(
            reader=reader, steering=steering, records=records, artifacts=artifacts, files=StoredFiles(objects)
        ),
        generation=StoryGeneration(
            reader=reader,
            starter=starter,
            steering=steering,
            watch=watch,
            artifacts=artifacts,
            results=StoryResults(
                artifacts=artifacts,
                files=StoredFiles(objects),
                beginnings=Beginnings(client=client, records=records),
            ),
        ),
        outlooks=Outlooks(records=records),
        versions=Versions(reader=reader, artifacts=artifacts),
        watch=watch,
        artifacts=ArtifactsInStore(artifacts),
        thumbnails=ThumbnailsInStore(Thumbnails(artifacts)),
        uploads=uploads_kept,
        callbacks=CallbackService(
            rules=callback_rules,
            sender=WebhookSender(secret=secret, allow_private=settings.webhook_allow_private),
            records=records,
            sessions=reader,
        ),
        costs=CostService(
            records=records,
            reports=Records(reports),
            uploads=uploads_kept,
            callbacks=callback_rules,
            defaults=defaults,
        ),
        counts=records,
        rates=ImageRates(client, setting=settings.images_per_minute),
    )
    sweeping = asyncio.create_task(_lasting(deletion.run, what="the removal of deleted sessions"), name="sweep")
    try:
        # Without it, watching would go on at the pace of items alone; nobody would know why.
        await _lasting(watch.run, what="the tail of the ledger")
    finally:
        backend.services = None
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await deletion.close()
        await watch.close()
        await starter.close()
        await reports.close()


async def _lasting(work: Callable[[], Awaitable[None]], *, what: str) -> None:
    """Do something that goes on until it is cancelled, and go on with it after a fault of its own."""
    while True:
        try:
            await work()
        except Exception:
            _logger.exception("%s broke", what)
            await asyncio.sleep(_PAUSE_AFTER_A_FAULT.total_seconds())


def _prices(settings: Settings) -> PriceTable:
    try:
        return load_prices(settings.prices_file)
    except PriceFileError as error:
        raise Refused(f"{error} (RETAKES_PRICES_FILE)") from error
