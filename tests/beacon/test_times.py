from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.times import Times

milliseconds = st.integers(0, 4_102_444_800_000)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def written(number: int) -> str:
    time = EPOCH + timedelta(milliseconds=number)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@given(st.lists(milliseconds | st.integers(1_700_000_000_000, 1_700_000_003_000)))
def test_every_time_is_rfc_3339_in_utc_whatever_was_asked_before(numbers: list[int]) -> None:
    times = Times()
    assert [times.text(number) for number in numbers] == [written(number) for number in numbers]


def test_seconds_and_days_turn_over() -> None:
    times = Times()
    assert times.text(951_782_399_999) == "2000-02-28T23:59:59.999Z"
    assert times.text(951_782_400_000) == "2000-02-29T00:00:00.000Z"
    assert times.text(951_782_399_999) == "2000-02-28T23:59:59.999Z"
