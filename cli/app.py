"""The command `retakes`. Its commands import what they need when they run, so that `--help` is quick."""

import errno
import os
import sys
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli import exporting, looking, starting, steering
from runtime.refusal import Refused

if TYPE_CHECKING:
    from runtime.settings import Settings

BAD_USAGE: Final = 2

app = typer.Typer(
    name="retakes",
    help="Image sets and stories from paid AI models that always get finished.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich would double the time of --help
)
database = typer.Typer(no_args_is_help=True)
app.add_typer(database, name="db", help="The records' database.")
for commands in (starting, looking, steering, exporting):
    commands.register(app)


def _duration(text: str) -> timedelta:
    from runtime.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="A tour of a minute, with faults switched on; touches no session of yours.")
    ] = False,
) -> None:
    """Run the whole product in the foreground; Ctrl-C ends it."""
    if demo:
        from cli.demo.run import run_demo

        raise typer.Exit(run_demo(_settings()))
    from runtime.up import run_up

    raise typer.Exit(run_up(_settings()))


@app.command()
def worker() -> None:
    """Run a worker: it makes the images and writes the records."""
    settings = _settings_of_a_service()
    from worker import main as run_worker

    run_worker(settings)


@app.command()
def api() -> None:
    """Serve the API and the page."""
    settings = _settings_of_a_service()
    from runtime.ports import WantedPort, reason_against

    wanted = WantedPort(host=settings.api_host, port=settings.api_port, setting="RETAKES_API_PORT")
    if (reason := reason_against([wanted])) is not None:
        raise Refused(reason)
    import uvicorn

    from api.app import create_app

    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        access_log=False,
        log_config=None,
        loop="uvloop",
        http="httptools",
        timeout_graceful_shutdown=5,
    )


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    api: Annotated[
        str | None, typer.Option(metavar="URL", envvar="RETAKES_URL", help="Where the API is, if not here.")
    ] = None,
) -> None:
    """Look at everything that is needed, and say what to do about what is wrong."""
    settings = _settings()
    from cli.doctor.command import examine

    examine(settings, api=api, as_json=as_json)


@app.command("offline-provider")
def offline_provider(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = 8900,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    faults: Annotated[Path | None, typer.Option(metavar="PLAN.JSON", help="What is to go wrong.")] = None,
    latency: Annotated[
        timedelta, typer.Option(parser=_duration, metavar="DURATION", help="How long an answer takes, such as 2s.")
    ] = "0s",  # type: ignore[assignment] # typer parses the default as it does what people write
    log: Annotated[Path | None, typer.Option(metavar="FILE", help="Keeps the log of calls.")] = None,
) -> None:
    """Serve an OpenAI-compatible provider that needs no key and no network."""
    settings = _settings_of_a_service()
    from cli.offline_provider import serve_offline

    announce = None if settings.under_supervisor else typer.echo
    serve_offline(host=host, port=port, faults=faults, latency=latency, log=log, announce=announce)


@database.command()
def upgrade() -> None:
    """Bring the records' database to the current schema."""
    settings = _settings_of_a_service()
    import asyncio

    from sessions.records import RecordsOutOfReachError
    from storage.records.migrate import upgrade as upgrade_records

    try:
        asyncio.run(upgrade_records(settings.database_url.get_secret_value()))
    except (OSError, RecordsOutOfReachError) as error:
        typer.echo(f"retakes: the records' database does not answer: {error}", err=True)
        raise typer.Exit(1) from error


def main() -> None:
    """Run the command line. Exits with 2 for bad usage, a wrong setting, and whatever the server refuses."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may lack characters that a title has
    try:
        try:
            app(prog_name="retakes")
        finally:
            if isinstance(sys.stdout, TextIOWrapper):
                sys.stdout.flush()  # here, where it can be told what became of it, and not when Python ends
    except Refused as refusal:
        typer.echo(f"retakes: {refusal}", err=True)
        sys.exit(BAD_USAGE)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still held has nowhere to go
        if error.errno == errno.ENOSPC:
            typer.echo(f"retakes: the output cannot be written: {error.strerror}", err=True)
            sys.exit(BAD_USAGE)
        sys.exit(1)


def _settings() -> "Settings":
    from runtime.settings import load_settings

    return load_settings()


def _settings_of_a_service() -> "Settings":
    from runtime.logging import configure_logging

    settings = _settings()
    configure_logging(settings)
    return settings


if __name__ == "__main__":
    main()
