"""The options: each has a name, a help and bounds, and some values are refused."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from ingest.config import Config, Role
from ingest.configure import ConfigError, load, options


def _load(*pairs: tuple[str, str]) -> Config:
    return load(None, {}, pairs)


def _refusal(*pairs: tuple[str, str]) -> str:
    with pytest.raises(ConfigError) as refused:
        _load(*pairs)
    return str(refused.value)


@pytest.mark.parametrize("option", list(options()), ids=lambda option: option.name)
def test_every_option_has_a_help_of_one_sentence_or_more(option):
    assert re.match(r"[A-Z`]", option.help), option.help
    assert option.help.endswith("."), option.help
    assert "\n" not in option.help
    assert option.type


def test_names_that_others_rely_on():
    relied_on = """
        http.public_url http.trusted_proxies http.fast_lane kafka.bootstrap_servers
        kafka.partitions delivery.ack delivery.timeout visitor.mode visitor.key_file geo.database
        kafka.compression headers.allow url.keep_params signals.gpc signals.dnt sites.file
        stats.url store.retention_days shutdown.grace data_dir role workers
    """
    assert set(relied_on.split()) <= {option.name for option in options()}


def test_defaults_that_promises_hang_on():
    config = _load()
    assert config.http.host == config.admin.host == "127.0.0.1"
    assert config.http.trusted_proxies == ()
    assert config.delivery.ack == "durable"
    assert config.store.retention_days == 20
    assert (config.signals.gpc, config.signals.dnt) == ("share", "ignore")
    assert config.visitor.mode == "hash"
    assert config.visitor_key_file == Path("data/visitor.key")
    assert not config.uses_kafka


def test_a_configuration_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        _load().http.port = 1  # type: ignore[misc]


_REFUSED = """
    cookie Cookie set-cookie authorization proxy-authorization referer forwarded via
    x-forwarded-for X-Forwarded-Host x-forwarded x-original-forwarded-for x-real-ip ip
    cf-connecting-ip cf-connecting-ipv6 cf-pseudo-ipv4 true-client-ip fastly-client-ip
    x-client-ip x-cluster-client-ip x-azure-clientip x-azure-socketip remote-addr remote_addr
    x-envoy-external-address x-csrf-token x-api-key x-auth
"""


@pytest.mark.parametrize("header", _REFUSED.split())
def test_headers_with_addresses_or_secrets_are_refused(header):
    said = _refusal(("headers.allow", f'["accept-language", "{header}"]'))
    assert said.startswith("headers.allow.1: ")
    assert header.lower() in said
    assert "never kept" in said


def test_headers_are_names_in_lower_case():
    assert _load(("headers.allow", "User-Agent, DNT")).headers.allow == ("user-agent", "dnt")
    for bad in ('["a b"]', '["a:"]', '[""]', '["a\\n"]'):
        assert "is no header name" in _refusal(("headers.allow", bad))


def test_words_that_only_look_like_an_address_are_fine():
    assert _load(("headers.allow", "x-trip,keyword")).headers.allow == ("x-trip", "keyword")


def test_networks_of_both_families():
    proxies = _load(("http.trusted_proxies", "10.0.0.0/8, 2001:db8::/32")).http.trusted_proxies
    assert proxies == (IPv4Network("10.0.0.0/8"), IPv6Network("2001:db8::/32"))
    assert _refusal(("http.trusted_proxies", "10.0.0.1/8")).startswith("http.trusted_proxies.0")
    assert _refusal(("http.trusted_proxies", "proxy.example")).startswith("http.trusted_proxies.0")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http.port", "65536"), ("http.port", "-1"), ("http.port", "many"),
        ("http.public_url", "beacon.example"), ("http.public_url", "https://beacon.example/a"),
        ("http.fast_lane", "perhaps"), ("http.head_timeout", "0"), ("http.max_body", "0"),
        ("kafka.topic_prefix", "a b"), ("kafka.compression", "brotli"), ("kafka.partitions", "0"),
        ("delivery.ack", "later"), ("delivery.timeout", "0"), ("delivery.linger_min", "2"),
        ("store.retention_days", "21"), ("store.retention_days", "0"),
        ("visitor.mode", "name"), ("signals.gpc", "yes"), ("logs.level", "loud"), ("workers", "0"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_name(name, value):
    assert _refusal((name, value)).startswith(f"{name}: ")


@pytest.mark.parametrize("server", ["kafka", "kafka:", ":9092", "kafka:9092/x", "http://kafka:1"])
def test_brokers_have_a_host_and_a_port(server):
    said = _refusal(("kafka.bootstrap_servers", server))
    assert said == f"kafka.bootstrap_servers.0: '{server}' is not HOST:PORT"


def test_what_belongs_together_is_asked_for_together():
    assert "linger_min is above" in _refusal(("delivery.linger_max", "0.001"))
    sasl = ("kafka.security_protocol", "SASL_SSL")
    assert "needs sasl_username and sasl_password" in _refusal(sasl)
    assert "go together" in _refusal(("kafka.ssl_key_file", "key.pem"))


def test_roles_and_workers_need_kafka():
    assert "role stats needs kafka.bootstrap_servers" in _refusal(("role", "stats"))
    assert "workers above 1 need kafka.bootstrap_servers" in _refusal(("workers", "2"))
    config = _load(("role", "collector"), ("kafka.bootstrap_servers", "a:1,[::1]:2"))
    assert config.role is Role.COLLECTOR
    assert config.kafka.bootstrap_servers == ("a:1", "[::1]:2")
    assert config.uses_kafka


def test_the_password_is_not_shown():
    config = _load(
        ("kafka.security_protocol", "SASL_SSL"),
        ("kafka.sasl_username", "me"),
        ("kafka.sasl_password", "hunter2"),
    )
    assert "hunter2" not in repr(config) + str(config) + config.model_dump_json()


def test_a_password_of_the_wrong_type_is_not_repeated(tmp_path: Path):
    file = tmp_path / "ingest.toml"
    file.write_text("[kafka]\nsasl_password = 4711471147\n")
    with pytest.raises(ConfigError) as refused:
        load(file, {}, ())
    assert str(refused.value).startswith(f"{file}: kafka.sasl_password: ")
    assert "4711471147" not in str(refused.value)


def test_an_origin_loses_its_slash():
    assert _load(("http.public_url", "https://b.example/")).http.public_url == "https://b.example"


@pytest.mark.parametrize(
    ("option", "path"),
    [
        ("script_path", "app.js"),
        ("script_path", "/"),
        ("script_path", "/a//b"),
        ("script_path", "/../x"),
        ("script_path", "/a b"),
        ("script_path", "/{x}"),
        ("script_path", "/%41"),
        ("script_path", "/e"),
        ("script_path", "/p.gif"),
        ("endpoint_path", "/w.js"),
        ("endpoint_path", "/opt-out"),
        ("endpoint_path", "/badge/x.svg"),
        ("endpoint_path", "/api/v1"),
        ("pixel_path", "/demo"),
        ("pixel_path", "/live/site"),
    ],
)
def test_a_name_that_is_no_path_or_another_s_is_refused(option, path):
    assert option in _refusal((f"widget.{option}", path))


def test_two_of_the_widget_s_names_differ():
    assert "'/x'" in _refusal(("widget.script_path", "/x"), ("widget.pixel_path", "/x"))
