"""The free widget: what arrives with a picture."""

import pytest

from tests.browser.rig import ping
from tests.support.wait import until_async

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def _snippet(page, server, site):
    """What the demonstration page gives to copy."""
    await page.goto(f"{server.url}/demo?site={site.name}")
    return await page.text_content("#free")


async def test_the_snippet_lets_the_address_of_the_page_through(page, watch, site, events, server):
    site.put(await _snippet(page, server, site))
    await page.goto(site.url("/shop/shoes?utm_source=mail&colour=red#top"))
    (event,) = await events.wait(site, "pageview")
    assert event["url"] == site.url("/shop/shoes?utm_source=mail")
    assert (event["url_source"], event["widget"]) == ("referer", "free")


async def test_it_does_so_against_the_policy_of_the_page(page, watch, site, events, server):
    snippet = await _snippet(page, server, site)
    site.put(snippet, headers={"Referrer-Policy": "no-referrer"})
    await page.goto(site.url("/shop"))
    (event,) = await events.wait(site, "pageview")
    assert event["url"] == site.url("/shop")


async def test_without_it_only_the_site_is_known(page, watch, site, events, server):
    site.put(f"<img src='{server.url}/badge/{site.name}.svg'>")
    await page.goto(site.url("/shop"))
    (event,) = await events.wait(site, "pageview")
    assert event["url"] == site.url("/")


async def test_on_our_own_page_it_does_not_count(page, watch, site, events, server):
    await page.goto(f"{server.url}/demo?site={site.name}")
    await page.wait_for_function("document.getElementById('badge').naturalWidth > 50")
    assert await events.settled(site, page) == []


async def test_both_widgets_of_a_page_count(page, watch, site, events, server):
    site.put(await _snippet(page, server, site) + site.tag())
    await page.goto(site.url())
    await until_async(lambda: len(events.of(site)) == 2, 20, "two events")
    assert sorted(event["widget"] for event in events.of(site)) == ["free", "pro"]


# -- what it shows --------------------------------------------------------------------------------


async def _drawn(page, load):
    """The badge that a page shows, as text; `load` brings the page up."""
    async with page.expect_response("**/badge/*.svg*") as answer:
        await load
    shown = await answer.value
    await page.wait_for_function("document.querySelector('img').naturalWidth > 10")
    return await shown.text()


async def test_its_number_changes_after_a_visit(page, watch, site, events, server):
    site.put(await _snippet(page, server, site))
    devtools = await page.context.new_cdp_session(page)

    async def visit(version):
        agent = f"Mozilla/5.0 (X11; Linux x86_64) Chrome/{version}.0.0.0 Safari/537.36"
        await devtools.send("Network.setUserAgentOverride", {"userAgent": agent})
        return await _drawn(page, page.goto(site.url()))

    async def two():
        return ">2 online<" in await visit(141)

    assert ">1 online<" in await visit(140)
    await until_async(two, 20, "a badge with two")
    assert {event["bot"] for event in events.of(site)} == {False}


async def test_who_opted_out_sees_it_and_is_not_counted(page, watch, site, events, server):
    await page.goto(f"{server.url}/opt-out")
    await page.get_by_role("button", name="Opt out everywhere").click()
    await page.get_by_text("You have opted out").wait_for()
    site.put(await _snippet(page, server, site))
    assert "online" in await _drawn(page, page.goto(site.url()))
    assert await events.settled(site, page) == []
    await ping(server, site.name, 120)
    await ping(server, site.name, 121)

    async def two():
        return ">2 online<" in await _drawn(page, page.reload())

    await until_async(two, 20, "a badge with the two others")
    assert len(await events.settled(site, page)) == 2


@pytest.mark.parametrize("style", ["classic", "small", "flat", "dark"])
async def test_every_style_is_a_picture_of_its_size(page, watch, site, server, style):
    source = f"{server.url}/badge/{site.name}.svg?style={style}&label=a%26b&ping=0"
    site.put(f'<img src="{source}" alt="visitors online" referrerpolicy="origin">')
    text = await _drawn(page, page.goto(site.url()))
    size = await page.evaluate("[document.images[0].width, document.images[0].height]")
    assert f'width="{size[0]}" height="{size[1]}"' in text
    assert ">1 a&amp;b<" in text
