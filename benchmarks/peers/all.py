"""All servers, in the order of the reports."""

from collections.abc import Sequence

from benchmarks.peers.collector import Collector, CollectorFar
from benchmarks.peers.nginx import Nginx, NginxRsyslog
from benchmarks.peers.ours import Ours, OursAlone, OursCounting, OursFar, OursSlow, OursStore
from benchmarks.peers.peer import Peer
from benchmarks.peers.python import FastApi, Plain
from benchmarks.peers.telegraf import Telegraf

YARDSTICK = Nginx()
OURS: Sequence[Peer] = (Ours(), OursCounting(), OursStore(), OursSlow())
PEERS: Sequence[Peer] = (YARDSTICK, NginxRsyslog(), Telegraf(), Collector(), Plain(), FastApi())
FAULTY: Sequence[Peer] = (OursFar(), CollectorFar(), OursAlone())
"""Those whose Kafka is slow or absent."""
