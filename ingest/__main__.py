"""The command line. Each command is a function elsewhere; this module only reads the words."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest import __version__
from ingest.config import Config
from ingest.configure import ConfigError, load, options

_SERVE_FLAGS = {
    "--host": "http.host",
    "--port": "http.port",
    "--admin-port": "admin.port",
    "--data-dir": "data_dir",
    "--kafka": "kafka.bootstrap_servers",
    "--role": "role",
    "--workers": "workers",
}
_READ_FLAGS = {"--url": "read.url", "--token": "read.token"}
_FLAGS = {**_SERVE_FLAGS, **_READ_FLAGS}
_SHARED_FLAGS = ("--data-dir", "--kafka")

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 well, 1 failed, 2 bad words or configuration."""
    parsed = _parser().parse_args(arguments)
    try:
        config = load(parsed.config, os.environ, _flags(parsed))
    except ConfigError as error:
        for line in str(error).splitlines():
            print(f"ingest: {line}", file=sys.stderr)
        return EXIT_USAGE
    try:
        return _run(parsed, config)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `ingest tail | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK


def _run(parsed: argparse.Namespace, config: Config) -> int:
    # Imported where needed: `ingest --help` should not wait for Kafka's client to load.
    if parsed.command == "serve":
        from ingest.app import serve

        return serve(config)
    if parsed.command in ("tail", "stats"):
        return _print(parsed, config)
    if parsed.command == "topics":
        from ingest.check import create_topics

        return create_topics(config)
    if parsed.command == "quarantine":
        from ingest.quarantine import list_quarantine, send_quarantine

        return list_quarantine(config) if parsed.action == "list" else send_quarantine(config)
    if parsed.command == "sites":
        from ingest.sites_file import check_sites

        return check_sites(config, parsed.file)
    from ingest.check import check_config

    return check_config(config, parsed.offline)


def _print(parsed: argparse.Namespace, config: Config) -> int:
    if parsed.command == "tail":
        from ingest.tail import TailOptions, tail

        wanted = TailOptions(parsed.topic, parsed.origin == "beginning", not parsed.no_follow)
        return tail(config, wanted)
    from ingest.show_stats import Wanted, show_stats

    wanted_stats = Wanted(parsed.site, parsed.range, parsed.by, parsed.limit, parsed.json)
    return show_stats(config.read, wanted_stats)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ingest",
        description="Takes in the pings of web widgets and never loses one it has confirmed.",
        epilog="Any option can be given as --set NAME=VALUE, in a TOML file (--config), or in the "
        "environment, such as BEACON_HTTP__PORT. The README lists them all.",
    )
    parser.add_argument("--version", action="version", version=f"ingest {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _command(commands, "serve", "run the server", _SERVE_FLAGS)
    tail = _command(commands, "tail", "print events as JSON lines", _SHARED_FLAGS)
    tail.add_argument(
        "--from",
        dest="origin",
        choices=("beginning", "now"),
        default="beginning",
        help="where to begin (default beginning)",
    )
    tail.add_argument("--no-follow", action="store_true", help="stop at the end")
    tail.add_argument(
        "--topic",
        choices=("events", "rejected", "quarantine"),
        default="events",
        help="what to print (default events)",
    )
    topics = _command(
        commands,
        "topics",
        "make Kafka's topics where they are missing, and check the others",
        _SHARED_FLAGS,
    )
    topics.add_argument("action", choices=("create",))
    quarantine = _command(
        commands, "quarantine", "list what Kafka refused, or send it once more", _SHARED_FLAGS
    )
    quarantine.add_argument("action", choices=("list", "send"))
    what = "print who is on a site now, who was, and what they came for"
    _stats_words(_command(commands, "stats", what, _READ_FLAGS))
    sites = _command(commands, "sites", "check a file of known sites", ())
    sites.add_argument("action", choices=("check",))
    sites.add_argument("file", nargs="?", type=Path, help="the file (default: sites.file)")
    check = _command(
        commands,
        "check-config",
        "check the configuration and all that it names: Kafka, topics, directories, keys",
        _SERVE_FLAGS,
    )
    check.add_argument("--offline", action="store_true", help="ask no Kafka and no stats role")
    return parser


def _stats_words(stats: argparse.ArgumentParser) -> None:
    from ingest.http.api_models import BREAKDOWNS, MOST_ROWS, STEPS
    from ingest.show_stats import DEFAULT_LIMIT, DEFAULT_RANGE
    from ingest.stats_range import RANGES

    stats.add_argument("site", help="the site's name")
    stats.add_argument(
        "--range",
        type=_range,
        default=DEFAULT_RANGE,
        help=f"{RANGES} (default {DEFAULT_RANGE}); days are those of UTC",
    )
    stats.add_argument(
        "--by",
        choices=(*STEPS, *BREAKDOWNS),
        help="what a row is, and only those (default: rows of time, then all lists)",
    )
    stats.add_argument(
        "--limit",
        type=int,
        default=DEFAULT_LIMIT,
        help=f"rows of a list, most visitors first, {MOST_ROWS} at most (default {DEFAULT_LIMIT})",
    )
    stats.add_argument("--json", action="store_true", help="print what the API answered")


def _range(text: str) -> str:
    """Find mistakes before the server is asked; what the range is depends on the server's clock."""
    from ingest.stats_range import read_range

    try:
        read_range(text, now=0)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None
    return text


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    what: str,
    flags: Iterable[str],
) -> argparse.ArgumentParser:
    helps = {option.name: option for option in options()}
    parser = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file of options")
    for flag in flags:
        option = helps[_FLAGS[flag]]
        default = f" (default {option.default})" if option.default not in ("", "[]") else ""
        text = option.help.replace("%", "%%").replace("`", "") + default
        parser.add_argument(flag, dest=option.name, metavar="VALUE", help=text)
    parser.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set any option, such as --set http.fast_lane=false",
    )
    return parser


def _flags(parsed: argparse.Namespace) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for text in parsed.assignments:
        name, sign, value = text.partition("=")
        if not sign:
            raise ConfigError(f"--set {text}: give it as NAME=VALUE")
        pairs.append((name.strip(), value))
    for name in _FLAGS.values():
        value = getattr(parsed, name, None)
        if value is not None:
            pairs.append((name, value))
    return pairs


if __name__ == "__main__":
    sys.exit(main())
