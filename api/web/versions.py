"""Versions of an item as they are read and compared: stories as text, prompts by their difference."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from api.services import Services
from api.web.differences import Piece, differences
from service.errors import ArtifactNotFoundError
from sessions.artifacts import Artifact
from sessions.identifiers import artifact_key
from sessions.scripts import Outline, OutlinedPart, StorySet
from sessions.statuses import SessionKind
from sessions.stories import OUTLINE, part_number_of
from sessions.variations import varied
from sessions.view import SessionView, VersionView

_logger = logging.getLogger("retakes.page")


@dataclass(frozen=True, kw_only=True)
class ShownVersion:
    """One version as the page shows it. ``number`` counts versions from 1; stories have one of the three documents.

    ``names``: of the characters of a story, by their id.
    """

    version: VersionView
    number: int
    story_set: StorySet | None = None
    outline: Outline | None = None
    part: OutlinedPart | None = None
    names: Mapping[str, str]


def pair_of(versions: Sequence[VersionView], *, left: int, right: int) -> Sequence[VersionView]:
    """Return the versions to show beside each other, the older one first; one alone where there are no two.

    Those of the attempts that are named, else the one that counts and the one before it, or where it is the first
    the newest.
    """
    by_attempt = {version.attempt: version for version in versions}
    if left != right and left in by_attempt and right in by_attempt:
        return [by_attempt[left], by_attempt[right]]
    if len(versions) < 2:
        return versions
    counts = next((position for position, version in enumerate(versions) if version.is_selected), len(versions) - 1)
    other = counts - 1 if counts > 0 else len(versions) - 1
    return [versions[min(counts, other)], versions[max(counts, other)]]


def own_prompt(version: VersionView) -> str | None:
    """Return the prompt of a version without the variation of its attempt, which the next attempt has its own of."""
    if version.prompt is None:
        return None
    return version.prompt.removesuffix(varied("", variation=version.variation))


async def prompts_compared(pair: Sequence[VersionView]) -> Sequence[Piece]:
    """Return the difference of two versions' prompts, nothing where it is not known or there are no two."""
    if len(pair) < 2 or pair[0].prompt is None or pair[1].prompt is None:
        return ()
    # Long ones take longer than other requests can be held up.
    return await asyncio.to_thread(differences, pair[0].prompt, pair[1].prompt)


async def shown_versions(
    pair: Sequence[VersionView],
    *,
    versions: Sequence[VersionView],
    key: str,
    session: SessionView,
    services: Services,
) -> Sequence[ShownVersion]:
    """Return versions with what is shown of them. A document that is gone, or is none, is left out."""
    numbers = {version.attempt: number for number, version in enumerate(versions, start=1)}
    if session.kind is SessionKind.IMAGES:
        return [ShownVersion(version=version, number=numbers[version.attempt], names={}) for version in pair]
    names = await _names(session, services=services)
    return [
        await _told(version, number=numbers[version.attempt], key=key, names=names, session=session, services=services)
        for version in pair
    ]


async def _names(session: SessionView, *, services: Services) -> Mapping[str, str]:
    try:
        metadata = await services.stories.metadata(session)
    except ArtifactNotFoundError:
        return {}
    return {character.id: character.name for character in metadata.characters_roster} if metadata else {}


async def _told(
    version: VersionView, *, number: int, key: str, names: Mapping[str, str], session: SessionView, services: Services
) -> ShownVersion:
    story_set, outline, part = None, None, None
    try:
        content = await _content(version, key=key, session=session, services=services)
        if key == OUTLINE:
            outline = Outline.model_validate_json(content)
        elif part_number_of(key) is not None:
            part = OutlinedPart.model_validate_json(content)
        else:
            story_set = StorySet.model_validate_json(content)
    except (ArtifactNotFoundError, ValidationError) as error:
        _logger.info(
            "a version cannot be shown",
            extra={"session_id": session.id, "item": key, "attempt": version.attempt, "reason": type(error).__name__},
        )
    return ShownVersion(version=version, number=number, story_set=story_set, outline=outline, part=part, names=names)


async def _content(version: VersionView, *, key: str, session: SessionView, services: Services) -> bytes:
    artifact = Artifact(attempt=version.attempt, **version.artifact.model_dump(exclude={"url"}))
    chunks = await services.artifacts.open(
        artifact_key(session.id, item=key, attempt=version.attempt), artifact=artifact
    )
    return b"".join([chunk async for chunk in chunks])
