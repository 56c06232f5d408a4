"""Fixtures that every test may use."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.kafka import Broker


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for the whole run, started when first asked for. Leave it running as it was."""
    broker = Broker(tmp_path_factory.mktemp("kafka") / "broker")
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Callable[[], Broker]]:
    """Makes brokers that this test may kill and stop. They are not started yet."""
    brokers: list[Broker] = []

    def make() -> Broker:
        broker = Broker(tmp_path / f"broker-{len(brokers)}")
        brokers.append(broker)
        return broker

    yield make
    for broker in brokers:
        broker.kill()
