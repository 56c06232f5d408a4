"""Opting out, here and everywhere, where third parties get cookies and where they do not."""

import pytest

from tests.browser.rig import Watch, opt_out_button, stub
from tests.support.metrics import scrape
from tests.support.server import start_server
from tests.support.tail import tail_events
from tests.support.wait import until_async

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]
_BADGE = "<img id=badge src='{}/badge/{}.svg' referrerpolicy='no-referrer-when-downgrade'>"


@pytest.fixture(params=["allowed", "blocked"])
def either_page(request, page, strict_page):
    """A page of a browser that sends cookies to third parties, and of one that does not."""
    return page if request.param == "allowed" else strict_page


def _opted_out(server):
    answered = "beacon_requests_answered_total"
    return scrape(server.admin_url).labelled(answered, outcome="opted-out")


class _OptedOut:
    """Waits for requests that the server answers as opted out."""

    def __init__(self, server):
        self._server = server
        self._before = _opted_out(server)

    async def wait(self, count):
        wanted = self._before + count
        await until_async(lambda: _opted_out(self._server) >= wanted, 20, "opted-out answers")
        assert _opted_out(self._server) == wanted


async def _drawn(page):
    await page.wait_for_function("document.getElementById('badge').complete")
    return await page.evaluate("document.getElementById('badge').naturalWidth > 50")


# -- on one site ----------------------------------------------------------------------------------


async def test_having_opted_out_here_nothing_is_sent_at_all(either_page, site, events, server):
    site.put(site.tag(heartbeat="1") + "<p>text")
    watch = Watch(either_page, server)
    await either_page.goto(site.url())
    await events.some(site, "pageview")
    assert await either_page.evaluate("beacon.optOut() instanceof Promise")
    await either_page.evaluate("beacon.optOut()")
    await watch.said()
    watch.sent.clear()
    await either_page.evaluate("beacon('own'); history.pushState(null, '', '/two')")
    await either_page.goto(site.url("/three"))
    await either_page.evaluate("getSelection().selectAllChildren(document.body)")
    await either_page.keyboard.press("Control+c")
    begun = await either_page.evaluate("performance.now()")
    await either_page.wait_for_function("at => performance.now() > at + 1300", arg=begun)
    assert watch.sent == []
    assert watch.errors == []
    await either_page.evaluate("beacon.optIn()")
    await either_page.evaluate("beacon('back')")
    await events.some(site, "back")
    assert set(events.names(site)) <= {"pageview", "back", "heartbeat"}


async def test_a_choice_made_before_the_script_is_loaded_comes_before_the_page_view(
    page, site, events
):
    site.put(stub() + opt_out_button() + "<script>beacon('early')</script>")
    await page.goto(site.url())
    button = page.get_by_role("button")
    await button.click()
    assert "Waiting for the script" in await button.text_content()
    await page.evaluate(
        "tag => document.body.append(document.createRange().createContextualFragment(tag))",
        site.tag(),
    )
    await page.get_by_role("button", name="You are not counted here").wait_for()
    assert await page.evaluate("localStorage['beacon.optout']") == "1"
    assert await events.settled(site, page) == []
    await page.evaluate("beacon.optIn()")
    await page.evaluate("beacon('back')")
    await events.wait(site, "back")


async def test_the_server_keeps_it_too(either_page, site, events, server):
    """In a cookie of this site's own (Partitioned): third parties need not be let have any."""
    await either_page.goto(site.url())
    await events.wait(site, "pageview")
    await either_page.evaluate("beacon.optOut()")
    await either_page.evaluate("localStorage.clear()")
    await either_page.goto("about:blank")
    seen = _OptedOut(server)
    site.put(_BADGE.format(site.collector, site.name) + site.tag(auto="false"))
    await either_page.goto(site.url("/again"))
    await either_page.evaluate("beacon('own')")
    await seen.wait(2)  # the badge and the event
    assert await _drawn(either_page)
    assert events.names(site) == ["pageview"]
    await either_page.evaluate("beacon.optIn()")
    await either_page.evaluate("beacon('back')")
    await events.wait(site, "pageview", "back")


async def test_a_page_kept_in_the_cache_hears_of_it(either_page, site, events, server):
    """Opted out on one page, and back to one that was loaded before."""
    await either_page.goto(site.url("/one"))
    await either_page.evaluate("addEventListener('pageshow', e => { window.kept = e.persisted })")
    await either_page.goto(site.url("/two"))
    await events.wait(site, "pageview", "leave", "pageview")
    await either_page.evaluate("beacon.optOut()")
    watch = Watch(either_page, server)
    await either_page.go_back(wait_until="commit")
    assert await either_page.evaluate("window.kept"), "the browser did not keep the page"
    await either_page.evaluate("beacon('own'); history.pushState(null, '', '/three')")
    await watch.said()
    assert watch.sent == []
    await either_page.evaluate("beacon.optIn()")
    await either_page.evaluate("beacon('back')")
    await events.wait(site, "pageview", "leave", "pageview", "back")


async def test_it_holds_for_this_site_only(either_page, site, sites, events):
    await either_page.goto(site.url())
    await either_page.evaluate("beacon.optOut()")
    other = sites.new()
    await either_page.goto(other.url())
    await events.wait(other, "pageview")


async def test_the_promise_says_whether_it_is_kept_anywhere(page, site, events):
    """A server out of reach leaves the local storage; without both the promise fails."""
    await page.goto(site.url())
    await events.wait(site, "pageview")
    await page.route("**/opt-*", lambda route: route.abort())
    assert await page.evaluate("beacon.optOut().then(() => 'kept')") == "kept"
    again = "beacon.optIn().then(() => 'kept', (error) => error.message)"
    assert await page.evaluate(again) == "Failed to fetch"
    await page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full') } }")
    failed = "beacon.optOut().then(() => 'kept', (error) => error.message)"
    assert await page.evaluate(failed) == "Failed to fetch"
    await page.evaluate("beacon('own')")  # even so, this page view is quiet
    assert len(await events.settled(site, page)) == 1


async def test_the_server_refuses_and_the_promise_says_so(page, site):
    site.put(site.tag(site="bad name"))
    await page.goto(site.url())
    asked = "beacon.optIn().then(() => 'kept', (error) => error.message)"
    assert await page.evaluate(asked) == "beacon: the server answered 400"


# -- everywhere -----------------------------------------------------------------------------------


async def test_having_opted_out_everywhere_no_site_tells_of_a_visit(
    page, watch, sites, events, server
):
    one, two = sites.new(), sites.new()
    for site in (one, two):
        site.put(_BADGE.format(site.collector, site.name) + site.tag())
    await page.goto(f"{server.url}/opt-out")
    await page.get_by_role("button", name="Opt out everywhere").click()
    await page.get_by_text("You have opted out").wait_for()
    for site in (one, two):
        seen = _OptedOut(server)
        await page.goto(site.url())
        assert await _drawn(page)
        await seen.wait(2)
        await page.goto("about:blank")
        await seen.wait(3)  # leaving too
    assert (events.of(one), events.of(two)) == ([], [])
    await page.goto(f"{server.url}/opt-out")
    await page.get_by_role("button", name="Count my visits again").click()
    await page.get_by_text("You have not opted out").wait_for()
    for site in (one, two):
        await page.goto(site.url())
        await events.wait(site, "pageview", "pageview")
        await page.goto("about:blank")


async def test_where_third_parties_get_no_cookies_it_does_not_reach_sites(
    strict_page, site, events, server
):
    """As the page for opting out says."""
    await strict_page.goto(f"{server.url}/opt-out")
    await strict_page.get_by_role("button", name="Opt out everywhere").click()
    await strict_page.get_by_text("You have opted out").wait_for()
    await strict_page.goto(site.url())
    await events.wait(site, "pageview")


# -- by the browser -------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
async def test_a_signal_that_drops_leaves_nothing_of_a_visit(page, site, tmp_path, header):
    flags = ("--set", "signals.gpc=drop", "--set", "signals.dnt=drop")
    with start_server(tmp_path, *flags) as dropping:
        site.collector = dropping.url
        site.put(_BADGE.format(site.collector, site.name) + site.tag(auto="false"))
        await page.set_extra_http_headers({header: "1"})
        await page.goto(site.url("/dropped"))
        await page.evaluate("beacon('own')")
        assert await _drawn(page)
        await until_async(lambda: _ignored(dropping) == 2, 20, "the badge and the event")
        assert tail_events(dropping.data_dir) == []
        await page.set_extra_http_headers({})
        await page.goto(site.url("/stored"))
        await page.evaluate("beacon('own')")
        await until_async(lambda: len(tail_events(dropping.data_dir)) == 2, 20, "both")
        stored = {event["url"] for event in tail_events(dropping.data_dir)}
        assert stored == {site.url("/stored")}


def _ignored(server):
    answered = "beacon_requests_answered_total"
    return scrape(server.admin_url).labelled(answered, outcome="ignored")
