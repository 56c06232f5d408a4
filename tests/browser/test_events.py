"""Heartbeats, seconds in sight, copying, leaving, and events of the page's own."""

import pytest

from tests.browser.rig import stub
from tests.support.wait import until_async

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.usefixtures("watch"),
]
OFTEN = {"heartbeat": "1"}


def _by_name(found):
    return {event["name"]: event for event in found}


async def _hide(page):
    """Look at another tab."""
    other = await page.context.new_page()
    await other.bring_to_front()
    await page.wait_for_function("document.visibilityState === 'hidden'", polling=50)
    return other


async def _show(page, other):
    await page.bring_to_front()
    await page.wait_for_function("document.visibilityState === 'visible'", polling=50)
    await other.close()


# -- heartbeats -----------------------------------------------------------------------------------


async def test_heartbeats_come_while_the_page_is_visible(page, site, events):
    site.put(site.tag(**OFTEN))
    await page.goto(site.url("/read"))
    found = await events.some(site, "pageview", "heartbeat", "heartbeat")
    assert {event["url"] for event in found} == {site.url("/read")}
    assert len({event["page_id"] for event in found}) == 1
    assert len({event["id"] for event in found}) == len(found)


async def test_no_heartbeat_comes_while_it_is_hidden(page, site, sites, events):
    site.put(site.tag(**OFTEN))
    await page.goto(site.url())
    other = await _hide(page)
    await events.some(site, "pageview", "leave")
    watched = sites.new()  # its heartbeats show that the time for some went by
    watched.put(watched.tag(**OFTEN))
    await other.goto(watched.url())
    await events.some(watched, "pageview")
    before = len(events.of(site))
    await events.some(watched, "heartbeat", "heartbeat", "heartbeat")
    assert len(events.of(site)) == before
    await _show(page, other)
    await until_async(lambda: len(events.of(site)) > before, 20, "a heartbeat again")


async def test_data_heartbeat_is_a_minute_by_default_and_can_be_off(page, site, events):
    await page.add_init_script(
        "{ const set = window.setInterval; window.intervals = [];"
        "window.setInterval = (f, ms) => { intervals.push(ms); return set(f, ms) } }"
    )
    await page.goto(site.url())
    assert await page.evaluate("intervals") == [60_000]
    site.put(site.tag(heartbeat="0"))
    await page.goto(site.url())
    assert await page.evaluate("intervals") == []


# -- seconds in sight -----------------------------------------------------------------------------


async def test_engaged_seconds_are_those_in_sight_since_the_event_before(page, site, events):
    await page.goto(site.url())
    begun = await page.evaluate("performance.now()")
    await page.wait_for_function("begun => performance.now() > begun + 700", arg=begun)
    await page.evaluate("beacon('first'); beacon('second')")
    other = await _hide(page)
    hidden_at = await page.evaluate("performance.now()")
    await page.wait_for_function("at => performance.now() > at + 700", arg=hidden_at, polling=50)
    await page.evaluate("beacon('hidden')")
    total = await page.evaluate("performance.now() / 1000")
    await _show(page, other)
    found = await events.wait(site, "pageview", "first", "second", "leave", "hidden")
    seconds = {event["name"]: event.get("engaged_seconds") for event in found}
    assert seconds["pageview"] is None
    assert seconds["first"] >= 0.7
    assert seconds["second"] < seconds["first"]
    assert seconds["hidden"] == 0
    assert sum(value or 0 for value in seconds.values()) <= total - 0.7


async def test_a_move_within_the_page_begins_a_new_count(page, site, events):
    await page.goto(site.url())
    begun = await page.evaluate("performance.now()")
    await page.wait_for_function("begun => performance.now() > begun + 700", arg=begun)
    took = await page.evaluate(
        "() => { const before = performance.now(); history.pushState(null, '', '/2');"
        "beacon('now'); return performance.now() - before }"
    )
    found = await events.wait(site, "pageview", "pageview", "now")
    now = _by_name(found)["now"]
    assert now["engaged_seconds"] <= (took + 1) / 1000
    views = {event["url"]: event for event in found if event["name"] == "pageview"}
    assert now["page_id"] == views[site.url("/2")]["page_id"] != views[site.url()]["page_id"]


# -- copying --------------------------------------------------------------------------------------


async def test_copying_tells_how_many_characters_and_never_which(page, site, events, server):
    site.put(f"<p id=p>geheim 🔑 here</p><textarea>verborgen</textarea>{site.tag()}")
    await page.goto(site.url())
    await page.evaluate("getSelection().selectAllChildren(document.getElementById('p'))")
    await page.keyboard.press("Control+c")
    await page.focus("textarea")
    await page.evaluate("document.querySelector('textarea').setSelectionRange(0, 6)")
    await page.keyboard.press("Control+c")
    found = await events.wait(site, "pageview", "copy", "copy")
    copies = [event["copied_characters"] for event in found if event["name"] == "copy"]
    assert sorted(copies) == [6, 13]
    assert not any(word in str(found) for word in ("geheim", "verborgen", "🔑"))


async def test_copying_nothing_is_no_copying(page, site, events):
    await page.goto(site.url())
    await page.keyboard.press("Control+c")
    assert [event["name"] for event in await events.settled(site, page)] == ["pageview"]


async def test_nothing_of_the_text_leaves_the_browser(page, site, events, watch):
    site.put(f"<p id=p>geheim</p>{site.tag()}")
    await page.goto(site.url())
    await page.evaluate("getSelection().selectAllChildren(document.getElementById('p'))")
    await page.keyboard.press("Control+c")
    await events.wait(site, "pageview", "copy")
    await watch.wait("/e", 2)
    assert not any("geheim" in f"{asked.url} {asked.post_data}" for asked in watch.sent)


# -- leaving --------------------------------------------------------------------------------------


async def test_hiding_the_tab_is_leaving_once_each_time(page, site, events):
    await page.goto(site.url())
    for _ in range(2):
        other = await _hide(page)
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await page.evaluate("dispatchEvent(new Event('pagehide'))")
        await _show(page, other)
    await events.settled(site, page)
    await events.wait(site, "pageview", "leave", "leave")


async def test_going_to_another_page_is_leaving_once(page, site, events):
    await page.goto(site.url("/one"))
    await page.goto(site.url("/two"))
    found = await events.wait(site, "pageview", "leave", "pageview")
    left = _by_name(found)["leave"]
    assert left["url"] == site.url("/one")
    views = {event["url"]: event for event in found if event["name"] == "pageview"}
    assert left["page_id"] == views[site.url("/one")]["page_id"]
    assert len(await events.settled(site, page)) == 3


async def test_closing_the_tab_is_leaving_once(page, site, sites, events, browser):
    closed = await browser.new_page()
    await closed.goto(site.url())
    await events.wait(site, "pageview")
    await closed.close()
    await events.wait(site, "pageview", "leave")
    elsewhere = sites.new()
    await page.goto(elsewhere.url())
    await events.settled(elsewhere, page)
    await events.wait(site, "pageview", "leave")


async def test_closing_a_hidden_tab_is_not_leaving_again(page, site, sites, events, browser):
    closed = await browser.new_page()
    await closed.goto(site.url())
    await page.bring_to_front()
    await events.wait(site, "pageview", "leave")
    await closed.close()
    elsewhere = sites.new()
    await page.goto(elsewhere.url())
    await events.settled(elsewhere, page)
    await events.wait(site, "pageview", "leave")


# -- events of the page's own ---------------------------------------------------------------------


async def test_a_page_sends_events_of_its_own(page, site, events):
    await page.goto(site.url("/buy"))
    await page.evaluate("beacon('signup', {plan: 'x', seats: 3, trial: true, nothing: null})")
    await page.evaluate("beacon('plain')")
    found = _by_name(await events.wait(site, "pageview", "signup", "plain"))
    assert found["signup"]["props"] == {"plan": "x", "seats": "3", "trial": "true"}
    assert found["signup"]["widget"] == "pro"
    assert found["signup"]["url"] == site.url("/buy")
    assert "dropped" not in found["signup"]
    assert "props" not in found["plain"]


async def test_calls_before_the_script_is_loaded_are_kept(page, site, events):
    early = "<script>beacon('early', {n: 'one'}); beacon('earlier')</script>"
    site.put(stub() + early + site.tag() + site.tag())  # the second does nothing
    await page.goto(site.url())
    found = _by_name(await events.wait(site, "pageview", "early", "earlier"))
    assert found["early"]["props"] == {"n": "one"}


@pytest.mark.parametrize("how", ["async", "type=module", "type=module async"])
async def test_the_tag_may_be_loaded_in_other_ways(page, site, events, how):
    site.put(stub() + site.tag().replace("defer", how) + "<script>beacon('early')</script>")
    await page.goto(site.url())
    await events.wait(site, "pageview", "early")


async def test_a_script_may_put_the_tag_in(page, site, events):
    site.put(
        "<script>const tag = document.createElement('script');"
        f"tag.src = '{site.collector}/w.js'; tag.dataset.site = '{site.name}';"
        "document.documentElement.append(tag)</script>"
    )
    await page.goto(site.url())
    await events.wait(site, "pageview")


async def test_a_tag_without_a_site_says_so_on_the_console(page, site, watch):
    site.put(f'<script defer src="{site.collector}/w.js"></script>')
    await page.goto(site.url())
    assert await watch.said() == 1
    assert watch.errors == ["beacon: the script's tag has no data-site"]
    await watch.forgive()
