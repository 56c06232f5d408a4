"""What is told by one look is what the rules for agents and for kept headers tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.agent import Agents
from ingest.beacon.bots import Bots
from ingest.beacon.browser import Browsers
from ingest.beacon.headers import AllowedHeaders
from ingest.beacon.hit import RequestHead

_AGENTS = Agents(Bots())
_LISTS = (
    (),
    ("sec-ch-ua", "accept-language"),
    ("accept-language", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"),
    ("x-mine", "user-agent", "referer"),
)
_NAMES = sorted({name.encode() for names in _LISTS for name in names} | {b"cookie", b"x-other"})
_VALUES = st.sampled_from(
    (b"", b" ", b"?1", b"?0", b'"Android"', b'"Chromium";v="126"', b"de, en", b"\xff\x00",
     b"x" * 600)
)  # fmt: skip


@pytest.mark.parametrize("names", _LISTS, ids=len)
@given(headers=st.dictionaries(st.sampled_from(_NAMES), _VALUES))
def test_a_browser_is_as_the_rules_have_it(names, headers):
    kept = AllowedHeaders(names)
    browsers = Browsers(_AGENTS, kept)
    head = RequestHead(b"GET", "/p.gif", b"", headers)
    agent, language = headers.get(b"user-agent", b""), headers.get(b"accept-language", b"")
    for _ in range(2):  # remembered, too
        told = browsers.of(head, agent, language)
        assert told.agent == _AGENTS.read(headers)
        assert told.headers == kept.pick(headers)
