"""Telegraf: `http_listener_v2` in, Kafka out."""

import re
from collections.abc import Sequence

from benchmarks.peers.peer import CACHE, HERE, Does, Peer, Place

SOURCE = HERE / "telegraf"
PROGRAM = CACHE / "telegraf"
_CONFIGURATION = """
[agent]
  interval = "1s"
  flush_interval = "1s"
  metric_batch_size = 5000
  metric_buffer_limit = 1000000
  omit_hostname = true
  quiet = true

[[inputs.http_listener_v2]]
  service_address = "tcp://127.0.0.1:{port}"
  paths = ["/p.gif"]
  methods = ["GET"]
  data_source = "query"
  # Of fields this parser keeps only numbers; what is text must be a tag.
  data_format = "form_urlencoded"
  form_urlencoded_tag_keys = ["s", "u", "r", "t", "p", "lang", "tz"]
  [inputs.http_listener_v2.http_header_tags]
    X-Forwarded-For = "ip"
    User-Agent = "agent"
    Accept-Language = "language"
    Referer = "referer"

[[outputs.kafka]]
  brokers = ["{bootstrap}"]
  topic = "{topic}"
  routing_tag = "s"
  compression_codec = 3
  required_acks = -1
  data_format = "json"
"""


class Telegraf(Peer):
    """Answers 204 when the ping is in its memory; a batch goes to Kafka every second."""

    name = "Telegraf http_listener_v2"
    does = Does(kafka=True)

    def missing(self) -> str | None:
        """What `benchmarks peers --build` builds."""
        return None if PROGRAM.exists() else "not built: python -m benchmarks peers --build"

    def version(self) -> str:
        """The one that is built."""
        found = re.search(r"influxdata/telegraf v(\S+)", (SOURCE / "go.mod").read_text())
        return f"Telegraf {found[1] if found else 'unknown'}"

    def commands(self, place: Place) -> Sequence[Sequence[str]]:
        """One process; as many threads as it has cores."""
        configuration = place.directory / "telegraf.conf"
        configuration.write_text(
            _CONFIGURATION.format(port=place.port, bootstrap=place.bootstrap, topic=place.topic)
        )
        return [[str(PROGRAM), str(configuration)]]
