"""The secret that callbacks are signed with: the one that is set, or one of this machine's own."""

import base64
import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from runtime.refusal import Refused
from runtime.setting_types import WEBHOOK_SECRET_PREFIX, checked_webhook_secret
from runtime.settings import Settings

FILE: Final = "webhook_secret"
_BYTES: Final = 32


def webhook_secret(settings: Settings) -> str | None:
    """Return the secret, or None where one has to be set first.

    With the embedded Temporal server all processes are on this machine: then a secret that nobody has set is made once,
    and kept in the data folder, for its owner's eyes only. Elsewhere each machine would make one of its own, and
    receivers would find half of the signatures wrong.

    Raises:
        Refused: it cannot be read or kept.
    """
    if settings.webhook_secret is not None:
        return settings.webhook_secret.get_secret_value()
    return _kept(settings.data_dir) if settings.embedded_temporal else None


def _kept(folder: Path) -> str:
    path = folder / FILE
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _make(path)
        return checked_webhook_secret(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise Refused(
            f"the secret of callbacks cannot be kept in {path} (RETAKES_DATA_DIR): {error.strerror}"
        ) from error
    except ValueError as error:
        raise Refused(f"{path} holds no secret that callbacks can be signed with: remove it, or mend it") from error


def _make(path: Path) -> None:
    """Make the file, whole and at once. Of processes that start together one makes it, and all read that one's."""
    secret = WEBHOOK_SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()
    # Made by mkstemp, so nobody else could ever read it.
    descriptor, name = tempfile.mkstemp(prefix=f".{FILE}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
        Path(path).hardlink_to(name)
    except FileExistsError:
        return
    finally:
        Path(name).unlink()
