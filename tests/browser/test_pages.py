"""All of our own pages: for phones, for dark rooms, for everybody."""

import pytest

from tests.browser.axe import grave

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]
PATHS = ("/", "/demo", "/opt-out", "/privacy", "/live/garden.example", "/live/nobody.example")


@pytest.fixture(params=PATHS)
def path(request):
    return request.param


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_grave_keeps_people_out(page, watch, visited, path, scheme):
    await page.emulate_media(color_scheme=scheme)
    await page.goto(f"{visited.server.url}{path}")
    await page.wait_for_load_state("load")
    if await page.locator(".map").count():
        await page.locator(".map svg").wait_for()  # drawn by the script, later
    assert await grave(page) == []


async def test_it_fits_a_phone(page, watch, visited, path):
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{visited.server.url}{path}")
    await page.wait_for_load_state("load")
    wide = await page.evaluate(
        "[...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && "
        "e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, svg, .unseen'))"
        ".map((e) => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_from_the_first_page_all_others_are_found(page, watch, visited):
    await page.goto(f"{visited.server.url}/")
    links = await page.eval_on_selector_all("a", "all => all.map((a) => new URL(a.href).pathname)")
    assert {"/demo", "/opt-out", "/privacy", "/api/v1/openapi.json"} <= set(links)
