"""One server, one browser and one loop for the whole folder; a page and a site for each test."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, Playwright, async_playwright

from tests.browser.chromium import ThirdPartyCookies, start_chromium
from tests.browser.rig import Events, Site, Sites, Watch
from tests.browser.traffic import Visited, visited_for_days
from tests.support.process import kill
from tests.support.server import Server, start_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def visited(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visited]:
    """A server that was visited for twenty days."""
    made = await visited_for_days(tmp_path_factory.mktemp("visited"))
    yield made
    made.server.kill()


@pytest.fixture(scope="package")
def events(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Events]:
    made = Events(server, tmp_path_factory.mktemp("tail"))
    yield made
    kill(made.process)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def sites(server: Server) -> AsyncIterator[Sites]:
    made = Sites(server.url)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def site(sites: Sites) -> Site:
    return sites.new()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as made:
        yield made


@asynccontextmanager
async def _browsing(
    playwright: Playwright, directory: Path, cookies: ThirdPartyCookies
) -> AsyncIterator[BrowserContext]:
    """The browser's own profile: Playwright's defaults would keep every page in sight."""
    chromium = start_chromium(directory, cookies)
    browser = await playwright.chromium.connect_over_cdp(chromium.devtools(), no_defaults=True)
    try:
        yield browser.contexts[0]
    finally:
        await browser.close()
        chromium.kill()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BrowserContext]:
    """It sends cookies to third parties."""
    directory = tmp_path_factory.mktemp("allowed")
    async with _browsing(playwright, directory, ThirdPartyCookies.ALLOWED) as context:
        yield context


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def strict_browser(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BrowserContext]:
    """It sends no cookies to third parties, as Chromium comes."""
    directory = tmp_path_factory.mktemp("blocked")
    async with _browsing(playwright, directory, ThirdPartyCookies.BLOCKED) as context:
        yield context


@pytest_asyncio.fixture(loop_scope="package")
async def page(browser: BrowserContext) -> AsyncIterator[Page]:
    made = await browser.new_page()
    yield made
    await made.close()
    await browser.clear_cookies()


@pytest_asyncio.fixture(loop_scope="package")
async def strict_page(strict_browser: BrowserContext) -> AsyncIterator[Page]:
    made = await strict_browser.new_page()
    yield made
    await made.close()
    await strict_browser.clear_cookies()


@pytest_asyncio.fixture(loop_scope="package")
async def watch(page: Page, server: Server) -> AsyncIterator[Watch]:
    """A test fails that leaves errors on its page's console; those it means it clears."""
    made = Watch(page, server)
    yield made
    assert made.errors == []
