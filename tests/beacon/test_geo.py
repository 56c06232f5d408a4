"""Places by anonymised network, and what a database that cannot be read does."""

import logging
from collections.abc import Mapping
from pathlib import Path

import mmdb_writer
import pytest
from netaddr import IPSet

from ingest.beacon.geo import NOWHERE, Geo, GeoError, Place
from ingest.beacon.hit import Peer
from ingest.beacon.network import TrustedProxies
from ingest.config import Config
from tests.beacon.support import collector, event, pixel
from tests.support.server import start_server

_BERLIN = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE"}, {"iso_code": "X"}],
    "city": {"names": {"en": "Berlin", "fr": "Berline"}},
}
_V4, _V6 = "198.51.100.0", "2001:db8:1::"


def _write(path: Path, records: Mapping[str, object], ip_version: int = 6) -> Path:
    writer = mmdb_writer.MMDBWriter(ip_version, "Test", ipv4_compatible=ip_version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    # Beside it and then moved, as those who publish such files advise.
    fresh = path.with_suffix(".new")
    writer.to_db_file(str(fresh))
    fresh.replace(path)
    return path


def _place(tmp_path: Path, record: object) -> Place:
    return Geo(_write(tmp_path / "geo.mmdb", {f"{_V4}/24": record})).place(_V4)


def test_country_region_and_city_are_found(tmp_path):
    path = _write(tmp_path / "geo.mmdb", {f"{_V4}/24": _BERLIN, f"{_V6}/48": _BERLIN})
    geo = Geo(path)
    assert geo.place(_V4) == geo.place(_V6) == Place("DE", "DE-BE", "Berlin")


def test_a_network_that_is_not_in_it_is_nowhere(tmp_path):
    geo = Geo(_write(tmp_path / "geo.mmdb", {f"{_V4}/24": _BERLIN}))
    assert [geo.place(network) for network in ("192.0.2.0", _V6, "")] == [NOWHERE] * 3


def test_ipv6_in_a_database_of_ipv4_is_nowhere(tmp_path):
    geo = Geo(_write(tmp_path / "geo.mmdb", {f"{_V4}/24": _BERLIN}, ip_version=4))
    assert geo.place(_V4).city == "Berlin"
    assert geo.place(_V6) == NOWHERE


def test_without_a_database_nothing_is_found_nor_reread():
    geo = Geo(None)
    assert geo.place(_V4) == NOWHERE
    assert not geo.refresh()


def test_flat_records_are_understood(tmp_path):
    record = {"country_code": "FR", "region_code": "IDF", "city": "Paris"}
    assert _place(tmp_path, record) == Place("FR", "FR-IDF", "Paris")


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"country": {"iso_code": "DE"}}, Place("DE")),
        ({"country": "DE", "city": {"names": {"de": "Köln"}}}, Place("DE")),
        ({"country": {"iso_code": "de"}}, NOWHERE),
        ({"country": {"iso_code": 49}}, NOWHERE),
        ({"country": {"iso_code": "DE"}, "subdivisions": []}, Place("DE")),
        ({"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "Ber lin"}]}, Place("DE")),
        ({"subdivisions": [{"iso_code": "BE"}], "city": "Berlin"}, Place(city="Berlin")),
        ({"city": ""}, NOWHERE),
        ({"city": "x" * 500}, Place(city="x" * 128)),
        ("text", NOWHERE),
        (["list"], NOWHERE),
    ],
)
def test_what_a_record_does_not_say_well_is_absent(tmp_path, record, place):
    assert _place(tmp_path, record) == place


def test_a_changed_file_is_reread(tmp_path):
    path = _write(tmp_path / "geo.mmdb", {f"{_V4}/24": _BERLIN})
    geo = Geo(path)
    assert geo.place(_V4).country == "DE"
    assert not geo.refresh()
    _write(path, {f"{_V4}/24": {"country": {"iso_code": "AT"}}})
    assert geo.place(_V4).country == "DE"
    assert geo.refresh()
    assert geo.place(_V4) == Place("AT")


def test_a_file_overwritten_in_place_is_reread(tmp_path):
    path = _write(tmp_path / "geo.mmdb", {f"{_V4}/24": _BERLIN})
    geo = Geo(path)
    other = _write(tmp_path / "other.mmdb", {f"{_V4}/24": {"country": {"iso_code": "CH"}}})
    path.write_bytes(other.read_bytes())
    assert geo.refresh()
    assert geo.place(_V4) == Place("CH")


def test_the_old_one_stays_in_use_while_the_new_one_cannot_be_read(tmp_path, caplog):
    path = _write(tmp_path / "geo.mmdb", {f"{_V4}/24": _BERLIN})
    geo = Geo(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with caplog.at_level(logging.WARNING):
        assert [geo.refresh(), geo.refresh()] == [False, False]
        path.unlink()
        assert not geo.refresh()
    assert len(caplog.records) == 1
    assert str(path) in caplog.records[0].fields["reason"]
    assert geo.place(_V4).city == "Berlin"
    path.write_bytes(whole)
    assert geo.refresh()
    assert geo.place(_V4).city == "Berlin"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(GeoError) as caught:
        Geo(tmp_path / "none.mmdb")
    said = f"geolocation database {tmp_path}/none.mmdb: No such file or directory"
    assert str(caught.value) == said


@pytest.mark.parametrize("damage", ["empty", "junk", "half", "no end"])
def test_a_broken_file_is_named_and_nothing_else(tmp_path, damage):
    path = _write(tmp_path / "geo.mmdb", {f"{_V4}/24": _BERLIN})
    whole = path.read_bytes()
    broken = {"empty": b"", "junk": b"junk" * 99, "half": whole[: len(whole) // 2]}
    path.write_bytes(broken.get(damage, whole[:-20]))
    with pytest.raises(GeoError) as caught:
        Geo(path)
    said = f"geolocation database {path}: not a whole database in MaxMind's format"
    assert str(caught.value) == said


def test_a_directory_is_no_database(tmp_path):
    with pytest.raises(GeoError, match="Is a directory"):
        Geo(tmp_path)


@pytest.mark.parametrize("content", [None, b"junk"])
def test_a_missing_or_broken_file_stops_the_start(tmp_path, content):
    path = tmp_path / "geo.mmdb"
    if content is not None:
        path.write_bytes(content)
    with start_server(tmp_path, "--set", f"geo.database={path}", wait=False) as server:
        assert server.wait() not in (0, None)
        assert f"geolocation database {path}: " in server.stderr_text()
        assert "Traceback" not in server.stderr_text()


def test_only_the_anonymised_network_is_looked_up(tmp_path):
    records = {f"{_V4}/24": _BERLIN, "198.51.100.77/32": {"country": {"iso_code": "XX"}}}
    path = _write(tmp_path / "geo.mmdb", records)
    assert Geo(path).place("198.51.100.77").country == "XX"
    made = collector(tmp_path, path, http={"trusted_proxies": ["192.0.2.0/24"]})
    proxies = TrustedProxies(Config().http.trusted_proxies)
    seen = [
        event(made, pixel(headers={b"x-forwarded-for": b"198.51.100.77"}, peer=Peer(_V4, True))),
        event(made, pixel(peer=proxies.peer("198.51.100.77"))),
    ]
    for found in seen:
        assert (found["country"], found["region"], found["city"]) == ("DE", "DE-BE", "Berlin")
