"""Where in a log a reader stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two frames: a segment's number and an offset in bytes.

    Positions order as the log does. One stays valid when its segment is gone: reading from it goes
    on with the next segment there is.
    """

    sequence: int
    offset: int

    def __str__(self) -> str:
        return f"{self.sequence}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read what `str` wrote. Raises `ValueError` for anything else."""
        sequence, colon, offset = text.partition(":")
        if not (colon and _is_number(sequence) and _is_number(offset)):
            raise ValueError("a position is written SEGMENT:OFFSET")
        return cls(int(sequence), int(offset))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


BEGINNING = Position(0, 0)
"""Before the oldest segment, whichever that is."""
