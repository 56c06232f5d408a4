"""What one would write first: aiohttp, and aiokafka's `send_and_wait` for each ping.

    python -m benchmarks.peers.plain PORT BOOTSTRAP TOPIC

It reads the query, cuts the last part of the address, writes JSON, and answers once Kafka has
acknowledged. It knows no opt-out, checks nothing, cleans no address and names no browser.
"""

import sys

import orjson
import uvloop
from aiohttp import web
from aiokafka import AIOKafkaProducer

GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
_PRODUCER: web.AppKey[AIOKafkaProducer] = web.AppKey("producer", AIOKafkaProducer)
_TOPIC: web.AppKey[str] = web.AppKey("topic", str)


def network(address: str) -> str:
    """Cut the last octet, or all but three groups."""
    if ":" in address:
        return ":".join(address.split(":")[:3]) + "::"
    return address.rpartition(".")[0] + ".0"


async def _ping(request: web.Request) -> web.Response:
    event = {
        **request.query,
        "ip": network(request.headers.get("X-Forwarded-For", request.remote or "")),
        "agent": request.headers.get("User-Agent", ""),
        "language": request.headers.get("Accept-Language", ""),
        "referrer": request.headers.get("Referer", ""),
    }
    key = request.query["s"].encode()
    app = request.app
    await app[_PRODUCER].send_and_wait(app[_TOPIC], orjson.dumps(event), key=key)
    return web.Response(body=GIF, content_type="image/gif", headers={"Cache-Control": "no-store"})


async def _application(bootstrap: str, topic: str) -> web.Application:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, compression_type="lz4"
    )
    await producer.start()
    app = web.Application()
    app[_PRODUCER], app[_TOPIC] = producer, topic
    app.router.add_get("/p.gif", _ping)
    return app


if __name__ == "__main__":
    web.run_app(
        _application(*sys.argv[2:]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
        backlog=4096,
        loop=uvloop.new_event_loop(),
    )
