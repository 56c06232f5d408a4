"""Whether pings can be stored right now, as `/readyz` says it; and numbers for `/metrics`."""

import asyncio
from pathlib import Path

from ingest.config import Delivery
from ingest.configure import load
from ingest.event_log import Trouble, kafka_log
from ingest.log.accumulator import Accumulator
from ingest.log.batch import Batching, Record, Settled
from ingest.log.delivery import Delivery as KafkaAndSpool
from ingest.log.sink import SinkFull
from tests.support.memory_sink import MemorySink
from tests.support.stored import NOON, batches
from tests.support.wait import until_async


async def test_it_is_not_ready_while_too_much_waits():
    sink, settled = MemorySink(), []
    config = Delivery(max_waiting=65_536, linger_min=0, linger_max=0)
    accumulator = Accumulator(sink, config, Batching(lambda: 1_024, lambda _: 0, lambda: 1), bytes)
    trouble = Trouble(sink, accumulator)
    await accumulator.start()
    assert trouble() is None
    sink.open.clear()
    record = Record(b"k", b"v" * (65_536 - 64 - 1), 0)
    accumulator.append(record, settled.append)
    assert trouble() == "too many events wait to be stored"
    accumulator.append(record, settled.append)
    assert settled == [Settled.SHED]
    sink.open.set()
    await until_async(lambda: len(settled) == 2, 5, "the first to be stored")
    assert trouble() is None
    await accumulator.close()


async def test_the_quarantine_shows_its_bytes_and_that_it_is_full(tmp_path: Path):
    options = {"data_dir": str(tmp_path), "kafka.bootstrap_servers": "127.0.0.1:1"}
    options |= {"spool.min_free": "0", "spool.quarantine_bytes": "4096"}
    log = kafka_log(load(None, {}, list(options.items())), lambda: NOON)
    numbers = {number.name: number.read for number in log.numbers}
    assert isinstance(log.sink, KafkaAndSpool)
    quarantine = log.sink._quarantine
    await quarantine.start()
    assert numbers["beacon_quarantine_refusing"]() == 0
    writes = (quarantine.write(batch) for batch in batches(range(1_000)))
    done = await asyncio.gather(*writes, return_exceptions=True)
    assert any(isinstance(how, SinkFull) for how in done)
    (file,) = (tmp_path / "quarantine").glob("*.seg*")
    assert numbers["beacon_quarantine_bytes"]() == file.stat().st_size > 0
    assert numbers["beacon_quarantine_refusing"]() == 1
    await quarantine.close()
