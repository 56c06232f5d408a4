"""Targets, and a plan's way to the processes."""

import pytest

from benchmarks.load.plan import Kind, Plan, Target, Visits


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://beacon.example", ("http", "beacon.example", 80, "/", "beacon.example")),
        ("https://beacon.example/e", ("https", "beacon.example", 443, "/e", "beacon.example")),
        ("http://127.0.0.1:8080/p.gif", ("http", "127.0.0.1", 8080, "/p.gif", "127.0.0.1:8080")),
        ("http://[::1]:8080/p.gif", ("http", "::1", 8080, "/p.gif", "[::1]:8080")),
    ],
)
def test_a_target_is_read_from_an_address(url, expected):
    made = Target.of(url)
    assert (made.scheme, made.host, made.port, made.path, made.authority) == expected


@pytest.mark.parametrize("url", ["beacon.example", "ftp://beacon.example/", "http://", ""])
def test_what_is_no_address_is_refused_by_name(url):
    with pytest.raises(ValueError, match="no http or https address"):
        Target.of(url)


def test_a_plan_comes_over_as_it_was():
    plan = Plan(Target.of("http://a.example/p.gif"), Visits(Kind.MIXED, sticky=True), 5.5, limit=3)
    assert Plan.from_json(plan.as_json()) == plan


def test_processes_share_rate_and_connections():
    plan = Plan(
        Target.of("http://a.example/"), rate=100, connections=7, processes=3, new_connections_rate=6
    )
    parts = plan.split()
    assert [part.share for part in parts] == [0, 1, 2]
    assert sum(part.connections for part in parts) == 7
    assert sum(part.rate for part in parts) == pytest.approx(100)
    assert sum(part.new_connections_rate for part in parts) == pytest.approx(6)
