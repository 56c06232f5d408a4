"""Which opt-out a browser sent, told in one way by the beacons and the pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.consent import opted_out
from ingest.http.cookies import Choice, choice, on_opted_out

pairs = st.sampled_from(
    [b"optout=1", b" optout=1\t", b"optout_here=1", b"optout=0", b"optout=", b"a=optout=1",
     b'"optout=1"', b"optout=1 2", b"xoptout=1", b"optout_here=", b"uid=0123abcd", b""]
)  # fmt: skip


@given(st.lists(pairs, max_size=6))
def test_a_choice_is_seen_by_the_pages_just_when_the_beacons_honour_it(found):
    headers = {b"cookie": b";".join(found)}
    seen = choice(headers)
    assert (seen.everywhere or seen.here) == opted_out(headers)


@pytest.mark.parametrize(
    ("cookies", "seen"),
    [
        (b"", Choice(False, False)),
        (b"optout=1", Choice(True, False)),
        (b"optout=1; optout_here=1", Choice(False, True)),
        (b"optout_here=1; optout=1; a=b; optout=1", Choice(True, True)),
        (b"optout_here=1", Choice(False, False)),
    ],
)
def test_a_sites_own_is_told_from_the_one_for_all(cookies, seen):
    assert choice({b"cookie": cookies}) == seen


@given(st.lists(pairs, max_size=6), st.booleans())
def test_what_is_renewed_is_what_was_sent(found, secure):
    headers = {b"cookie": b";".join(found)}
    seen = choice(headers)
    renewed = [text for _, text in on_opted_out(headers, secure)]
    assert any(text.startswith("optout_here=1;") for text in renewed) == seen.here
    whole = [text for text in renewed if text.startswith("optout=1;")]
    assert len(whole) == seen.everywhere + seen.here


def test_without_cookies_there_is_no_choice():
    assert choice({}) == Choice(False, False)
