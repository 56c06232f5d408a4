"""The live page while Kafka is away: collector and stats role apart, as over several machines."""

import contextlib
import time
from datetime import datetime

import pytest

from tests.browser.axe import grave
from tests.support.kafka import free_ports
from tests.support.roles import Roles, counted, delayed, ping
from tests.support.wait import until_async

pytestmark = [
    pytest.mark.browser,
    pytest.mark.kafka,
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(300),
]
_WAIT = 90.0


async def test_the_page_says_since_when_counts_are_delayed_and_that_they_are_not_any_more(
    page, own_broker, tmp_path
):
    broker = own_broker
    with contextlib.ExitStack() as stack:
        roles = Roles(tmp_path, broker, stack)
        stats = roles.start("stats", "stats")
        collector = roles.start("collector", "collector", "--set", f"stats.url={stats.url}")
        begun = int(time.time())
        ping(collector, 1)
        await until_async(lambda: counted(stats) == 1, _WAIT, "the visit to be counted")
        await page.goto(f"{collector.url}/live/example")
        await _shows(page, "1")
        await page.evaluate("window.same = true")
        banner = page.get_by_role("alert")
        assert await banner.count() == 0

        broker.kill()
        ping(collector, 2)  # kept in the spool
        await banner.wait_for(timeout=1_000 * _WAIT)
        text = await banner.text_content()
        assert text.startswith("Counts are delayed since ")
        assert text.endswith("Nothing is lost: they catch up by themselves.")
        since = datetime.fromisoformat(await banner.locator("time").get_attribute("datetime"))
        assert begun <= since.timestamp() <= time.time()
        assert await page.text_content("#now") == "1"
        assert delayed(stats)
        assert await grave(page) == []

        broker.start()
        await banner.wait_for(state="detached", timeout=1_000 * _WAIT)
        await page.wait_for_function(_NUMBER, arg="2", timeout=1_000 * _WAIT)
        assert await page.evaluate("window.same")


async def test_an_open_page_goes_on_by_itself_once_the_stats_role_is_back(page, kafka, tmp_path):
    (port,) = free_ports(1)
    with contextlib.ExitStack() as stack:
        roles = Roles(tmp_path, kafka, stack)
        stats = roles.start("stats", "stats", "--port", str(port))
        collector = roles.start("collector", "collector", "--set", f"stats.url={stats.url}")
        ping(collector, 1)
        await until_async(lambda: counted(stats) == 1, _WAIT, "the visit to be counted")
        await page.goto(f"{collector.url}/live/example")
        await _shows(page, "1")
        await page.evaluate("window.same = true")
        stats.kill()
        await page.get_by_text("No answer at the moment").wait_for(timeout=1_000 * _WAIT)
        roles.start("stats", "stats", "--port", str(port))
        said = page.locator("#connection")
        await said.wait_for(state="hidden", timeout=1_000 * _WAIT)
        await page.evaluate("void (window.fetch = () => new Promise(() => {}))")  # the stream alone
        ping(collector, 2)
        await page.wait_for_function(_NUMBER, arg="2", timeout=1_000 * _WAIT)
        assert await page.evaluate("window.same")


_NUMBER = "n => document.getElementById('now').textContent === n"


async def _shows(page, number):
    await page.wait_for_function(_NUMBER, arg=number)
