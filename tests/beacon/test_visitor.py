"""A visitor's number is the same for the same visit on one day, and says nothing else."""

import os
from hashlib import blake2b

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.beacon.day_key import DayKey
from ingest.beacon.visitor import VisitorNumber, uid_cookie, uid_value
from tests.support.heads import head_of

_DAY = 86_400_000
_NOW = 20_000 * _DAY
_VISIT = (b"example", "192.0.2.0", b"Mozilla/5.0", b"de")


def _number(numbers, now, site, network, agent, language):
    head = head_of({b"user-agent": agent, b"accept-language": language})
    return numbers.number(now, site, network, head)


@pytest.fixture
def numbers(tmp_path):
    return VisitorNumber(DayKey(tmp_path / "visitor.key", os.urandom, _NOW))


def test_the_same_visit_has_the_same_number_all_day(numbers):
    assert _number(numbers, _NOW, *_VISIT) == _number(numbers, _NOW + _DAY - 1, *_VISIT)


def test_another_day_gives_another_number(numbers):
    assert _number(numbers, _NOW, *_VISIT) != _number(numbers, _NOW + _DAY, *_VISIT)


def test_another_key_gives_another_number(numbers, tmp_path):
    other = VisitorNumber(DayKey(tmp_path / "other.key", os.urandom, _NOW))
    assert _number(numbers, _NOW, *_VISIT) != _number(other, _NOW, *_VISIT)


def test_without_the_days_key_there_is_no_number(tmp_path):
    """Nor in the same millisecond, by what an earlier key or none at all would give."""

    class Missing(DayKey):
        def key(self, now_ms: int) -> bytes:
            raise OSError("no key")

    numbers = VisitorNumber(Missing(tmp_path / "visitor.key", os.urandom, _NOW))
    for _ in range(2):
        with pytest.raises(OSError, match="no key"):
            _number(numbers, _NOW, *_VISIT)


@pytest.mark.parametrize("changed", range(4))
def test_each_part_counts(numbers, changed):
    visit = list(_VISIT)
    visit[changed] = visit[changed] + visit[changed][:1]
    assert _number(numbers, _NOW, *visit) != _number(numbers, _NOW, *_VISIT)


def test_bytes_that_move_between_parts_change_the_number(numbers):
    splits = {_number(numbers, _NOW, b"s", "", b"abcdef"[:at], b"abcdef"[at:]) for at in range(7)}
    assert len(splits) == 7


def test_only_the_first_1024_bytes_of_a_header_count(numbers):
    one = _number(numbers, _NOW, b"s", "", b"a" * 1_024 + b"b", b"")
    assert one == _number(numbers, _NOW, b"s", "", b"a" * 9_999, b"")


_headers = st.binary(max_size=300) | st.binary(min_size=1_020, max_size=1_030)


@given(st.binary(max_size=64), st.text(max_size=60), _headers, _headers)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_number_is_the_keyed_hash_of_lengths_and_parts(tmp_path, site, network, agent, language):
    key = DayKey(tmp_path / "visitor.key", os.urandom, _NOW)
    place, kept, spoken = network.encode(), agent[:1_024], language[:1_024]
    message = b"%d %d %d %b%b%b%b" % (
        len(site), len(place), len(kept), site, place, kept, spoken
    )  # fmt: skip
    digest = blake2b(message, key=key.key(_NOW), digest_size=4).digest()
    number, numbers = int.from_bytes(digest, "big"), VisitorNumber(key)
    assert _number(numbers, _NOW, site, network, agent, language) == number


@given(st.binary(max_size=64), st.text("0123456789abcdef:."), st.binary(), st.binary())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_every_number_fits_32_bits_and_its_cookie(numbers, site, network, agent, language):
    number = _number(numbers, _NOW, site, network, agent, language)
    assert 0 <= number < 2**32
    assert uid_cookie(head_of({b"cookie": f"uid={uid_value(number)}".encode()})) == number


def test_a_cookies_value_has_8_digits():
    assert uid_value(0) == "00000000"
    assert uid_value(2**32 - 1) == "ffffffff"


@pytest.mark.parametrize(
    ("cookie", "number"),
    [
        ("uid=0000002a", 42),
        ("a=b; uid=0000002a ;c", 42),
        ("uid=junk; uid=0000002a", 42),
        ("uid=0000002A", None),
        ("uid=2a", None),
        ("uid=0000002a0", None),
        ("uid=+000002a", None),
        ('uid="0000002a"', None),
        ("xuid=0000002a", None),
        ("uid", None),
        ("", None),
    ],
)
def test_only_a_well_formed_uid_is_read(cookie, number):
    assert uid_cookie(head_of({b"cookie": cookie.encode()})) == number


def test_no_cookie_no_number():
    assert uid_cookie(head_of({})) is None
