"""The key with which cookies for reading private sites are made."""

import stat

import pytest

from ingest.beacon.day_key import KeyFileError
from ingest.config import Config
from ingest.reading_key import reading_key


def test_it_is_made_once_and_others_cannot_read_it(tmp_path):
    config = Config(data_dir=tmp_path / "data", sites={"file": tmp_path / "sites.toml"})
    key = reading_key(config)
    assert len(key) == 32
    assert reading_key(config) == key
    (file,) = config.data_dir.iterdir()
    assert file.name == "read.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_servers_have_two(tmp_path):
    sites = {"file": tmp_path / "sites.toml"}
    keys = {reading_key(Config(data_dir=tmp_path / name, sites=sites)) for name in "ab"}
    assert len(keys) == 2


def test_without_a_sites_file_there_is_none_to_keep(tmp_path):
    config = Config(data_dir=tmp_path)
    assert reading_key(config) != reading_key(config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_file_that_holds_no_key_is_named(tmp_path, content):
    (tmp_path / "read.key").write_bytes(content)
    with pytest.raises(KeyFileError, match=r"read\.key: is not 32 bytes long"):
        reading_key(Config(data_dir=tmp_path, sites={"file": tmp_path / "sites.toml"}))
