"""Ready-made answers are those that the rule gives, and there are only so many of them."""

from itertools import product

import pytest

from ingest.beacon.hit import Hit, Peer
from ingest.beacon.network import TrustedProxies
from ingest.beacon.verdict import Verdict
from ingest.config import VisitorMode
from ingest.http import cookies
from ingest.http.answers import Answers, Fate
from ingest.http.own_origin import OwnOrigin
from ingest.http.reply import Header, ReadyReply, Reply, encode, reply
from ingest.outcome import Outcome, Route

GOOD = reply(200, (), b"x", Route.PIXEL, Outcome.STORED)
ORIGINS = (b"", b"null", b"https://news.example")
PATHS = {Route.PIXEL: "/p.gif", Route.EVENTS: "/e", Route.BADGE: "/badge/a.svg"}
URLS = {True: "https://beacon.example", False: "http://beacon.example"}


def _answers(mode: VisitorMode = VisitorMode.HASH, *, secure: bool = True) -> Answers:
    return Answers(OwnOrigin(URLS[secure], TrustedProxies(())), mode, lambda _site: 3)


def _hit(route: Route, cookie: bytes = b"", origin: bytes = b"", **more: bytes) -> Hit:
    fields = {b"host": b"x", b"cookie": cookie, b"origin": origin}
    fields |= {name.encode(): value for name, value in more.items()}
    headers = {name: value for name, value in fields.items() if value}
    return Hit(route, b"GET", PATHS[route], b"", headers, b"", Peer("192.0.2.0", False))


def _single(answers: Answers, hit: Hit, outcome: Outcome, visitor: int | None = None) -> Reply:
    return answers.single(hit, Verdict(outcome, visitor=visitor), outcome)


def _renewed(cookie: bytes, secure: bool) -> list[Header]:
    """What is to be set, by the rule and the words of the cookies."""
    pairs = cookie.split(b"; ")
    here = b"optout_here=1" in pairs
    everywhere = pairs.count(b"optout=1") > here
    return [
        *([cookies.opt_out(secure)] if everywhere else []),
        *(cookies.opt_out_here(secure) if here else ()),
        *([cookies.forget_uid(secure)] if b"uid=0123abcd" in pairs else []),
    ]


def _allowed(origin: bytes) -> set[Header]:
    if not origin.startswith(b"https:"):
        return {("Vary", "Origin")}
    return {
        ("Vary", "Origin"),
        ("Access-Control-Allow-Origin", origin.decode()),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "Beacon-Outcome, Retry-After"),
    }


COOKIES = [
    b"; ".join((*out, *uid))
    for out, uid in product(
        (
            (b"optout=1",),
            (b"optout=1", b"optout_here=1"),
            (b"optout=1", b"optout_here=1", b"optout=1"),
        ),
        ((), (b"uid=0123abcd",), (b"uid=x", b"theme=dark")),
    )
]


@pytest.mark.parametrize("mode", list(VisitorMode))
@pytest.mark.parametrize("route", list(PATHS))
def test_who_opted_out_is_answered_by_the_rule_in_every_case(route, mode):
    for secure, cookie, origin in product((True, False), COOKIES, ORIGINS):
        answers = _answers(mode, secure=secure)
        answer = _single(answers, _hit(route, cookie, origin), Outcome.OPTED_OUT)
        plain = _single(answers, _hit(route), Outcome.IGNORED)
        others = [header for header in answer.headers if header[0] != "Set-Cookie"]
        expected = {*plain.headers} - {("Beacon-Outcome", "ignored")}
        expected |= {("Beacon-Outcome", "opted-out")}
        expected |= _allowed(origin) if route is Route.EVENTS else set()
        assert set(others) == expected
        assert len(others) == len(expected)
        asked = [header for header in answer.headers if header[0] == "Set-Cookie"]
        assert asked == _renewed(cookie, secure)
        assert (answer.status, answer.body) == (plain.status, plain.body)
        assert (answer.route, answer.outcome) == (route, Outcome.OPTED_OUT)


@pytest.mark.parametrize("route", list(PATHS))
@pytest.mark.parametrize("outcome", [Outcome.STORED, Outcome.OPTED_OUT, Outcome.SHED])
def test_an_answers_bytes_say_what_its_headers_say(route, outcome):
    for cookie, origin in product(COOKIES, ORIGINS):
        answer = _single(_answers(), _hit(route, cookie, origin), outcome)
        head, _, body = answer.whole(b"Date: now\r\n").partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")[1:]
        said = [tuple(line.split(": ", 1)) for line in lines]
        kept = [header for header in said if header[0] not in ("Date", "Content-Length")]
        assert kept == list(answer.headers)
        assert body == answer.body


def test_what_is_ready_made_does_not_grow_with_the_requests():
    answers, seen = _answers(), dict[int, Reply]()
    for number in range(2_000):
        cookie = b"a=%d; optout=1; uid=%08x" % (number, number)
        origin = b"https://site-%d.example" % number
        for route in (Route.PIXEL, Route.EVENTS):
            answer = _single(answers, _hit(route, cookie), Outcome.OPTED_OUT)
            assert isinstance(answer, ReadyReply)
            seen[id(answer)] = answer
        assert not isinstance(
            _single(answers, _hit(Route.EVENTS, cookie, origin), Outcome.OPTED_OUT), ReadyReply
        )
    assert len(seen) == 2


def test_who_opted_out_leaves_nothing_in_what_is_kept():
    answers = _answers()
    hit = _hit(Route.PIXEL, b"secret=42; optout=1; uid=0123abcd", b"https://secret.example")
    answer = _single(answers, hit, Outcome.OPTED_OUT)
    for word in (b"secret", b"42;", b"0123abcd"):
        assert word not in answer.whole(b"Date: now\r\n")


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_array_that_is_stored_is_answered_as_its_only_event_would_be(origin):
    answers, hit = _answers(), _hit(Route.EVENTS, b"", origin)
    verdict = Verdict(Outcome.STORED)
    array = answers.array(hit, [Fate(verdict, Outcome.STORED)] * 2)
    single = answers.single(hit, verdict, Outcome.STORED)
    assert (array.start, array.headers) == (single.start, single.headers)


def test_in_cookie_mode_an_answer_is_made_for_who_has_no_number_only():
    answers = _answers(VisitorMode.COOKIE)
    known = _single(answers, _hit(Route.PIXEL, b"uid=0123abcd"), Outcome.STORED, 7)
    assert known is answers.pixel(Outcome.STORED)
    unknown = _single(answers, _hit(Route.PIXEL, b"uid=x"), Outcome.STORED, 7)
    assert unknown.headers == (*known.headers, cookies.uid(7, True))
    assert not isinstance(unknown, ReadyReply)


def test_bytes_are_kept_for_one_date_and_made_anew_for_another():
    plain = reply(200, (("X", "y"),), b"body", Route.PIXEL, Outcome.STORED)
    ready = ReadyReply(plain)
    first, second = b"Date: %d\r\n" % 1, b"Date: %d\r\n" % 2
    for date in (first, first, second, second, first):
        assert ready.whole(date) == plain.whole(date)
    assert ready.whole(first) is ready.whole(first)
    assert plain.whole(first) is not plain.whole(first)


def test_a_ready_answer_is_whole_with_any_date_the_first_time_too() -> None:
    for date in (b"", b"Date: x\r\n"):
        assert ReadyReply(GOOD).whole(date) == encode(GOOD, date, b"", False)
