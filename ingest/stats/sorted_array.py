"""Sorted arrays of numbers as sets: of all sets the smallest, and quick to add to while short.

Compiled, each function looks into arrays of one type only: of 32 bits (`I`) or of 64 (`Q`).
"""

from array import array


def vacancy(members: "array[int]", number: int) -> int:
    """Where a number of 32 bits is to be inserted; -1 when it is there."""
    low, high, numbers = 0, len(members), members
    while low < high:
        middle = (low + high) >> 1
        found = numbers[middle]
        if found == number:
            return -1
        if found < number:
            low = middle + 1
        else:
            high = middle
    return low


def wide_vacancy(members: "array[int]", number: int) -> int:
    """The same for 64 bits."""
    low, high, numbers = 0, len(members), members
    while low < high:
        middle = (low + high) >> 1
        found = numbers[middle]
        if found == number:
            return -1
        if found < number:
            low = middle + 1
        else:
            high = middle
    return low
