"""One event, from a query's bytes or from a body's values: the same rules, the same text."""

from urllib.parse import quote, quote_plus

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.beacon.fields import FIELDS, PIXEL_NAMES, SHORT_NAMES
from ingest.beacon.query import QueryReader, read_query
from ingest.beacon.sanitise import clean, is_harmless
from ingest.beacon.url import PageUrls, is_clean
from tests.beacon.support import CHROME, changed, collector, only, pixel, post
from tests.support.interpreted import interpreted

_PIECES = ("", "a", "Z", "0", "00", "1", "12", "32767", "2.50", "0.001", "1e3", "-", "_", "/", "?",
           "#", "\\", '"', "@", "40", "%40", "%22", " ", "\0", "\x7f", "ü", "\uff20", "\U0001f600",
           "https://", "http://", "a.example", "/page", "utm_source=x&", "en-GB", "Europe/Paris",
           "pageview", "pro", "018f0000-0000-7000-8000-00000000000A", "9" * 18)  # fmt: skip
texts = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4).map("".join).filter(bool)
_SHORTS = [short for short in SHORT_NAMES if short]
pings = st.dictionaries(st.sampled_from(_SHORTS), texts).map(
    lambda given: {"s": "example", **given}
)
names = st.lists(
    st.sampled_from([*_SHORTS, "", "x", "%73", "%", "+", "site", "propsprops", "ü"]), max_size=6
)
_PLAIN = {name: interpreted(f"ingest.beacon.{name}") for name in ("query", "sanitise", "url")}
_HEADERS = {
    b"user-agent": CHROME, b"accept-language": b'de "x"', b"referer": b"https://a.example/r"
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return collector(tmp_path_factory.mktemp("key"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ping=pings, encode=st.sampled_from([quote, quote_plus]))
def test_a_query_and_a_body_that_say_the_same_become_the_same_event(made, ping, encode):
    query = "&".join(f"{name}={encode(text, safe='')}" for name, text in ping.items())
    of_query = only(made, pixel(query, _HEADERS))
    of_body = only(made, changed(post(orjson.dumps(ping)), headers=_HEADERS))
    assert of_query.event == of_body.event
    assert of_query.event_id == of_body.event_id
    for name in ("outcome", "site", "time", "visitor", "field", "reason"):
        assert getattr(of_query, name) == getattr(of_body, name)
    if of_query.event:
        assert orjson.dumps(orjson.loads(of_query.event)) == of_query.event
        assert orjson.loads(of_query.event)["id"] == of_query.event_id


@given(names, st.lists(texts | st.just("")), st.binary(max_size=9))
def test_queries_read_in_place_are_read_by_the_rule(names, values, tail):
    pairs = zip(names, [*values, *[""] * len(names)], strict=False)
    query = "&".join(f"{name}={value}" for name, value in pairs).encode() + tail
    expected = read_query(query, PIXEL_NAMES)
    for module in (QueryReader, _PLAIN["query"].QueryReader):
        reader = module(SHORT_NAMES)
        for _ in range(2):
            found = {
                field.name: value.decode("utf-8", "replace")
                for field, value in zip(FIELDS, reader.read(query), strict=True)
                if value is not None
            }
            assert found == expected.values
            assert reader.unknown == expected.unknown


@given(texts, st.integers(1, 20))
def test_what_is_harmless_at_a_glance_is_left_as_it_is(text, limit):
    raw = text.encode()
    assert is_harmless(raw, limit) == _PLAIN["sanitise"].is_harmless(raw, limit)
    if is_harmless(raw, limit):
        assert clean(text, limit) == (text, False)


@given(texts | texts.map(lambda text: f"https://www.a.example/{text}"))
def test_addresses_that_are_clean_at_a_glance_are_left_as_they_are(text):
    raw = text.encode()
    assert is_clean(raw) == _PLAIN["url"].is_clean(raw)
    if is_clean(raw):
        assert PageUrls(()).cleaned(text) == (text, False)
