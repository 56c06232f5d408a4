"""Both lanes answer the same and store the same, however a request's bytes arrive."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.http.corpus import malformed, well_formed
from tests.http.harness import Harness, harness, request

GOOD = request("GET", "/p.gif?s=before")


def _seen(lane: Harness) -> tuple[list, list]:
    """What was stored and rejected; ids are random bytes, here all zero, so that they are equal."""
    seen = (lane.events, list(lane.rejected))
    lane.forget()
    return seen


@pytest.fixture
async def lanes(tmp_path):
    async with AsyncExitStack() as stack:
        made = []
        for name in ("true", "false"):
            options = {"fast_lane": name == "true"}
            (tmp_path / "data").mkdir(exist_ok=True)
            made.append(await stack.enter_async_context(harness(tmp_path / "data", http=options)))
        yield made


def test_the_corpus_has_at_least_300_requests():
    assert len(well_formed()) >= 300
    assert len({sample.data for sample in well_formed()}) >= 300


async def test_whole_requests_get_equal_answers_and_events(lanes):
    outcomes = set()
    for sample in well_formed():
        fast, slow = [await lane.send(sample.data, method=sample.method) for lane in lanes]
        assert fast.same == slow.same, sample.name
        assert _seen(lanes[0]) == _seen(lanes[1]), sample.name
        outcomes.add((fast.status, fast.outcome))
    assert {(200, "stored"), (204, "stored"), (400, "rejected"), (207, "rejected")} <= outcomes
    assert {(200, "opted-out"), (204, "opted-out"), (200, "ignored")} <= outcomes
    assert {(415, "refused"), (405, "refused"), (404, None), (417, "refused")} <= outcomes


async def test_bytes_one_by_one_make_no_difference(lanes):
    for sample in well_formed()[::3]:
        if len(sample.data) > 1_500:
            continue
        whole = await lanes[0].send(sample.data, method=sample.method)
        expected = _seen(lanes[0])
        pieces = [sample.data[at : at + 1] for at in range(len(sample.data))]
        for lane in lanes:
            answer = await lane.send(*pieces, method=sample.method)
            assert answer.same == whole.same, sample.name
            assert _seen(lane) == expected, sample.name


async def test_pipelined_behind_a_good_one_makes_no_difference(lanes):
    fast, slow = lanes
    for sample in well_formed():
        alone = await fast.send(sample.data, method=sample.method)
        events, rejected = _seen(fast)
        async with fast.connect() as client:
            await client.send(GOOD + sample.data)
            assert (await client.answer()).outcome == "stored"
            assert (await client.answer(sample.method)).same == alone.same, sample.name
        first, *others = fast.events
        assert first["site"] == "before"
        assert (others, fast.rejected) == (events, rejected), sample.name
        fast.forget()
        # Without the fast lane a connection ends with its first answer, and nothing of what was
        # pipelined behind it is stored: a client sends it again, as after any close.
        async with slow.connect() as client:
            await client.send(GOOD + sample.data)
            answer = await client.answer()
            assert (answer.outcome, answer.headers["connection"]) == ("stored", "close")
            assert await client.closed()
        assert [event["site"] for event in slow.events] == ["before"]
        slow.forget()


async def test_malformed_requests_are_refused_in_both_lanes_and_never_stored(lanes):
    for sample in malformed():
        answers = [await lane.send(sample.data) for lane in lanes]
        assert answers[0].same == answers[1].same, sample.data
        assert 400 <= answers[0].status < 600, sample.data
        assert answers[0].outcome == "refused", sample.data
        assert answers[0].headers["content-type"] == "application/problem+json"
        assert answers[0].json()["detail"]
        for lane in lanes:
            assert _seen(lane) == ([], []), sample.data


async def test_malformed_bytes_one_by_one_are_refused_too(lanes):
    for sample in malformed():
        if len(sample.data) > 500:
            continue
        for lane in lanes:
            async with lane.connect() as client:
                for at in range(len(sample.data)):
                    await client.send(sample.data[at : at + 1])
                    if client.reader._buffer:
                        break
                answer = await client.answer()
            assert 400 <= answer.status < 600, sample.data
            assert _seen(lane) == ([], []), sample.data


async def test_after_the_corpus_both_ledgers_agree_with_themselves(lanes):
    for sample in [*well_formed()[::7], *malformed()]:
        await asyncio.gather(*(lane.send(sample.data, method=sample.method) for lane in lanes))
    for lane in lanes:
        counts = lane.shared.counts
        assert counts.in_flight == 0
        assert counts.received == counts.answered.total() + counts.aborted
        assert counts.aborted == 0
    assert lanes[0].shared.counts.answered == lanes[1].shared.counts.answered
