"""Ids and keys: each comes from one function here, and what reads them back stands beside it."""

import base64
import hashlib
import re
import secrets

_RANDOM_BYTES = 10
_UPLOAD_DIGITS = 26
_SESSION_ID = re.compile(r"ses-[a-z2-7]{16}")
_UPLOAD_ID = re.compile(r"upl-[a-z2-7]{26}")
_ITEM_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_ACTIVITY_ID = re.compile(r"(?P<item>[a-z0-9][a-z0-9_-]{0,63})#(?P<round>[1-9][0-9]*)")

DEFAULT_TENANT = "default"


def _session_id(entropy: bytes) -> str:
    return f"ses-{base64.b32encode(entropy[:_RANDOM_BYTES]).decode('ascii').lower()}"


def new_session_id() -> str:
    """Return a fresh session id: 80 random bits, safe in URLs, file names and Temporal workflow ids."""
    return _session_id(secrets.token_bytes(_RANDOM_BYTES))


def session_id_for(idempotency_key: str, *, tenant: str = DEFAULT_TENANT) -> str:
    """Return the one session id that belongs to an Idempotency-Key.

    Derived and not stored, so that two API processes that receive the same key at once agree without asking
    each other. A digest, because keys are a client's own words and ids are never encrypted.
    """
    return _session_id(hashlib.sha256(f"{tenant}\0{idempotency_key}".encode()).digest())


def is_session_id(text: str) -> bool:
    """Whether the text has the form of a session id."""
    return _SESSION_ID.fullmatch(text) is not None


def upload_id_for(data: bytes) -> str:
    """Return the id of an upload: the same bytes have the same id, and nobody can guess it without them."""
    return f"upl-{base64.b32encode(hashlib.sha256(data).digest()).decode('ascii').lower()[:_UPLOAD_DIGITS]}"


def is_upload_id(text: str) -> bool:
    """Whether the text has the form of an upload's id."""
    return _UPLOAD_ID.fullmatch(text) is not None


def is_item_key(text: str) -> bool:
    """Whether the text can be an item's key: 1 to 64 of a-z, 0-9, ``_`` and ``-``, beginning with a letter or digit."""
    return _ITEM_KEY.fullmatch(text) is not None


def activity_id(item: str, *, round_number: int) -> str:
    """Return the Temporal activity id of an item in a round; it names the item to whoever opens Temporal."""
    return f"{item}#{round_number}"


def item_of_activity(identifier: str) -> str | None:
    """Return the item whose activity this is, or None for an activity that makes no item."""
    match = _ACTIVITY_ID.fullmatch(identifier)
    return match["item"] if match else None


def round_of_activity(identifier: str) -> int:
    """Return the round of an item's activity.

    Raises:
        ValueError: the activity makes no item.
    """
    match = _ACTIVITY_ID.fullmatch(identifier)
    if match is None:
        raise ValueError(f"activity '{identifier}' makes no item")
    return int(match["round"])


def delivery_id(session_id: str, *, round_number: int, revision: int) -> str:
    """Return the id of the callback that tells of a session's state. Without full stops, which separate what is signed.

    Deterministic: an attempt that is made again has the same id, by which the receiver knows it.
    """
    return f"{deliveries_prefix(session_id)}{round_number}-{revision}"


def deliveries_prefix(session_id: str) -> str:
    """Return what the ids of all callbacks begin with that tell of a session, and no others."""
    return f"dlv-{session_id.removeprefix('ses-')}-"


def new_test_id() -> str:
    """Return a fresh id for a test call."""
    return f"dlv-test-{secrets.token_hex(_RANDOM_BYTES)}"


def artifact_key(session_id: str, *, item: str, attempt: int) -> str:
    """Return where the bytes of an attempt are kept. Deterministic: a restarted attempt finds what was stored."""
    return f"sessions/{session_id}/{item}/attempt-{attempt:03d}"


def session_prefix(session_id: str) -> str:
    """Return the prefix of everything that is stored of a session."""
    return f"sessions/{session_id}/"


def files_prefix(session_id: str) -> str:
    """Return the prefix of a session's files under human names. No item of a story is called ``files``."""
    return f"{session_prefix(session_id)}files/"
