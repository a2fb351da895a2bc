"""What a person can do about an error of the provider, in words that fit what was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

CHECK_ADDRESS: Final = (
    "Check OPENAI_BASE_URL (for most servers it ends in /v1) and the network, restart, then press Retry failed."
)


@dataclass(frozen=True, kw_only=True)
class Advice:
    """The words for one kind of call.

    ``by_status`` holds what is certain from the HTTP status alone. ``no_json_schema`` is for servers and models that
    do not write by a schema, ``seen`` says in which stage a moderation stepped in.
    """

    reword: str
    too_long: str
    by_status: Mapping[int, str]
    seen: Mapping[str, str]
    no_json_schema: str | None = None


def _by_status(*, model_setting: str, too_large: str, other_api: str = "") -> Mapping[int, str]:
    # A session keeps the model it was started with, so another model means another session.
    another_model = f"({model_setting}, or `model` in the request)"
    return {
        401: "Check OPENAI_API_KEY, restart with the right key, then press Retry failed.",
        403: (
            "Give the key access to this model (OpenAI asks to verify the organisation for some) and press Retry "
            f"failed, or start a new session with another model {another_model}."
        ),
        404: (
            "If OPENAI_BASE_URL is wrong, correct it, restart and press Retry failed. If the model's name is, start a "
            f"new session with another {another_model}.{other_api}"
        ),
        405: f"{CHECK_ADDRESS}{other_api}",
        413: too_large,
        501: f"Use another server, or start a new session with another model {another_model}.{other_api}",
    }


ASKING_FOR_PICTURES: Final = Advice(
    reword=(
        "Retry it with a note that asks for something milder, or start a new session with another title, other "
        "features or other photos."
    ),
    too_long="Start a new session with shorter texts.",
    by_status=_by_status(
        model_setting="RETAKES_IMAGE_MODEL",
        too_large="Start a new session with fewer or smaller reference photos.",
    ),
    seen={"input": "seen in the prompt or the photos", "output": "seen in the picture it made"},
)


def _asking_for_texts(*, other_api: str, no_json_schema: str) -> Advice:
    shorten = (
        "Start a new session with fewer segments in a set or a shorter idea, or with a model or server that takes "
        "longer texts."
    )
    return Advice(
        reword=(
            "Retry it with a note that asks for something milder, or start a new session with another idea or other "
            "characters."
        ),
        too_long=shorten,
        by_status=_by_status(model_setting="RETAKES_TEXT_MODEL", too_large=shorten, other_api=other_api),
        seen={"input": "seen in the prompt", "output": "seen in the text it wrote"},
        no_json_schema=no_json_schema,
    )


_ANOTHER_MODEL: Final = (
    "This model or server does not write by this JSON schema. Start a new session with another model "
    "(RETAKES_TEXT_MODEL, or `model` in the request)"
)

ASKING_RESPONSES: Final = _asking_for_texts(
    other_api=" If the server has only chat completions, set RETAKES_TEXT_API=chat, restart and press Retry failed.",
    no_json_schema=f"{_ANOTHER_MODEL}, or set RETAKES_TEXT_API=chat, restart and press Retry failed.",
)
ASKING_CHAT: Final = _asking_for_texts(
    other_api=" If the server has only responses, set RETAKES_TEXT_API=responses, restart and press Retry failed.",
    no_json_schema=f"{_ANOTHER_MODEL}, or use a server that supports `response_format` with `json_schema`.",
)
