"""What is read of an event's addresses, beside the plain way of reading them."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.stats.event import EventReader
from tests.stats.support import event

ADDRESSES = st.lists(
    st.sampled_from(("http", "https", "://", "www.", "a.example", "b.example", "/", "?", "é", "x")),
    max_size=8,
).map("".join) | st.just("https://a.example/" + 400 * "x")


def _rest(address: str) -> str:
    return address.partition("://")[2]


def _host(text: str) -> str:
    return text.partition("/")[0].partition("?")[0].removeprefix("www.")


@given(ADDRESSES, ADDRESSES)
def test_page_and_referrer(url, referrer):
    page = _rest(url).partition("?")[0][:300]
    source = _host(_rest(referrer))[:300]
    read = EventReader().read(event(url=url, referrer=referrer))
    assert read.page == page
    assert read.referrer == ("" if source == _host(page) else source)
