"""Directories are made durably."""

from pathlib import Path

from ingest.log.files import OsFiles


class _Noting(OsFiles):
    def __init__(self) -> None:
        self.synced: list[Path] = []

    def sync_directory(self, directory: Path) -> None:
        super().sync_directory(directory)
        self.synced.append(directory)


def test_each_name_is_synced_also_where_an_earlier_run_made_it_and_crashed(tmp_path: Path) -> None:
    made = _Noting()
    made.make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert made.synced == [tmp_path.parent, tmp_path, tmp_path / "a"]
    again = _Noting()
    again.make_directory(tmp_path / "a" / "b")
    assert again.synced == [tmp_path / "a"]
