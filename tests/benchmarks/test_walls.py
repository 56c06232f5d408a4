"""The benchmarks stand by themselves: an operator has them without the tests."""

import ast
from pathlib import Path

import benchmarks


def test_no_benchmark_imports_a_test():
    for path in Path(benchmarks.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not [name for name in names if name.split(".")[0] == "tests"], path
