import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.log.position import BEGINNING, Position

positions = st.builds(Position, st.integers(0, 2**63), st.integers(0, 2**63))


@given(positions)
def test_a_position_comes_back_from_its_text(position: Position) -> None:
    assert Position.parse(str(position)) == position


@given(positions, positions)
def test_positions_order_as_the_log_does(one: Position, other: Position) -> None:
    assert (one < other) == ((one.sequence, one.offset) < (other.sequence, other.offset))


@given(positions)
def test_nothing_is_before_the_beginning(position: Position) -> None:
    assert position >= BEGINNING


@pytest.mark.parametrize(
    "text",
    ["", ":", "1", "1:", ":1", "-1:2", "1:-2", "1:2:3", " 1:2", "1:2\n", "1_0:2", "²:1", "+1:2"],
)
def test_anything_else_is_no_position(text: str) -> None:
    with pytest.raises(ValueError, match="SEGMENT:OFFSET"):
        Position.parse(text)


def test_a_number_too_long_to_be_one_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="SEGMENT:OFFSET"):
        Position.parse("9" * 10_000 + ":0")
