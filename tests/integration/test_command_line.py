"""The commands as processes against the running product: in a terminal, without one, and when things go wrong."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.eventually import eventually
from tests.support.product import BIN, Product, free_port, running_product
from tests.support.terminal import Terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "the-key-of-the-tests"
PNG = Path(__file__).parents[2] / "docs" / "images" / "session-light.png"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What came of a command."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        """The one JSON value that it printed."""
        return json.loads(self.output)


class Shell:
    """A folder in which commands are run, without a terminal and in one."""

    def __init__(self, folder: Path, *, product: Product) -> None:
        self.folder = folder
        self.product = product
        self.environment = {
            "PATH": product.environment["PATH"],
            "HOME": str(folder),
            "RETAKES_URL": str(product.api.base_url).rstrip("/"),
            "RETAKES_API_KEY": KEY,
        }

    async def run(self, *arguments: str, given: str = "", **variables: str) -> Ended:
        """Run a command whose output is read by a program."""
        process = await asyncio.create_subprocess_exec(
            str(BIN / "retakes"),
            *arguments,
            env={**self.environment, **variables},
            cwd=self.folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            output, errors = await process.communicate(given.encode())
        assert process.returncode is not None
        return Ended(code=process.returncode, output=output.decode(), errors=errors.decode())

    async def terminal(self, *arguments: str, rows: int = 30, **variables: str) -> Terminal:
        """Start a command in a terminal of its own."""
        return await Terminal.started(
            [str(BIN / "retakes"), *arguments],
            environment={**self.environment, **variables},
            folder=self.folder,
            rows=rows,
            pixels=(1000, 600),
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    settings = {"RETAKES_API_KEYS": KEY}
    async with running_product(tmp_path_factory.mktemp("product"), settings=settings, key=KEY) as product:
        yield product


@pytest_asyncio.fixture(loop_scope="module")
async def shell(product: Product, tmp_path: Path) -> AsyncIterator[Shell]:
    await product.faults({"seed": 1, "rules": []})
    yield Shell(tmp_path, product=product)


def failing(text: str, *, times: int = 3) -> Mapping[str, Any]:
    """Return a fault plan by which calls whose prompt holds a text fail so often."""
    return {"seed": 1, "rules": [{"match": text, "times": times, "fault": {"kind": "forbidden"}}]}


def slow(seconds: float) -> Mapping[str, Any]:
    """Return a fault plan by which every call takes so long."""
    return {"seed": 1, "rules": [{"fault": {"kind": "slow", "seconds": seconds}}]}


async def test_images_are_made_and_watched_line_by_line(shell: Shell) -> None:
    """Without a terminal every change is a plain line; the last ones say what to do next; complete is exit code 0."""
    ended = await shell.run("images", "Steel [bold]bottle[/bold]", "--image", "main", "--image", "lifestyle:at a lake")
    assert (0, "") == (ended.code, ended.errors)
    lines = ended.output.splitlines()
    assert lines[0].startswith("Steel [bold]bottle[/bold] · ses-")
    assert "Main image: attempt 1 of 3" in lines
    assert any(line.startswith("Lifestyle: complete, attempt 1 of 3 (1024×1024, ") for line in lines)
    assert "Complete: All 2 images are ready." in lines
    assert lines[-1].startswith("Next: `retakes export ses-")
    assert "\x1b" not in ended.output
    assert any("at a lake" in call["prompt"] for call in await shell.product.calls())
    session_id = lines[0].split(" · ")[1]
    shown = await shell.run("show", session_id, PYTHONIOENCODING="ascii")
    assert (0, f"Steel [bold]bottle[/bold] ? {session_id} ? 2 images") == (shown.code, shown.output.splitlines()[0])


async def test_partial_is_3_and_a_retry_makes_it_0(shell: Shell) -> None:
    """What failed is named with the reason and the way on; the retry makes only that, with its note."""
    await shell.product.faults(failing("Image: Lifestyle", times=1))
    ended = await shell.run("images", "Tent", "--image", "main", "--image", "lifestyle")
    assert 3 == ended.code
    assert "Lifestyle: failed after attempt 1 of 3: " in ended.output
    session_id = ended.output.splitlines()[0].split(" · ")[1]
    assert f"Next: `retakes retry {session_id}` makes only what failed again." in ended.output
    ended = await shell.run("retry", session_id, "--note", "with much sky")
    assert 0 == ended.code, ended.output + ended.errors
    assert "Lifestyle: complete, attempt 2 of 4" in ended.output
    assert "Main image" not in ended.output
    assert "with much sky" in (await shell.product.calls())[-1]["prompt"]


async def test_failed_is_4_and_json_is_the_sessions_own(shell: Shell) -> None:
    """With --json the one thing printed is the session as the API gives it, byte for byte."""
    await shell.product.faults(failing("Image: ", times=9))
    ended = await shell.run("images", "Kite", "--image", "main", "--json")
    assert (4, "") == (ended.code, ended.errors)
    session_id = ended.json["id"]
    answer = await shell.product.api.get(f"/api/sessions/{session_id}")
    assert answer.json() == ended.json
    for arguments, path in {
        ("show", session_id): f"/api/sessions/{session_id}",
        ("watch", session_id): f"/api/sessions/{session_id}",
        ("attempts", session_id): f"/api/sessions/{session_id}/attempts",
        ("list", "--title", "Kite"): "/api/sessions?q=Kite&limit=20",
        ("costs",): "/api/costs?by=day",
    }.items():
        ended = await shell.run(*arguments, "--json")
        assert (await shell.product.api.get(path)).text + "\n" == ended.output, arguments


async def test_a_cancelled_session_is_5(shell: Shell) -> None:
    """Who watches a session that somebody cancels sees that, and a code of its own."""
    await shell.product.faults(slow(30))
    session_id = (await shell.run("images", "Lamp", "--image", "main", "--detach", "--quiet")).output.strip()
    watching = asyncio.create_task(shell.run("watch", session_id))
    assert 0 == (await shell.run("cancel", session_id)).code
    ended = await watching
    assert 5 == ended.code
    assert "Cancelled: " in ended.output


async def test_deleting_is_asked_once(shell: Shell) -> None:
    """Where nobody can be asked, only --yes deletes; what is gone is unknown from then on."""
    session_id = (await shell.run("images", "Lamp", "--image", "main", "--quiet", "--detach")).output.strip()
    assert 2 == (await shell.run("delete", session_id)).code
    await shell.run("watch", session_id)
    assert 0 == (await shell.run("delete", session_id, "--yes")).code
    gone = await shell.run("show", session_id)
    assert (2, "") == (gone.code, gone.output)


async def test_titles_from_standard_input_are_all_started(shell: Shell) -> None:
    """A list of titles starts a session for each, and with --quiet only the ids are printed."""
    given = "Mug\n\n  Plate \n"
    ended = await shell.run("images", "-", "--image", "main", "--quiet", "--idempotency-key", "night", given=given)
    assert (0, "") == (ended.code, ended.errors)
    ids = ended.output.split()
    titles = [(await shell.product.session(session_id))["title"] for session_id in ids]
    assert ["Mug", "Plate"] == titles
    again = await shell.run("images", "-", "--image", "main", "--quiet", "--idempotency-key", "night", given=given)
    assert ids == again.output.split()


async def test_a_mistake_in_one_title_starts_none(shell: Shell) -> None:
    """All titles are looked at before the first is started."""
    before = (await shell.run("list", "--quiet")).output
    ended = await shell.run("images", "-", given=f"Cup\n{'long ' * 50}\n")
    assert (2, "retakes: TITLE may have at most 200 characters\n") == (ended.code, ended.errors)
    assert before == (await shell.run("list", "--quiet")).output


async def test_photos_go_along(shell: Shell) -> None:
    """A photo is uploaded and used; a file that is none is named."""
    ended = await shell.run("images", "Bag", "--image", "main", "--photo", str(PNG), "--json")
    assert 0 == ended.code, ended.errors
    assert "/v1/images/edits" == (await shell.product.calls())[-1]["path"]
    (shell.folder / "notes.txt").write_text("no picture")
    ended = await shell.run("images", "Bag", "--photo", "notes.txt")
    assert 2 == ended.code
    assert ended.errors.startswith("retakes: notes.txt: ")


async def test_a_story_waits_for_its_approval_and_comes_out_as_a_script(shell: Shell) -> None:
    """The idea comes from standard input, the outline waits and says how to approve it, the script is downloaded."""
    process = asyncio.create_task(
        shell.run("story", "-", "--segments", "20", "--approve-outline", given="A heist in a museum of clocks.\n")
    )

    async def waiting() -> str | None:
        page = (await shell.run("list", "--kind", "story", "--json")).json
        return next((one["id"] for one in page["sessions"] if "until it is approved" in one["message"]), None)

    session_id = await eventually(waiting, timeout=timedelta(seconds=30), interval=timedelta(milliseconds=200))
    outline = await shell.run("outline", session_id)
    assert "Set 1: " in outline.output
    sent = await shell.run("outline", session_id, "--json")
    (shell.folder / "outline.json").write_text(json.dumps({**sent.json, "title": "The Stopped Hour"}))
    approved = await shell.run("approve", session_id, "--outline", "outline.json", "--detach")
    assert 0 == approved.code, approved.errors
    ended = await process
    assert 0 == ended.code, ended.errors
    assert f"`retakes approve {session_id}`" in ended.output
    exported = await shell.run("export", session_id, "-o", "script.pdf")
    assert (0, "script.pdf\n") == (exported.code, exported.output), exported.errors
    assert (shell.folder / "script.pdf").read_bytes().startswith(b"%PDF")
    markdown = await shell.run("export", session_id, "--format", "md", "-o", "-")
    assert markdown.output.startswith("# The Stopped Hour")


async def test_an_export_never_replaces_a_file_by_accident(shell: Shell) -> None:
    """The archive gets the server's name; a second one is refused, and --force replaces the first."""
    ended = await shell.run("images", "Red Chair", "--image", "main", "-o", ".")
    assert (0, "Saved as Red_Chair.zip.") == (ended.code, ended.output.splitlines()[-1])
    session_id = ended.output.split(" · ")[1]
    path = shell.folder / "Red_Chair.zip"
    assert "manifest.json" in zipfile.ZipFile(path).namelist()
    path.write_bytes(b"mine")
    refused = await shell.run("export", session_id)
    assert (2, "retakes: Red_Chair.zip is there already; --force replaces it, -o PATH writes another\n") == (
        refused.code,
        refused.errors,
    )
    assert b"mine" == path.read_bytes()
    assert 0 == (await shell.run("export", session_id, "--force")).code
    assert zipfile.is_zipfile(path)
    assert [path] == [file for file in shell.folder.iterdir() if file.is_file()]


async def test_versions_are_retaken_and_selected(shell: Shell) -> None:
    """A retake makes another version of something finished; select decides which one counts."""
    session_id = (await shell.run("images", "Boot", "--image", "main", "--quiet")).output.strip()
    ended = await shell.run("retake", session_id, "main", "--note", "brighter")
    assert 0 == ended.code, ended.errors
    assert "Main image: complete, attempt 2 of " in ended.output
    assert 0 == (await shell.run("select", session_id, "main", "1")).code
    assert 1 == (await shell.product.session(session_id))["items"][0]["selected_attempt"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("show", "nope"), "there is no session 'nope'"),
        (("watch", "../../health/live"), "there is no"),
        (("retry", "ses-aaaaaaaaaaaaaaaa"), "there is no session"),
        (("export", "ses-aaaaaaaaaaaaaaaa"), "there is no session"),
        (("images", "X", "--callback-url", "http://127.0.0.1/"), "callback"),
        (("list", "--cursor", "junk"), "cursor"),
    ],
)
async def test_what_cannot_be_done_is_one_line_and_2(shell: Shell, arguments: tuple[str, ...], expected: str) -> None:
    """Whatever is wrong, before the server or by its word: one line that says so, exit code 2, nothing printed."""
    ended = await shell.run(*arguments)
    assert (2, "") == (ended.code, ended.output)
    assert expected in ended.errors
    assert ended.errors.startswith("retakes: ")
    assert 1 == ended.errors.count("\n")


async def test_a_key_that_is_missing_or_wrong_is_named(shell: Shell) -> None:
    """Who has no key, or a wrong one, is told which variable to set."""
    url = shell.environment["RETAKES_URL"]
    expected = "set RETAKES_API_KEY to one of its keys\n"
    missing = await shell.run("list", RETAKES_API_KEY="")
    assert (2, f"retakes: {url} asks for a key; {expected}") == (missing.code, missing.errors)
    wrong = await shell.run("list", RETAKES_API_KEY="wrong")
    assert (2, f"retakes: {url} does not know this key; {expected}") == (wrong.code, wrong.errors)


async def test_an_unreachable_server_is_named(shell: Shell) -> None:
    """Where nobody listens, the line says where that is and what to do."""
    port = free_port()
    ended = await shell.run("images", "X", RETAKES_URL="", RETAKES_API_PORT=str(port))
    assert 2 == ended.code
    assert ended.errors.startswith(f"retakes: no server answers at http://127.0.0.1:{port} (")
    assert 1 == ended.errors.count("\n")


async def test_a_terminal_shows_attempts_and_countdowns_live(shell: Shell) -> None:
    """In a terminal there is a line per item, which counts down to the next attempt, a bar, and the summary."""
    rule = {"match": "Image: Lifestyle", "times": 1, "fault": {"kind": "server_error"}}
    await shell.product.faults({"seed": 1, "rules": [rule]})
    terminal = await shell.terminal("images", "Steel bottle", "--image", "main", "--image", "lifestyle")
    assert 0 == await terminal.ended(), terminal.text
    assert "tries again in " in terminal.text
    assert "attempt 2 of 3" in terminal.text
    assert "1 of 2" in terminal.text
    assert "Ctrl-C leaves it running" in terminal.text
    assert "Complete: All 2 images are ready." in terminal.text
    assert "\x1b[?25h" in terminal.raw, "the cursor is shown again"


async def test_ctrl_c_leaves_the_session_running(shell: Shell) -> None:
    """Ctrl-C ends the command with 130 and the way back; the session goes on, and the way back leads there."""
    await shell.product.faults(slow(3))
    terminal = await shell.terminal("images", "Clock", "--image", "main")
    await eventually(lambda: "attempt 1 of 3" in terminal.text, timeout=timedelta(seconds=20))
    terminal.press("\x03")
    assert 130 == await terminal.ended(), terminal.text
    (session_id,) = {word.strip("`") for word in terminal.text.split() if word.startswith("ses-")}
    assert f"Left running. `retakes watch {session_id}` comes back to it." in terminal.text
    assert "Traceback" not in terminal.text
    assert 0 == (await shell.run("watch", session_id, "--quiet")).code


@pytest.mark.parametrize(("term", "sequence"), [("xterm-kitty", "\x1b_G"), ("foot", "\x1bP0;0;0q")])
async def test_pictures_are_shown_where_the_terminal_can(shell: Shell, term: str, sequence: str) -> None:
    """Thumbnails come in the language of the terminal, which is not asked anything; other terminals get none."""
    session_id = (await shell.run("images", "Vase", "--image", "main", "--quiet")).output.strip()
    terminal = await shell.terminal("show", session_id, TERM=term)
    assert 0 == await terminal.ended(), terminal.text
    assert sequence in terminal.raw
    assert "\x1b[c" not in terminal.raw
    assert "\x1b[16t" not in terminal.raw
    other = await shell.terminal("show", session_id, TERM="xterm-256color")
    assert 0 == await other.ended()
    assert sequence not in other.raw


async def test_a_lost_connection_is_caught_up_with(shell: Shell) -> None:
    """While the API is away the command says so; when it is back, it goes on to the end."""
    await shell.product.faults(slow(4))
    session_id = (await shell.run("images", "Comb", "--image", "main", "--detach", "--quiet")).output.strip()
    watching = asyncio.create_task(shell.run("watch", session_id))

    async def watched() -> bool:
        metrics = (await shell.product.api.get("/metrics")).text
        return "retakes_event_streams 1.0" in metrics

    await eventually(watched)
    await shell.product.kill("api")
    await shell.product.start("api")
    ended = await watching
    assert 0 == ended.code, ended.errors
    assert 1 == ended.output.count("Connection lost (")
    assert "Connected again." in ended.output
    assert "Complete: The image is ready." in ended.output
