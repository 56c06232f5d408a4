"""A real nginx with our site file, in a directory of its own."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.kafka import free_ports
from tests.support.process import kill, spawn, tail
from tests.support.wait import until

SITE = Path(__file__).parents[2] / "deploy" / "nginx" / "ingest.conf"
HOST = "beacon.example"
_MAIN = """
daemon off;
pid {prefix}/nginx.pid;
error_log {prefix}/main.error.log notice;
worker_processes 1;
{user}
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {prefix}/body;
    proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi;
    scgi_temp_path {prefix}/scgi;
    include {prefix}/ingest.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """Where it is."""

    prefix: Path
    http: int
    https: int

    @property
    def certificate(self) -> Path:
        """To be trusted by clients."""
        return self.prefix / "tls" / "fullchain.pem"

    @property
    def access_log(self) -> list[str]:
        """Lines so far."""
        return (self.prefix / "ingest.access.log").read_text().splitlines()

    def logs(self) -> str:
        """All that it has written."""
        return "".join(file.read_text() for file in sorted(self.prefix.glob("*.log")))


def prepare(prefix: Path, upstream: int) -> Nginx:
    """Write main configuration, certificate, and our site file with ports and paths of `prefix`."""
    nginx = Nginx(prefix, *free_ports(2))
    (prefix / "tls").mkdir(parents=True)
    _certificate(prefix / "tls")
    user = "user root;" if os.geteuid() == 0 else ""
    (prefix / "nginx.conf").write_text(_MAIN.format(prefix=prefix, user=user))
    (prefix / "ingest.conf").write_text(_adapted(nginx, upstream))
    return nginx


def check(nginx: Nginx) -> str:
    """Run `nginx -t`; returns what it says."""
    done = subprocess.run(
        [*_command(nginx), "-t"], capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@contextmanager
def running(nginx: Nginx) -> Iterator[Nginx]:
    """Run it, and end it at the end of the block."""
    output = nginx.prefix / "output"
    process = spawn(_command(nginx), env={}, stdout=output, stderr=output)
    try:
        until(lambda: _listens(nginx.https) or process.poll() is not None, 20, "nginx to listen")
        assert process.poll() is None, tail(output)
        yield nginx
    finally:
        kill(process)


def _command(nginx: Nginx) -> list[str]:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail("nginx is missing (Debian: nginx-light)")
    prefix = nginx.prefix
    return [
        found,
        "-p",
        str(prefix),
        "-e",
        f"{prefix}/main.error.log",
        "-c",
        f"{prefix}/nginx.conf",
    ]


def _adapted(nginx: Nginx, upstream: int) -> str:
    text = SITE.read_text()
    for pattern, replacement in (
        (r"listen 80;", f"listen 127.0.0.1:{nginx.http};"),
        (r"listen \[::\]:80;", f"listen [::1]:{nginx.http};"),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{nginx.https} ssl;"),
        (r"listen \[::\]:443 ssl;", f"listen [::1]:{nginx.https} ssl;"),
        (r"server 127\.0\.0\.1:8080;", f"server 127.0.0.1:{upstream};"),
        (r"/etc/ingest/tls", f"{nginx.prefix}/tls"),
        (r"/var/log/nginx", f"{nginx.prefix}"),
    ):
        text, count = re.subn(pattern, replacement, text)
        assert count, f"{pattern} is not in {SITE.name}"
    return text


def _certificate(directory: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += [
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={HOST}",
        "-addext",
        f"subjectAltName=DNS:{HOST}",
    ]
    command += ["-keyout", f"{directory}/privkey.pem", "-out", f"{directory}/fullchain.pem"]
    subprocess.run(command, check=True, capture_output=True, timeout=20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
