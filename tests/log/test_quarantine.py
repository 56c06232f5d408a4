"""What was put aside goes to Kafka after all, or stays: each record one of the two."""

import time
from pathlib import Path

import pytest

from ingest.config import Store as StoreConfig
from ingest.log.batch import Record
from ingest.log.lock import DirectoryInUse
from ingest.log.quarantine import Refused, Sent, aside, kept_in, refused, send_all
from ingest.log.segment import DAY_MS
from ingest.log.sink import RecordRefused, SinkUnavailable
from ingest.log.store import Store
from tests.support.store import flip, segment_files

TODAY = time.time_ns() // 1_000_000
"""By the machine's clock, as for the command."""
YESTERDAY = TODAY - DAY_MS


class _Kafka:
    """Takes records, refuses the odd ones, and is away after so many."""

    def __init__(self, refuses: bool = False, away_after: int = 1_000) -> None:
        self.taken: list[Record] = []
        self._refuses = refuses
        self._tries = away_after

    async def send(self, record: Record) -> None:
        self._tries -= 1
        if self._tries < 0:
            raise SinkUnavailable("away")
        if self._refuses and record.timestamp % 2:
            raise RecordRefused("the timestamp is wrong")
        self.taken.append(record)


def _record(number: int) -> Record:
    """Its event looks like what stands around events there."""
    return Record(b"site", b'{"n":%d,"title":"\\",\\"event\\":","event":{}}' % number, number)


async def _put_aside(directory: Path, received: int, *numbers: int) -> None:
    store = Store(directory, StoreConfig(min_free=0))
    await store.start()
    for number in numbers:
        await store.write(aside(Refused(_record(number), "too large"), received))
    await store.close()


def _numbers(directory: Path) -> list[int]:
    return [kept.record.timestamp for _, kept in kept_in(directory)]


def test_a_record_comes_out_as_it_was_put_in() -> None:
    put_in = Refused(_record(7), "too large for the topic's max.message.bytes")
    (kept,) = aside(put_in, TODAY).records
    assert refused(kept) == put_in


async def test_what_kafka_takes_is_removed_in_order(tmp_path: Path) -> None:
    await _put_aside(tmp_path, YESTERDAY, 1, 2)
    await _put_aside(tmp_path, TODAY, 3)
    kafka = _Kafka()
    assert await send_all(tmp_path, kafka.send) == Sent(sent=3)
    assert kafka.taken == [_record(1), _record(2), _record(3)]
    assert segment_files(tmp_path) == []
    assert await send_all(tmp_path, kafka.send) == Sent()


async def test_what_kafka_refuses_again_stays_with_its_day_and_the_new_reason(
    tmp_path: Path,
) -> None:
    await _put_aside(tmp_path, YESTERDAY, 1, 2, 3)
    kafka = _Kafka(refuses=True)
    assert await send_all(tmp_path, kafka.send) == Sent(sent=1, refused=2)
    assert kafka.taken == [_record(2)]
    wrong = "the timestamp is wrong"
    assert list(kept_in(tmp_path)) == [
        (YESTERDAY, Refused(_record(1), wrong)),
        (YESTERDAY, Refused(_record(3), wrong)),
    ]


async def test_when_kafka_goes_away_what_was_not_tried_stays(tmp_path: Path) -> None:
    await _put_aside(tmp_path, YESTERDAY, 2, 4, 6)
    await _put_aside(tmp_path, TODAY, 8, 10)
    kafka = _Kafka(away_after=1)
    assert await send_all(tmp_path, kafka.send) == Sent(sent=1, left=4, trouble="away")
    assert sorted(_numbers(tmp_path)) == [4, 6, 8, 10]
    kafka = _Kafka()
    assert (await send_all(tmp_path, kafka.send)).sent == 4
    assert {record.timestamp for record in kafka.taken} == {4, 6, 8, 10}


async def test_what_came_of_age_is_deleted_and_not_sent(tmp_path: Path) -> None:
    await _put_aside(tmp_path, TODAY, 2)
    old = segment_files(tmp_path)[0]
    await _put_aside(tmp_path, TODAY - 25 * DAY_MS, 4)
    kafka = _Kafka()
    assert await send_all(tmp_path, kafka.send) == Sent(sent=1)
    assert kafka.taken == [_record(2)]
    assert not old.exists()


async def test_a_damaged_segment_is_set_aside_and_the_rest_of_it_sent(tmp_path: Path) -> None:
    await _put_aside(tmp_path, TODAY, 2, 4, 6)
    (file,) = segment_files(tmp_path)
    flip(file, file.stat().st_size // 2)
    kafka = _Kafka()
    sent = await send_all(tmp_path, kafka.send)
    assert 0 < sent.sent < 3
    assert segment_files(tmp_path) == []
    assert file.with_name(file.name + ".aside").exists()


async def test_it_is_refused_while_a_server_writes_there(tmp_path: Path) -> None:
    store = Store(tmp_path, StoreConfig(min_free=0))
    await store.start()
    with pytest.raises(DirectoryInUse, match="in use by another process: stop the server"):
        await send_all(tmp_path, _Kafka().send)
    await store.close()
