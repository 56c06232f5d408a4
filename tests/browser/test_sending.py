"""How a ping finds its way when a way is shut; each time it is the same ping."""

import json

import pytest

from tests.support.server import start_server
from tests.support.tail import tail_events
from tests.support.wait import until_async

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]
_KEEP = """
    window.beaconed = [];
    const send = navigator.sendBeacon.bind(navigator);
    navigator.sendBeacon = (url, body) => { beaconed.push(body); return %s }
"""
_RECORD = "{" + _KEEP % "send(url, body)" + "}"
_REFUSE = "{" + _KEEP % "false" + "}"


def _policy(site, *allowed):
    rules = "; ".join(f"{directive} {site.collector}" for directive in allowed)
    return {"Content-Security-Policy": f"default-src 'none'; {rules}"}


async def _beaconed(page):
    return [json.loads(body) for body in await page.evaluate("beaconed")]


async def test_pings_go_as_text_by_send_beacon(page, site, events, watch):
    await page.goto(site.url())
    await events.wait(site, "pageview")
    await watch.wait("/e")
    (sent,) = watch.sent
    assert (sent.method, sent.resource_type) == ("POST", "ping")
    assert sent.headers["content-type"] == "text/plain;charset=UTF-8"  # no preflight


async def test_when_send_beacon_refuses_fetch_sends_it(page, site, events, watch):
    await page.add_init_script(_REFUSE)
    await page.goto(site.url())
    (event,) = await events.wait(site, "pageview")
    (tried,) = await _beaconed(page)
    assert event["id"] == tried["id"]
    await watch.wait("/e")
    (sent,) = watch.sent
    assert (sent.resource_type, sent.headers["content-type"]) == (
        "fetch",
        "text/plain;charset=UTF-8",
    )


async def test_fetch_sends_cookies_and_outlives_the_page(page, site):
    await page.add_init_script(
        _REFUSE + "window.how = []; { const ask = window.fetch; "
        "window.fetch = (url, init) => { how.push(init); return ask(url, init) } }"
    )
    await page.goto(site.url())
    (how,) = await page.evaluate("how")
    assert (how["keepalive"], how["credentials"], how["method"]) == (True, "include", "POST")


async def test_when_what_may_be_in_flight_is_used_up_the_pixel_sends_it(
    page, site, sites, events, watch
):
    """Both `sendBeacon` and `fetch` with keepalive share 64 KiB: a page can use them up."""
    silent = f"{sites.silence()}/hold"
    await page.add_init_script(f"navigator.sendBeacon('{silent}', 'x'.repeat(65536)); {_RECORD}")
    await page.goto(site.url("/full?ref=x"))
    (event,) = await events.wait(site, "pageview")
    await watch.wait("/p.gif")
    (tried,) = await _beaconed(page)
    assert (event["id"], event["page_id"]) == (tried["id"], tried["p"])
    assert (event["url"], event["title"]) == (site.url("/full?ref=x"), "A page")
    assert event["widget"] == "pro"
    await watch.forgive()  # the browser's own words about a fetch that failed


async def test_a_policy_without_connect_src_leaves_the_pixel(page, site, events, watch):
    await page.add_init_script(_RECORD)
    site.put(site.tag(), headers=_policy(site, "script-src", "img-src"))
    await page.goto(site.url())
    (event,) = await events.wait(site, "pageview")
    (tried,) = await _beaconed(page)
    assert event["id"] == tried["id"]
    await watch.wait("/p.gif")
    await page.evaluate("beacon('later')")
    await events.wait(site, "pageview", "later")
    refused = await watch.said()
    assert refused
    await page.evaluate("beacon('and_later')")
    await events.wait(site, "pageview", "later", "and_later")
    assert await watch.said() == refused, "it tries again what the policy has refused"
    assert len(await _beaconed(page)) == 1
    await watch.forgive()  # what the browser says about the two that it refused


async def test_leaving_is_told_by_the_pixel_too(page, site, events, watch):
    site.put(site.tag(), "/", headers=_policy(site, "script-src", "img-src"))
    site.put("nothing here", "/away")
    await page.goto(site.url("/"))
    await events.wait(site, "pageview")
    await page.goto(site.url("/away"))
    await events.wait(site, "pageview", "leave")
    await watch.forgive()


async def test_a_policy_that_only_reports_changes_nothing(page, site, events, watch):
    (policy,) = _policy(site, "script-src", "img-src").values()
    site.put(site.tag(), headers={"Content-Security-Policy-Report-Only": policy})
    await page.goto(site.url())
    await page.evaluate("beacon('later')")
    assert len(await events.settled(site, page)) == 2
    await watch.wait("/e", 3)  # with the mark, which is ours
    assert [asked.resource_type for asked in watch.sent].count("ping") == 2
    assert "/p.gif" not in watch.paths()
    await watch.forgive()


async def test_a_retry_tells_how_long_ago_it_was_made(page, site, watch):
    await page.add_init_script(
        _REFUSE + "window.bodies = []; window.fetch = (url, init) => {"
        "bodies.push(JSON.parse(init.body)); const at = Date.now() + 300;"
        "return new Promise((_, no) => setTimeout(() => no(new TypeError()), 300)) };"
        "window.Image = class { set src(url) { window.pixel = url } }"
    )
    await page.goto(site.url())
    await page.wait_for_function("window.pixel")
    (body,) = await page.evaluate("bodies")
    query = await page.evaluate("Object.fromEntries(new URL(pixel).searchParams)")
    assert body["id"] == query["id"]
    assert int(query["age"]) >= 250 > body["age"]


async def test_the_policy_that_the_documentation_names_is_enough(page, site, events, watch):
    """docs/widget.md: script-src, connect-src and img-src of the server, and nothing else."""
    site.put(site.tag(), headers=_policy(site, "script-src", "connect-src", "img-src"))
    await page.goto(site.url())
    await events.wait(site, "pageview")
    await watch.wait("/e")
    assert watch.paths() == ["/e"]


async def test_data_endpoint_sends_to_another_server(page, site, events, watch, server):
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    site.put(site.tag(endpoint=f"{elsewhere}/"))
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(site.url())
    await events.wait(site, "pageview")
    await until_async(lambda: f"{elsewhere}/e" in asked, 20, "the request")
    assert watch.sent == []


async def test_data_endpoint_may_be_a_path_of_the_site_itself(page, site):
    site.put(site.tag(endpoint="/stats"))
    await page.goto(site.url("/shop/"))
    await until_async(lambda: "/stats/e" in site.asked, 20, "the event")
    await page.evaluate("beacon.optOut()")
    assert f"/stats/opt-out?site={site.name}" in site.asked


async def test_names_come_from_the_configuration(page, site, watch, tmp_path):
    named = (
        "widget.script_path=/assets/app.js",
        "widget.endpoint_path=/notes",
        "widget.pixel_path=/dot.png",
    )
    flags = [word for pair in named for word in ("--set", pair)]
    with start_server(tmp_path, *flags) as server:
        tag = f'<script defer src="{server.url}/assets/app.js" data-site="{site.name}"></script>'
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        site.put(tag, "/one")
        rules = f"default-src 'none'; script-src {server.url}; img-src {server.url}"
        site.put(tag, "/two", {"Content-Security-Policy": rules})
        await page.goto(site.url("/one"))
        await until_async(lambda: len(tail_events(server.data_dir)) == 1, 20, "an event")
        await page.goto(site.url("/two"))
        await until_async(lambda: len(tail_events(server.data_dir)) == 3, 20, "three events")

        def paths():
            return {url.removeprefix(server.url).partition("?")[0] for url in asked}

        await until_async(lambda: {"/notes", "/dot.png"} <= paths(), 20, "both names")
        assert not {"/w.js", "/e", "/p.gif"} & paths()
    await watch.forgive()
