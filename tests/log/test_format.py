"""Decodes a segment by the tables of docs/segment-format.md, with no help from the code."""

import re
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import zstandard

from ingest.log import recovery
from ingest.log.files import OsFiles
from ingest.log.lock import LOCK_FILE
from ingest.log.records import MAX_RAW
from ingest.log.segment import MAX_PAYLOAD, SegmentName
from tests.support.stored import NOON, Clock, batches, segments

DOCUMENT = (Path(__file__).parents[2] / "docs" / "segment-format.md").read_text()
CODES = {"u32": ">I", "u64": ">Q", "i64": ">q"}


class Field(NamedTuple):
    offset: int
    length: int
    type: str
    name: str
    meaning: str

    def read(self, data: bytes) -> Any:
        part = data[self.offset : self.offset + self.length]
        return part if self.type == "bytes" else struct.unpack(CODES[self.type], part)[0]


class Layout:
    """One table of the document."""

    def __init__(self, title: str) -> None:
        stated, text = re.findall(rf"^### {title}, (\d+) bytes$(.*?)^#", DOCUMENT, re.M | re.S)[0]
        rows = re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \| (\w+) \| (.*) \|$", text, re.M)
        self.fields = [Field(int(at), int(length), *rest) for at, length, *rest in rows]
        self.length = int(stated)

    def read(self, data: bytes) -> dict[str, Any]:
        """The fields, constants and checksum checked."""
        assert len(data) >= self.length
        found = {field.name: field.read(data) for field in self.fields}
        last = self.fields[-1]
        assert last.meaning == f"of bytes 0 to {last.offset - 1}"
        assert found.pop(last.name) == zlib.crc32(data[: last.offset])
        assert found.pop(self.fields[0].name) == self.constant
        return found

    @property
    def constant(self) -> bytes:
        """What the first field always is."""
        hexadecimal = re.match(r"`([0-9a-f ]+)`", self.fields[0].meaning)
        assert hexadecimal
        return bytes.fromhex(hexadecimal[1])


FILE_HEAD, FRAME_HEAD, FOOTER = map(Layout, ("File head", "Frame head", "Footer"))


@pytest.mark.parametrize("layout", [FILE_HEAD, FRAME_HEAD, FOOTER])
def test_the_fields_of_a_table_fill_its_length(layout: Layout) -> None:
    assert len(layout.fields) >= 6
    end = 0
    for field in layout.fields:
        assert field.offset == end
        assert field.type == "bytes" or field.length == struct.calcsize(CODES[field.type])
        end += field.length
    assert end == layout.length


def records(content: bytes, count: int) -> list[tuple[bytes, bytes, int]]:
    """Columns in the order of the document's table."""
    section = DOCUMENT.split("### Payload")[1].split("\n## ")[0]
    table = re.findall(r"^\| ([\w ×]+) \| (\w+) \| (\w+)", section, re.M)
    assert [row for row in table if row[2] != "field"] == [
        ("8 × n", "i64", "timestamps"),
        ("4 × n", "u32", "lengths"),
        ("4 × n", "u32", "lengths"),
        ("their sum", "bytes", "keys"),
        ("their sum", "bytes", "values"),
    ]
    timestamps = struct.unpack_from(f">{count}q", content, 0)
    lengths = struct.unpack_from(f">{2 * count}I", content, 8 * count)
    parts, at = [], 16 * count
    for length in lengths:
        parts.append(content[at : at + length])
        at += length
    assert at == len(content)
    return list(zip(parts[:count], parts[count:], timestamps, strict=True))


def test_a_closed_segment_reads_by_the_document(tmp_path: Path) -> None:
    clock = Clock()
    log = segments(tmp_path, clock, OsFiles())
    log.append(batches([99]))
    log.close()
    before = log.closed[0].name.sequence
    made = batches(range(5), records=3)
    clock.advance(10)
    log.append(made[:2])
    clock.advance(10)
    log.append(made[2:])
    log.close()
    data = (tmp_path / log.closed[1].name.file).read_bytes()

    assert FILE_HEAD.read(data) == {
        "version": int(FILE_HEAD.fields[1].meaning),
        "sequence": log.closed[1].name.sequence,
        "previous": before,
        "created": NOON + 10,
    }
    at = FILE_HEAD.length
    for index, one in enumerate(made):
        head = FRAME_HEAD.read(data[at:])
        at += FRAME_HEAD.length
        payload = data[at : at + head["length"]]
        at += head["length"]
        assert zlib.crc32(payload) == head["payload_checksum"]
        assert head["batch_id"] == one.id
        assert head["received"] == NOON + (10 if index < 2 else 20)
        assert head["records"] == len(one.records)
        content = zstandard.ZstdDecompressor().decompress(payload)
        assert records(content, head["records"]) == [
            (record.key, record.value, record.timestamp) for record in one.records
        ]
    assert at == len(data) - FOOTER.length
    assert FOOTER.read(data[at:]) == {
        "offset": at,
        "frames": 5,
        "records": 15,
        "oldest": NOON + 10,
        "newest": NOON + 20,
    }


def test_names_match_the_pattern_and_no_others_do(tmp_path: Path) -> None:
    pattern, example = re.findall(r"^(\^\S+) +(\S+)$", DOCUMENT, re.M)[0]
    log = segments(tmp_path, Clock(), OsFiles())
    log.append(batches([1]))
    log.close()
    assert log.closed[0].name.file == example
    assert re.match(pattern, example)
    for name in (example, "1-2024-11-24.seg", "x.seg", LOCK_FILE, f"{example}.tmp"):
        assert (SegmentName.parse(name) is not None) == bool(re.match(pattern, name))


def test_the_numbers_in_the_text_are_those_of_the_code() -> None:
    marker = re.findall(r"the next `([0-9a-f ]+)`", DOCUMENT)[0]
    assert FRAME_HEAD.constant[:3] == FOOTER.constant[:3] == bytes.fromhex(marker)
    assert f"{MAX_PAYLOAD:,} at most" in FRAME_HEAD.fields[1].meaning
    assert f"{MAX_RAW:,} bytes at most" in DOCUMENT
    assert f"no longer than {recovery._LONGEST_TEAR >> 20} MiB" in DOCUMENT
    assert f"`0x{zlib.crc32(b'123456789'):08X}`" in DOCUMENT
