"""The pictures of docs/img/. `make screenshots` writes them there; else they are only taken."""

import os
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.browser.rig import ping
from tests.support.wait import until_async

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]
WIDE, PHONE = 1100, 360


@pytest.fixture
def folder(tmp_path):
    given = os.environ.get("SCREENSHOTS")
    made = Path(given) if given else tmp_path
    made.mkdir(parents=True, exist_ok=True)
    return made


async def _take(page, file, width, height=0):
    """Take a picture of the whole page, or of its first `height` pixels; without scroll bars."""
    await page.set_viewport_size({"width": width, "height": 200})
    whole = await page.evaluate("document.documentElement.scrollHeight")
    await page.set_viewport_size({"width": width, "height": height or whole + 20})
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    await page.screenshot(path=file)
    assert file.stat().st_size > 2_000


@pytest.mark.parametrize(
    ("name", "scheme", "width", "height"),
    [
        ("live-light", "light", WIDE, 0),
        ("live-dark", "dark", WIDE, 0),
        ("live-phone", "light", PHONE, 780),
    ],
)
async def test_the_live_page(page, visited, folder, name, scheme, width, height):
    await page.emulate_media(color_scheme=scheme)
    await page.goto(f"{visited.server.url}/live/{visited.site}")
    await page.locator(".map svg").wait_for()
    await _take(page, folder / f"{name}.png", width, height)


@pytest.mark.parametrize(
    ("name", "path"), [("demo", "/demo?site=garden.example"), ("opt-out", "/opt-out")]
)
async def test_a_page(page, visited, folder, name, path):
    await page.emulate_media(color_scheme="light")
    await page.goto(f"{visited.server.url}{path}")
    await page.wait_for_load_state("load")
    await _take(page, folder / f"{name}.png", 760)


async def _counted(url, number):
    """Wait until a badge shows a number."""

    async def shown():
        async with ClientSession() as client, client.get(url) as answer:
            return (await answer.json())["message"] == number

    await until_async(shown, 20, f"{number} at {url}")


async def test_the_badges(page, site, server, folder):
    for visitor in range(120, 143):
        await ping(server, site.name, visitor)
    await _counted(f"{server.url}/badge/{site.name}.json", "23")
    styles = (
        "", "style=flat", "style=dark", "style=small",
        "label=readers%20now&color=blue", "style=flat&label=in%20the%20garden&color=dfb317",
        "style=dark&color=pink&label=awake",
    )  # fmt: skip
    source = f"{server.url}/badge/{site.name}.svg?ping=0&"
    rows = "".join(
        f'<p><img src="{source}{style}" alt=""> <code>{style or "(default)"}</code></p>'
        for style in styles
    )
    look = "body{font:13px system-ui;margin:1rem}img{vertical-align:middle;margin-right:.5rem}"
    site.put(f"<style>{look}</style>{rows}")
    await page.goto(site.url())
    await page.wait_for_function("[...document.images].every((image) => image.naturalWidth)")
    await _take(page, folder / "badges.png", 560)
