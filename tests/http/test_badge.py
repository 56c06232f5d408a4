"""The badge: drawn well whatever its address asks for, with the number of those online."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.http.badge import contrast, ink, shields, short, svg
from ingest.http.look import DEFAULT, Look, Style, read_look
from ingest.http.text_width import verdana
from tests.http.harness import harness

SVG = "{http://www.w3.org/2000/svg}"
ANY_NUMBER = st.none() | st.integers(0, 10**12)
_COLORS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")
_STYLES = [style.value for style in Style]


@pytest.fixture
async def server(tmp_path):
    async with harness(tmp_path) as made:
        yield made


def _texts(body):
    return [element.text for element in ElementTree.fromstring(body).iter(f"{SVG}text")]


def _title(body):
    return ElementTree.fromstring(body).findtext(f"{SVG}title")


# -- drawing --------------------------------------------------------------------------------------


@given(ANY_NUMBER, st.binary(max_size=200))
def test_any_query_makes_well_formed_xml(number, query):
    for style in _STYLES:
        styled = b"style=%b&label=%b" % (style.encode(), query)
        ElementTree.fromstring(svg(number, read_look(styled)))
        ElementTree.fromstring(svg(number, read_look(query)))


@pytest.mark.parametrize("style", Style)
def test_a_screen_reader_is_told_the_exact_number_and_the_label(style):
    root = ElementTree.fromstring(svg(12_345, Look(style, "readers & writers")))
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext(f"{SVG}title") == "12,345 readers & writers"


@pytest.mark.parametrize(
    ("style", "texts"),
    [
        ("classic", ["1,234", "online"]),
        ("small", ["1,234"]),
        ("flat", ["online", "1,234"]),
        ("dark", ["1,234 online"]),
        ("CLASSIC", ["1,234", "online"]),
        ("none-such", ["1,234", "online"]),
        ("", ["1,234", "online"]),
    ],
)
def test_a_style_is_chosen_and_a_bad_one_is_the_classic(style, texts):
    assert _texts(svg(1_234, read_look(f"style={style}".encode()))) == texts


@pytest.mark.parametrize(
    ("given", "drawn"),
    [
        ("%3Cb%3E%26%22", '<b>&"'),
        ("lezers+nu", "lezers nu"),
        ("%E5%9C%A8%E7%BA%BF", "在线"),
        ("a%00b%0Ac%EF%BF%BEd%E2%80%AEe", "abcde"),
        ("x" * 60, "x" * 40),
        ("me%40example.org", "[email]"),
        ("%20", "online"),
        ("", "online"),
    ],
)
def test_a_label_is_escaped_cut_and_cleaned(given, drawn):
    assert _texts(svg(3, read_look(f"label={given}".encode()))) == ["3", drawn]


@pytest.mark.parametrize(
    ("given", "color"),
    [
        ("ff8800", "#ff8800"),
        ("%23FF8800", "#ff8800"),
        ("f80", "#ff8800"),
        ("Blue", "#0b6bcb"),
        ("ff880", None),
        ("url(x)", None),
        ('"/><script>', None),
        ("", None),
    ],
)
def test_a_colour_is_checked_and_a_bad_one_is_the_styles_own(given, color):
    assert read_look(f"color={given}".encode()).color == color


@given(_COLORS)
def test_text_can_be_read_on_any_colour(color):
    assert contrast(ink(color), color) >= 4.5


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"),
        (0, "0"),
        (999, "999"),
        (9_999, "9,999"),
        (10_000, "10.0k"),
        (12_399, "12.3k"),
        (99_999, "99.9k"),
        (123_999, "123k"),
        (999_999, "999k"),
        (1_234_567, "1.2M"),
        (10**9, "1.0G"),
        (10**12, "1,000G"),
    ],
)
def test_a_large_number_is_shortened_and_never_rounded_up(number, text):
    assert short(number) == text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), max_size=40), ANY_NUMBER)
@pytest.mark.parametrize("style", Style)
def test_every_text_ends_within_the_picture(style, label, number):
    root = ElementTree.fromstring(svg(number, Look(style, label)))
    width = float(root.get("width"))
    for text in root.iter(f"{SVG}text"):
        assert float(text.get("x")) + float(text.get("textLength")) <= width


def test_widths_are_those_of_verdana():
    assert verdana().of("0123") == pytest.approx(4 * 6.99)
    assert verdana().of("W") > verdana().of("i") * 3
    assert verdana().of("0", 22) == pytest.approx(2 * 6.99)
    assert verdana().of("\U0001f600") == 11


# -- over HTTP ------------------------------------------------------------------------------------


async def test_it_shows_how_many_are_online(server):
    server.numbers["example"] = 42
    assert _title((await server.get("/badge/Example.svg")).body) == "42 online"
    server.numbers["example"] = 43
    assert _title((await server.get("/badge/example.svg")).body) == "43 online"
    assert len(server.events) == 2


async def test_whoever_looks_is_one_online(server):
    server.numbers["example"] = 0
    assert _title((await server.get("/badge/example.svg")).body) == "1 online"


async def test_a_number_that_is_not_to_be_known_is_a_dash(server):
    for site in ("unknown", "!"):
        answer = await server.get(f"/badge/{site}.svg")
        assert _title(answer.body) == "– online"


async def test_a_private_sites_badges_show_no_number(tmp_path):
    listed = tmp_path / "sites.toml"
    token = "open-sesame-open-sesame"
    listed.write_text(f'[sites.open]\npublic = true\n[sites.closed]\ntoken = "{token}"\n')
    async with harness(tmp_path, sites={"file": listed}) as server:
        server.numbers |= {"open": 4, "closed": 4}
        assert _title((await server.get("/badge/open.svg")).body) == "4 online"
        assert _title((await server.get("/badge/closed.svg")).body) == "– online"
        assert (await server.get("/badge/closed.json")).json()["message"] == "–"


async def test_who_opted_out_sees_the_same_picture(server):
    server.numbers["example"] = 7
    counted = await server.get("/badge/example.svg?style=flat")
    assert counted.outcome == "stored"
    server.forget()
    for headers in ({"Cookie": "optout=1"}, {"Sec_Purpose": "prefetch"}):
        assert (await server.get("/badge/example.svg?style=flat", **headers)).body == counted.body
    assert server.events == []


async def test_its_parameters_are_no_unknown_fields(server):
    answer = await server.get("/badge/example.svg?style=flat&label=now&color=red&u=https://a.test/")
    assert answer.outcome == "stored"
    assert server.unknown_fields == 0
    assert "dropped" not in server.events[0]


async def test_both_lanes_draw_the_same(tmp_path):
    bodies = set()
    for fast in (True, False):
        async with harness(tmp_path, http={"fast_lane": fast}) as server:
            server.numbers["example"] = 5
            answer = await server.get("/badge/example.svg?style=dark&label=here&color=pink")
            bodies.add((answer.body, answer.headers["content-type"]))
    assert len(bodies) == 1


async def test_it_is_never_cached_and_can_run_nothing(server):
    headers = (await server.get("/badge/example.svg")).headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'"


# -- for shields.io -------------------------------------------------------------------------------


def test_shields_is_given_what_it_reads():
    assert shields(12_345, DEFAULT) == (
        b'{"schemaVersion":1,"label":"online","message":"12.3k","color":"#2a7d2e"}'
    )


async def test_the_json_shows_the_number_and_does_not_count(server):
    server.numbers["example"] = 8
    answer = await server.get("/badge/Example.json?label=here&color=f00")
    assert answer.json() == {
        "schemaVersion": 1, "label": "here", "message": "8", "color": "#ff0000"
    }  # fmt: skip
    assert (await server.get("/badge/unknown.json")).json()["message"] == "–"
    assert server.events == []
