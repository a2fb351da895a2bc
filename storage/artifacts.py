"""Artifacts: what attempts produced. Each attempt has its own key, so nothing here is ever changed.

Beside ``<key>.receipt.json`` lie the bytes it is about, ``<key>-<first digits of their SHA-256>.<extension>``. The
receipt is written last and makes the artifact: what lies there without one is not found. The digits are in the name
because an attempt that was given up for dead may still store its result beside that of its successor: whichever
receipt stays, every reference that was handed out leads to its own bytes.
"""

from pydantic import ValidationError

from sessions.artifacts import Artifact, Receipt
from storage.objects import Objects, StoredBytes

_DIGITS = 16
# Not by the standard library's table: that reads files of the machine, and names must not differ between machines.
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "application/json": "json"}


class StoredArtifacts:
    """Artifacts in an object store. Implements `ArtifactStore`.

    Every method raises an `OSError` when the store fails.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def put(self, key: str, *, data: bytes, receipt: Receipt) -> None:
        """Store bytes and their receipt; `find` answers once both are whole."""
        await self._objects.put(_bytes_path(key, artifact=receipt.artifact), data=data)
        await self._objects.put(_receipt_path(key), data=receipt.model_dump_json(indent=2).encode())

    async def find(self, key: str) -> Receipt | None:
        """Return the receipt of what is stored under a key, or None."""
        try:
            receipt = Receipt.model_validate_json(await self._objects.read(_receipt_path(key)))
        except (FileNotFoundError, ValidationError):  # a power cut can leave an empty file under a whole name
            return None
        size = await self._objects.size(_bytes_path(key, artifact=receipt.artifact))
        return receipt if size == receipt.artifact.bytes else None

    async def open(self, key: str, *, artifact: Artifact) -> StoredBytes:
        """Begin to read the bytes of an artifact.

        Raises:
            FileNotFoundError: they are not there.
        """
        return await self._objects.open(_bytes_path(key, artifact=artifact))

    async def read(self, key: str, *, artifact: Artifact) -> bytes:
        """Return the bytes of an artifact.

        Raises:
            FileNotFoundError: they are not there.
        """
        return await self._objects.read(_bytes_path(key, artifact=artifact))

    async def delete(self, key: str, *, artifact: Artifact) -> None:
        """Delete an artifact, its receipt first: from then on nobody finds it. Safe to repeat."""
        await self._objects.delete(_receipt_path(key))
        await self._objects.delete(_bytes_path(key, artifact=artifact))

    async def delete_prefix(self, prefix: str) -> None:
        """Delete everything whose key begins with a prefix that ends in ``/``. Safe to repeat."""
        await self._objects.delete_prefix(prefix)

    async def check(self) -> None:
        """Find out whether artifacts can be read and written; the error says why not."""
        await self._objects.check()


def _receipt_path(key: str) -> str:
    return f"{key}.receipt.json"


def _bytes_path(key: str, *, artifact: Artifact) -> str:
    extension = _EXTENSIONS.get(artifact.media_type, "bin")
    return f"{key}-{artifact.sha256[:_DIGITS]}.{extension}"
