"""Asking the server: whatever goes wrong there becomes one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from cli.outcomes import INTERRUPTED
from cli.output import plain
from client.errors import KeyRefusedError, ProblemError, RetakesError
from client.retakes import Retakes
from runtime.client_settings import ClientSettings, load_client_settings
from runtime.refusal import Refused


@contextmanager
def asking() -> Iterator[Retakes]:
    """Give the server that the settings name to a command.

    Raises:
        Refused: a setting is wrong, the server is out of reach, or it refused.
    """
    settings = load_client_settings()
    try:
        with Retakes(settings.address, key=settings.key) as retakes:
            yield retakes
    except RetakesError as error:
        raise Refused(plain(_in_words(error, settings=settings))) from error
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _in_words(error: RetakesError, *, settings: ClientSettings) -> str:
    if isinstance(error, KeyRefusedError):
        if settings.key is None:
            return f"{settings.address} asks for a key; set RETAKES_API_KEY to one of its keys"
        return f"{settings.address} does not know this key; set RETAKES_API_KEY to one of its keys"
    text = str(error)
    return text[:1].lower() + text[1:] if isinstance(error, ProblemError) and text[1:2].islower() else text
