"""What numbers the commands take: each says what is wrong with one that it does not."""

import argparse
import math


def above_zero(text: str) -> float:
    """Return a number above zero. Raises `ArgumentTypeError`, or `ValueError` for none at all."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def not_negative(text: str) -> float:
    """Return zero or more. Raises the same."""
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def share(text: str) -> float:
    """Return a number from 0 to 1. Raises the same."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return number


def at_least_one(text: str) -> int:
    """Return an integer above zero. Raises the same."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number
