"""Which Pythons are built with profile-guided optimisation."""

import subprocess
import sys

import pytest

from benchmarks import python_build
from benchmarks.python_build import is_profile_guided


@pytest.mark.parametrize(
    ("arguments", "schemes", "guided"),
    [
        ("'--enable-optimizations' '--with-lto'", ("posix_prefix",), True),
        ("'--enable-shared'", ("posix_prefix",), False),
        (None, ("posix_prefix",), False),
        ("'--enable-shared'", ("deb_system", "posix_prefix"), True),
    ],
)
def test_it_is_told_by_how_it_was_configured(monkeypatch, arguments, schemes, guided):
    told = python_build.sysconfig
    monkeypatch.setattr(told, "get_config_var", {"CONFIG_ARGS": arguments}.get)
    monkeypatch.setattr(told, "get_scheme_names", lambda: schemes)
    assert is_profile_guided() is guided


def test_as_a_script_it_says_so_by_its_exit_code():
    done = subprocess.run([sys.executable, "-I", python_build.__file__], check=False)
    assert done.returncode == (0 if is_profile_guided() else 1)
