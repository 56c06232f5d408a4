"""A live page whose stream an error answers: the browser gives up then, and the page must not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from playwright.async_api import Page, Route

from tests.browser.rig import ping
from tests.support.wait import until_async

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]
WITHOUT = "Updated every few seconds"
AWAY = "No answer at the moment: connecting again …"
SECOND = 1_000


@dataclass
class Between:
    """Stands between page and server, and notes when what was asked, in seconds of the page's."""

    page: Page
    stream_answers: int = 503
    page_answers: int = 200
    streams: list[int] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    seconds: int = 0

    async def stream(self, route: Route) -> None:
        self.streams.append(self.seconds)
        if self.stream_answers == 200:
            await route.continue_()
        else:
            await route.fulfill(status=self.stream_answers)

    async def look(self, route: Route) -> None:
        if route.request.resource_type == "document":
            await route.continue_()
            return
        self.looks.append(self.seconds)
        if self.page_answers == 200:
            await route.continue_()
        else:
            await route.fulfill(status=self.page_answers)

    def pauses(self) -> list[int]:
        """Between two tries; the first is made before its clock is stopped."""
        return [after - before for before, after in pairwise(self.streams)][1:]

    async def pass_time(self, seconds: int) -> None:
        """Let the page's clock go on, and what it asks be answered."""
        for _ in range(seconds):
            self.seconds += 1
            asked = len(self.streams) + len(self.looks)
            await self.page.clock.run_for(SECOND)
            await self.page.evaluate("answered()")
            while asked < (asked := len(self.streams) + len(self.looks)):
                await self.page.evaluate("answered()")


_KNOWN = """
  Math.random = () => 0.5
  let open = 0
  const Source = EventSource
  window.EventSource = class extends Source {
    constructor(address) {
      super(address)
      open++
      const done = () => { open-- }
      this.addEventListener("now", done, { once: true })
      this.addEventListener("error", done, { once: true })
    }
  }
  const asked = fetch
  window.fetch = async (...given) => {
    open++
    try { return await asked(...given) } finally { open-- }
  }
  const soon = setTimeout
  window.answered = async () => {
    while (open) await new Promise((kept) => window.real(kept))
  }
  const channel = new MessageChannel()
  const waiting = []
  channel.port1.onmessage = () => waiting.shift()()
  window.real = (kept) => { waiting.push(kept); channel.port2.postMessage(0) }
"""
"""No chance, and a promise that is kept once all that was asked is answered."""


@asynccontextmanager
async def between(page: Page, address: str, **answers: int) -> AsyncIterator[Between]:
    made = Between(page, **answers)
    await page.clock.install()
    await page.add_init_script(_KNOWN)
    await page.route("**/stream", made.stream)
    await page.route("**/live/*", made.look)
    await page.goto(address)
    await page.evaluate("answered()")
    # From here on its clock stands still but for `pass_time`.
    await page.clock.pause_at(await page.evaluate("Date.now()") + 5)
    yield made


async def test_it_is_asked_for_again_ever_more_seldom_and_the_page_is_kept_up_meanwhile(
    page, site, server
):
    """As while there are as many viewers as may be."""
    await ping(server, site.name, 120)
    async with between(page, f"{server.url}/live/{site.name}") as way:
        assert await page.text_content("#connection") == WITHOUT
        await way.pass_time(100)
        assert way.pauses() == [10, 20, 30, 30]
        assert len(way.looks) in (20, 21)  # every five seconds
        assert await page.text_content("#connection") == WITHOUT
        way.stream_answers = 200
        await way.pass_time(30)
        assert len(way.streams) == 7
        assert await page.is_hidden("#connection")
        looks = len(way.looks)
        await way.pass_time(14)
        assert len(way.streams) == 7  # it is open now
        assert len(way.looks) <= looks + 1  # that of what the stream said


async def test_a_server_that_is_away_is_not_hammered_and_found_again(page, site, server):
    await ping(server, site.name, 121)
    async with between(page, f"{server.url}/live/{site.name}", stream_answers=502) as way:
        way.page_answers = 502
        await way.pass_time(65)
        assert way.pauses()[1:] == [20, 30]
        assert len(way.looks) <= 5
        assert await page.text_content("#connection") == AWAY
        way.stream_answers = way.page_answers = 200
        await way.pass_time(30)
        assert await page.is_hidden("#connection")
        await until_async(lambda: page.is_hidden("#connection"))


async def test_looking_at_it_again_asks_at_once(page, site, server):
    await ping(server, site.name, 122)
    async with between(page, f"{server.url}/live/{site.name}") as way:
        await way.pass_time(36)
        tries = len(way.streams)
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await page.evaluate("answered()")
        assert len(way.streams) == tries + 1
