"""The one segment that is being written."""

import contextlib
import errno
from collections.abc import Sequence
from pathlib import Path

from ingest.log.files import Files, is_full
from ingest.log.segment import FILE_HEAD_BYTES, FileHead, Footer, SegmentName, Tally, day_of


class OpenSegment:
    """Appends frames. What is written counts only after `sync`.

    After an `OSError` of any method nothing more may be written: see `give_up`.
    """

    def __init__(self, files: Files, directory: Path, head: FileHead) -> None:
        """Create the file. Raises `OSError` and leaves nothing behind when that fails."""
        self.name = SegmentName(head.sequence, day_of(head.created))
        self.tally = Tally()
        self.size = 0
        self._files = files
        self._directory = directory
        self._name_is_durable = False
        path = directory / self.name.file
        self._descriptor = files.create(path)
        try:
            self.size = self._write(head.encode())
            if self.size < FILE_HEAD_BYTES:
                raise OSError(errno.ENOSPC, "no room for a segment's head")
        except OSError:
            self._close()
            with contextlib.suppress(OSError):
                files.unlink(path)
            raise

    def append(self, frames: Sequence[bytes]) -> int:
        """Write frames at the end; return how many of them, from the first on.

        Fewer than given: the disk is full, and the file ends with the last whole frame, so that the
        next one does not stand behind a torn one.
        """
        written = self._write(b"".join(frames))
        whole = length = 0
        for frame in frames:
            if length + len(frame) > written:
                self._files.truncate(self._descriptor, self.size + length)
                break
            length += len(frame)
            whole += 1
        self.size += length
        return whole

    def sync(self) -> None:
        """Return once everything appended is on the disk, and the file's name too."""
        self._files.fdatasync(self._descriptor)
        if not self._name_is_durable:
            self._files.sync_directory(self._directory)
            self._name_is_durable = True

    def seal(self) -> None:
        """Write the footer and close. Raises `OSError` when only the footer is missing."""
        try:
            footer = Footer(self.size, self.tally).encode()
            if self.append([footer]) == 1:
                self._files.fdatasync(self._descriptor)
        finally:
            self._measure()  # a part of a footer may be left, where it could not be cut off
            self._close()

    def give_up(self) -> None:
        """Close the file as it is; the next start will look through it."""
        self._measure()
        self._close()

    def _measure(self) -> None:
        with contextlib.suppress(OSError):
            self.size = self._files.size(self._descriptor)

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._files.close(self._descriptor)

    def _write(self, data: bytes) -> int:
        view = memoryview(data)
        written = 0
        while written < len(data):
            try:
                taken = self._files.write(self._descriptor, view[written:])
            except OSError as error:
                if is_full(error):
                    break
                raise
            written += taken
        return written
