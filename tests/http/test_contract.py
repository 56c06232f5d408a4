"""Every answer to a beacon is the contract's, and bad input is told what is wrong with it."""

import json
import uuid

import pytest

from ingest.http.answers import GIF
from ingest.log.sink import SinkFull, SinkTimeout, SinkUnavailable
from tests.http.harness import Answer, harness, request

EVENT = b'{"s":"example"}'
ID = "00000000-0000-4000-8000-00000000000a"
SHED, FAILED = SinkFull("full"), SinkTimeout("late")


@pytest.fixture(params=[True, False], ids=["fast lane", "slow lane"])
async def server(tmp_path, request):
    async with harness(tmp_path, http={"fast_lane": request.param}) as made:
        yield made


def _is_problem(answer: Answer, status: int, outcome: str) -> bool:
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert document["status"] == answer.status
    assert document["title"]
    assert document["detail"]
    return (answer.status, answer.outcome) == (status, outcome)


# -- one event ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"17", b'"text"', b"true", b"{", b'{"s":"example"', b"{'s':1}",
        b'{"s":"example"} x', b'\xef\xbb\xbf{"s":"example"}', b'{"s":"\xff"}', b'{"s":"\x00"}',
        b'{"s":"a","t":"\\ud800"}', b'{"s":"a","d":1e400}', b'{"s":"a","d":NaN}', b"[]",
        b"[" * 60_000, b'{"a":' * 10_000, b"s=example", b"\x1f\x8b\x08\x00",
    ],
    ids=range(21),
)  # fmt: skip
async def test_what_is_no_object_or_array_in_json_is_rejected_whole(server, body):
    answer = await server.post(body)
    assert _is_problem(answer, 400, "rejected")
    assert "results" not in answer.json()
    assert server.events == []


@pytest.mark.parametrize(
    "site", ["a/b", "", "-a", "a b", "x" * 65, "é", "a\u0000", None, 5, True, [], {"a": 1}]
)
async def test_a_bad_site_is_named(server, site):
    answer = await server.post(json.dumps({"s": site, "id": ID.upper()}).encode())
    assert _is_problem(answer, 400, "rejected")
    assert (answer.json()["field"], answer.json()["id"]) == ("site", ID)
    assert server.events == []


@pytest.mark.parametrize("name", ["Bad", "a b", "1a", "x" * 41, 5, False])
async def test_a_bad_name_is_named(server, name):
    answer = await server.post(json.dumps({"s": "example", "e": name}).encode())
    assert _is_problem(answer, 400, "rejected")
    assert answer.json()["field"] == "name"


async def test_a_problem_shows_nothing_of_what_was_sent(server):
    answer = await server.post(b'{"s":"<script>alert(1)</script>","t":"secret"}')
    assert b"script" not in answer.body
    assert b"secret" not in answer.body


async def test_bad_values_of_other_fields_are_dropped_and_named(server):
    deep = b"[" * 500 + b"]" * 500
    body = b'{"s":"example","t":7,"sw":99999999999999999999999999,"d":1e300,"props":%b}' % deep
    assert (await server.post(body)).outcome == "stored"
    (event,) = server.events
    assert set(event["dropped"]) == {"title", "screen_width", "engaged_seconds", "props"}


async def test_the_last_of_duplicate_keys_counts(server):
    assert (await server.post(b'{"s":"first","s":"last"}')).status == 204
    assert (await server.post(b'{"s":"good","s":"!"}')).status == 400
    assert [event["site"] for event in server.events] == ["last"]


@pytest.mark.parametrize(
    "given",
    [
        "", "text/plain", "application/json", "TEXT/Plain;charset=UTF-8",
        'application/json; charset="utf-8"', "application/json ; charset=utf8",
    ],
)  # fmt: skip
async def test_a_content_type_of_the_contract_is_taken(server, given):
    assert (await server.post(EVENT, Content_Type=given)).outcome == "stored"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/html"},
        {"Content_Type": "application/jsonx"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "multipart/form-data; boundary=x"},
        {"Content_Type": "application/json; charset=latin-1"},
        {"Content_Encoding": "gzip"},
        {"Content_Encoding": "identity", "Content_Type": "text/plain"},
    ],
)
async def test_another_content_type_or_encoding_is_refused_even_when_opted_out(server, headers):
    for more in ({}, {"Cookie": "optout=1"}):
        answer = await server.post(EVENT, **headers, **more)
        assert _is_problem(answer, 415, "refused")
        assert "Content-" in answer.json()["detail"]
    assert server.events == []


async def test_an_event_that_is_not_stored_is_to_be_sent_again_with_its_id(server):
    for error, outcome in ((SHED, "shed"), (FAILED, "failed"), (SinkUnavailable("no"), "shed")):
        server.sink.error = error
        answer = await server.post(EVENT)
        assert _is_problem(answer, 503, outcome)
        assert answer.headers["retry-after"] == "5"
        assert uuid.UUID(answer.json()["id"]).version == 7


# -- arrays ---------------------------------------------------------------------------------------


def _array(*events: object) -> bytes:
    return json.dumps(events).encode()


async def test_an_array_of_which_all_are_stored_needs_no_results(server):
    answer = await server.post(_array(*[{"s": "example"}] * 100))
    assert (answer.status, answer.outcome, answer.body) == (204, "stored", b"")
    assert len(server.events) == 100


async def test_an_array_of_101_is_rejected_whole(server):
    answer = await server.post(_array(*[{"s": "example"}] * 101))
    assert _is_problem(answer, 400, "rejected")
    assert "100" in answer.json()["detail"]
    assert server.events == []


async def test_bad_events_of_an_array_do_not_keep_others_from_being_stored(server):
    answer = await server.post(
        _array({"s": "a", "id": ID}, {"s": "a/b", "id": ID}, 17, {"s": "b", "e": "B"}, {"s": "c"})
    )
    assert (answer.status, answer.outcome) == (207, "rejected")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    results = answer.json()["results"]
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
    outcomes = [result["outcome"] for result in results]
    assert outcomes == ["stored", "rejected", "rejected", "rejected", "stored"]
    assert [result.get("id") for result in results[:4]] == [ID, ID, None, None]
    assert ["reason" in result for result in results] == [False, True, True, True, False]
    assert results[4]["id"] == server.events[1]["id"]
    assert [event["site"] for event in server.events] == ["a", "c"]


async def test_an_array_of_which_all_are_rejected_is_answered_400_with_results(server):
    answer = await server.post(_array({"s": "!"}, [], None, "x"))
    assert _is_problem(answer, 400, "rejected")
    results = answer.json()["results"]
    assert [(one["index"], one["outcome"]) for one in results] == [
        (index, "rejected") for index in range(4)
    ]
    assert all(one["reason"] for one in results)


async def test_an_array_not_stored_is_answered_503_with_results(server):
    for error, outcome in ((SHED, "shed"), (FAILED, "failed")):
        server.sink.error = error
        answer = await server.post(_array({"s": "a", "id": ID}, {"s": "!"}))
        assert _is_problem(answer, 503, outcome)
        assert answer.headers["retry-after"] == "5"
        results = answer.json()["results"]
        assert [one["outcome"] for one in results] == [outcome, "rejected"]
        assert results[0]["id"] == ID


async def test_the_worst_outcome_names_the_whole_answer(tmp_path):
    """There is room for some of the events, which fail; the others are shed."""
    async with harness(tmp_path, delivery={"max_waiting": 65_536}) as server:
        server.sink.error = FAILED
        answer = await server.post(_array(*[{"s": "a", "t": "t" * 500}] * 99, {"s": "!"}))
        outcomes = {one["outcome"] for one in answer.json()["results"]}
        assert outcomes == {"failed", "shed", "rejected"}
        assert _is_problem(answer, 503, "failed")


# -- images ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("good", "bad", "kind"),
    [
        ("/p.gif?s=example", "/p.gif?s=a/b", "image/gif"),
        ("/badge/example.svg", "/badge/!.svg", "image/svg+xml"),
    ],
    ids=["pixel", "badge"],
)
async def test_image_routes_answer_with_their_image_whatever_happens(server, good, bad, kind):
    answers = [await server.get(good), await server.get(bad)]
    for server.sink.error in (SHED, FAILED):
        answers.append(await server.get(good))
    found = [(answer.status, answer.outcome) for answer in answers]
    assert found == [(200, "stored"), (400, "rejected"), (503, "shed"), (503, "failed")]
    assert {answer.body for answer in answers} == {answers[0].body}
    assert {answer.headers["content-type"] for answer in answers} == {kind}
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    again = [answer.headers.get("retry-after") for answer in answers]
    assert again == [None, None, "5", "5"]


async def test_the_pixel_is_43_bytes(server):
    assert (await server.get("/p.gif?s=example")).body == GIF
    assert (len(GIF), GIF[:6], GIF[-1:]) == (43, b"GIF89a", b";")


@pytest.mark.parametrize(
    "query", ["", "?", "?s=", "?site=", "?u=https%3A%2F%2Fa.example", "?s=%ff"]
)
async def test_a_pixel_without_a_site_is_rejected(server, query):
    answer = await server.get(f"/p.gif{query}")
    assert (answer.status, answer.outcome, answer.body) == (400, "rejected", GIF)


# -- methods and paths ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("POST", "/p.gif?s=example", "GET, HEAD"),
        ("DELETE", "/badge/example.svg", "GET, HEAD"),
        ("GET", "/e", "OPTIONS, POST"),
        ("PUT", "/e", "OPTIONS, POST"),
    ],
)
async def test_a_wrong_method_is_told_which_are_right(server, method, target, allow):
    answer = await server.send(request(method, target), method=method.encode())
    assert _is_problem(answer, 405, "refused")
    assert answer.headers["allow"] == allow


async def test_head_is_a_wrong_method_for_events(server):
    answer = await server.send(request("HEAD", "/e"), method=b"HEAD")
    assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS, POST")
    assert answer.outcome == "refused"


async def test_a_wrong_method_on_a_page_is_told_which_are_right(server):
    answer = await server.send(request("DELETE", "/opt-out"))
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize(
    "target",
    [
        "/p.gif/", "//p.gif?s=example", "/P.gif?s=example", "/p%2Egif?s=example", "/e/", "/E",
        "/badge/a/b.svg", "/badge/a", "/badge", "/x/../p.gif?s=example", "/p.gif;x?s=example",
        "/opt-out/", "/opt%2Dout", "/badge/a%2Fb.json/",
    ],
)  # fmt: skip
async def test_paths_match_raw_and_exactly(server, target):
    answer = await server.get(target)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.outcome is None
    assert server.events == []


# -- what is not stored looks like what is --------------------------------------------------------


_NOT_STORED = (
    ("opted-out", {"Cookie": "optout=1"}),
    ("ignored", {"Sec_Purpose": "prefetch"}),
    ("ignored", {"DNT": "1"}),
)


@pytest.mark.parametrize("origin", ["", "https://news.example"])
@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/p.gif?s=example", b""),
        ("/badge/example.svg", b""),
        ("/e", EVENT),
        ("/e", b"[%b]" % EVENT),
    ],
    ids=["pixel", "badge", "event", "array"],
)
async def test_what_is_not_stored_differs_only_in_outcome_and_cookies(
    tmp_path, target, body, origin
):
    options = {"signals": {"dnt": "drop"}}
    async with harness(tmp_path, **options) as server:
        method = "POST" if body else "GET"
        stored = await server.send(request(method, target, {"Origin": origin}, body))
        assert stored.outcome == "stored"
        for outcome, headers in _NOT_STORED:
            data = request(method, target, {"Origin": origin, **headers}, body)
            answer = await server.send(data)
            kept = dict(answer.headers)
            assert kept.pop("beacon-outcome") == outcome
            assert ("set-cookie" in kept) == (outcome == "opted-out")
            kept.pop("set-cookie", None)
            assert {**kept, "beacon-outcome": "stored"} == stored.headers
            assert (answer.status, answer.body) == (stored.status, stored.body)
        assert len(server.events) == 1


# -- every answer ---------------------------------------------------------------------------------


async def test_every_answer_to_a_beacon_names_its_outcome_and_is_not_cached(server):
    samples = (
        ("stored", request("GET", "/p.gif?s=a")),
        ("stored", request("GET", "/badge/a.svg")),
        ("stored", request("POST", "/e", {}, EVENT)),
        ("rejected", request("GET", "/p.gif")),
        ("rejected", request("POST", "/e", {}, b"{}")),
        ("rejected", request("POST", "/e", {}, b'[{"s":"a"},{}]')),
        ("opted-out", request("GET", "/p.gif?s=a", {"Cookie": "optout=1"})),
        ("opted-out", request("POST", "/e", {"Cookie": "optout=1"}, EVENT)),
        ("ignored", request("GET", "/badge/a.svg?ping=0")),
        ("refused", request("GET", "/e")),
        ("refused", request("PUT", "/p.gif?s=a")),
        ("refused", request("POST", "/e", {"Content-Type": "a/b"}, EVENT)),
        ("refused", request("POST", "/e", {"Content-Length": "65537"})),
        ("refused", request("POST", "/e", {"Transfer-Encoding": "chunked"}, b"ZZ\r\n")),
        ("refused", request("GET", "/p.gif?s=" + "a" * 9_000)),
    )
    for outcome, data in samples:
        answer = await server.send(data)
        assert answer.outcome == outcome, data[:60]
        assert answer.headers["cache-control"] == "no-store", data[:60]


async def test_no_answer_names_the_server(server):
    for target in ("/p.gif?s=a", "/e", "/", "/nowhere", "/opt-out"):
        assert "server" not in (await server.get(target)).headers


async def test_what_is_accepted_before_it_is_durable_says_so(tmp_path):
    async with harness(tmp_path, delivery={"ack": "accepted"}) as server:
        server.sink.open.clear()
        for data, status in (
            (request("GET", "/p.gif?s=a"), 200),
            (request("GET", "/badge/a.svg"), 200),
            (request("POST", "/e", {}, EVENT), 204),
            (request("POST", "/e", {}, b"[%b,%b]" % (EVENT, EVENT)), 204),
        ):
            answer = await server.send(data)
            assert (answer.status, answer.outcome) == (status, "accepted")
        answer = await server.post(b'[{"s":"a"},{"s":"!"}]')
        assert answer.status == 207
        assert [one["outcome"] for one in answer.json()["results"]] == ["accepted", "rejected"]
        assert server.events == []


async def test_accepting_without_room_is_shed(tmp_path):
    options = {"ack": "accepted", "max_waiting": 65_536}
    async with harness(tmp_path, delivery=options) as server:
        server.sink.open.clear()
        outcomes = [(await server.post(EVENT)).outcome for _ in range(400)]
        assert outcomes == sorted(outcomes)
        assert set(outcomes) == {"accepted", "shed"}
