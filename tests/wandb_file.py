"""Reads the file of an offline W&B run: a short header, then a LevelDB log of protobuf records."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEADER_BYTES, BLOCK_BYTES = 7, 32 * 1024
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def records(path: Path) -> Iterator[Any]:
    """Every record of the run, in order."""
    from wandb.proto.wandb_internal_pb2 import Record

    content = path.read_bytes()
    if not content:  # another process writes it
        return
    assert content.startswith(b":W&B")
    position, parts = HEADER_BYTES, []
    while position + 7 <= len(content):
        left_in_block = BLOCK_BYTES - position % BLOCK_BYTES
        if left_in_block < 7:  # too short for a record's header: zeros up to the next block
            position += left_in_block
            continue
        _, length, kind = struct.unpack_from("<IHB", content, position)
        parts.append(content[position + 7 : position + 7 + length])
        position += 7 + length
        if kind in (FULL, LAST):
            record = Record()
            record.ParseFromString(b"".join(parts))
            parts = []
            yield record
        else:
            assert kind in (FIRST, MIDDLE)


def run_files(folder: Path) -> list[Path]:
    """The offline runs under a folder, oldest first, all written to the end.

    W&B's own process writes the file and may still do so a moment after ``wandb.finish`` has returned.
    """
    paths = [*folder.glob("wandb/offline-run-*/run-*.wandb")]
    deadline_s = time.monotonic() + 30
    while not all(any(record.HasField("exit") for record in records(path)) for path in paths):
        assert time.monotonic() < deadline_s, f"a run under {folder} does not end"
        time.sleep(0.05)
    return sorted(paths, key=lambda path: next(_start_s(path)))


def _start_s(path: Path) -> Iterator[int]:
    return (record.run.start_time.ToMicroseconds() for record in records(path) if record.HasField("run"))


def history(path: Path) -> list[dict[str, Any]]:
    """Every logged step: values by key; of a nested value such as an image, ``KEY.FIELD`` for each field."""
    rows = []
    for record in records(path):
        if record.HasField("history"):
            items = record.history.item
            rows.append({(item.key or ".".join(item.nested_key)): json.loads(item.value_json) for item in items})
    return rows


def config(path: Path) -> dict[str, Any]:
    """The config, updates included."""
    values: dict[str, Any] = {}
    for record in records(path):
        updates = [*record.config.update, *record.run.config.update]
        values |= {(item.key or ".".join(item.nested_key)): json.loads(item.value_json) for item in updates}
    return values
