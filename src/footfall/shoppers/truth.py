"""What really went on? The truth about each visit, one JSON line each, for tests and for judging models by it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from footfall.shoppers.visits import Truth

FILE_NAME = "truth.ndjson"
_encoder = msgspec.json.Encoder()


def add(path: Path, truths: Iterable[Truth]) -> None:
    """Append the truth about visits to a file."""
    with path.open("ab") as file:
        file.write(_encoder.encode_lines(list(truths)))


def read(path: Path) -> Iterator[Truth]:
    """The truths of a file; a last line that was cut off by a crash is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield msgspec.json.decode(line, type=Truth)
