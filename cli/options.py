"""Arguments and options that commands share. Nothing here imports more than typer, so that `--help` is quick."""

from pathlib import Path
from typing import Annotated

import typer

from cli.completion import failed_items, item_keys, session_ids


def examples(*lines: str) -> str:
    """Return the epilog of a command: its examples, one a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


SessionId = Annotated[
    str, typer.Argument(metavar="ID", help="The session, as `retakes list` shows it.", autocompletion=session_ids)
]
ItemKey = Annotated[
    str, typer.Argument(metavar="KEY", help="The item, as `retakes show ID` lists it.", autocompletion=item_keys)
]
FailedKeys = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY]...", help="Only these failed items.", autocompletion=failed_items),
]
Json = Annotated[bool, typer.Option("--json", help="Print the API's own JSON and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only ids; the exit code tells the rest.")]
Silent = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing; the exit code tells.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Do not watch; return as soon as it has started.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="What to add to the prompt.")]
MaxAttempts = Annotated[int | None, typer.Option(metavar="1-10", help="Attempts for each item. [default: 3]")]
Budget = Annotated[float | None, typer.Option(metavar="USD", help="The most the session may cost.")]
Model = Annotated[str | None, typer.Option(metavar="NAME", help="Which model makes it.")]
CallbackUrl = Annotated[str | None, typer.Option(metavar="URL", help="Called when the session has settled.")]
Tolerated = Annotated[
    str | None,
    typer.Option("--tolerated-failures", metavar="N|N%", help="When more have failed, no others are begun."),
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="The same key starts nothing twice, however often the command is run."),
]
EstimateOnly = Annotated[bool, typer.Option("--estimate", help="Tell what it would cost, and start nothing.")]
SaveTo = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="PATH", help="Afterwards, download everything as a ZIP file to here."),
]
