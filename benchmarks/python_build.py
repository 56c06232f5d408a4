"""Whether a Python is built with profile-guided optimisation: a fifth off a ping.

`docs/performance.md` says more. A script, too, since `tests/setup.sh` asks it of every Python that
it finds: run by one, it ends with 0 where that one is. It imports nothing of ours.
"""

import sys
import sysconfig


def is_profile_guided() -> bool:
    """Whether this Python is.

    Debian's is, and does not say so: the configuration that it shows is that of its shared library.
    """
    said = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    return said or "deb_system" in sysconfig.get_scheme_names()


if __name__ == "__main__":
    sys.exit(not is_profile_guided())
