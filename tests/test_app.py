"""What the wiring sees to by itself: the key of the day."""

import asyncio
from pathlib import Path

import pytest

from ingest import app
from ingest.configure import load
from tests.support.wait import until_async

_DAY = 86_400_000
_NOON = 20_000 * _DAY + _DAY // 2


async def test_a_past_days_key_goes_though_no_ping_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = [_NOON]
    monkeypatch.setattr(app, "now", lambda: clock[0])
    monkeypatch.setattr(app, "_HOUSEKEEPING", 0.01)
    file = tmp_path / "visitor.key"
    server = app.Server(load(None, {}, [("data_dir", str(tmp_path))]))
    old = file.read_text()
    assert old.startswith("v1 2024-10-04 ")
    housekeeping = asyncio.create_task(server.housekeeping())
    await asyncio.sleep(0.05)
    assert file.read_text() == old
    clock[0] += _DAY
    await until_async(lambda: file.read_text() != old, 5, "the key of the next day")
    assert file.read_text().startswith("v1 2024-10-05 ")
    assert old.split()[2] not in file.read_text()
    housekeeping.cancel()
