"""A report as it is kept: JSON that can be read again, to be drawn, compared and planned with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks.scenarios.cell import Cell
from benchmarks.scenarios.extras import Extras

_QUIET = 0.5
"""Load of a core below which a machine counts as quiet."""


class NoResults(Exception):
    """A file that holds no report; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Saved:
    """All of one run."""

    about: dict[str, Any]
    cells: Sequence[Cell]
    extras: Extras = field(default_factory=Extras)

    @property
    def busy(self) -> str | None:
        """Why the figures are provisional, where the machine had other things to do."""
        machine = self.about.get("machine", {})
        load, cores = machine.get("load_before", 0.0), machine.get("cores", 1)
        if load <= cores * _QUIET:
            return None
        return f"the machine was busy with other things (load {load:.1f} on {cores} cores)."

    @property
    def missed(self) -> Sequence[str]:
        """What was to be measured and was not, and why."""
        found: Sequence[str] = self.about.get("missed", ())
        return found

    def as_json(self) -> str:
        """For programs."""
        said = {
            "about": self.about,
            "extras": self.extras.as_dict(),
            "cells": [cell.as_dict() for cell in self.cells],
        }
        return json.dumps(said, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `as_json` wrote. Raises `NoResults`."""
        try:
            said = json.loads(path.read_text())
            cells = [Cell.from_dict(cell) for cell in said["cells"]]
            return cls(said["about"], cells, Extras.from_dict(said.get("extras", {})))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoResults(f"{path} holds no results of a run: {error!r}") from error
