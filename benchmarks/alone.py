"""Measuring in a process of its own, which nothing else has warmed or filled."""

import gc
import multiprocessing
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def alone(measure: Callable[..., T], *arguments: Any) -> T:
    """Call a function of a module in a new process, and return what it returns."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def collect_seldom() -> None:
    """Have garbage collected as seldom as the server does."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
