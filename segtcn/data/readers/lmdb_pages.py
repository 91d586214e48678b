"""LMDB files: LMDB reads them after the pages that it will touch have been checked.

LMDB trusts what a page says of itself: a flipped bit can end the process.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

_PAGE = struct.Struct("<QHHHH")  # number, unused, kind, end of the places of nodes, begin of the nodes
_NODE = struct.Struct("<HHHH")  # two halves of a size or page number, flags (or its third part), length of the key
_META = struct.Struct("<IIQQ" + "IHHQQQQQ" * 2 + "QQ")
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_BRANCH, _LEAF, _OVERFLOW, _IS_META = 1, 2, 4, 8
_LONG = 1  # flag of a node whose value lies on pages of its own
_EMPTY = 2**64 - 1
_MAX_DEPTH = 32


class _Meta(NamedTuple):
    page_size: int
    flags: int
    root: int
    last_page: int
    transaction: int


class _Node(NamedTuple):
    number: int
    flags: int
    key: bytes
    value: int  # where it begins on the page


def check_pages(path: Path, first: bytes, last: bytes) -> None:
    """Check the pages on which LMDB looks for the keys from ``first`` to ``last`` and the one after.

    Args:
        path: ``data.mdb``.
        first: smallest key.
        last: greatest key.

    Raises:
        ValueError: if the file is damaged, or holds several databases.

    Reference:
        Chu, LMDB 0.9, ``mdb.c``: its structures for a processor of 64 bits, little-endian.
    """
    with path.open("rb", buffering=0) as file:
        pages = _Pages(file)
        if pages.meta.root == _EMPTY:
            return
        for greatest in _leaves(pages, pages.meta.root, first):
            if greatest > last:
                return


class _Pages:
    """Pages of an open file, each checked when it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        one = self._meta(0)
        if one.page_size not in (2**power for power in range(9, 17)):
            raise ValueError(f"it has pages of {one.page_size} bytes")
        other = self._meta(one.page_size)
        self.meta = other if one.transaction < other.transaction else one
        if other.page_size != one.page_size or self.meta.flags:
            raise ValueError("it is no database of single values for keys of bytes")

    def nodes(self, number: int) -> tuple[bool, list[_Node]]:
        """Whether a page is a leaf, and what it holds, in the order of keys."""
        size = self.meta.page_size
        page = self._bytes(number, size)
        own, _, kind, lower, upper = _PAGE.unpack_from(page)
        is_leaf = kind == _LEAF
        if own != number or kind not in (_BRANCH, _LEAF) or not 16 <= lower <= upper <= size or lower % 2:
            raise ValueError(f"page {number} is neither a branch nor a leaf")
        nodes = []
        for place in struct.unpack_from(f"<{(lower - _PAGE.size) // 2}H", page, _PAGE.size):
            if not upper <= place <= size - _NODE.size:
                raise ValueError(f"a node of page {number} lies outside of it")
            low, high, third, length = _NODE.unpack_from(page, place)
            value = place + _NODE.size + length
            node = _Node(low | high << 16 | (0 if is_leaf else third << 32), third, page[value - length : value], value)
            stored = (8 if third == _LONG else node.number) if is_leaf else 0
            if value + stored > size or (is_leaf and third not in (0, _LONG)):
                raise ValueError(f"a node of page {number} does not fit in")
            if is_leaf and third == _LONG:
                self._check_overflow(struct.unpack_from("<Q", page, value)[0], length=node.number)
            nodes.append(node)
        keys = [node.key for node in nodes][0 if is_leaf else 1 :]  # a branch has no first key
        if len(nodes) < (1 if is_leaf else 2) or any(key <= before for before, key in pairwise(keys)):
            raise ValueError(f"the keys of page {number} are not in order")
        return is_leaf, nodes

    def _check_overflow(self, number: int, length: int) -> None:
        head = self._bytes(number, _PAGE.size)
        own, _, kind, *halves = _PAGE.unpack(head)
        claimed = (halves[0] | halves[1] << 16) * self.meta.page_size
        if own != number or kind != _OVERFLOW or _PAGE.size + length > claimed:
            raise ValueError(f"page {number} holds no value of {length:,} bytes")
        if number * self.meta.page_size + claimed > self._size:
            raise ValueError(f"the value on page {number} goes beyond the end")

    def _bytes(self, number: int, length: int) -> bytes:
        if not 2 <= number <= self.meta.last_page:
            raise ValueError(f"it refers to page {number} of {self.meta.last_page + 1}")
        return self._read(number * self.meta.page_size, length)

    def _read(self, offset: int, length: int) -> bytes:
        # not the end that the database names: its last pages may be free, and were never written then
        if offset + length > self._size:
            raise ValueError(f"it ends after {self._size:,} of {offset + length:,} bytes")
        self._file.seek(offset)
        return self._file.read(length)

    def _meta(self, offset: int) -> _Meta:
        stored = self._read(offset, _PAGE.size + _META.size)
        fields = _META.unpack_from(stored, _PAGE.size)
        if fields[:2] != (_MAGIC, _VERSION) or not _PAGE.unpack_from(stored)[2] & _IS_META:
            raise ValueError("it does not begin like a database of version 1")
        return _Meta(fields[4], fields[13], fields[19], *fields[20:])


def _leaves(pages: _Pages, number: int, first: bytes, depth: int = 0) -> Iterator[bytes]:
    """Check the leaves from the one where ``first`` belongs on; the greatest key of each."""
    if depth == _MAX_DEPTH:
        raise ValueError("its pages go round in a circle")
    is_leaf, nodes = pages.nodes(number)
    if is_leaf:
        yield nodes[-1].key
        return
    start = max(index for index, node in enumerate(nodes) if index == 0 or node.key <= first)
    for node in nodes[start:]:
        yield from _leaves(pages, node.number, first, depth + 1)
