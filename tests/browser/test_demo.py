"""The demonstration page, used as a visitor does."""

import json
from urllib.parse import urlsplit

import pytest

from tests.support.tail import tail_events
from tests.support.wait import until_async

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_it_shows_what_the_script_sends(page, watch, server):
    await page.goto(f"{server.url}/demo")
    await page.wait_for_function("document.getElementById('sent').textContent")
    (line,) = (await page.text_content("#sent")).splitlines()
    shown = json.loads(line)
    assert (shown["s"], shown["e"]) == ("demo", "pageview")

    def stored():
        return [event for event in tail_events(server.data_dir) if event["id"] == shown["id"]]

    await until_async(stored, 20, "the event")


@pytest.mark.parametrize("name", ["free", "pro"])
async def test_a_snippet_is_copied(page, watch, server, name):
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    await page.goto(f"{server.url}/demo?site=my-site")
    await page.click(f"[data-copies={name}]")
    await page.get_by_role("button", name="Copied").wait_for()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == await page.text_content(f"#{name}")
    assert "my-site" in copied
    assert server.url in copied


async def test_the_copied_script_counts_on_a_site(page, watch, site, events, server):
    await page.goto(f"{server.url}/demo?site={site.name}")
    site.put(await page.text_content("#pro"))
    await page.goto(site.url("/mine"))
    (event,) = await events.wait(site, "pageview")
    assert (event["url"], event["widget"]) == (site.url("/mine"), "pro")


async def test_a_site_is_named_in_the_form(page, watch, server):
    await page.goto(f"{server.url}/demo")
    await page.fill("input[name=site]", "shop.example")
    await page.get_by_role("button", name="Put it into the snippets").click()
    await page.wait_for_url("**/demo?site=shop.example")
    assert 'data-site="shop.example"' in await page.text_content("#pro")


async def test_opting_out_and_in(page, watch, server):
    await page.goto(f"{server.url}/demo")
    await page.wait_for_function("document.getElementById('sent').textContent")
    await page.click("#opt")
    await page.get_by_text("Nothing more is sent from here.").wait_for()
    await page.evaluate("beacon('quiet')")
    assert "quiet" not in await page.text_content("#sent")
    await page.reload()
    await page.get_by_role("button", name="Opt in again").wait_for()
    await page.click("#opt")
    await page.get_by_text("You are counted again.").wait_for()
    await page.evaluate("beacon('heard')")
    assert "heard" in await page.text_content("#sent")


async def test_nothing_is_asked_of_third_parties(page, watch, server):
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
    await page.goto(f"{server.url}/demo")
    await page.wait_for_load_state("networkidle")
    assert set(asked) == {urlsplit(server.url).netloc}
