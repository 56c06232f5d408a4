"""nginx: alone, the floor; and with rsyslog, the classic pipeline in C."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.peer import Does, Peer, Place, said_version, which

_NGINX = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
worker_processes 1;
worker_rlimit_nofile 65536;
{user}
events {{ worker_connections 16384; }}
http {{
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    keepalive_requests 100000000;
    {log}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /p.gif {{ empty_gif; }}
    }}
}}
"""
_ADDRESS_AND_OPT_OUT = """
    map $http_x_forwarded_for $network {
        "~(?<kept>[0-9]+\\.[0-9]+\\.[0-9]+)\\.[0-9]+$" $kept.0;
        "~(?<kept>[0-9a-f]+:[0-9a-f]+:[0-9a-f]+):[0-9a-f:]+$" $kept::;
        default "";
    }
    map $http_cookie $counted {
        "~(^|; *)optout=1(;|$)" 0;
        default 1;
    }
    log_format event escape=json '{"time":"$msec","query":"$args","site":"$arg_s","ip":"$network",'
        '"agent":"$http_user_agent","language":"$http_accept_language","referer":"$http_referer"}';
"""
_RSYSLOG = """
global(workDirectory="{directory}/work" maxMessageSize="64k")
module(load="imfile" mode="inotify")
module(load="omkafka")
template(name="event" type="string" string="%msg%")
ruleset(name="events" queue.type="LinkedList" queue.size="500000" queue.dequeueBatchSize="1024") {{
    action(
        type="omkafka" topic="{topic}" broker=["{bootstrap}"] template="event" partitions.auto="on"
        resubmitOnFailure="on" keepFailedMessages="on" failedMsgFile="{directory}/failed"
        confParam=["compression.codec=lz4", "acks=all", "linger.ms=20",
                   "queue.buffering.max.messages=500000"]
        action.resumeRetryCount="-1"
    )
}}
input(
    type="imfile" file="{directory}/access.log" tag="ping" ruleset="events"
    maxLinesAtOnce="10000" maxSubmitAtOnce="1024" persistStateInterval="100000"
)
"""


class Nginx(Peer):
    """`empty_gif` and a line of access log."""

    name = "nginx empty_gif"
    does = Does()

    def missing(self) -> str | None:
        """Nothing else than nginx."""
        return None if which("nginx") else "nginx is not installed"

    def version(self) -> str:
        """As it says."""
        return f"nginx {said_version(which('nginx') or 'nginx', '-v')}"

    def commands(self, place: Place) -> Sequence[Sequence[str]]:
        """One worker, the usual log, written line by line as by default."""
        return [_nginx(place, f"access_log {place.directory}/access.log combined;")]


class NginxRsyslog(Peer):
    """nginx writes JSON lines, rsyslog follows the file and brings them onto Kafka."""

    name = "nginx + rsyslog omkafka"
    does = Does(kafka=True, anonymises=True, opts_out=True)

    def missing(self) -> str | None:
        """Both, and rsyslog's module for Kafka."""
        if not which("nginx"):
            return "nginx is not installed"
        if not which("rsyslogd"):
            return "rsyslog is not installed"
        found = list(Path("/usr/lib").glob("**/rsyslog/omkafka.so"))
        return None if found else "rsyslog's module omkafka is not installed (rsyslog-kafka)"

    def version(self) -> str:
        """As they say."""
        nginx = said_version(which("nginx") or "nginx", "-v")
        return f"nginx {nginx}, rsyslog {said_version(which('rsyslogd') or 'rsyslogd', '-v')}"

    def commands(self, place: Place) -> Sequence[Sequence[str]]:
        """The log is buffered for a second at most; rsyslog reads whole buffers."""
        (place.directory / "work").mkdir()
        (place.directory / "access.log").touch()
        configuration = place.directory / "rsyslog.conf"
        configuration.write_text(
            _RSYSLOG.format(directory=place.directory, topic=place.topic, bootstrap=place.bootstrap)
        )
        log = (
            f"{_ADDRESS_AND_OPT_OUT}"
            f"access_log {place.directory}/access.log event buffer=64k flush=1s if=$counted;"
        )
        return [
            _nginx(place, log),
            [
                which("rsyslogd") or "rsyslogd", "-n", "-f", str(configuration),
                "-i", f"{place.directory}/rsyslog.pid",
            ],
        ]  # fmt: skip


def _nginx(place: Place, log: str) -> list[str]:
    user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""
    configuration = place.directory / "nginx.conf"
    configuration.write_text(
        _NGINX.format(directory=place.directory, port=place.port, user=user, log=log)
    )
    program = which("nginx") or "nginx"
    error_log = f"{place.directory}/error.log"
    return [program, "-p", str(place.directory), "-e", error_log, "-c", str(configuration)]
