"""The settings that every call depends on."""

from datetime import timedelta

import httpx2
import pytest

from providers.openai_client import OPENAI_ADDRESS, openai_client
from tests.unit.providers.loopback import Loopback, answered

MINUTE = timedelta(minutes=1)


async def test_the_sdk_repeats_nothing_by_itself() -> None:
    """Retries are the workflow's: each one is an attempt in the ledger."""
    async with openai_client(api_key="k", base_url=None, longest_silence=MINUTE) as client:
        assert client.max_retries == 0


async def test_every_phase_of_a_call_has_a_time_out() -> None:
    """A server that takes the connection and nothing else does not hold a call for ever."""
    async with openai_client(api_key="k", base_url=None, longest_silence=MINUTE) as client:
        timeout = client.timeout
    assert isinstance(timeout, httpx2.Timeout)
    assert timeout.connect == 5.0
    assert timeout.read == 60.0
    assert None not in timeout.as_dict().values()


async def test_an_empty_address_in_the_environment_means_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    """An `OPENAI_BASE_URL=` left empty in an environment file is no address."""
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    async with openai_client(api_key="k", base_url=None, longest_silence=MINUTE) as client:
        assert f"{OPENAI_ADDRESS}/" == str(client.base_url)


@pytest.mark.parametrize("key", ["sk-ключ", "sk-1\nX-Other: 2", "sk-1\x00"])
def test_a_key_that_cannot_be_sent_is_refused_at_once(key: str) -> None:
    """Refused at the start and without repeating it, not in every call."""
    with pytest.raises(ValueError, match="OPENAI_API_KEY") as caught:
        openai_client(api_key=key, base_url=None, longest_silence=MINUTE)
    assert key not in str(caught.value)


async def test_no_proxy_stands_before_a_server_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a company's proxy the offline provider, and a model of one's own, are still reached directly."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with Loopback([answered(200, {"object": "list", "data": []})]) as server:
        async with openai_client(api_key="k", base_url=server.base_url, longest_silence=MINUTE) as client:
            await client.models.list()
        assert ["/v1/models"] == [request.path for request in server.received]
