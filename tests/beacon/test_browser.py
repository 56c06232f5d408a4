"""What an event says of a browser is what the rules for agents tell."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.agent import Agents
from ingest.beacon.bots import Bots
from ingest.beacon.browser import Browsers
from ingest.beacon.hit import RequestHead

_AGENTS = Agents(Bots())
_NAMES = (b"user-agent", b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform", b"cookie")
_VALUES = st.sampled_from(
    (b"", b" ", b"?1", b"?0", b'"Android"', b'"Chromium";v="126"', b"de, en", b"\xff\x00",
     b"x" * 600)
)  # fmt: skip


def _said(agent):
    """What an event says of an agent, field by field."""
    kind = {"bot": agent.bot, "device": agent.device}
    names = ("browser", "browser_version", "os", "os_version")
    return kind | {name: value for name in names if (value := getattr(agent, name)) is not None}


@given(headers=st.dictionaries(st.sampled_from(_NAMES), _VALUES))
def test_a_browser_is_as_the_rules_have_it(headers):
    browsers = Browsers(_AGENTS)
    head = RequestHead(b"GET", "/p.gif", b"", headers)
    expected = _said(_AGENTS.read(headers))
    for _ in range(2):  # remembered, too
        told = browsers.of(head)
        assert told.bot is expected["bot"]
        for share, kind in ((True, told.shared), (False, told.private)):
            text = b"{%b}" % (kind + told.name)[1:]
            assert orjson.loads(text) == expected | {"share": share}
