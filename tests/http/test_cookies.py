"""Which opt-out a browser sent, told in one way by the beacons and the pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.consent import has_opted_out
from ingest.beacon.visitor import uid_cookie
from ingest.http import cookies
from ingest.http.cookies import RENEWALS, Choice, choice, renewal
from tests.support.heads import head_of

pairs = st.sampled_from(
    [b"optout=1", b" optout=1\t", b"optout_here=1", b"optout=0", b"optout=", b"a=optout=1",
     b'"optout=1"', b"optout=1 2", b"xoptout=1", b"optout_here=", b"uid=0123abcd", b""]
)  # fmt: skip


@given(st.lists(pairs, max_size=6))
def test_a_choice_is_seen_by_the_pages_just_when_the_beacons_honour_it(found):
    head = head_of({b"cookie": b";".join(found)})
    seen = choice(head)
    assert (seen.everywhere or seen.here) == has_opted_out(head)


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (b"", Choice(False, False)),
        (b"optout=1", Choice(True, False)),
        (b"optout=1; optout_here=1", Choice(False, True)),
        (b"optout_here=1; optout=1; a=b; optout=1", Choice(True, True)),
        (b"optout_here=1", Choice(False, False)),
    ],
)
def test_a_sites_own_is_told_from_the_one_for_all(sent, seen):
    assert choice(head_of({b"cookie": sent})) == seen


@given(st.lists(pairs, max_size=6), st.booleans())
def test_what_is_renewed_is_what_was_sent(found, secure):
    head = head_of({b"cookie": b";".join(found)})
    seen = choice(head)
    expected = [cookies.opt_out(secure)] if seen.everywhere else []
    expected += cookies.opt_out_here(secure) if seen.here else ()
    expected += [cookies.forget_uid(secure)] if uid_cookie(head) is not None else []
    assert RENEWALS[renewal(head, secure)] == tuple(expected)


def test_there_are_as_many_renewals_as_a_request_can_ask_for():
    assert len(RENEWALS) == 16
    assert len(set(RENEWALS)) == 15  # nothing to renew is the same however secure


def test_without_cookies_there_is_no_choice():
    assert choice(head_of({})) == Choice(False, False)
