"""The option ``--json`` of several commands: a record in a file or alone on standard output."""

from __future__ import annotations

import json

from segtcn import atomic


def write_json(name: str | None, record: object) -> None:
    """Write or print a record; None does nothing, ``-`` prints."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    if name == "-":
        print(text)
    elif name is not None:
        atomic.write_text(name, text + "\n")
