"""Pages of LMDB that are checked before LMDB reads them: nothing valid is refused, nothing wrong comes through."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from segtcn.data.readers.lmdb_pages import check_pages

lmdb = pytest.importorskip("lmdb", reason="databases need the extra `lmdb`")

PAGE = 4096


def database(folder: Path, num_keys: int, length: int, seed: int = 0) -> tuple[Path, list[bytes]]:
    """A database whose keys were written in any order, some of them twice, some deleted again."""
    rng = random.Random(seed)
    keys = [f"a/view/view_{number:010d}.jpg".encode() for number in range(num_keys)]
    with lmdb.open(str(folder), map_size=2**28, lock=False) as environment:
        for chosen in (rng.sample(keys, num_keys), rng.sample(keys, num_keys // 2)):
            with environment.begin(write=True) as transaction:
                for key in chosen:
                    transaction.put(key, rng.randbytes(rng.randint(length // 2, length)))
        deleted = set(rng.sample(keys, num_keys // 10))
        with environment.begin(write=True) as transaction:
            for key in sorted(deleted):
                transaction.delete(key)
    return folder / "data.mdb", [key for key in keys if key not in deleted]


@pytest.mark.parametrize(("num_keys", "length"), [(1, 10), (40, 10), (3000, 40), (300, 9000), (900, 2000)])
def test_every_part_of_a_valid_database_passes(tmp_path: Path, num_keys: int, length: int) -> None:
    path, keys = database(tmp_path, num_keys, length)
    rng = random.Random(1)
    for first, last in [(b"", b""), (b"", b"z"), (b"z", b"z"), *(sorted(rng.choices(keys, k=2)) for _ in range(20))]:
        check_pages(path, first, last)


def test_an_empty_database_passes(tmp_path: Path) -> None:
    lmdb.open(str(tmp_path), lock=False).close()
    check_pages(tmp_path / "data.mdb", b"", b"z")


def test_pages_that_were_freed_before_they_were_written_may_be_missing(tmp_path: Path) -> None:
    path, _ = database(tmp_path, 300, 9000)
    content = bytearray(path.read_bytes())
    for page in (0, 1):
        (last,) = struct.unpack_from("<Q", content, page * PAGE + 136)
        struct.pack_into("<Q", content, page * PAGE + 136, last + 5)
    path.write_bytes(content)
    check_pages(path, b"", b"z")


@pytest.mark.parametrize(
    ("kind", "place", "wrong", "message"),
    [
        ("leaf", 0, struct.pack("<Q", 999_999), "is neither a branch nor a leaf"),
        ("leaf", 10, struct.pack("<H", 4), "is neither a branch nor a leaf"),
        ("leaf", 12, struct.pack("<H", 40_000), "is neither a branch nor a leaf"),
        ("leaf", 14, struct.pack("<H", 4), "is neither a branch nor a leaf"),
        ("leaf", 16, struct.pack("<H", 4095), "a node of page .* lies outside of it"),
        ("node", 0, struct.pack("<HH", 0, 1), "a node of page .* does not fit in|holds no value of 65,536 bytes"),
        ("node", 4, struct.pack("<H", 2), "a node of page .* does not fit in"),
        ("node", 6, struct.pack("<H", 60_000), "a node of page .* does not fit in"),
        ("node", 8, b"z", "the keys of page .* are not in order"),
        ("branch", 16, struct.pack("<H", 4095), "a node of page .* lies outside of it"),
        ("branch", 12, struct.pack("<H", 18), "the keys of page .* are not in order"),
        ("child", 0, struct.pack("<HHH", 60_000, 60_000, 0), "it refers to page"),
        ("child", 0, None, "its pages go round in a circle"),
        ("long", 0, struct.pack("<Q", 999_999), "holds no value of"),
        ("long", 12, struct.pack("<I", 0), "holds no value of"),
        ("long", 12, struct.pack("<I", 10**6), "goes beyond the end"),
    ],
)
def test_what_a_page_says_wrongly_is_refused(
    tmp_path: Path, kind: str, place: int, wrong: bytes | None, message: str
) -> None:
    path, _ = database(tmp_path, 300, 9000)
    content = bytearray(path.read_bytes())
    metas = [struct.unpack_from("<QQQ", content, page * PAGE + 128) for page in (0, 1)]
    root, _, _ = max(metas, key=lambda meta: meta[2])
    begin = root * PAGE
    if kind in ("branch", "child"):
        where = begin if kind == "branch" else begin + struct.unpack_from("<H", content, begin + 16)[0]
        wrong = struct.pack("<HHH", root & 0xFFFF, root >> 16, 0) if wrong is None else wrong
    else:
        (node,) = struct.unpack_from("<H", content, begin + 16)
        where = (content[begin + node] | content[begin + node + 1] << 8) * PAGE  # the first leaf
        (first,) = struct.unpack_from("<H", content, where + 16)
        if kind == "long":
            (length,) = struct.unpack_from("<H", content, where + first + 6)
            where = struct.unpack_from("<Q", content, where + first + 8 + length)[0] * PAGE
        where += first if kind == "node" else 0
    assert wrong is not None
    content[where + place : where + place + len(wrong)] = wrong
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        check_pages(path, b"", b"z")
