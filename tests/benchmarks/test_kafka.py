"""Counting a topic in the broker's files gives what a consumer reads."""

import pytest
from aiokafka import AIOKafkaProducer

from benchmarks.kafka import Counted, Written, values, written
from benchmarks.peers.peer import create_topics


@pytest.mark.kafka
async def test_records_and_batches_are_counted_in_the_brokers_files(kafka):
    prefix = kafka.topic_prefix()
    topic = f"{prefix}.events"
    create_topics(kafka.bootstrap, prefix, 3)
    assert written(kafka.data, topic) == Written(0, 0)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        for number, count in enumerate((5, 1, 7, 2)):
            batch = producer.create_batch()
            for record in range(count):
                batch.append(key=None, value=b"%d-%d" % (number, record), timestamp=None)
            batch.close()
            await (await producer.send_batch(batch, topic, partition=number % 3))
    found = written(kafka.data, topic)
    assert (found.records, found.batches) == (15, 4)
    assert found.size > 4 * 61
    assert len(set(await values(kafka.bootstrap, topic))) == 15


def test_a_batch_that_is_half_written_does_not_count(tmp_path):
    whole = bytearray(100)
    whole[8:12] = (88).to_bytes(4)
    whole[57:61] = (3).to_bytes(4)
    (tmp_path / "t.events-0").mkdir()
    (tmp_path / "t.events-0" / "0.log").write_bytes(whole * 2 + whole[:-1])
    (tmp_path / "t.events.dead-0").mkdir()
    (tmp_path / "t.events.dead-0" / "0.log").write_bytes(whole)
    assert written(tmp_path, "t.events") == Written(6, 2, 200)


def test_what_is_new_is_added_to_what_was_counted(tmp_path):
    batch = bytearray(100)
    batch[8:12] = (88).to_bytes(4)
    batch[57:61] = (3).to_bytes(4)
    segment = tmp_path / "t.events-0" / "0.log"
    segment.parent.mkdir()
    segment.write_bytes(batch + batch[:50])
    counted = Counted(tmp_path, "t.events")
    assert counted.read() == counted.read() == Written(3, 1, 100)
    segment.write_bytes(batch * 2)
    (tmp_path / "t.events-0" / "1.log").write_bytes(batch)
    assert counted.read() == written(tmp_path, "t.events") == Written(9, 3, 300)
