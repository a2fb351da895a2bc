"""Reading docker-compose.yml as `docker compose` would on a machine without a `.env`, and checking its form."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"

_WITH_DEFAULT = re.compile(r"\$\{(\w+):-([^${}]*)\}")


def compose_document() -> dict[str, Any]:
    """The compose file with the default of each variable in its place."""
    text, replaced = COMPOSE_FILE.read_text(), 1
    while replaced:  # a default may hold another variable
        text, replaced = _WITH_DEFAULT.subn(r"\2", text)
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def variables_read() -> set[str]:
    """The names that the compose file takes from the environment or `.env`."""
    interpolated = set(re.findall(r"\$\{(\w+)", COMPOSE_FILE.read_text()))
    services = compose_document()["services"].values()
    passed_on = {
        name for service in services for name, value in service.get("environment", {}).items() if value is None
    }
    return interpolated | passed_on


def against_specification(file: Path) -> subprocess.CompletedProcess[str]:
    """Check a file against the JSON schema of the compose specification, which check-jsonschema brings along."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
