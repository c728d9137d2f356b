"""Lines and rows come out of any file in bounded pieces."""

import gzip
from pathlib import Path

import pytest

from footfall.base.errors import BadInput
from footfall.events.formats.lines import LineReader, RowReader


def test_gzip_line_ends_and_a_byte_order_mark_make_no_difference(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(b"\xef\xbb\xbfone\r\ntwo\n\nthree")
    packed.write_bytes(gzip.compress(b"one\ntwo\n\nthree\n"))
    assert list(LineReader(plain)) == [b"one", b"two", b"", b"three"]
    reader = LineReader(packed)
    assert list(reader) == [b"one", b"two", b"", b"three"]
    assert reader.n_read == packed.stat().st_size


def test_lines_across_blocks_stay_whole(tmp_path: Path) -> None:
    lines = [f"{number}:{'x' * 90}".encode() for number in range(30_000)]
    file = tmp_path / "big"
    file.write_bytes(b"\n".join(lines))
    assert list(LineReader(file)) == lines


def test_a_line_without_end_is_cut_and_the_next_one_is_read(tmp_path: Path) -> None:
    file = tmp_path / "long"
    file.write_bytes(b"first\n" + b"x" * 5_000_000 + b"\nlast\n")
    first, cut, last = LineReader(file, line_max_bytes=100_000)
    assert (first, cut, last) == (b"first", b"x" * 100_000, b"last")


def test_cut_off_gzip_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cut.gz"
    file.write_bytes(gzip.compress(b"one\ntwo\n" * 1_000)[:-20])
    with pytest.raises(BadInput, match="isn't whole gzip"):
        list(LineReader(file))


def test_quoted_fields_may_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "q.csv"
    file.write_text('a,"b, ""c""\nd",e\nf,g,h\n')
    assert [(fields, why) for _, fields, why in RowReader(file)] == [
        (["a", 'b, "c"\nd', "e"], ""),
        (["f", "g", "h"], ""),
    ]


def test_an_open_quote_costs_its_own_row_only(tmp_path: Path) -> None:
    file = tmp_path / "q.csv"
    file.write_text('a,"b,c\n' + "d,e,f\n" * 3_000)
    rows = [fields for _, fields, _ in RowReader(file)]
    assert rows == [None] + [["d", "e", "f"]] * 3_000
