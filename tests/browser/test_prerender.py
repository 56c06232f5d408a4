"""A page that is prerendered is seen when it is shown, not before.

DevTools switch prerendering off, so that this browser has none, and is watched from the servers.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web

from tests.browser.chromium import start_chromium
from tests.browser.rig import ping
from tests.support.wait import until_async

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]
_RULES = json.dumps({"prerender": [{"urls": ["/shown"], "eagerness": "immediate"}]})
_FIRST = f"""
    <script type="speculationrules">{_RULES}</script>
    <script>
      const look = async () => {{
        if ((await (await fetch("/go")).text()).includes("now")) location.href = "/shown";
        else setTimeout(look, 100);
      }};
      look();
    </script>
"""
_REPORT = """
    <script>
      addEventListener("load", () => fetch("/loaded?prerendering=" + document.prerendering));
      document.addEventListener("prerenderingchange", () => fetch("/activated"));
    </script>
"""


async def test_a_page_view_is_sent_when_a_prerendered_page_is_shown(site, events, tmp_path):
    site.put(_FIRST, "/first")
    site.put("not yet", "/go")
    site.put("", "/loaded")
    site.put("", "/activated")
    early = "<script>window.beacon = (...a) => (beacon.q = beacon.q || []).push(a)</script>"
    call = "<script>addEventListener('load', () => beacon('during_prerendering'))</script>"
    site.put(early + site.tag() + _REPORT + call, "/shown", title="Shown")
    chromium = start_chromium(tmp_path, devtools=False, pages=[site.url("/first")])
    try:
        await until_async(lambda: "/loaded?prerendering=true" in site.asked, 60, "the prerendering")
        polls = site.asked.count("/go")  # time enough for a ping that should not be
        await until_async(lambda: site.asked.count("/go") > polls + 5, 20, "some polls")
        assert events.of(site) == []
        site.put("now", "/go")
        found = await events.wait(site, "pageview", "during_prerendering")
        assert {event["url"] for event in found} == {site.url("/shown")}
        view = next(event for event in found if event["name"] == "pageview")
        assert (view["title"], view["referrer"]) == ("Shown", site.url("/first"))
        await until_async(lambda: "/activated" in site.asked, 20, "the activation")
        assert site.asked.count("/shown") == 1
    finally:
        chromium.kill()


async def test_who_opts_out_meanwhile_is_not_counted_when_it_is_shown(
    site, events, server, tmp_path
):
    site.put(site.tag(auto="false") + _FIRST + _OPT_OUT, "/first")
    site.put("not yet", "/go")
    for path in ("/loaded", "/activated", "/opted-out", "/after"):
        site.put("", path)
    after = """<script>document.addEventListener("prerenderingchange", async () => {
        await (await fetch("/after")).text(); await beacon.optIn(); beacon("back") })</script>"""
    site.put(site.tag() + _REPORT + after, "/shown")
    chromium = start_chromium(tmp_path, devtools=False, pages=[site.url("/first")])
    try:
        await until_async(lambda: "/loaded?prerendering=true" in site.asked, 60, "the prerendering")
        site.put("opt out", "/go")
        await until_async(lambda: "/opted-out" in site.asked, 20, "the opt-out")
        site.put("now", "/go")
        await events.wait(site, "back")  # and nothing before it
        await until_async(lambda: "/activated" in site.asked, 20, "the activation")
    finally:
        chromium.kill()


_OPT_OUT = """<script>
  const wait = async () => {
    if ((await (await fetch("/go")).text()).includes("opt out")) {
      await beacon.optOut()
      fetch("/opted-out")
    } else setTimeout(wait, 100)
  }
  wait()
</script>"""


async def test_a_badge_on_a_prerendered_page_is_drawn_and_not_counted(
    site, events, server, tmp_path
):
    """It is fetched before the page is shown, and not again: docs/widget.md says so."""
    site.put(_FIRST, "/first")
    site.put("not yet", "/go")
    site.put("", "/loaded")
    site.put("", "/activated")
    badge = f'<img src="{server.url}/badge/{site.name}.svg" onload="fetch(\'/drawn\')">'
    site.put("", "/drawn")
    site.put(badge + _REPORT + site.tag(), "/shown")
    chromium = start_chromium(tmp_path, devtools=False, pages=[site.url("/first")])
    try:
        await until_async(lambda: "/drawn" in site.asked, 60, "the badge")
        assert events.of(site) == []
        site.put("now", "/go")
        (view,) = await events.wait(site, "pageview")
        assert view["widget"] == "pro"
        await until_async(lambda: "/activated" in site.asked, 20, "the activation")
    finally:
        chromium.kill()


@dataclass
class _Behind:
    """Our server behind one that has a page of its own, whose pages may prerender ours."""

    url: str = ""
    go: bool = False
    polls: int = 0
    """How often the first page has asked whether to go."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Paths that were passed on, with `Sec-Fetch-Mode`."""

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@asynccontextmanager
async def _behind(target: str, first: str) -> AsyncIterator[_Behind]:
    made = _Behind()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/first":
            return web.Response(text=f"<!doctype html>{first}", content_type="text/html")
        if request.path == "/go":
            made.polls += 1
            return web.Response(text="now" if made.go else "not yet")
        made.asked.append((request.path, request.headers.get("Sec-Fetch-Mode", "")))
        async with client.get(target + request.path_qs) as answered:
            response = web.StreamResponse(
                headers={"Content-Type": answered.headers.get("Content-Type", "text/plain")}
            )
            await response.prepare(request)
            async for part in answered.content.iter_any():
                await response.write(part)
            return response

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    made.url = f"http://localhost:{runner.addresses[0][1]}"
    async with ClientSession() as client:
        yield made
        await runner.cleanup()


async def test_a_prerendered_live_page_opens_its_stream_when_it_is_shown(server, tmp_path):
    await ping(server, "prerendered", 120)
    live, stream = "/live/prerendered", "/api/v1/sites/prerendered/stream"
    async with _behind(server.url, _FIRST.replace("/shown", live)) as behind:
        chromium = start_chromium(tmp_path, devtools=False, pages=[f"{behind.url}/first"])
        try:
            await until_async(lambda: "/assets/world.svg" in behind.paths(), 60, "the prerendering")
            polls = behind.polls  # time enough for a stream that should not be
            await until_async(lambda: behind.polls > polls + 5, 20, "some polls")
            assert stream not in behind.paths()
            behind.go = True
            await until_async(lambda: stream in behind.paths(), 60, "the stream")
            opened = [each for each in behind.asked if each == (live, "navigate")]
            assert len(opened) == 1  # it was shown as it had been prerendered
        finally:
            chromium.kill()
