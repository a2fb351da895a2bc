"""Documents as services read them from the artifact store."""

from service.documents import StoryDocuments, sets_of
from sessions.artifacts import Artifact, Made, Receipt
from sessions.identifiers import artifact_key
from sessions.money import Spending
from sessions.present import session_view
from sessions.state import item_completed, item_started
from sessions.stories import StorySessionRequest, set_key
from tests.support.memory import MemoryArtifacts
from tests.unit.api.in_memory import MOMENT, InMemory

MEGABYTE = 2**20


class Counted(MemoryArtifacts):
    """A store that counts what is read from it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def read(self, key: str, *, artifact: Artifact) -> bytes:
        self.reads += 1
        return await super().read(key, artifact=artifact)


async def test_what_is_kept_has_a_limit() -> None:
    """What was read last is not read again; of much, what was not looked at for longest goes first."""
    store = Counted()
    state = InMemory().begin_story(StorySessionRequest(idea="T", total_segments=4, segments_per_set=1))
    for number in range(1, 5):
        made = Made(data=bytes([number]) * 5 * MEGABYTE, media_type="application/json", model="m")
        artifact = Artifact.of(made, attempt=1)
        key = artifact_key(state.id, item=set_key(number), attempt=1)
        await store.put(key, data=made.data, receipt=Receipt(artifact=artifact, model="m"))
        state = item_completed(
            item_started(state, key=set_key(number), now=MOMENT),
            key=set_key(number),
            artifact=artifact,
            spending=Spending(),
            now=MOMENT,
        )
    view = session_view(state)
    documents = StoryDocuments(store)
    items = dict(sets_of(view))
    for number in (1, 2, 3, 1, 4, 1, 3, 4):
        assert bytes([number]) == (await documents.kept(view, items[number]))[:1]
    assert 4 == store.reads
    await documents.kept(view, items[2])
    assert 5 == store.reads
