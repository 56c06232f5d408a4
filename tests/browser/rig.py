"""What stands around the browser: sites on other origins, the server, the events it stored."""

import asyncio
import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientSession, web
from playwright.async_api import ConsoleMessage, Error, Page, Request

from tests.support.process import spawn
from tests.support.server import Server, clean_environment
from tests.support.wait import until_async

_GUIDE = Path(__file__).parents[2] / "docs" / "widget.md"
_numbers = itertools.count(1)
_MARK = "mark"


def stub() -> str:
    """The script for calls before the widget is loaded, as docs/widget.md gives it."""
    return _in_guide(r"<script>\s*window\.beacon =.*?</script>")


def opt_out_button() -> str:
    """The button for a site's privacy page, as docs/widget.md gives it."""
    return _in_guide(r"<button onclick.*?</button>")


def _in_guide(pattern: str) -> str:
    (found,) = re.findall(pattern, _GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@dataclass
class Document:
    """What a site answers at a path."""

    body: str
    headers: Mapping[str, str]
    title: str


@dataclass
class Site:
    """A site of one test, on an origin of its own: nothing is left of it for others."""

    name: str
    port: int
    collector: str
    """The server's origin."""
    documents: dict[str, Document] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Paths with queries that browsers have asked for."""

    def url(self, path: str = "/", domain: str = "localhost") -> str:
        """Address of a page. On `localhost` browsers are as strict as with HTTPS, `test` is not."""
        return f"http://{self.name}.{domain}:{self.port}{path}"

    def tag(self, **attributes: str) -> str:
        """The Pro widget's snippet; `attributes` without `data-`."""
        given = {"site": self.name, **attributes}
        text = "".join(f' data-{name}="{escape(value)}"' for name, value in given.items())
        return f'<script defer src="{self.collector}/w.js"{text}></script>'

    def put(
        self,
        body: str,
        path: str = "",
        headers: Mapping[str, str] | None = None,
        title: str = "A page",
    ) -> None:
        """Answer with `body` at `path`; without one, wherever there is nothing else."""
        self.documents[path] = Document(body, headers or {}, title)


class Sites:
    """Serves all sites from one port, by their names in `Host`."""

    def __init__(self, collector: str) -> None:
        self._collector = collector
        self._sites: dict[str, Site] = {}
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        self._port = 0

    async def start(self) -> None:
        await self._runner.setup()
        listener = web.TCPSite(self._runner, "127.0.0.1", 0)
        await listener.start()
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        await self._runner.cleanup()

    def new(self) -> Site:
        """A site with the widget on every page."""
        site = Site(f"site{next(_numbers)}", self._port, self._collector)
        site.put(site.tag())
        self._sites[site.name] = site
        return site

    def silence(self) -> str:
        """Address of one that reads and never answers."""
        return f"http://silence.localhost:{self._port}"

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        if request.host.startswith("silence."):
            await asyncio.Event().wait()
        site = self._sites[request.host.partition(".")[0]]
        if request.path == "/favicon.ico":
            return web.Response(status=204)
        site.asked.append(request.path_qs)
        document = site.documents.get(request.path) or site.documents[""]
        text = f"<!doctype html><title>{document.title}</title>{document.body}"
        return web.Response(text=text, content_type="text/html", headers=document.headers)


async def ping(server: Server, site: str, visitor: int, **fields: str) -> None:
    """Send the ping of another visitor, `visitor` being the version of the browser."""
    query = {"s": site, "u": f"https://{site}.example/", **fields}
    async with ClientSession() as client:
        agent = {
            "User-Agent": f"Mozilla/5.0 (X11; Linux x86_64; rv:{visitor}.0) Firefox/{visitor}.0"
        }
        async with client.get(f"{server.url}/p.gif", params=query, headers=agent) as answer:
            assert answer.headers["Beacon-Outcome"] == "stored"


class Events:
    """What the server stored, as `ingest tail` prints it."""

    def __init__(self, server: Server, directory: Path) -> None:
        self._server = server
        self._out = directory / "tail.stdout"
        command = [sys.executable, "-m", "ingest", "tail", "--data-dir", str(server.data_dir)]
        self.process: subprocess.Popen[bytes] = spawn(
            [*command, "--from", "beginning"],
            env=clean_environment(),
            stdout=self._out,
            stderr=directory / "tail.stderr",
        )

    def of(self, site: Site) -> list[dict[str, Any]]:
        """The events of a site so far, without our marks."""
        return [event for event in self._all(site) if event["name"] != _MARK]

    def names(self, site: Site) -> list[str]:
        return [event["name"] for event in self.of(site)]

    async def wait(self, site: Site, *names: str) -> list[dict[str, Any]]:
        """Wait until events of these names are there, and find no others.

        No order is promised of what a browser sends at once: to rely on one, wait in between.
        """
        try:
            await until_async(lambda: len(self.of(site)) >= len(names), 20)
        except AssertionError:
            raise AssertionError(f"waited for {names}, found {self.names(site)}") from None
        found = self.of(site)
        assert Counter(event["name"] for event in found) == Counter(names)
        return found

    async def some(self, site: Site, *names: str) -> list[dict[str, Any]]:
        """Wait until at least these are there; there may be more."""
        wanted = Counter(names)
        found = f"{names} of {site.name}"
        await until_async(lambda: wanted <= Counter(self.names(site)), 20, found)
        return self.of(site)

    async def settled(self, site: Site, page: Page) -> list[dict[str, Any]]:
        """All events of a site: one of ours, sent last by the same browser, has come through."""
        marks = self._marks(site)
        body = json.dumps({"site": site.name, "name": _MARK})
        await page.evaluate(
            "([url, body]) => fetch(url, {method: 'POST', credentials: 'omit', body})",
            [f"{self._server.url}/e", body],
        )
        await until_async(lambda: self._marks(site) > marks, 20, "the mark")
        return self.of(site)

    def _marks(self, site: Site) -> int:
        return sum(event["name"] == _MARK for event in self._all(site))

    def _all(self, site: Site) -> list[dict[str, Any]]:
        lines = self._out.read_bytes().split(b"\n")[:-1]
        events = [json.loads(line) for line in lines if site.name.encode() in line]
        return [event for event in events if event["site"] == site.name]


class Watch:
    """What a page says on its console, and what it sends to the server."""

    def __init__(self, page: Page, server: Server) -> None:
        self.errors: list[str] = []
        self.sent: list[Request] = []
        self._page = page
        self._server = server
        page.on("console", self._said)
        page.on("pageerror", self._failed)
        page.on("request", self._asked)

    def paths(self) -> list[str]:
        """The paths of what was sent, in order; scripts are not sent."""
        return [urlsplit(request.url).path for request in self.sent]

    async def wait(self, path: str, count: int = 1) -> None:
        """Wait until that many requests for a path are known of: they come behind their answers."""
        try:
            await until_async(lambda: self.paths().count(path) >= count, 20)
        except AssertionError:
            raise AssertionError(f"waited for {count} × {path}, saw {self.paths()}") from None

    async def said(self) -> int:
        """How many errors there are; all that the page has caused so far have come."""
        await self._page.evaluate("0")
        return len(self.errors)

    async def forgive(self) -> None:
        """Let go of what the browser said: the test has brought it about."""
        await self.said()
        self.errors.clear()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _failed(self, error: Error) -> None:
        self.errors.append(str(error))

    def _asked(self, request: Request) -> None:
        if request.url.startswith(self._server.url) and request.resource_type != "script":
            self.sent.append(request)
