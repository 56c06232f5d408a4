"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.kafka import Broker

# How long an example takes, or its making, says how busy the machine is.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for the whole run, started when first asked for. Leave it running as it was."""
    broker = Broker(tmp_path_factory.mktemp("kafka") / "broker")
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(scope="session")
def _mortal_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("kafka") / "mortal")
    yield broker
    broker.kill()


@pytest.fixture
def own_broker(_mortal_broker: Broker) -> Iterator[Broker]:
    """A broker that this test may kill and pause. It is up, whatever was done to it before."""
    if not _mortal_broker.running:
        _mortal_broker.start()
    yield _mortal_broker
    if _mortal_broker.running:
        _mortal_broker.resume()
