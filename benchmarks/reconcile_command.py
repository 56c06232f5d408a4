"""Proves that nothing confirmed is lost: sends numbered pings, then looks for each of them.

    python -m benchmarks reconcile http://127.0.0.1:8080 --data-dir data
    python -m benchmarks reconcile https://beacon.example --kafka broker:9092 --rate 500
    python -m benchmarks reconcile https://beacon.example --config collector.toml

Pings go to a site of their own, so that other traffic may go on. While it sends, break what you
like: kill the broker, stop it, fill the disk, kill the server.
"""

import argparse
import asyncio
import json
import os
import sys
import uuid
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from benchmarks.arguments import above_zero, not_negative
from benchmarks.reconcile import Answers, Pace, Report, send
from benchmarks.reconcile_found import Tally, settled
from benchmarks.reconcile_places import CannotLook, Place, Store, Topic
from ingest.configure import ConfigError, load

EXIT_OK, EXIT_LOSS, EXIT_NOT_PROVED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Proof:
    """What there is to say in the end."""

    answers: Answers
    tally: Tally
    report: Report

    @property
    def exit_code(self) -> int:
        """0 nothing lost, 1 a loss or a phantom, 2 nothing was confirmed, so nothing is proved."""
        if not self.report.good:
            return EXIT_LOSS
        return EXIT_OK if self.report.confirmed else EXIT_NOT_PROVED

    @property
    def verdict(self) -> str:
        """The exit code in words."""
        return {
            EXIT_OK: "nothing that was confirmed is lost",
            EXIT_LOSS: "LOST or from nowhere: see above",
            EXIT_NOT_PROVED: "nothing was confirmed, so nothing is proved",
        }[self.exit_code]

    def text(self) -> str:
        """Lines to read."""
        return (
            f"{self.report.text()}\n"
            f"p99 answer  {1000 * self.answers.p99:.0f} ms\n"
            f"ignored     {self.tally.ignored}  (records that are no event)\n"
            f"\n{self.verdict}"
        )

    def json(self) -> dict[str, Any]:
        """The same for programs, with the ids to look for."""
        found, answers = set(self.tally.of(self.answers.site)), self.answers
        return {
            "exit_code": self.exit_code,
            "verdict": self.verdict,
            "site": answers.site,
            **asdict(self.report),
            "ignored": self.tally.ignored,
            "p99_seconds": answers.p99,
            "lost_ids": sorted(answers.confirmed - found),
            "phantom_ids": sorted(found - set(answers.sent)),
        }


def main(arguments: list[str]) -> int:
    """Run the tool; returns the exit code: 0 nothing lost, 1 a loss or a phantom, 2 not proved."""
    parsed = _parser().parse_args(arguments)
    try:
        _save(parsed.json, {"exit_code": EXIT_NOT_PROVED, "verdict": "not ended"})
        with _written(parsed.answers) as written:
            proof = asyncio.run(_run(parsed, _place(parsed), written))
        print(proof.text())
        _save(parsed.json, proof.json())
    except CannotLook as error:
        _save(parsed.json, {"exit_code": EXIT_NOT_PROVED, "verdict": str(error)})
        return _refuse(error)
    except (ConfigError, OSError) as error:
        return _refuse(error)
    except KeyboardInterrupt:
        return 130
    return proof.exit_code


def _refuse(error: Exception) -> int:
    for line in str(error).splitlines():
        print(f"reconcile: {line}", file=sys.stderr)
    return EXIT_NOT_PROVED


def _save(file: Path | None, said: dict[str, Any]) -> None:
    """Also written at the start: that a file cannot be is to be known before sending."""
    if file is not None:
        file.write_text(json.dumps(said, indent=2) + "\n")


def _written(file: Path | None) -> AbstractContextManager[TextIO | None]:
    """By line: a run that is killed leaves every answer that it had."""
    return nullcontext() if file is None else file.open("w", buffering=1)


async def _run(parsed: argparse.Namespace, place: Place, written: TextIO | None) -> Proof:
    answers = Answers(f"reconcile-{uuid.uuid4().hex[:12]}", written=written)
    tally = Tally({answers.site})
    await place.skip_to_end()
    pace = Pace(parsed.rate, parsed.seconds)
    with _bar("sent", int(pace.rate * pace.seconds)) as bar:
        await send(parsed.url, pace, answers, bar.update)
    confirmed = answers.confirmed
    with _bar("found", len(confirmed)) as bar:

        def show(report: Report) -> None:
            bar.update(report.confirmed - report.lost - bar.n)

        waits = (parsed.settle, parsed.patience if confirmed else parsed.settle)
        report = await settled((answers,), place, tally, waits, show)
    return Proof(answers, tally, report)


def _bar(what: str, total: int) -> "tqdm[Any]":
    return tqdm(total=total, desc=what, unit=" pings", disable=not sys.stderr.isatty())


def _place(parsed: argparse.Namespace) -> Place:
    """Where to look: what the flags say; else where the collector's configuration puts events."""
    if parsed.data_dir is not None and parsed.kafka is not None:
        raise ConfigError("give --data-dir or --kafka, not both: events are in one of them")
    config = load(parsed.config, os.environ, _flags(parsed))
    if parsed.data_dir is None and config.uses_kafka:
        return Topic(config.kafka)
    if "data_dir" not in config.model_fields_set:
        raise ConfigError("give --data-dir or --kafka, or the collector's --config: where to look")
    return Store(config.data_dir)


def _flags(parsed: argparse.Namespace) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for text in parsed.assignments:
        name, sign, value = text.partition("=")
        if not sign:
            raise ConfigError("--set: give it as NAME=VALUE")
        pairs.append((name.strip(), value))
    if parsed.data_dir is not None:
        pairs.append(("data_dir", parsed.data_dir))
    if parsed.kafka is not None:
        pairs.append(("kafka.bootstrap_servers", parsed.kafka))
    return pairs


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as http://127.0.0.1:8080")
    return text.rstrip("/")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks reconcile",
        description="Send numbered pings, then look for each of them.",
        epilog="Exit code: 0 nothing that was confirmed is lost; 1 a loss or a phantom; 2 nothing "
        "is proved: bad words, nothing to look at, or nothing was confirmed.",
    )
    parser.add_argument("url", type=_url, help="the server, such as http://127.0.0.1:8080")
    parser.add_argument("--rate", type=above_zero, default=200, help="pings a second (default 200)")
    parser.add_argument(
        "--seconds", type=above_zero, default=10, help="how long to send (default 10)"
    )
    _add_where(parser)
    _add_waits(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there too")
    parser.add_argument(
        "--answers", type=Path, metavar="FILE", help="write each id and its answer there at once"
    )
    return parser


def _add_where(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group(
        "where to look",
        "As the collector is configured: its file, its environment (BEACON_KAFKA__SASL_PASSWORD "
        "and so on), its flags. A password belongs in the environment.",
    )
    where.add_argument("--data-dir", metavar="DIR", help="this server's directory: its store")
    where.add_argument("--kafka", metavar="HOST:PORT", help="this cluster; a list with commas")
    where.add_argument("--config", type=Path, metavar="FILE", help="the collector's TOML file")
    where.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any option, such as --set kafka.topic_prefix=staging",
    )


def _add_waits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settle",
        type=not_negative,
        default=3,
        help="seconds without news to wait once nothing is missing (default 3)",
    )
    parser.add_argument(
        "--patience",
        type=not_negative,
        default=60,
        help="seconds without news to wait while something is missing (default 60)",
    )
