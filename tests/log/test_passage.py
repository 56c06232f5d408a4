"""What of a passage still waits."""

from ingest.log.passage import Passage, Place
from ingest.log.position import Position
from ingest.log.reader import StoredBatch
from tests.support.stored import NOON, batch


def stored(sequence: int) -> StoredBatch:
    """A batch at the beginning of a segment."""
    start, end = Position(sequence, 32), Position(sequence, 200)
    return StoredBatch(bytes(16), NOON, tuple(batch(sequence).records), start, end)


def test_what_the_disk_did_not_give_waits_no_more_not_even_to_be_put_aside():
    gone, there = stored(1), stored(2)
    passage = Passage([gone, there])
    for one in (gone, there):
        passage.refused[Place(one.start, 0)] = "too large"
    passage.keep([there])
    assert passage.refused == {Place(there.start, 0): "too large"}
    assert [place for place, _ in passage.waiting([gone, there])] == [
        Place(there.start, 0),
        Place(there.start, 1),
    ]
    assert passage.batches == 1
