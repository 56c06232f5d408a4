"""Browser, operating system and device, from the user agent and the client hints."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon import agent as rules
from ingest.beacon.agent import Agent, Agents, Device
from ingest.beacon.bots import Bots

_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KIT} Chrome/126.0.0.0 Safari/537.36"
_ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {_KIT} Chrome/126.0.0.0 Mobile Safari/537.36"
_ANDROID_TABLET = f"Mozilla/5.0 (Linux; Android 10; K) {_KIT} Chrome/126.0.0.0 Safari/537.36"
_SAMSUNG = _ANDROID.replace("Chrome/", "SamsungBrowser/25.0 Chrome/")
_CHROME_OS = f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_KIT} Chrome/126.0.0.0 Safari/537.36"
_FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
_SAFARI = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE} Safari/605.1.15"
_IPHONE = (
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_APPLE} Mobile/15E148 Safari/604"
)
_IPAD = f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {_APPLE} Mobile/15E148 Safari/604.1"
_TELEVISION = f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_KIT} Chrome/94.0.4606.128 Safari/537.36"
_CONSOLE = f"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) {_APPLE} Safari/605.1.15"
_FACEBOOK = (
    f"Mozilla/5.0 (Linux; Android 14; SM-S918B; wv) {_KIT} Version/4.0 Chrome/126.0.0.0 "
    "Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/470.0.0.0;]"
)
_GREASE = '"Not/A)Brand";v="8"'
_BOTS = Bots()
_AGENTS = Agents(_BOTS)


def _read(user_agent: str = "", brands: str = "", mobile: str = "", platform: str = "") -> Agent:
    headers = {
        b"user-agent": user_agent.encode(),
        b"sec-ch-ua": brands.encode(),
        b"sec-ch-ua-mobile": mobile.encode(),
        b"sec-ch-ua-platform": platform.encode(),
    }
    return _AGENTS.read({name: value for name, value in headers.items() if value})


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (_WINDOWS, ("Chrome", "126", "Windows", "10", "desktop")),
        (f"{_WINDOWS} Edg/126.0.0.0", ("Edge", "126", "Windows", "10", "desktop")),
        (_FIREFOX, ("Firefox", "128", "Ubuntu", None, "desktop")),
        (_SAFARI, ("Safari", "17", "Mac OS X", "10", "desktop")),
        (_CHROME_OS, ("Chrome", "126", "Chrome OS", "14541", "desktop")),
        (_ANDROID, ("Chrome Mobile", "126", "Android", "10", "mobile")),
        (_SAMSUNG, ("Samsung Internet", "25", "Android", "10", "mobile")),
        (_IPHONE, ("Mobile Safari", "17", "iOS", "17", "mobile")),
        (_ANDROID_TABLET, ("Chrome", "126", "Android", "10", "tablet")),
        (_IPAD, ("Mobile Safari", "17", "iOS", "16", "tablet")),
        (_TELEVISION, ("Chrome", "94", "Web0S", None, "other")),
        (_CONSOLE, ("Safari", "17", None, None, "other")),
        (_FACEBOOK, ("Facebook", "470", "Android", "14", "mobile")),
        ("something of my own", (None, None, None, None, "other")),
        ("", (None, None, None, None, "other")),
    ],
)
def test_a_user_agent_alone_says_browser_system_and_device(user_agent, expected):
    agent = _read(user_agent)
    assert agent[:5] == expected
    assert not agent.bot


def test_a_bots_device_is_bot():
    agent = _read("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
    assert (agent.browser, agent.device, agent.bot) == ("Googlebot", Device.BOT, True)


def test_a_headless_browser_that_only_its_hints_name_is_a_bot():
    agent = _read(_WINDOWS, f'"HeadlessChrome";v="126", "Chromium";v="126", {_GREASE}')
    assert (agent.device, agent.bot) == (Device.BOT, True)


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        ('"Google Chrome";v="127", "Chromium";v="127"', ("Chrome", "127")),
        ('"Chromium";v="98", "Microsoft Edge";v="98"', ("Edge", "98")),
        ('"Brave";v="127", "Chromium";v="127"', ("Brave", "127")),
        ('"Vivaldi";v="6.8", "Chromium";v="126"', ("Vivaldi", "6")),
        ('"Google Chrome";v="126", "Opera";v="111"', ("Opera", "111")),
        ('"Chromium";v="130"', ("Chromium", "130")),
        ('"A \\"quoted\\" name";v="3"', ('A \\"quoted\\" name', "3")),
        ('"Opera";v="x"', ("Opera", None)),
        ('"Opera"', ("Opera", None)),
    ],
)
def test_the_hints_brand_beats_the_user_agent(brands, expected):
    agent = _read(_WINDOWS, brands)
    assert (agent.browser, agent.browser_version) == expected


@pytest.mark.parametrize(
    "made_up",
    ['" Not A;Brand";v="99"', '"(Not(A:Brand";v="8"', '"Not;A=Brand";v="24"', '"not.a_brand";v="1"',
     _GREASE],
)  # fmt: skip
@pytest.mark.parametrize("first", [True, False])
def test_a_made_up_brand_is_ignored_wherever_it_stands(made_up, first):
    brands = [made_up, '"Chromium";v="127"', '"Google Chrome";v="127"']
    agent = _read(_WINDOWS, ", ".join(brands if first else reversed(brands)))
    assert (agent.browser, agent.browser_version) == ("Chrome", "127")
    assert _read(_WINDOWS, made_up) == _read(_WINDOWS)


@pytest.mark.parametrize(
    ("brand", "user_agent", "browser"),
    [
        ("Google Chrome", _ANDROID, "Chrome Mobile"),
        ("Microsoft Edge", _ANDROID, "Edge Mobile"),
        ("Opera", _ANDROID, "Opera Mobile"),
        ("YaBrowser", _ANDROID, "Yandex Browser"),
        ("Android WebView", _FACEBOOK, "Facebook"),
        ("Android WebView", _ANDROID, "Chrome Mobile WebView"),
    ],
)
def test_a_phones_brands_have_ua_parsers_names(brand, user_agent, browser):
    agent = _read(user_agent, f'"{brand}";v="126", "Chromium";v="126"', "?1", '"Android"')
    assert (agent.browser, agent.device) == (browser, Device.MOBILE)


@pytest.mark.parametrize(
    ("user_agent", "platform", "expected"),
    [
        (_WINDOWS, '"Windows"', ("Windows", "10")),
        (_WINDOWS, '"macOS"', ("Mac OS X", None)),
        (_FIREFOX, '"Linux"', ("Ubuntu", None)),
        (_ANDROID, '"Linux"', ("Linux", None)),
        (_WINDOWS, '"Chromium OS"', ("Chrome OS", None)),
        (_WINDOWS, '"Unknown"', ("Windows", "10")),
        ("", '"iOS"', ("iOS", None)),
    ],
)
def test_the_platform_beats_the_user_agent_but_knows_no_version(user_agent, platform, expected):
    agent = _read(user_agent, platform=platform)
    assert (agent.os, agent.os_version) == expected


def test_the_mobile_hint_makes_a_tablets_user_agent_a_phones():
    assert _read(_ANDROID_TABLET, mobile="?1").device is Device.MOBILE


@pytest.mark.parametrize(
    "brands",
    ['"Opera";v="1",', 'Opera;v="1"', '"Opera;v="1"', '"Opera" "Edge"', '"Op\\era";v="1"',
     '"Opera";V="1"', '"Opéra";v="1"', '"";v="1"', ",", "\x01", '"Opera";v="1"; ',
     '"Opera";v="1", junk'],
)  # fmt: skip
def test_malformed_brands_say_nothing(brands):
    assert _read(_WINDOWS, brands) == _read(_WINDOWS)


@pytest.mark.parametrize("mobile", ["1", "?2", "?11", "true", '"?1"'])
def test_a_malformed_mobile_hint_says_nothing(mobile):
    assert _read(_WINDOWS, mobile=mobile) == _read(_WINDOWS)


@pytest.mark.parametrize("platform", ["macOS", '"macOS', '"macos"', '"macOS", "Linux"'])
def test_a_malformed_platform_says_nothing(platform):
    assert _read(_WINDOWS, platform=platform) == _read(_WINDOWS)


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=8), st.binary(max_size=8))
def test_no_bytes_break_it(user_agent, brands, mobile, platform):
    agent = _AGENTS.read(
        {
            b"user-agent": user_agent,
            b"sec-ch-ua": brands,
            b"sec-ch-ua-mobile": mobile,
            b"sec-ch-ua-platform": platform,
        }
    )
    assert all(text is None or 0 < len(text) <= 64 for text in agent[:4])


def test_names_and_versions_are_bounded():
    agent = _read(_WINDOWS, f'"{"b" * 500}";v="1234567.0"')
    assert (agent.browser, agent.browser_version) == ("b" * 64, None)
    version = _read(f"Mozilla/5.0 Firefox/{'9' * 500}").browser_version
    assert version is None or len(version) <= 64


def test_only_the_first_1024_bytes_of_a_header_are_looked_at():
    beyond = " " * 1_024
    assert not _read(f"{beyond}Googlebot/2.1").bot
    cut = f'"Google Chrome";v="127"{beyond}'[:1_030]
    assert _read(_WINDOWS, f'{cut}, "Opera";v="1"').browser == "Chrome"


@pytest.mark.parametrize("part", ["not", "notb", "notbran", " ", ";", '"a",'])
def test_hints_made_long_on_purpose_cost_little_more_than_a_browsers(part):
    usual = _seconds(_WINDOWS, '"Google Chrome";v="126", "Chromium";v="126"')
    assert _seconds(_WINDOWS, f'"{part * (1_000 // len(part))}"') < 8 * usual


def _seconds(user_agent: str, brands: str) -> float:
    """The least time that headers take which are not remembered."""
    headers = {b"user-agent": user_agent.encode(), b"sec-ch-ua": brands.encode()}
    agents = Agents(_BOTS)
    times = []
    for number in range(20):
        headers[b"sec-ch-ua-platform"] = b"%d" % number
        start = perf_counter()
        agents.read(headers)
        times.append(perf_counter() - start)
    return min(times)


def test_long_headers_with_the_same_beginning_are_remembered_once():
    agents = Agents(_BOTS)
    for ending in range(100):
        agents.read({b"user-agent": b"x" * 1_024 + b"%d" % ending})
    assert len(agents._look) == 1


def test_what_is_remembered_is_bounded():
    agents = Agents(_BOTS, remembered=8)
    for number in range(100):
        agents.read({b"user-agent": b"agent of mine %d" % number})
    assert len(agents._look) == 8


def test_headers_that_it_does_not_read_make_no_other_entry():
    agents = Agents(_BOTS)
    for number in range(10):
        agents.read({b"user-agent": b"same", b"x-other": b"%d" % number})
    assert len(agents._look) == 1


_NAMED = ("TV", "smart-tv", "AFTS", "iPad", "TABLET", "tablet pc", "Kindle", "Silk Mobile", "mobi")
_LOOK_ALIKES = ("\u212aindle", "\u017filk", "\u0130Pad", "Opera M\u0131n\u0131", "Windows Phone")


@given(st.lists(st.sampled_from((*_NAMED, *_LOOK_ALIKES, " ", ";", "a", "x"))).map("".join))
def test_looking_for_words_first_finds_what_the_patterns_find(text):
    assert rules.is_big_screen(text) == (rules._BIG_SCREEN(text) is not None)
    assert rules.is_tablet(text) == (rules._TABLET(text) is not None)
    assert rules.is_phone(text) == (rules._PHONE(text) is not None)
