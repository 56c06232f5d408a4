"""What viewers of a live stream cost, measured of a real server."""

import re

import pytest

from benchmarks import viewers
from benchmarks.viewers import Cost


def test_viewers_are_told_and_what_they_add_is_a_table(capsys):
    few = ["--viewers", "5", "--seconds", "1.5", "--rounds", "2", "--pings", "20"]
    assert viewers.main(few) == 0
    said = capsys.readouterr().out
    assert "5 viewers of one site, 20 pings a second, 2 rounds:" in said
    told = re.search(r"events to each in a second \| (\S+)–(\S+)–(\S+) \|", said)
    assert told is not None
    assert float(told[1]) > 0, "a viewer heard nothing"
    assert "what they add |" in said


def test_what_is_added_is_what_is_above_the_pings_alone():
    assert Cost(alone=0.25, watched=0.75, messages=1.0, bytes_each=0).added == 0.5


def test_viewers_who_heard_nothing_are_an_error(capsys):
    with pytest.raises(SystemExit, match="heard nothing"):
        viewers.said([Cost(0.1, 0.2, 0.0, 1024)], 5, 20)


@pytest.mark.parametrize("option", ["--viewers", "--seconds", "--pings", "--rounds"])
def test_what_is_not_above_zero_is_refused(option, capsys):
    with pytest.raises(SystemExit) as ended:
        viewers.main([option, "0"])
    assert ended.value.code == 2
    assert option in capsys.readouterr().err
