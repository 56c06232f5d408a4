"""What one would write first with FastAPI: uvicorn, and librdkafka's producer.

    python -m benchmarks.peers.fast_api PORT BOOTSTRAP TOPIC

It reads the query, cuts the last part of the address, writes JSON, and answers once Kafka has
acknowledged: a thread polls for delivery reports. It knows no opt-out, checks nothing, cleans no
address and names no browser.
"""

import asyncio
import sys
import threading

import orjson
import uvicorn
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from fastapi import FastAPI, Request, Response

from benchmarks.peers.plain import GIF, network


class Delivery:
    """Turns delivery reports, which come in a thread, into futures of the loop."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 5,
                "partitioner": "murmur2_random",
            }
        )
        threading.Thread(target=self._poll, daemon=True).start()

    async def send(self, key: str, value: bytes) -> None:
        """Return once Kafka has acknowledged; raises KafkaException if it will not."""
        loop = asyncio.get_running_loop()
        acknowledged = loop.create_future()

        def report(error: KafkaError | None, _message: Message) -> None:
            loop.call_soon_threadsafe(_settle, acknowledged, error)

        self._producer.produce(self._topic, value, key, on_delivery=report)
        await acknowledged

    def _poll(self) -> None:
        while True:
            self._producer.poll(1.0)


def _settle(future: asyncio.Future[None], error: KafkaError | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(KafkaException(error))


def application(bootstrap: str, topic: str) -> FastAPI:
    """Make it."""
    app, delivery = FastAPI(openapi_url=None), Delivery(bootstrap, topic)

    @app.get("/p.gif")
    async def ping(request: Request) -> Response:
        headers = request.headers
        event = {
            **request.query_params,
            "ip": network(headers.get("x-forwarded-for", "")),
            "agent": headers.get("user-agent", ""),
            "language": headers.get("accept-language", ""),
            "referrer": headers.get("referer", ""),
        }
        await delivery.send(request.query_params["s"], orjson.dumps(event))
        return Response(GIF, media_type="image/gif", headers={"Cache-Control": "no-store"})

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(*sys.argv[2:]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
        backlog=4096,
    )
