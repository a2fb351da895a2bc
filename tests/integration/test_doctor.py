"""`retakes doctor` as a process: with all running, with nothing running, with much wrong, and with all silent."""

import asyncio
import json
import sqlite3
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest

from cli.doctor.findings import Finding, Report, Verdict
from tests.support.product import BIN, Product, free_port, running_product
from tests.unit.providers.loopback import Loopback, refused, silent

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = (
    *("temporal", "search_attributes", "worker", "api", "records", "artifacts"),
    *("provider", "models", "webhooks", "disk", "clock"),
)
PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a doctor's visit came to."""

    exit_code: int
    printed: str
    errors: str

    @property
    def report(self) -> Report:
        return Report.model_validate_json(self.printed)

    def finding(self, name: str) -> Finding:
        return next(finding for finding in self.report.checks if finding.name == name)

    def of(self, status: Verdict) -> set[str]:
        return {finding.name for finding in self.report.checks if finding.status is status}


async def visit(*options: str, folder: Path, **variables: str) -> Visit:
    """Run the doctor in a folder with these settings and no others."""
    process = await asyncio.create_subprocess_exec(
        str(BIN / "retakes"), "doctor", *options, cwd=folder, env=variables, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(PATIENCE.total_seconds()):
        printed, errors = await process.communicate()
    assert process.returncode is not None
    return Visit(exit_code=process.returncode, printed=printed.decode(), errors=errors.decode())


def nowhere(folder: Path) -> Mapping[str, str]:
    """Return settings with which nothing answers."""
    ports = ("RETAKES_API_PORT", "RETAKES_TEMPORAL_PORT", "RETAKES_TEMPORAL_UI_PORT", "RETAKES_OFFLINE_PORT")
    return {"RETAKES_DATA_DIR": str(folder / "data"), **{name: str(free_port()) for name in ports}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with running_product(tmp_path_factory.mktemp("product")) as product:
        yield product


async def test_with_all_running_everything_is_all_right(product: Product, tmp_path: Path) -> None:
    """Exit code 0, every check in its place, no advice, no key; only the clock has nothing to be compared with."""
    before = names_in(product.data_dir)
    seen = await visit("--json", folder=tmp_path, **product.environment)
    assert (0, "") == (seen.exit_code, seen.errors)
    assert NAMES == tuple(finding.name for finding in seen.report.checks)
    assert (Verdict.OK, {"clock"}) == (seen.report.status, seen.of(Verdict.SKIPPED))
    assert set(NAMES) - {"clock"} == seen.of(Verdict.OK)
    shape = json.loads(seen.printed)
    assert ["status", "checks"] == list(shape)
    assert ["name", "title", "status", "seen", "advice"] == list(shape["checks"][0])
    assert product.environment["OPENAI_API_KEY"] not in seen.printed
    assert before == names_in(product.data_dir)
    assert [] == list((product.data_dir / "artifacts").rglob("doctor*"))


async def test_with_nothing_running_it_says_what_to_start_and_makes_nothing(tmp_path: Path) -> None:
    """No traceback: `retakes up` is not running, and the data folder is not made by looking for it."""
    seen = await visit(folder=tmp_path, **nowhere(tmp_path))
    assert (1, "") == (seen.exit_code, seen.errors)
    temporal, advice = seen.printed.splitlines()[:2]
    assert temporal.startswith("wrong    Temporal           127.0.0.1:")
    assert "-> `retakes up` is not running with these settings" in advice
    assert seen.printed.endswith("11 checks: 1 ok, 3 wrong, 7 skipped.\n")
    assert [] == names_in(tmp_path)


async def test_nothing_that_is_wrong_hides_anything_else(product: Product, tmp_path: Path) -> None:
    """Old records, no search attributes, no worker, a store that can't be written, a refused key: all are told."""
    old = tmp_path / "old.sqlite3"
    with sqlite3.connect(old) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('0001')")
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "doctor").touch()  # root may write into any folder, but into no file
    retention = Duration()
    retention.FromTimedelta(timedelta(days=1))
    client = await product.temporal()
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace="bare", workflow_execution_retention_period=retention)
    )
    key = "sk-0123456789abcdef"
    async with Loopback([refused(401, code="invalid_api_key", message=f"Incorrect API key provided: {key}")]) as server:
        wrong = {
            "TEMPORAL_NAMESPACE": "bare",
            "RETAKES_DATABASE_URL": f"sqlite:///{old}",
            "RETAKES_ARTIFACTS_URL": (tmp_path / "artifacts").as_uri(),
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": key,
        }
        seen = await visit("--json", folder=tmp_path, **{**product.environment, **wrong})
    assert (1, "") == (seen.exit_code, seen.errors)
    assert {"search_attributes", "worker", "records", "artifacts", "provider"} == seen.of(Verdict.WRONG)
    assert {"temporal", "api", "webhooks", "disk"} == seen.of(Verdict.OK)
    assert "temporal operator search-attribute create --name RetakesKind --type Keyword" in told(
        seen, "search_attributes"
    )
    assert "--name RetakesFailedItems --type Int" in told(seen, "search_attributes")
    assert "nobody has asked for work on the task queue retakes" in told(seen, "worker")
    assert "Run `retakes db upgrade`" in told(seen, "records")
    assert "Let the worker's user read and write the folder" in told(seen, "artifacts")
    assert "does not accept the key (401 invalid_api_key)" in told(seen, "provider")
    assert "Check OPENAI_API_KEY" in told(seen, "provider")
    assert key not in seen.printed


async def test_an_unknown_namespace_is_named(product: Product, tmp_path: Path) -> None:
    """Temporal itself answers, so it is the namespace that has to be mended."""
    seen = await visit("--json", folder=tmp_path, **{**product.environment, "TEMPORAL_NAMESPACE": "nowhere"})
    assert "answers and has no namespace nowhere" in told(seen, "temporal")
    assert "temporal operator namespace create -n nowhere" in told(seen, "temporal")


async def test_with_everything_silent_it_ends_all_the_same(tmp_path: Path) -> None:
    """Servers that accept and say nothing hold up neither the command nor what can be told without them."""
    async with Loopback([silent()]) as server:
        port = server.base_url.removesuffix("/v1").rpartition(":")[2]
        hanging = {
            "RETAKES_API_PORT": port,
            "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
            "OPENAI_BASE_URL": server.base_url,
            "RETAKES_DATABASE_URL": f"postgresql://somebody:secret@127.0.0.1:{port}/retakes",
            "RETAKES_ARTIFACTS_URL": "s3://bucket",
            "AWS_ENDPOINT_URL": server.base_url.removesuffix("/v1"),
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        began = asyncio.get_running_loop().time()
        seen = await visit("--json", folder=tmp_path, **{**nowhere(tmp_path), **hanging})
        took = timedelta(seconds=asyncio.get_running_loop().time() - began)
    assert (1, "") == (seen.exit_code, seen.errors)
    assert {"temporal", "records", "artifacts", "provider"} == seen.of(Verdict.WRONG)
    assert {"api", "webhooks"} == seen.of(Verdict.WARNING)  # elsewhere the API may be on another machine
    assert {"disk"} == seen.of(Verdict.OK)
    assert {"search_attributes", "worker", "models", "clock"} == seen.of(Verdict.SKIPPED)
    assert "secret" not in seen.finding("records").seen
    assert took < PATIENCE


@pytest.mark.parametrize("variables", [{"RETAKES_RETRY_WINDOW": "soon"}, {"RETAKES_DATABASE_URL": "mysql://x"}])
async def test_a_wrong_setting_ends_it_before_it_looks(variables: Mapping[str, str], tmp_path: Path) -> None:
    """Exit code 2 and the one line that names the setting, as from every other command."""
    seen = await visit(folder=tmp_path, **variables)
    assert (2, "") == (seen.exit_code, seen.printed)
    assert seen.errors.startswith(f"retakes: {next(iter(variables))} should")
    assert 1 == seen.errors.count("\n")


def names_in(folder: Path) -> list[str]:
    """Return the names of what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def told(seen: Visit, name: str) -> str:
    """Return what was said of one thing, with the advice."""
    finding = seen.finding(name)
    return f"{finding.seen} -> {finding.advice}"
