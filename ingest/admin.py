"""The operators' listener: metrics in Prometheus' format, liveness and readiness."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from ingest.config import Admin
from ingest.sockets import Options, bind, port_of


@dataclass(frozen=True, slots=True)
class Health:
    """What the probes ask."""

    ready: Callable[[], str | None]
    """None when a ping taken now would be stored, else why not, in a few plain words."""


class AdminListener:
    """`/metrics`, `/healthz` and `/readyz` on a port of their own."""

    def __init__(self, config: Admin, registry: CollectorRegistry, health: Health) -> None:
        self._config = config
        self._registry = registry
        self._health = health
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        self.url = ""
        """Where it listens, once started."""

    async def start(self) -> None:
        """Listen. Raises `OSError` when the port is taken."""
        await self._runner.setup()
        sock = bind(self._config.host, self._config.port, Options.ADMIN)
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        self.url = f"http://{host}:{port_of(sock)}"
        await web.SockSite(self._runner, sock).start()

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        # One step of the loop: no await between the counters, so that the ledger's sums hold.
        body = encode(self._registry)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        reason = self._health.ready()
        if reason is None:
            return web.Response(text="ready\n")
        return web.Response(status=503, text=f"not ready: {reason}\n")
