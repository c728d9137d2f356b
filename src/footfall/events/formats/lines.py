"""Which lines and rows does a file hold? Plain or gzipped, in bounded memory, whatever is in it."""

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from footfall.base.errors import BadInput, Missing
from footfall.events.formats.chunk import ROW_MAX_BYTES

_BLOCK_BYTES = 1 << 20
_QUOTED_ROW_MAX_LINES = 1_000


class LineReader:
    """Lines of a file without their line ends, one after the other; ``n_read`` counts the file's own bytes so far.

    A line longer than ``line_max_bytes`` is cut there and the rest of it skipped, so that a file without line ends
    can't fill the memory. Raises ``Missing`` for a file that can't be opened and ``BadInput`` for broken gzip.
    """

    def __init__(self, path: Path, line_max_bytes: int = 4 * ROW_MAX_BYTES) -> None:
        self.path = path
        self.line_max_bytes = line_max_bytes
        self.n_read = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            raw = self.path.open("rb")
        except OSError as error:
            raise Missing(f"{self.path} can't be read ({error.strerror}): check the path.") from error
        with raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if is_gzip else raw
            rest = b"\xef\xbb\xbf"
            is_start, is_skipping = True, False
            while True:
                try:
                    block = stream.read(_BLOCK_BYTES)
                except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                    raise BadInput(f"{self.path} isn't whole gzip ({error}): fetch it again.") from error
                self.n_read = raw.tell()
                if is_start:
                    block, rest, is_start = block.removeprefix(rest), b"", False
                if not block:
                    break
                lines = block.split(b"\n")
                if is_skipping:
                    if len(lines) == 1:
                        continue
                    lines[0] = b""
                    is_skipping = False
                    del lines[0]
                else:
                    lines[0] = rest + lines[0]
                rest = lines.pop()
                for line in lines:
                    yield line.removesuffix(b"\r")
                if len(rest) > self.line_max_bytes:
                    yield rest[: self.line_max_bytes]
                    rest, is_skipping = b"", True
            if rest:
                yield rest.removesuffix(b"\r")


class RowReader:
    """Rows of a delimited file as ``(row bytes, fields or None, what is wrong)``; empty lines are left out."""

    def __init__(self, path: Path, delimiter: str = ",", encoding: str = "utf-8") -> None:
        self.lines = LineReader(path)
        self.delimiter = delimiter
        self.encoding = encoding
        self._ahead: deque[bytes] = deque()

    @property
    def n_read(self) -> int:
        """Bytes of the file read so far."""
        return self.lines.n_read

    def __iter__(self) -> Iterator[tuple[bytes, list[str] | None, str]]:
        source = iter(self.lines)
        ahead, delimiter, encoding = self._ahead, self.delimiter, self.encoding
        while True:
            line = ahead.popleft() if ahead else next(source, None)
            if line is None:
                return
            if not line:
                continue
            if len(line) > ROW_MAX_BYTES:
                yield line, None, f"the row is longer than {ROW_MAX_BYTES} bytes"
            elif b'"' in line:
                yield self._quoted(line, source)
            else:
                try:
                    yield line, line.decode(encoding).split(delimiter), ""
                except UnicodeDecodeError:
                    yield line, None, f"the row isn't {encoding}: name the file's encoding in the mapping's [file]"

    def _quoted(self, first: bytes, source: Iterator[bytes]) -> tuple[bytes, list[str] | None, str]:
        taken = [first]

        def feed() -> Iterator[str]:
            yield first.decode(self.encoding) + "\n"
            size = len(first)
            while len(taken) < _QUOTED_ROW_MAX_LINES and size <= ROW_MAX_BYTES:
                line = self._ahead.popleft() if self._ahead else next(source, None)
                if line is None:
                    return
                taken.append(line)
                size += len(line)
                yield line.decode(self.encoding) + "\n"

        try:
            fields = next(csv.reader(feed(), delimiter=self.delimiter, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            self._ahead.extendleft(reversed(taken[1:]))
            return first, None, f"the row's quotes or letters are broken ({error})"
        return b"\n".join(taken), fields, ""
