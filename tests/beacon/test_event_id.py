import os
import uuid
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.event_id import EventIds, normal


@given(st.uuids())
def test_a_uuid_of_any_version_is_taken_in_lower_case(value: uuid.UUID) -> None:
    assert normal(str(value)) == str(value)
    assert normal(str(value).upper()) == str(value)


@pytest.mark.parametrize(
    "good",
    [
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "919108f7-52d1-4320-9bac-f847db4148a8",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    ],
)
def test_nil_max_and_the_examples_of_the_rfc_are_taken(good: str) -> None:
    assert normal(good) == good.lower()


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "017f22e279b07cc398c4dc0c0c07398f",
        "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
        "urn:uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n",
        " 017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b07-cc3-98c4-dc0c0c07398f",
        "٠17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        1,
        True,
        ["017f22e2-79b0-7cc3-98c4-dc0c0c07398f"],
        uuid.UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"),
    ],
    ids=repr,
)
def test_anything_else_is_none(bad: object) -> None:
    assert normal(bad) is None


@given(st.integers(0, 2**48 - 1))
def test_our_ids_are_uuids_of_version_7_with_the_time_in_front(now: int) -> None:
    text = EventIds(os.urandom).new(now).decode()
    parsed = uuid.UUID(text)
    assert str(parsed) == text == normal(text)
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == now


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2))
def test_our_ids_sort_by_time(times: list[int]) -> None:
    ids = EventIds(os.urandom)
    made = [(ids.new(now), now) for now in times]
    assert [now for _, now in sorted(made)] == sorted(times)


def test_no_random_byte_is_used_twice() -> None:
    pools = count()

    def entropy(size: int) -> bytes:
        begin = next(pools) * size
        return b"".join(number.to_bytes(2) for number in range(begin // 2, (begin + size) // 2))

    ids = EventIds(entropy)
    made = {ids.new(0) for _ in range(5_000)}
    assert len(made) == 5_000
    assert next(pools) == -(-5_000 // (4_096 // 10))


def test_bits_that_are_not_fixed_are_all_random() -> None:
    ids = EventIds(os.urandom)
    numbers = [uuid.UUID(ids.new(0).decode()).int for _ in range(200)]
    ever_one, ever_zero = 0, 0
    for number in numbers:
        ever_one |= number
        ever_zero |= ~number
    varies = (ever_one & ever_zero) & (2**80 - 1)
    fixed = (0xF << 76) | (0b11 << 62)
    assert varies == (2**80 - 1) & ~fixed
