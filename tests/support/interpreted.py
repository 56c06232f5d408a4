"""A compiled module's source, run by the interpreter: what the compiled one must agree with."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def interpreted(name: str) -> ModuleType:
    """Load `ingest.http.head` and the like from its `.py`, under a name of its own."""
    path = ROOT / f"{name.replace('.', '/')}.py"
    spec = spec_from_file_location(f"interpreted_{name.replace('.', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
