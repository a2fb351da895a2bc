"""Shows on a running product how failed sets of a story are retried, and that nothing else is touched.

Run it beside ``make run`` without an API key, so that the offline provider is there to fail on demand::

    python examples/test_retry_logic.py [--url http://127.0.0.1:8000] [--provider http://127.0.0.1:8900]

It has two of five sets fail for good, reads the result, retries the two, and compares; it needs nothing but Python.
Exit status 0 when everything holds, 1 otherwise. The provider's fault plan is put back in the end.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

URL = f"http://127.0.0.1:{os.environ.get('RETAKES_API_PORT', '8000')}"
PROVIDER = f"http://127.0.0.1:{os.environ.get('RETAKES_OFFLINE_PORT', '8900')}"

SETS, SEGMENTS_PER_SET = 5, 3
SEGMENTS = SETS * SEGMENTS_PER_SET
STORY = {
    "idea": "A night train stops where there is no station, and two passengers get off.",
    "total_segments": SEGMENTS,
    "segments_per_set": SEGMENTS_PER_SET,
}
FAILING = (2, 4)
MOST_RETRIES = 5
LONGEST_ROUND_SECONDS = 300.0

Json = Any
"""What JSON holds."""


@dataclass(frozen=True)
class Answer:
    """What a server said, and how many seconds it took."""

    status: int
    text: str
    seconds: float

    @property
    def body(self) -> Json:
        """The JSON of the answer."""
        return json.loads(self.text)


class Server:
    """A server that takes and gives JSON."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        self._new = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._address = parts.netloc
        self._prefix = parts.path

    def ask(self, method: str, path: str, body: Json = None) -> Answer:
        """Send a request and return the answer.

        Raises:
            OSError: the server is out of reach.
            HTTPException: it does not speak HTTP.
        """
        connection = self._new(self._address, timeout=LONGEST_ROUND_SECONDS)
        began = time.monotonic()
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, self._prefix + path, sent, {"Content-Type": "application/json"} if sent else {})
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(), time.monotonic() - began)
        finally:
            connection.close()


class Demonstration:
    """Tells what it does, and remembers what did not hold."""

    def __init__(self, *, product: Server, provider: Server) -> None:
        self.product = product
        self.provider = provider
        self.held = 0
        self.broken: list[str] = []

    def run(self) -> None:
        """Show everything, and put the provider's fault plan back whatever happens.

        Raises:
            OSError: the product or the provider is out of reach.
            HTTPException: something else answers in their place.
            KeyError, TypeError, ValueError: an answer has not the form that it should have.
        """
        found = self.provider.ask("GET", "/faults")
        if found.status != 200:
            raise ConnectionError(f"{self.provider.url} is no offline provider: it answers {found.status}")
        try:
            first = self.generation_with_failures()
            retried = self.retry_of_what_failed(first)
            self.retry_of_nothing(retried)
            self.bad_requests(first.body)
        finally:
            self.provider.ask("PUT", "/faults", found.body)

    def generation_with_failures(self) -> Answer:
        """Make a story while the provider fails every call for two of its sets."""
        heading("1. A generation in which two sets fail")
        say(f"The provider is told to fail every call for sets {FAILING[0]} and {FAILING[1]} of {SETS}.")
        rules = [
            {"match": f"\nSet {number} of {SETS} (", "fault": fault}
            for number, fault in zip(FAILING, ("server_error", "refusal"), strict=True)
        ]
        self.provider.ask("PUT", "/faults", {"rules": rules})
        answer = self.product.ask("POST", "/generate-movie-auto", STORY)
        say(f"POST /generate-movie-auto answered {answer.status} after {answer.seconds:.1f} s.")
        self.check("the call answers 200, whatever became of single sets", answer.status == 200)
        if answer.status != 200:
            raise ValueError(answer.text)
        result = answer.body
        self.show(result)
        summary = result["generation_summary"]
        self.check("success is false, because not every set is there", result["success"] is False)
        self.check("the failed sets are named", summary["failed_set_numbers"] == list(FAILING))
        self.check(
            "retry_info says what can be retried, and where",
            result["retry_info"]
            == {"can_retry": True, "failed_sets": list(FAILING), "retry_endpoint": "/retry-failed-story-sets"},
        )
        self.check("the other sets were not held up", summary["successful_sets"] == SETS - len(FAILING))
        attempts = self.product.ask("GET", f"/api/sessions/{result['session_id']}/attempts").body["attempts"]
        tried = {number: sum(one["item"] == f"set-{number:02d}" for one in attempts) for number in FAILING}
        self.check("each failed set was tried three times by itself", set(tried.values()) == {3})
        self.check("every file that is there has the one title", titles_of(result) == {result["story_title"]})
        return answer

    def retry_of_what_failed(self, first: Answer) -> Answer:
        """Send the result back, with a provider that works again, and compare."""
        heading("2. The failed sets are retried")
        say(f"The provider works again. The result goes back whole, with max_retries {MOST_RETRIES}.")
        before = first.body
        digests = digests_of(before["files_saved"])
        self.provider.ask("PUT", "/faults", {})
        calls = self.calls()
        answer = self.product.ask(
            "POST", "/retry-failed-story-sets", {"previous_result": before, "max_retries": MOST_RETRIES}
        )
        say(f"POST /retry-failed-story-sets answered {answer.status} after {answer.seconds:.1f} s.")
        after = answer.body
        self.show(after)
        self.check("success is true, and nothing is left to retry", after["success"] and not failed_in(after))
        kept = [number for number in range(1, SETS + 1) if number not in FAILING]
        was, now = entries_of(first.text), entries_of(answer.text)
        self.check("finished sets come back byte for byte", all(was[number] == now[number] for number in kept))
        asked = [call for call in self.calls()[len(calls) :] if f"\nTitle: {before['story_title']}\n" in call["prompt"]]
        self.check("the provider was asked once for each failed set, and for nothing else", len(asked) == len(FAILING))
        marked = [entry["set_number"] for entry in after["sets"] if entry.get("retry_info", {}).get("was_retried")]
        self.check("the retried sets say that they were, and when", marked == list(FAILING))
        self.check("the title is the same everywhere", titles_of(after) == {before["story_title"]})
        self.check("the metadata is what it was", after["story_metadata"] == before["story_metadata"])
        numbers = [segment["number"] for entry in after["sets"] for segment in entry["set_data"]["segments"]]
        self.check("every segment is there once, in order", numbers == list(range(1, SEGMENTS + 1)))
        self.files(after, digests=digests)
        return answer

    def files(self, result: Mapping[str, Json], *, digests: Mapping[str, str]) -> None:
        """Compare the files before and after, where they lie on this machine."""
        saved = result["files_saved"]
        self.check("metadata and every set are among the saved files", len(saved) == 1 + SETS)
        now = digests_of(saved)
        if len(now) < len(saved):
            say(f"The files are elsewhere ({result['output_directory']}), so they are not compared.")
            return
        self.check("files of finished sets were left alone", all(now[path] == digests[path] for path in digests))
        written = {entry["file_path"]: entry["set_data"] for entry in result["sets"]}
        is_same = all(json.loads(Path(path).read_bytes()) == data for path, data in written.items())
        self.check("each file holds the set that the result holds", is_same)

    def retry_of_nothing(self, complete: Answer) -> None:
        """Send a result back in which nothing has failed."""
        heading("3. Nothing left to retry")
        calls = len(self.calls())
        answer = self.product.ask("POST", "/retry-failed-story-sets", {"previous_result": complete.body})
        self.check("a complete result comes back unchanged", answer.body == complete.body)
        self.check("and costs no call", len(self.calls()) == calls)

    def bad_requests(self, result: Mapping[str, Json]) -> None:
        """Send what cannot be done."""
        heading("4. What bad requests answer")
        for retries in (0, 11):
            answer = self.product.ask(
                "POST", "/retry-failed-story-sets", {"previous_result": result, "max_retries": retries}
            )
            say(f"max_retries {retries}: {answer.status} {answer.body['detail']}")
            is_told = "Max retries must be between 1 and 10" in answer.body["detail"]
            self.check(f"max_retries {retries} is refused in plain words", answer.status == 400 and is_told)
        cut = {name: value for name, value in result.items() if name != "sets"}
        answer = self.product.ask("POST", "/retry-failed-story-sets", {"previous_result": cut})
        say(f"a result without its sets: {answer.status} {answer.body['detail']}")
        self.check("a result that is not whole is refused", answer.status == 422)
        answer = self.product.ask("POST", "/generate-movie-auto", {**STORY, "total_segments": 0})
        say(f"no segments: {answer.status} {answer.body['detail']}")
        self.check("a story of no segments is refused", answer.status == 422)

    def calls(self) -> Sequence[Mapping[str, Json]]:
        """Return the provider's log."""
        calls: Sequence[Mapping[str, Json]] = self.provider.ask("GET", "/log").body["calls"]
        return calls

    def check(self, claim: str, is_true: bool) -> None:  # noqa: FBT001 - reads as what it is: a claim and whether it holds
        """Say whether a claim holds, and remember it."""
        print(f"   [{'ok' if is_true else 'NO'}] {claim}")
        if is_true:
            self.held += 1
        else:
            self.broken.append(claim)

    def show(self, result: Mapping[str, Json]) -> None:
        """Print a result for a reader."""
        summary = result["generation_summary"]
        say(f"“{result['story_title']}”, session {result['session_id']}: success is {result['success']}.")
        say(f"{summary['total_segments_generated']} of {summary['total_segments_requested']} segments are written.")
        for entry in result["sets"]:
            if entry["status"] == "success":
                again = ", retried" if entry.get("retry_info") else ""
                what = f"{entry['segments_count']} segments{again}, {Path(entry['file_path'] or '-').name}"
            else:
                what = entry["error"]
            print(f"     set {entry['set_number']}  {entry['status']:8} {what}")


def entries_of(result: str) -> Mapping[int, str]:
    """Return the sets of a result exactly as they stand in its JSON, by number."""
    opening = re.search(r'"sets"\s*:\s*\[', result)
    if opening is None:
        return {}
    entries: dict[int, str] = {}
    place = opening.end()
    while result[place] != "]":
        if result[place] in ", \n":
            place += 1
            continue
        entry, end = json.JSONDecoder().raw_decode(result, place)
        entries[entry["set_number"]] = result[place:end]
        place = end
    return entries


def titles_of(result: Mapping[str, Json]) -> set[str]:
    """Return every title that a result has: one, if the story is consistent."""
    sets = {entry["set_data"]["title"] for entry in result["sets"] if entry["set_data"]}
    return sets | {result["story_title"], result["story_metadata"]["title"]}


def failed_in(result: Mapping[str, Json]) -> Sequence[int]:
    """Return the numbers of the sets that have failed in a result."""
    return [entry["set_number"] for entry in result["sets"] if entry["status"] == "failed"]


def digests_of(paths: Sequence[str]) -> Mapping[str, str]:
    """Return the SHA-256 of the files that lie on this machine, by their paths."""
    here = [path for path in paths if Path(path).is_file()]
    return {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in here}


def heading(text: str) -> None:
    """Print the heading of a section."""
    print(f"\n{text}\n")


def say(text: str) -> None:
    """Print a sentence."""
    print(f"   {text}")


def demonstrated(*, url: str = URL, provider: str = PROVIDER) -> bool:
    """Run the demonstration and return whether everything held."""
    demonstration = Demonstration(product=Server(url), provider=Server(provider))
    try:
        demonstration.run()
    except (OSError, HTTPException) as error:
        print(f"\nOut of reach: {error!r}. Is `make run` running, with the API at {url} and the offline provider at")
        print(f"{provider}? The offline provider starts when no OPENAI_API_KEY and no OPENAI_BASE_URL is set.")
        return False
    except (KeyError, TypeError, ValueError) as error:
        print(f"\nAn answer is not what it should be: {error!r}")
        return False
    print()
    for claim in demonstration.broken:
        print(f"Does not hold: {claim}")
    print(f"{demonstration.held} of {demonstration.held + len(demonstration.broken)} checks hold.")
    return not demonstration.broken


def is_running(url: str) -> bool:
    """Return whether a server answers."""
    try:
        return Server(url).ask("GET", "/health/ready").status == 200
    except (OSError, HTTPException):
        return False


def test_retry_logic() -> None:
    """The demonstration holds, when the product runs where `make run` puts it."""
    import pytest  # this file runs without it as a script

    if not is_running(URL):
        pytest.skip(f"nothing runs at {URL}: start it with `make run`, without an API key")
    if not demonstrated():
        pytest.fail("the demonstration did not hold; what it printed says where")


def main() -> int:
    """Run the demonstration; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=URL, help="where the product's API is")
    parser.add_argument("--provider", default=PROVIDER, help="where the offline provider is")
    arguments = parser.parse_args()
    return 0 if demonstrated(url=arguments.url, provider=arguments.provider) else 1


if __name__ == "__main__":
    sys.exit(main())
