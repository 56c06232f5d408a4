"""What was saved is read by the next version: the bytes of version 2 stay what they are."""

import pytest

from ingest.stats import codec
from ingest.stats.windows import Day, Hour, Minute, Window

_VERSION_2 = {
    "minute": "960281ce01000007ac612e6578616d706c652fc3a9c3c409610300000007000000c0c0",
    "hour": "9302cb3ff8000000000000c45f94929703aa612e6578616d706c652fa9622e6578616d706c65a24445a7"
    "46697265666f78a54c696e7578a76465736b746f7097ffab612e6578616d706c652f78a0a0a0a0a66d6f62696c65"
    "c0c092009194a4636f70790100c4056109000000",
    "day": "9502cb3ff8000000000000c4b79490c40561030000009692009294aa612e6578616d706c652f0100c405610"
    "300000094ab612e6578616d706c652f780100c4016192009194a9622e6578616d706c650100c4056103000000920"
    "09194a244450100c405610300000092009194a746697265666f780100c405610300000092009194a54c696e75780"
    "100c405610300000092009294a76465736b746f700100c405610300000094a66d6f62696c650100c401619200919"
    "4a4636f70790100c4056109000000cd9c40cd0bb9",
}


def _windows() -> dict[str, Window]:
    minute, hour, day = Minute(5), Hour(7), Day(2)
    minute.add_view(0x01_000007)
    minute.add_view(3)
    minute.add_present(0x01_000007, "a.example/é", False)
    hour.engaged = 1.5
    hour.add_view((3, "a.example/", "b.example", "DE", "Firefox", "Linux", "desktop"))
    hour.add_view((-1, "a.example/x", "", "", "", "", "mobile"))
    hour.add_other("copy", 9)
    day.take(hour)
    day.audience.fold()
    day.peak, day.peak_minute = 40_000, 3_001
    return {"minute": minute, "hour": hour, "day": day}


@pytest.mark.parametrize("kind", _VERSION_2)
def test_a_window_is_written_and_read_as_before(kind):
    window, saved = _windows()[kind], bytes.fromhex(_VERSION_2[kind])
    assert codec.VERSION == 2
    assert codec.dump(window).hex() == saved.hex()
    assert codec.dump(codec.load(window.kind, window.start, saved)) == saved


@pytest.mark.parametrize("kind", _VERSION_2)
def test_bytes_that_end_too_early_or_too_late_are_refused(kind):
    window, saved = _windows()[kind], bytes.fromhex(_VERSION_2[kind])
    for data in (saved[:-1], saved + b"\xc0", b"", b"\x05"):
        with pytest.raises(codec.BadState):
            codec.load(window.kind, window.start, data)
