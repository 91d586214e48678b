"""The option ``--json`` of several commands: a record in a file or alone on standard output."""

from __future__ import annotations

import json

from segtcn import atomic


def check_json_name(name: str | None) -> None:
    """Refuse a name that is probably the next argument; overwriting that would lose predictions.

    Raises:
        ValueError: if the name does not end with ``.json``.
    """
    if name not in (None, "-") and not str(name).endswith(".json"):
        raise ValueError(f"--json writes to a file whose name ends with .json, got {name}: put a bare --json last")


def write_json(name: str | None, record: object) -> None:
    """Write or print a record; None does nothing, ``-`` prints."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    if name == "-":
        print(text)
    elif name is not None:
        atomic.write_text(name, text + "\n")
