"""What all our Kafka clients share: how to connect, and what Kafka's errors mean to us."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.helpers import create_ssl_context
from aiokafka.protocol.metadata import MetadataRequest

from ingest.config import Kafka, SecurityProtocol
from ingest.log.sink import RecordRefused, SinkError, SinkTimeout, SinkUnavailable

REQUEST_TIMEOUT = 5.0
"""Seconds that one request to a broker may take (connecting, asking for metadata)."""
CLIENT_ID = "beacon-ingest"

_REFUSED = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.CorruptRecordException,
    errors.InvalidTimestampError,
    errors.UnsupportedForMessageFormatError,
)
_LATE = (TimeoutError, errors.KafkaTimeoutError, errors.RequestTimedOutError)
_NOT_STORED = (
    OSError,
    ssl.SSLError,
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.ClusterAuthorizationFailedError,
    errors.InvalidProducerEpoch,
    errors.InvalidTopicError,
    errors.KafkaConnectionError,
    errors.LeaderNotAvailableError,
    errors.NotEnoughReplicasError,
    errors.NotLeaderForPartitionError,
    errors.OutOfOrderSequenceNumber,
    errors.PolicyViolationError,
    errors.ProducerFenced,
    errors.SaslAuthenticationFailed,
    errors.TopicAuthorizationFailedError,
    errors.UnknownProducerId,
    errors.UnknownTopicOrPartitionError,
    errors.UnsupportedSaslMechanismError,
    errors.UnsupportedVersionError,
)
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (errors.SaslAuthenticationFailed, "authentication refused: check sasl_username, sasl_password"),
    (
        errors.AuthenticationFailedError,
        "authentication refused: check sasl_username, sasl_password",
    ),
    (errors.UnsupportedSaslMechanismError, "the broker does not offer this sasl_mechanism"),
    (errors.IllegalSaslStateError, "the broker expects another security_protocol"),
    (errors.TopicAuthorizationFailedError, "not allowed to use the topic: check its ACLs"),
    (
        errors.ClusterAuthorizationFailedError,
        "not allowed to do this on the cluster: check the ACLs (to send: WRITE on the topic)",
    ),
    (errors.UnknownTopicOrPartitionError, "the topic does not exist"),
    (errors.MessageSizeTooLargeError, "too large for the topic's max.message.bytes"),
    (errors.InvalidTimestampError, "the timestamp is outside what the topic accepts"),
    (errors.NotEnoughReplicasError, "fewer replicas in sync than min.insync.replicas"),
    (errors.KafkaConnectionError, "the connection broke"),
    (ssl.SSLCertVerificationError, "the broker's certificate is not trusted: check ssl_ca_file"),
    (ssl.SSLError, "TLS failed: does the broker speak it, with which certificate?"),
    (TimeoutError, "no answer"),
    (errors.KafkaTimeoutError, "no answer"),
    (errors.RequestTimedOutError, "no answer"),
    (ConnectionRefusedError, "connection refused"),
)


def client_options(config: Kafka) -> dict[str, Any]:
    """Arguments that producers, consumers and admin clients of aiokafka have in common.

    Certificates are read now, so a new connection sees new ones. Raises `SinkUnavailable` when they
    cannot be.
    """
    return {"bootstrap_servers": list(config.bootstrap_servers), **_connection(config)}


def translate(error: BaseException) -> SinkError:
    """Kafka's error as ours, with a message in plain words. The one place where this is decided.

    What is neither refused nor certain not to be stored is a plain `SinkError`: unknown.
    """
    if isinstance(error, SinkError):
        return error
    words = explain(error)
    if isinstance(error, _REFUSED):
        return RecordRefused(words)
    if isinstance(error, _LATE):
        return SinkTimeout(words)
    if isinstance(error, _NOT_STORED):
        return SinkUnavailable(words)
    return SinkError(words)


def explain(error: BaseException) -> str:
    """Say an error in plain words, without what a record holds."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


@asynccontextmanager
async def admin_client(config: Kafka) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client that is connected. Raises `SinkError`, also for what fails in the block."""
    admin = AIOKafkaAdminClient(
        request_timeout_ms=int(REQUEST_TIMEOUT * 1000), **client_options(config)
    )
    try:
        await admin.start()
        yield admin
    except errors.KafkaConnectionError as error:
        raise await why_unreachable(config) or translate(error) from None
    except (errors.KafkaError, OSError, AssertionError) as error:
        raise translate(error) from None
    finally:
        await admin.close()


async def why_unreachable(config: Kafka) -> SinkUnavailable | None:
    """Ask each bootstrap server and say what is wrong with the last; None when one lets us in.

    aiokafka itself only says that it found none.
    """
    reason = None
    for host, port, _ in collect_hosts(list(config.bootstrap_servers)):
        try:
            await _ask(host, port, config)
        except (OSError, errors.KafkaError, AssertionError) as error:
            reason = SinkUnavailable(f"{host}:{port}: {_plainer(error, config)}")
        else:
            return None
    return reason


async def _ask(host: str, port: int, config: Kafka) -> None:
    connection = await create_conn(host, port, **_connection(config), **_timeout())
    try:
        # A listener that wants authentication connects, and hangs up at the first real question.
        await connection.send(MetadataRequest([]))
    finally:
        connection.close()


def _plainer(error: BaseException, config: Kafka) -> str:
    hung_up = isinstance(error, errors.KafkaConnectionError)
    if hung_up and config.security_protocol is SecurityProtocol.PLAINTEXT:
        return "hung up: does it expect TLS or authentication (security_protocol)?"
    return explain(error)


def _connection(config: Kafka) -> dict[str, Any]:
    options: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "security_protocol": config.security_protocol.value,
        "ssl_context": _ssl_context(config),
    }
    if config.sasl_username is not None and config.sasl_password is not None:
        options["sasl_mechanism"] = config.sasl_mechanism.value
        options["sasl_plain_username"] = config.sasl_username
        options["sasl_plain_password"] = config.sasl_password.get_secret_value()
    return options


def _timeout() -> dict[str, Any]:
    return {"request_timeout_ms": int(REQUEST_TIMEOUT * 1000)}


def _ssl_context(config: Kafka) -> ssl.SSLContext | None:
    if config.security_protocol not in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL):
        return None
    try:
        made: ssl.SSLContext = create_ssl_context(
            cafile=config.ssl_ca_file, certfile=config.ssl_cert_file, keyfile=config.ssl_key_file
        )
    except OSError as error:  # ssl.SSLError is one
        words = error.strerror or "not PEM"
        raise SinkUnavailable(f"ssl_ca_file, ssl_cert_file or ssl_key_file: {words}") from None
    return made
