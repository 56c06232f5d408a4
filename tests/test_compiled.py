"""What runs is compiled, from the source as it is now, and so the tests test what is measured."""

from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from ingest.compiled import is_compiled
from tests.support.interpreted import ROOT

IN_PLACE = [ROOT / "ingest" / "beacon" / "raw.pxd"]
"""Functions that are put into the modules that call them: there is nothing to load."""
DECLARED = [path for path in sorted((ROOT / "ingest").glob("*/*.pxd")) if path not in IN_PLACE]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_the_server_says_that_it_is_compiled():
    assert is_compiled()


@pytest.mark.parametrize("declared", DECLARED, ids=_name)
def test_a_module_is_compiled_from_its_source_as_it_is(declared: Path):
    loaded = import_module(_name(declared)).__file__
    assert loaded is not None
    assert loaded.endswith(tuple(EXTENSION_SUFFIXES)), "run make dev"
    made = Path(loaded).stat().st_mtime
    text = declared.read_text()
    taken = [path for path in IN_PLACE if f"cimport {path.stem}" in text]
    for source in (declared, declared.with_suffix(".py"), *taken):
        assert source.stat().st_mtime <= made, f"{source} has changed since: run make dev"


def test_setup_compiles_what_is_declared():
    text = (ROOT / "setup.py").read_text()
    for declared in DECLARED:
        assert f'"{declared.parent.name}/{declared.stem}"' in text
