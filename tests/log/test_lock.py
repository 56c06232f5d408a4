import multiprocessing
from pathlib import Path

import pytest

from ingest.log.lock import DirectoryInUse, DirectoryLock


def _held_elsewhere(directory: Path) -> str:
    try:
        DirectoryLock(directory)
    except DirectoryInUse as error:
        return str(error)
    return ""


def test_another_process_is_refused_by_the_directorys_name(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with multiprocessing.get_context("spawn").Pool(1) as other:
        refused = other.apply(_held_elsewhere, (tmp_path,))
        assert refused == f"{tmp_path} is in use by another process"
        lock.release()
        assert other.apply(_held_elsewhere, (tmp_path,)) == ""


def test_a_second_lock_in_this_process_is_refused_too(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(DirectoryInUse):
        DirectoryLock(tmp_path)
    lock.release()
    DirectoryLock(tmp_path).release()
