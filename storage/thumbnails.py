"""Small copies of artifacts for lists: made when they are first asked for, and kept in memory for a while."""

import asyncio
from collections import OrderedDict
from typing import Final

from imaging.inspect import NotAPictureError
from imaging.thumbnails import THUMBNAIL_TYPE, thumbnail
from sessions.artifacts import Artifact
from storage.artifacts import StoredArtifacts

SIDE: Final = 192
"""Twice what a list shows them at, for screens with small pixels."""
MEDIA_TYPE: Final = THUMBNAIL_TYPE

_KEPT: Final = 2000
"""Of about 5 kB each."""
_AT_ONCE: Final = 2


class Thumbnails:
    """Makes small copies of stored pictures, each once as long as it is asked for now and then."""

    def __init__(self, artifacts: StoredArtifacts) -> None:
        self._artifacts = artifacts
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def of(self, key: str, *, artifact: Artifact) -> bytes:
        """Return a small copy of the picture that is stored under a key.

        Raises:
            FileNotFoundError: it is not there, or is no picture.
            OSError: the store fails.
        """
        if artifact.sha256 not in self._kept:
            async with self._turns:
                data = await self._artifacts.read(key, artifact=artifact)
                try:
                    small = await asyncio.to_thread(thumbnail, data, side=SIDE)
                except NotAPictureError as error:
                    raise FileNotFoundError(key) from error
            self._kept[artifact.sha256] = small
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(artifact.sha256)
        return self._kept[artifact.sha256]
