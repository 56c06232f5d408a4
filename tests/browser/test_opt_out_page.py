"""The pages for opting out and on privacy: without a script, forged, on a narrow screen."""

import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.metrics import scrape
from tests.support.wait import until_async

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]
GUIDE = Path(__file__).parents[2] / "docs" / "opt-out.md"
OUT, IN = "Opt out everywhere", "Count my visits again"
HAVE, HAVE_NOT = "You have opted out everywhere:", "You have not opted out everywhere:"
BADGE = "<img id=badge src='{}/badge/{}.svg' referrerpolicy='no-referrer-when-downgrade'>"


async def _without_scripts(page):
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setScriptExecutionDisabled", {"value": True})


async def _status(page, server):
    await page.goto(f"{server.url}/opt-out")
    return await page.text_content("#status")


async def _press(page, server, name):
    await page.goto(f"{server.url}/opt-out")
    await page.get_by_role("button", name=name).click()
    await page.wait_for_url("**/opt-out?done=*")


async def _choices(page, server):
    host = urlsplit(server.url).hostname
    return [
        cookie["value"]
        for cookie in await page.context.cookies()
        if cookie["name"] == "optout" and cookie["domain"] == host
    ]


def _snippet(server):
    text = GUIDE.read_text(encoding="utf-8")
    (found,) = re.findall(r"```html\n(.*?)```", text, re.DOTALL)
    return found.replace("https://beacon.example", server.url)


# -- the button -----------------------------------------------------------------------------------


async def test_the_button_works_without_scripts(page, server):
    await _without_scripts(page)
    assert HAVE_NOT in await _status(page, server)
    await _press(page, server, OUT)
    assert HAVE in await page.text_content("#status")
    assert "Done: from now on you are not counted." in await page.text_content("#done")
    assert await _choices(page, server) == ["1"]
    assert HAVE in await _status(page, server)
    await _press(page, server, IN)
    assert HAVE_NOT in await page.text_content("#status")
    assert "Done: you are counted again, except" in await page.text_content("#done")
    assert await _choices(page, server) == []


async def test_the_keyboard_is_enough_and_the_outcome_has_the_focus(page, watch, server):
    await page.goto(f"{server.url}/opt-out")
    for _ in range(10):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.tagName") == "BUTTON":
            break
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/opt-out?done=out")
    assert await page.evaluate("document.activeElement.id") == "done"
    await page.get_by_role("status").get_by_text("Done").wait_for()


async def test_a_browser_that_keeps_no_cookie_is_found_out(page, server):
    async def without_cookie(route):
        answer = await route.fetch(max_redirects=0)
        headers = {n: v for n, v in answer.headers.items() if n != "set-cookie"}
        await route.fulfill(status=answer.status, headers=headers)

    await page.route("**/opt-out", without_cookie)
    await page.goto(f"{server.url}/opt-out?done=out")
    text = await page.text_content("#done")
    assert "Your browser did not keep the choice" in text
    assert HAVE_NOT in await page.text_content("#status")


# -- forged ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["unsafe-url", "no-referrer"])
@pytest.mark.parametrize("query", ["", "?site=example"])
async def test_a_form_of_another_site_changes_nothing(page, site, server, policy, query):
    def form(path):
        return (
            f"<form method=post action='{server.url}{path}{query}'><button>Win a prize</button>"
            "</form>"
        )

    for path, before in (("/opt-out", HAVE_NOT), ("/opt-in", HAVE)):
        if before == HAVE:
            await _press(page, server, OUT)
        choices = await _choices(page, server)
        site.put(form(path), headers={"Referrer-Policy": policy})
        await page.goto(site.url())
        async with page.expect_response(f"**{path}{query}") as answered:
            await page.get_by_role("button").click()
        assert (await answered.value).status == 403
        await page.get_by_text("Nothing was changed.").wait_for()
        assert await _choices(page, server) == choices
        assert before in await _status(page, server)


async def test_a_script_of_another_site_changes_nothing(page, site, server):
    site.put("<p>quiet")
    await page.goto(site.url())
    forged = """async (url) => {
        await fetch(url, {method: "POST", mode: "no-cors", credentials: "include"});
    }"""
    await page.evaluate(forged, f"{server.url}/opt-out")
    assert await _choices(page, server) == []
    assert HAVE_NOT in await _status(page, server)


async def test_no_site_can_put_the_page_into_a_frame(page, site, server):
    site.put(f"<iframe src='{server.url}/opt-out'></iframe>")
    await page.goto(site.url())
    await page.wait_for_load_state()
    _, frame = page.frames
    assert await frame.locator("button").count() == 0


# -- what it brings about -------------------------------------------------------------------------


def _opted_out(server):
    answered = "beacon_requests_answered_total"
    return scrape(server.admin_url).labelled(answered, outcome="opted-out")


async def test_one_press_holds_for_widgets_and_badges_of_two_sites(
    page, watch, sites, events, server
):
    both = [sites.new(), sites.new()]
    for site in both:
        site.put(BADGE.format(site.collector, site.name) + site.tag())
    await _press(page, server, OUT)
    for site in both:
        before = _opted_out(server)
        await page.goto(site.url())
        await page.wait_for_function("document.getElementById('badge').naturalWidth > 50")
        await until_async(lambda b=before: _opted_out(server) >= b + 2, 20, "both widgets")
        assert await events.settled(site, page) == []
        await page.goto("about:blank")
    await _press(page, server, IN)
    for site in both:
        await page.goto(site.url())
        found = await events.some(site, "pageview", "pageview")
        assert {event["widget"] for event in found} >= {"free", "pro"}
        await page.goto("about:blank")


async def test_opting_out_in_the_demonstration_is_not_opting_out_everywhere(page, server):
    await page.goto(f"{server.url}/demo")
    await page.click("#opt")
    await page.get_by_text("Nothing more is sent from here.").wait_for()
    assert "on one site only" in await _status(page, server)
    await _press(page, server, OUT)
    assert HAVE in await page.text_content("#status")
    await _press(page, server, IN)
    assert HAVE_NOT in await page.text_content("#status")
    assert await _choices(page, server) == []
    await page.goto(f"{server.url}/demo")
    await page.evaluate("localStorage.clear()")


async def _opt_out_on_a_site(page, site, events, server):
    """It holds whatever is pressed on our own page, which says that it cannot see it."""
    site.put(site.tag(auto="false"))
    await page.goto(site.url())
    await page.evaluate("beacon.optOut()")
    assert HAVE_NOT in await _status(page, server)
    assert "except where you opted out on a single site" in await page.text_content("#status")
    assert "kept on that site" in await page.text_content("#elsewhere")
    await _press(page, server, OUT)
    await _press(page, server, IN)
    assert "except where you opted out on a single site" in await page.text_content("#done")
    await page.goto(site.url())
    await page.evaluate("beacon('quiet')")
    assert await events.settled(site, page) == []  # the site's own choice still holds


async def test_a_choice_made_on_a_site_is_kept_there(page, site, events, server):
    await _opt_out_on_a_site(page, site, events, server)


async def test_it_is_kept_there_where_third_party_cookies_are_blocked(
    strict_page, site, events, server
):
    await _opt_out_on_a_site(strict_page, site, events, server)


# -- on a site's own privacy page -----------------------------------------------------------------


async def _shown(page, site):
    await page.goto(site.url("/privacy"))
    await page.wait_for_function(
        "!document.getElementById('beacon-status').textContent.includes('cannot be asked')"
    )
    return await page.text_content("#beacon-status")


async def test_the_snippet_shows_the_status_on_another_site(page, watch, site, server):
    site.put(_snippet(server))
    assert await _shown(page, site) == "no opt-out of yours is seen."
    await _press(page, server, OUT)
    assert await _shown(page, site) == "you have opted out."
    await page.get_by_role("link", name="Opt out, or in again").click()
    await page.get_by_role("button", name=IN).click()
    await page.get_by_text(HAVE_NOT).wait_for()
    assert await _shown(page, site) == "no opt-out of yours is seen."


async def test_it_says_so_where_third_party_cookies_are_blocked(strict_page, site, server):
    site.put(_snippet(server) + site.tag(auto="false"))
    await _press(strict_page, server, OUT)
    shown = await _shown(strict_page, site)
    assert shown.startswith("your browser sends it no cookies from here")
    await strict_page.evaluate("beacon.optOut()")  # the site's own choice does reach it
    assert await _shown(strict_page, site) == "you have opted out."


async def test_a_choice_that_cannot_be_read_is_counted(strict_page, site, events, server):
    def unreadable():
        return scrape(server.admin_url)["beacon_optout_unreadable_total"]

    await _press(strict_page, server, OUT)
    before = unreadable()
    await strict_page.goto(site.url())
    await events.wait(site, "pageview")
    await until_async(lambda: unreadable() > before, 20, "the count")


# -- as they look ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/opt-out", "/opt-out?done=out", "/privacy", "/"])
async def test_it_fits_a_narrow_screen(page, watch, server, path):
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(server.url + path)
    widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1] == 320


@pytest.mark.parametrize("path", ["/opt-out", "/privacy"])
async def test_nothing_is_asked_of_third_parties(page, watch, server, path):
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
    await page.goto(server.url + path)
    await page.wait_for_load_state("networkidle")
    assert set(asked) == {urlsplit(server.url).netloc}


@pytest.mark.parametrize("path", ["/opt-out", "/privacy"])
async def test_it_is_dark_where_the_visitor_wants_it_dark(page, watch, server, path):
    text = {}
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.goto(server.url + path)
        colour = await page.evaluate("getComputedStyle(document.body).color")
        text[scheme] = sum(map(int, re.findall(r"\d+", colour)[:3]))
    assert text["light"] < 3 * 80
    assert text["dark"] > 3 * 175


@pytest.mark.parametrize("path", ["/opt-out", "/privacy"])
async def test_it_is_built_for_screen_readers(page, watch, server, path):
    await page.goto(server.url + path)
    assert await page.get_attribute("html", "lang") == "en"
    assert await page.locator("main h1").count() == 1
    assert await page.get_by_role("navigation", name="This server").count() == 1
    levels = await page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3')].map((heading) => +heading.tagName[1])"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


async def test_all_pages_can_be_walked_to_from_each_other(page, watch, server):
    await page.goto(f"{server.url}/")
    for name, path in (
        ("Privacy", "/privacy"), ("Opt out", "/opt-out"), ("Widgets", "/demo"), ("Home", "/"),
    ):  # fmt: skip
        await page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        await page.wait_for_url(server.url + path)
