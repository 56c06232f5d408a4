"""What `USER` may do on a broker that authorizes."""

from enum import IntEnum

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from tests.support.kafka import USER, Broker

_TOPIC, _PREFIXED, _ALLOW = 2, 4, 3


class Operation(IntEnum):
    """By Kafka's protocol."""

    WRITE = 4
    CREATE = 5
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10


async def allow(broker: Broker, prefix: str, *operations: Operation) -> None:
    """Allow these on all topics whose names begin so."""
    for operation in operations:
        request = CreateAclsRequest(*_rule(prefix, operation))
        await _send(broker, request)


async def forbid(broker: Broker, prefix: str, *operations: Operation) -> None:
    """Take back what was allowed."""
    for operation in operations:
        request = DeleteAclsRequest(*_rule(prefix, operation))
        await _send(broker, request)


def _rule(prefix: str, operation: Operation) -> tuple[int, str, int, str, str, int, int]:
    return _TOPIC, prefix, _PREFIXED, f"User:{USER}", "*", operation, _ALLOW


async def _send(broker: Broker, request: CreateAclsRequest | DeleteAclsRequest) -> None:
    """aiokafka has no method for it; who comes without a password may do all."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        response = await admin._send_request(request)
        assert "error_code=0" in str(response), response
    finally:
        await admin.close()
