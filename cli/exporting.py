"""`retakes export`: a session as a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.completion import choices
from runtime.refusal import Refused

if TYPE_CHECKING:
    from client.call import Call
    from client.retakes import Retakes

_FORMATS = ("zip", "md", "fountain", "fdx", "pdf", "csv", "json")
_EXAMPLES = options.examples(
    "retakes export ses-aaaabbbbccccdddd",
    "retakes export ses-aaaabbbbccccdddd --format pdf",
    "retakes export ses-aaaabbbbccccdddd -o script.fdx",
    "retakes export ses-aaaabbbbccccdddd --format md -o - | less",
)


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command(epilog=_EXAMPLES)(export)


def export(
    session_id: options.SessionId,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="zip has everything; stories also as md, fountain, fdx, pdf, csv (a shot list) or json. "
            "[default: as the name given with -o ends, else zip]",
            autocompletion=choices(*_FORMATS),
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="A file, a folder, or - for standard output.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    quiet: options.Silent = False,
) -> None:
    """Download a session, or a story as a document.

    The file is there under its name only once it is whole. One that is there already is kept, unless --force is given.
    """
    from cli.asking import asking
    from cli.output import say

    chosen = file_format or output.suffix.removeprefix(".").lower()
    if chosen not in _FORMATS:
        if file_format is not None:
            raise Refused(f"there is no format '{file_format}'; take one of {', '.join(_FORMATS)}")
        chosen = "zip"
    with asking() as retakes:
        call = _call(session_id, chosen)
        if output == Path("-"):
            _write_out(retakes.ask(call))
            return
        path = download(retakes, call, to=output, overwrite=force)
    if not quiet:
        say(str(path))


def download(retakes: "Retakes", call: "Call[bytes]", *, to: Path, overwrite: bool) -> Path:
    """Download something into a file, and return which.

    Raises:
        Refused: it is there already, or cannot be written.
        RetakesError: the server does not give it.
    """
    try:
        return retakes.save(call, to, overwrite=overwrite)
    except FileExistsError as error:
        raise Refused(f"{error}; --force replaces it, -o PATH writes another") from error
    except OSError as error:
        raise Refused(f"{to} cannot be written: {error.strerror or error}") from error


def _call(session_id: str, file_format: str) -> "Call[bytes]":
    from client import calls
    from sessions.exports import ExportFormat

    match file_format:
        case "zip":
            return calls.archive(session_id)
        case "json":
            return calls.story(session_id).as_bytes()
        case _:
            return calls.export(session_id, ExportFormat(file_format))


def _write_out(data: bytes) -> None:
    if sys.stdout.isatty():
        raise Refused("a terminal is no place for a file; pipe it into something, or give a file with -o")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
