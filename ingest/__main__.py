"""The command line. Each command is a function elsewhere; this module only reads the words."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ingest import __version__
from ingest.config import Config
from ingest.configure import ConfigError, load, options

_FLAGS = {
    "--host": "http.host",
    "--port": "http.port",
    "--admin-port": "admin.port",
    "--data-dir": "data_dir",
    "--kafka": "kafka.bootstrap_servers",
    "--role": "role",
    "--workers": "workers",
}
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
    if parsed.command == "tail":
        from ingest.tail import TailOptions, tail

        wanted = TailOptions(parsed.topic, parsed.origin == "beginning", not parsed.no_follow)
        return tail(config, wanted)
    if parsed.command == "topics":
        from ingest.check import create_topics

        return create_topics(config)
    from ingest.check import check_config

    return check_config(config, parsed.offline)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ingest",
        description="Takes in the pings of web widgets and never loses one it has confirmed.",
        epilog="Any option can be given as --set NAME=VALUE, in a TOML file (--config), or in the "
        "environment, such as BEACON_HTTP__PORT. The README lists them all.",
    )
    parser.add_argument("--version", action="version", version=f"ingest {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _command(commands, "serve", "run the server", tuple(_FLAGS))
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
    check = _command(
        commands,
        "check-config",
        "check the configuration and all that it names: Kafka, topics, directories, keys",
        tuple(_FLAGS),
    )
    check.add_argument("--offline", action="store_true", help="ask no Kafka")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    what: str,
    flags: tuple[str, ...],
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
