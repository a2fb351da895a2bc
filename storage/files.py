"""A session's files under the names that people know them by.

Copies of what the artifacts hold, for people to open: unlike an artifact, a file is replaced when there is a newer one.
"""

from collections.abc import Sequence

from sessions.identifiers import files_prefix
from storage.objects import Objects


class StoredFiles:
    """Files in an object store, beside the artifacts of their session. Implements `StoryFiles`.

    A name is one of `sessions.story_files`, or another without a slash; in a folder, the file has exactly that name.
    Every method that stores or looks raises an `OSError` when the store fails.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def save(self, session_id: str, *, name: str, data: bytes) -> None:
        """Write a file, in place of one of the same name; whoever opens it sees all of the old one or of the new."""
        await self._objects.put(_path(session_id, name=name), data=data)

    async def remove(self, session_id: str, *, name: str) -> None:
        """Remove a file. No matter if it is gone."""
        await self._objects.delete(_path(session_id, name=name))

    async def names(self, session_id: str) -> Sequence[str]:
        """Return the names of the files that there are, sorted."""
        prefix = files_prefix(session_id)
        return sorted(path.removeprefix(prefix) for path in await self._objects.paths(prefix))

    def location(self, session_id: str, *, name: str = "") -> str:
        """Return where a file is, or without a name, their folder.

        An absolute path that can be opened where the store is a folder, else an ``s3://`` address. That of the folder
        ends in ``/`` in a bucket only.
        """
        return self._objects.location(_path(session_id, name=name) if name else files_prefix(session_id))


def _path(session_id: str, *, name: str) -> str:
    if "/" in name or name in ("", ".", ".."):
        raise ValueError(f"{name!r} is no name of a file")
    return f"{files_prefix(session_id)}{name}"
