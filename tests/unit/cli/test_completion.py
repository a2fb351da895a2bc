import asyncio
from pathlib import Path

import pytest
import typer

from cli.completion import inert, item_keys, session_ids
from tests.support.scripted_http import answer, scripted_http
from tests.unit.cli.sessions_shown import item, session


@pytest.mark.parametrize("title", ["$(reboot)", "`reboot`", "\\$(reboot)", '"; reboot; "', "a\nreboot", "\x1b]0;x\x07"])
def test_titles_mean_nothing_to_a_shell(title: str) -> None:
    """Some shells evaluate what a completion prints; a title of somebody else's is no command there."""
    assert not set(inert(title)) & set("$`\\\"';|&<>\n\x1b(){}")


def test_other_scripts_stay_readable() -> None:
    """Letters of every script are letters."""
    assert "Gänse, 24 h 日本" == inert("Gänse, 24 h 日本")


async def test_ids_and_keys_are_the_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions come with their titles, items by the session that was named; what has no form of ours is left out."""
    monkeypatch.chdir(tmp_path)
    shown = session([item("main"), item("$(reboot)"), item("side")], title="Steel $bottle")
    odd = shown.model_copy(update={"id": "ses-$(reboot)"})
    page = f'{{"sessions": [{shown.model_dump_json()}, {odd.model_dump_json()}], "next_cursor": null}}'.encode()
    async with scripted_http(answer("200 OK", page)) as script:
        monkeypatch.setenv("RETAKES_URL", script.url)
        assert [(shown.id, "Steel _bottle (pending)")] == await asyncio.to_thread(session_ids, "ses-")
    async with scripted_http(answer("200 OK", shown.model_dump_json().encode())) as script:
        monkeypatch.setenv("RETAKES_URL", script.url)
        context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
        context.params["session_id"] = shown.id
        assert ["main", "side"] == await asyncio.to_thread(item_keys, context, "")


def test_without_a_server_nothing_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressing the tab key never shows an error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETAKES_URL", "http://127.0.0.1:9")
    assert [] == session_ids("")
    monkeypatch.setenv("RETAKES_URL", "nonsense")
    assert [] == session_ids("")
