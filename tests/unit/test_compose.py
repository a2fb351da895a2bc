"""Promises of the set-up for one server machine: docker-compose.yml, Dockerfile, .env.example and deploy/."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio import activity
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from runtime.durations import parse_duration
from runtime.setting_types import checked_webhook_secret
from runtime.settings import Settings, variable_of
from runtime.temporal import SEARCH_ATTRIBUTES
from runtime.temporal_server import DYNAMIC_CONFIG, find_binary
from sessions.wire import TASK_QUEUE
from tests.support.compose_spec import (
    COMPOSE_FILE,
    ROOT,
    against_specification,
    compose_document,
    variables_read,
)
from tests.support.eventually import eventually

DOCUMENT = compose_document()
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
ONE_SHOT = {"temporal-schema", "temporal-namespace", "migrations"}
LONG_RUNNING = set(SERVICES) - ONE_SHOT
OURS = {name for name, service in SERVICES.items() if service["image"].startswith("retakes:")}
DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(DEPLOY.rglob("*.sh"))


def environment(service: str) -> dict[str, Any]:
    variables: dict[str, Any] = SERVICES[service].get("environment", {})
    return variables


def lines_of(file: str) -> list[str]:
    return [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#")]


# The form


def test_the_file_follows_the_compose_specification() -> None:
    """The compose specification's own JSON schema finds nothing wrong."""
    checked = against_specification(COMPOSE_FILE)
    assert (0, "") == (checked.returncode, checked.stderr), checked.stdout


def test_the_check_against_the_specification_can_fail(tmp_path: Path) -> None:
    """A key that the specification does not know is found, so the check above means something."""
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE_FILE.read_text().replace("stop_grace_period", "stop_grace"))
    assert "stop_grace" in against_specification(wrong).stdout


# Images


def test_every_image_has_an_exact_version() -> None:
    """No tag moves by itself: each names at least a minor version, and none is `latest`."""
    bases = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    images = [service["image"] for service in SERVICES.values()] + bases
    assert [] == [image for image in images if not re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?", image)]


def test_the_deployed_temporal_is_the_one_that_the_tests_run_on() -> None:
    """Server, tools and UI have the versions of the embedded server."""
    binary = find_binary()
    assert binary is not None
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Server ([\d.]+), UI ([\d.]+)", said)
    assert found is not None, said
    server, ui = found.groups()
    images = {service["image"] for service in SERVICES.values()}
    assert {f"temporalio/server:{server}", f"temporalio/admin-tools:{server}", f"temporalio/ui:{ui}"} <= images


def test_our_image_is_built_from_the_lock_in_two_stages_and_not_run_as_root() -> None:
    """Dependencies come hash-checked from the lock; the image that runs holds neither sources nor pip's work."""
    text = (ROOT / "Dockerfile").read_text()
    assert 2 == text.count("\nFROM ${PYTHON_IMAGE}")
    assert "--require-hashes --no-deps -r requirements/runtime.txt" in text
    assert ["10001:10001"] == re.findall(r"^USER (.+)$", text, re.MULTILINE)


def test_the_build_sees_every_package_and_nothing_else() -> None:
    """A package that .dockerignore held back would be missing from the image; a secret that it let in would stay."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    beside = {
        *("pyproject.toml", "README.md", "LICENSE", "requirements/runtime.txt", "deploy/worker_health.py"),
        *("package.json", "package-lock.json", ".npmrc", "requirements/npm.txt", "deploy/bundle-scripts.sh"),
    }
    rules = lines_of(".dockerignore")
    assert "*" == rules[0]
    assert {*wheel["only-include"], *beside} == {rule[1:] for rule in rules if rule.startswith("!")}


# Life


@pytest.mark.parametrize("name", sorted(LONG_RUNNING))
def test_what_runs_on_is_watched_restarted_and_bounded(name: str) -> None:
    """A long-running service has a health check, comes back after a crash or a reboot, and cannot fill the machine."""
    service = SERVICES[name]
    assert {"test", "interval", "timeout", "retries", "start_period"} == set(service["healthcheck"])
    assert "unless-stopped" == service["restart"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_can_fill_the_machine(name: str) -> None:
    """Memory and logs are bounded."""
    service = SERVICES[name]
    assert "mem_limit" in service
    assert {"max-size", "max-file"} == set(service["logging"]["options"])


def test_services_start_in_order_of_health() -> None:
    """One-shot services are waited for until they have succeeded, all others until they are healthy."""
    conditions = {
        (name, needed, need["condition"])
        for name, service in SERVICES.items()
        for needed, need in service.get("depends_on", {}).items()
    }
    assert set() == {needed for _, needed, _ in conditions} - set(SERVICES)
    for name, needed, condition in conditions:
        expected = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
        assert expected == condition, f"{name} → {needed}"


@pytest.mark.parametrize("name", ["api", "worker"])
def test_nothing_of_ours_runs_before_the_migrations_and_the_namespace(name: str) -> None:
    """API and worker find their tables, the namespace and its search attributes in place."""
    assert {"migrations", "temporal-namespace"} <= set(SERVICES[name]["depends_on"])


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_a_one_shot_service_ends(name: str) -> None:
    """It is not started over and over: its failure stops what depends on it, with its log to read."""
    assert "no" == SERVICES[name]["restart"]
    assert "healthcheck" not in SERVICES[name]


def test_the_worker_can_be_scaled() -> None:
    """No service has a fixed name, and the worker publishes nothing that two of them would fight for."""
    assert [] == [name for name, service in SERVICES.items() if "container_name" in service]
    assert "ports" not in SERVICES["worker"]


def test_a_stopping_worker_has_time_for_the_attempts_under_way() -> None:
    """The longest attempt may end by itself, and Docker waits longer than the worker does."""
    grace = parse_duration(environment("worker")["RETAKES_SHUTDOWN_GRACE"])
    settings = Settings(shutdown_grace=grace)
    assert settings.attempt_timeout <= settings.attempt_shutdown_grace
    assert grace < parse_duration(SERVICES["worker"]["stop_grace_period"])


# Closed doors


def test_secrets_come_from_files_only() -> None:
    """No password and no key stands in an environment, where `docker inspect` would show it."""
    for name in SERVICES:
        for variable, value in environment(name).items():
            if re.search(r"PASSWORD|PWD|KEY|SECRET|TOKEN", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert value.removeprefix("/run/secrets/") in SERVICES[name]["secrets"], f"{name}: {variable}"
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), f"{name}: {variable} holds a password"


def test_every_secret_and_every_script_exists() -> None:
    """What a service mounts is declared; scripts are in the repository, and secrets are what the script makes."""
    for name, service in SERVICES.items():
        assert set(service.get("secrets", [])) <= set(DOCUMENT["secrets"]), name
        assert {config["source"] for config in service.get("configs", [])} <= set(DOCUMENT["configs"]), name
    assert [] == [config["file"] for config in DOCUMENT["configs"].values() if not (ROOT / config["file"]).is_file()]


def test_only_the_api_and_the_ui_are_published_and_only_to_this_machine() -> None:
    """By default nothing is open to other machines; the UI, which asks nobody who they are, never is."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert {"api": ["127.0.0.1:8000:8000"], "temporal-ui": ["127.0.0.1:8233:8080"]} == published
    assert '["127.0.0.1:${RETAKES_TEMPORAL_UI_PORT' in COMPOSE_FILE.read_text()


def test_databases_and_temporal_have_no_way_out() -> None:
    """They are on the inner network alone, which leads nowhere."""
    assert {"internal": True} == DOCUMENT["networks"]["inside"]
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert {"api", "worker", "temporal-ui"} == outside


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_container_can_gain_privileges(name: str) -> None:
    """Every capability is dropped, but for those that PostgreSQL's image needs to give its own up."""
    service = SERVICES[name]
    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert "privileged" not in service
    assert ("cap_add" in service) == (name == "postgresql")


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_write_to_their_volume_only(name: str) -> None:
    """They are not root, and their file system is read-only but for the data volume and /tmp."""
    service = SERVICES[name]
    assert ("10001:10001", True) == (service["user"], service["read_only"])
    assert ["data:/var/lib/retakes"] == service["volumes"]


def test_everything_kept_is_in_named_volumes() -> None:
    """No data lies in an anonymous volume or in a folder of the machine."""
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert set(DOCUMENT["volumes"]) == {mount.partition(":")[0] for mount in mounts}


# Settings


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_get_settings_that_exist(name: str) -> None:
    """A misspelt variable would be ignored without a word."""
    known = {variable_of(field) for field in Settings.model_fields if field != "temporal_variables"}
    assert set() == set(environment(name)) - known


def test_the_example_names_every_variable_that_can_be_set() -> None:
    """`.env.example` holds what the compose file reads, no more and no less."""
    named = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert variables_read() == named


def test_the_example_changes_nothing_as_it_stands() -> None:
    """Every line is a comment, so that a copy of it starts from the defaults."""
    assert [] == lines_of(".env.example")


# Scripts


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_posix_shell_that_stops_at_the_first_error(script: Path) -> None:
    """The images have no bash, and half a set-up must not pass for one."""
    assert script.read_text().startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in script.read_text()
    subprocess.run(["sh", "-n", str(script)], check=True)


def test_the_namespace_gets_the_search_attributes_that_sessions_set() -> None:
    """Names and types are those of the code."""
    registered = re.findall(r"--name (\w+) --type (\w+)", (DEPLOY / "temporal" / "prepare-namespace.sh").read_text())
    prefix = "INDEXED_VALUE_TYPE_"
    kinds = {name: IndexedValueType.Name(kind).removeprefix(prefix) for name, kind in SEARCH_ATTRIBUTES.items()}
    assert kinds == {name: kind.upper() for name, kind in registered}


def test_the_servers_dynamic_settings_are_lists_of_values() -> None:
    """Temporal ignores a dynamic setting of another form."""
    settings = yaml.safe_load((DEPLOY / "temporal" / "dynamic-config.yaml").read_text())
    assert [] == [name for name, values in settings.items() if [{"value"}] != [set(value) for value in values]]


def test_tasks_are_matched_as_by_the_embedded_server() -> None:
    """What the embedded server is told of partitions and fairness, the deployed one is told as well."""
    settings = yaml.safe_load((DEPLOY / "temporal" / "dynamic-config.yaml").read_text())
    told = {f"{name}={json.dumps(value['value'])}" for name, values in settings.items() for value in values}
    assert set(DYNAMIC_CONFIG) <= told


def make_secrets(folder: Path, *, openai_key: str = "") -> str:
    made = subprocess.run(
        ["sh", str(DEPLOY / "create-secrets.sh"), str(folder)],
        env={**os.environ, "OPENAI_API_KEY": openai_key},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout + made.stderr


def test_secrets_are_made_once_and_never_shown(tmp_path: Path) -> None:
    """All that the compose file asks for, long and random, in a folder closed to others; a repetition keeps them."""
    folder = tmp_path / "secrets"
    said = make_secrets(folder, openai_key="sk-of-a-person")
    secrets = {file.name: file.read_text() for file in folder.iterdir()}
    assert {Path(secret["file"]).name for secret in DOCUMENT["secrets"].values()} == set(secrets)
    assert "sk-of-a-person" == secrets["openai_api_key"]
    made = [secret for name, secret in secrets.items() if name not in ("openai_api_key", "retakes_webhook_secret")]
    assert [64] * 4 == [len(secret) for secret in made]
    assert 4 == len(set(made))
    assert secrets["retakes_webhook_secret"] == checked_webhook_secret(secrets["retakes_webhook_secret"])
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    again = make_secrets(folder, openai_key="sk-of-another")
    assert secrets == {file.name: file.read_text() for file in folder.iterdir()}
    assert [] == [secret for secret in secrets.values() if secret in said + again]


# Health of a worker


@activity.defn
async def idle() -> None:
    """Does nothing; a worker has to have something to offer."""


def worker_health(address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEPLOY / "worker_health.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": "default"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timedelta(seconds=30).total_seconds(),
    )


async def test_a_worker_is_healthy_once_temporal_hears_from_it() -> None:
    """Not before it polls, and not for a worker on another host: the server is asked, not the process."""
    binary = find_binary()
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=binary) as temporal:
        address = temporal.client.service_client.config.target_host
        silent = worker_health(address)
        assert (1, True) == (silent.returncode, "no worker of" in silent.stderr)
        async with Worker(temporal.client, task_queue=TASK_QUEUE, activities=[idle], identity="7@elsewhere"):
            assert 1 == worker_health(address).returncode
        async with Worker(
            temporal.client, task_queue=TASK_QUEUE, activities=[idle], identity=f"7@{socket.gethostname()}"
        ):
            await eventually(lambda: worker_health(address).returncode == 0)


def test_a_worker_without_its_server_is_not_healthy() -> None:
    """A server that cannot be reached is said in one line, without a traceback."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        alone = worker_health(f"127.0.0.1:{closed.getsockname()[1]}")
    assert (1, True) == (alone.returncode, alone.stderr.startswith("Temporal cannot be asked: "))
