"""Private, unlisted and ill-named sites, as people meet them who have no token, or have one."""

from urllib.parse import urlsplit

import pytest

from tests.browser.axe import grave
from tests.browser.rig import ping
from tests.support.server import start_server
from tests.support.tail import tail_events
from tests.support.wait import until_async

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]
TOKEN = "a-long-random-word"
SITES = f'[sites.open]\npublic = true\n[sites.closed]\ntoken = "{TOKEN}"\n'
PATHS = (
    "/live/closed", "/live/closed?token=wrong", "/live/unlisted", "/live/-bad", "/live/a%20b",
    "/nowhere", "/demo", "/demo?site=open", "/demo?site=closed", "/demo?site=unlisted", "/",
)  # fmt: skip


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A server with a sites file that has no `demo`."""
    directory = tmp_path_factory.mktemp("listed")
    file = directory / "sites.toml"
    file.write_text(SITES)
    flags = ("--set", f"sites.file={file}", "--set", "privacy.contact=ann@example.org")
    with start_server(directory, *flags) as started:
        yield started


@pytest.fixture(params=PATHS)
def path(request):
    return request.param


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_grave_keeps_people_out_and_all_is_our_own(page, listed, path, scheme):
    asked, blocked = [], []
    page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
    page.on("console", lambda said: blocked.append(said.text) if "Policy" in said.text else None)
    await page.emulate_media(color_scheme=scheme)
    await page.goto(f"{listed.url}{path}")
    await page.wait_for_load_state("load")
    assert await page.locator("main h1").count() == 1
    assert set(asked) == {urlsplit(listed.url).netloc}
    assert blocked == []  # by our own Content-Security-Policy
    assert await grave(page) == []


async def test_it_fits_a_phone(page, listed, path):
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{listed.url}{path}")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("form", ["/live/closed", "/live/unlisted"])
async def test_on_a_phone_a_field_and_its_button_do_not_touch(page, listed, form):
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{listed.url}{form}")
    field = await page.locator("input").bounding_box()
    button = await page.locator("main button").bounding_box()
    assert button["y"] - (field["y"] + field["height"]) >= 4


async def test_the_token_opens_the_page_and_lies_nowhere(page, listed):
    await ping(listed, "closed", 120)
    await page.goto(f"{listed.url}/live/closed")
    await page.get_by_label("Token").fill("not-the-token-at-all")
    await page.keyboard.press("Enter")
    await page.get_by_text("That is not its token.").wait_for()
    assert await page.evaluate("document.activeElement.name") == "token"
    await page.get_by_label("Token").fill(f" {TOKEN}")
    await page.get_by_role("button", name="Show the counts").click()
    await page.wait_for_function("() => document.getElementById('now')?.textContent === '1'")
    assert page.url == f"{listed.url}/live/closed"
    (cookie,) = [c for c in await page.context.cookies() if c["name"] == "read.closed"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", True)
    assert TOKEN not in cookie["value"]
    await ping(listed, "closed", 121)  # the stream is read with the cookie
    await page.wait_for_function("() => document.getElementById('now').textContent === '2'")


async def test_a_link_with_the_token_from_another_site_opens_the_page(page, site, listed):
    site.put(f"<a href='{listed.url}/live/closed?token={TOKEN}'>Counts</a>")
    await page.goto(site.url())
    await page.get_by_role("link", name="Counts").click()
    await page.get_by_role("heading", name="closed").wait_for()
    assert page.url == f"{listed.url}/live/closed"


async def test_a_link_without_a_token_from_another_site_leads_to_the_form(page, site, listed):
    site.put(f"<a href='{listed.url}/live/closed'>Counts</a>")
    await page.goto(site.url())
    await page.get_by_role("link", name="Counts").click()
    await page.get_by_label("Token").wait_for()


async def test_from_the_first_page_a_sites_page_is_found(page, watch, listed):
    await page.goto(f"{listed.url}/")
    await page.get_by_label("The site's name").fill("Open ")
    await page.get_by_role("button", name="Show who is there").click()
    await page.wait_for_url(f"{listed.url}/live/open")


async def test_a_mistyped_name_is_mended_where_it_is_said(page, listed):
    await page.goto(f"{listed.url}/live/opne")
    await page.get_by_label("The site's name").fill("open")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{listed.url}/live/open")


async def test_what_the_demonstration_offers_works(page, watch, site, listed):
    """Of a server that counts listed sites only, and not the demonstration's own."""
    await page.goto(f"{listed.url}/demo?site=open")
    assert await page.locator("#sent").count() == 0
    site.put(await page.text_content("#pro"))
    await page.goto(site.url("/mine"))

    def stored():
        return [event.get("url") for event in tail_events(listed.data_dir)]

    await until_async(lambda: site.url("/mine") in stored(), 20, "the event")
    assert "demo" not in {event["site"] for event in tail_events(listed.data_dir)}


async def test_its_snippets_are_copied_where_the_script_is_not_at_work(page, watch, listed):
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=listed.url)
    await page.goto(f"{listed.url}/demo?site=open")
    await page.click("[data-copies=pro]")
    await page.get_by_role("button", name="Copied").wait_for()
    assert 'data-site="open"' in await page.evaluate("navigator.clipboard.readText()")
