"""How many bots are found, and how many people are taken for one."""

from pathlib import Path

import pytest
from ua_parser import load_lazy_builtins
from ua_parser.regex import Resolver

from ingest.beacon import bots as bots_module
from ingest.beacon.agent import Agents
from ingest.beacon.bots import Bots

_DATA = Path(__file__).parent / "data"
_FOUND_AT_LEAST = 0.65
"""Of user agents of bots that crawler-user-agents gives as no example; 0.69 with 1.67."""
_PEOPLE_AT_MOST = 0.005
"""Of user agents of people's browsers: less than one of the 190."""


@pytest.fixture(scope="module")
def bots():
    return Bots()


def _lines(name: str) -> list[str]:
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _taken_for_bots(bots: Bots, user_agents: list[str]) -> list[str]:
    read = Agents(bots).read
    return [agent for agent in user_agents if read({b"user-agent": agent.encode()}).bot]


def test_most_bots_of_another_list_are_found(bots):
    user_agents = _lines("bots.txt")
    assert len(user_agents) >= 190
    assert len(_taken_for_bots(bots, user_agents)) / len(user_agents) >= _FOUND_AT_LEAST


def test_people_are_not_taken_for_bots(bots):
    user_agents = _lines("browsers.txt")
    assert len(user_agents) >= 190
    taken = _taken_for_bots(bots, user_agents)
    assert len(taken) / len(user_agents) <= _PEOPLE_AT_MOST, taken


def test_the_examples_of_the_list_are_found(bots):
    examples = [
        example
        for entry in bots_module.CRAWLER_USER_AGENTS_DATA
        if entry["pattern"] not in bots_module._PEOPLE
        for example in entry.get("instances", ())
    ]
    assert len(examples) > 1_000
    assert [example for example in examples if not bots.is_bot(example)] == []


class _NoList(Bots):
    """What ua-parser finds is all that is found."""

    def is_bot(self, user_agent: str) -> bool:
        return False


def test_ua_parsers_spiders_are_those_that_all_its_patterns_for_devices_find():
    user_agents = [*_lines("bots.txt"), *_lines("browsers.txt"), "Mozilla/5.0 Silk/44 KFTT"]
    find = Resolver(load_lazy_builtins()).de.extract
    devices = [(agent, find(agent)) for agent in user_agents]
    spiders = [agent for agent, device in devices if device and device.family == "Spider"]
    assert len(spiders) > 50
    assert _taken_for_bots(_NoList(), user_agents) == spiders


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (Linux; Android 15; 2311DRK48G Build/AP3A.240617.008; wv) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Version/4.0 Chrome/130.0.6723.58 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 11; PEGM00) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/98.0.4758.102 Mobile Safari/537.36 SogouMobileBrowser/6.3",
    ],
)
def test_people_whom_a_left_out_pattern_matches_stay_people(bots, user_agent):
    assert _taken_for_bots(bots, [user_agent]) == []


def test_sogous_spider_is_found_without_the_left_out_pattern(bots):
    spider = "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)"
    assert _taken_for_bots(bots, [spider]) == [spider]


def test_patterns_that_are_left_out_stand_in_the_list():
    listed = {entry["pattern"] for entry in bots_module.CRAWLER_USER_AGENTS_DATA}
    assert listed >= bots_module._PEOPLE


def test_an_empty_user_agent_is_no_bot(bots):
    assert not bots.is_bot("")


def test_a_pattern_that_the_engine_refuses_is_tried_with_pythons(monkeypatch):
    patterns = (r"Plainbot", r"Lookbot(?!ics)", r"(Twin)\1")
    data = [{"pattern": pattern} for pattern in patterns]
    monkeypatch.setattr(bots_module, "CRAWLER_USER_AGENTS_DATA", data)
    bots = Bots()
    for found in ("Plainbot/1.0", "my Lookbot/1.0", "TwinTwin"):
        assert bots.is_bot(found)
    for other in ("Lookbotics/1.0", "Twin", "Mozilla/5.0"):
        assert not bots.is_bot(other)


def test_with_todays_list_no_pattern_is_refused(bots):
    assert bots._others == ()
