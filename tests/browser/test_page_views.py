"""When the Pro widget tells of a page view, and what of."""

import re

import pytest

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.usefixtures("watch"),
]
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def _paths(found):
    return [event["url"].partition("localhost")[2].partition("/")[2] for event in found]


async def test_a_page_view_is_sent_on_load(page, site, events):
    await page.goto(site.url("/shop?utm_source=mail#top"))
    (event,) = await events.wait(site, "pageview")
    assert event["url"] == site.url("/shop?utm_source=mail")
    assert event["url_source"] == "field"
    assert event["title"] == "A page"
    assert event["widget"] == "pro"
    assert event["language"] == await page.evaluate("navigator.language")
    zone = await page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert event["timezone"] == zone
    for name, expression in (
        ("screen_width", "screen.width"),
        ("screen_height", "screen.height"),
        ("viewport_width", "innerWidth"),
        ("viewport_height", "innerHeight"),
    ):
        assert event[name] == await page.evaluate(expression)
    assert re.fullmatch("[0-9a-f]{32}", event["page_id"])
    assert UUID4.fullmatch(event["id"])
    assert not {"dropped", "truncated", "engaged_seconds", "referrer"} & event.keys()


async def test_without_https_it_works_too(page, site, events):
    await page.goto(site.url(domain="test"))
    assert await page.evaluate("[isSecureContext, 'randomUUID' in crypto]") == [False, False]
    (event,) = await events.wait(site, "pageview")
    assert UUID4.fullmatch(event["id"])


async def test_the_referrer_is_the_page_before(page, site, sites, events):
    other = sites.new()
    other.put(f'<meta name="referrer" content="unsafe-url"><a href="{site.url()}">go</a>')
    await page.goto(other.url("/from?ref=x"))
    await page.click("a")
    (event,) = await events.wait(site, "pageview")
    assert event["referrer"] == other.url("/from?ref=x")


async def test_push_replace_and_pop_tell_of_a_new_path_or_query(page, site, events):
    await page.goto(site.url("/one"))
    moves = "pushState(null, '', '/two')", "replaceState(null, '', '/two?ref=3')", "back()"
    for count, move in enumerate(moves, 1):
        await events.wait(site, *["pageview"] * count)
        await page.evaluate(f"history.{move}")
    found = await events.wait(site, *["pageview"] * 4)
    assert _paths(found) == ["one", "two", "two?ref=3", "one"]
    assert len({event["page_id"] for event in found}) == 4


async def test_the_referrer_after_a_move_is_the_previous_address(page, site, events):
    await page.goto(site.url("/one"))
    await page.evaluate("history.pushState(null, '', '/two'); history.pushState(null, '', '/3')")
    found = await events.wait(site, *["pageview"] * 3)
    assert {event["url"]: event.get("referrer") for event in found} == {
        site.url("/one"): None,
        site.url("/two"): site.url("/one"),
        site.url("/3"): site.url("/two"),
    }


async def test_the_same_path_and_query_are_no_new_page(page, site, events):
    await page.goto(site.url("/one?a=1"))
    await page.evaluate(
        "history.pushState({a: 1}, '', '/one?a=1'); history.replaceState(null, '', '#part');"
        "location.hash = 'other'"
    )
    assert len(await events.settled(site, page)) == 1


async def test_history_still_answers_the_page(page, site):
    await page.goto(site.url("/one"))
    await page.evaluate("history.pushState({kept: 1}, '', '/two')")
    assert await page.evaluate("[history.state.kept, location.pathname]") == [1, "/two"]
    refused = "try { history.pushState(null, '', 'https://other.example/') } catch (e) { e.name }"
    assert await page.evaluate(refused) == "SecurityError"


async def test_a_title_left_from_the_page_before_is_not_reported(page, site, events):
    await page.goto(site.url())
    await page.evaluate("history.pushState(null, '', '/2'); document.title = 'Two'")
    await page.evaluate("document.title = 'Three'; history.pushState(null, '', '/3')")
    found = await events.wait(site, *["pageview"] * 3)
    assert {event["url"]: event.get("title") for event in found} == {
        site.url(): "A page",
        site.url("/2"): None,
        site.url("/3"): "Three",
    }


@pytest.mark.parametrize(
    ("first", "fragment", "expected"),
    [
        ("/app", "#/settings", "app/settings"),
        ("/app/", "#!/a/b?ref=x", "app/a/b?ref=x"),
        ("/app?ref=y", "#part", "app/part?ref=y"),
        ("/app?ref=y", "#part?utm_medium=z", "app/part?ref=y&utm_medium=z"),
    ],
)
async def test_with_data_hash_the_fragment_counts_as_path(
    page, site, events, first, fragment, expected
):
    site.put(site.tag(hash=""))
    await page.goto(site.url(first))
    await events.wait(site, "pageview")
    await page.evaluate("fragment => { location.hash = fragment }", fragment)
    found = await events.wait(site, "pageview", "pageview")
    assert _paths(found)[1] == expected


async def test_an_empty_fragment_is_no_page_of_its_own(page, site, events):
    """Routers that use fragments begin by adding one."""
    site.put(site.tag(hash=""))
    await page.goto(site.url("/app"))
    await page.evaluate("location.replace('#/')")
    await page.evaluate("location.replace('#!/')")
    (event,) = await events.settled(site, page)
    assert event["url"] == site.url("/app")


async def test_data_url_overrides_the_address(page, site, events):
    site.put(site.tag(url="https://canonical.example/shop"))
    await page.goto(site.url("/somewhere"))
    await events.wait(site, "pageview")
    await page.evaluate("document.querySelector('script').dataset.url = '/relative'")
    await page.evaluate("history.pushState(null, '', '/else')")
    found = await events.wait(site, "pageview", "pageview")
    urls = [event["url"] for event in found]
    assert urls == ["https://canonical.example/shop", site.url("/relative")]


async def test_coming_back_from_the_cache_is_a_page_view(page, site, events):
    await page.goto(site.url("/one"), referer="https://news.example/")
    await page.evaluate("addEventListener('pageshow', e => { window.kept = e.persisted })")
    await page.goto(site.url("/two"))
    await page.go_back(wait_until="commit")  # it is not loaded again
    assert await page.evaluate("window.kept"), "the browser did not keep the page"
    found = await events.wait(site, "pageview", "leave", "pageview", "leave", "pageview")
    views = [event for event in found if event["name"] == "pageview"]
    referrers = [view.get("referrer") for view in views if view["url"] == site.url("/one")]
    assert set(referrers) == {"https://news.example/", None}  # none after coming back
    assert sorted(_paths(views)) == ["one", "one", "two"]
    assert len({event["page_id"] for event in views}) == 3
    assert site.asked == ["/one", "/two"]


async def test_two_tags_act_once(page, site, events):
    site.put(site.tag() + site.tag() + site.tag(site=f"{site.name}b"))
    await page.goto(site.url())
    await page.evaluate("history.pushState(null, '', '/two')")
    assert len(await events.settled(site, page)) == 2


async def test_one_global_is_added(page, site):
    site.put("", "/empty")
    await page.goto(site.url("/empty"))
    before = await page.evaluate("Object.getOwnPropertyNames(window)")
    await page.goto(site.url())
    after = await page.evaluate("Object.getOwnPropertyNames(window)")
    assert set(after) - set(before) == {"beacon"}


async def test_with_data_auto_false_nothing_is_sent_by_itself(page, site, events):
    site.put(site.tag(auto="false", heartbeat="1") + "<p>some text")
    await page.goto(site.url("/one"))
    await page.evaluate("history.pushState(null, '', '/two')")
    await page.evaluate("getSelection().selectAllChildren(document.body)")
    await page.keyboard.press("Control+c")
    assert await events.settled(site, page) == []
    await page.evaluate("beacon('early')")
    await events.wait(site, "early")
    await page.evaluate("beacon('pageview')")
    await events.wait(site, "early", "pageview")
    await page.goto(site.url("/three"))
    await page.evaluate("beacon('pageview', {plan: 'x'})")
    found = await events.settled(site, page)
    assert [event["name"] for event in found] == ["early", "pageview", "pageview"]
    assert _paths(found) == ["one", "two", "three"]
    assert found[1]["referrer"] == site.url("/one")
    assert found[2]["props"] == {"plan": "x"}
