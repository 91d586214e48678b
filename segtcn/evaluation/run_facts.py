"""``run.json``: what a folder of predictions must know of its network and its data, so that nothing else is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

import segtcn
from segtcn.atomic import write_text
from segtcn.labels import Classes
from segtcn.labels.video_lists import leads_out
from segtcn.structures import is_rate

_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("name", "checkpoint"), (str, NoneType)),
    **dict.fromkeys(("split", "seed", "background"), (int, NoneType)),
    **dict.fromkeys(("network", "data"), dict),
    "extraction": (dict, NoneType),
    "groups": (str, NoneType),
    "protocol": str,
    "sample_rate": int,
    "fps": (int, float, NoneType),
    "classes": list,
    "videos": list,
}
_OPTIONAL = ("name", "network", "data", "checkpoint", "extraction", "groups")
VERSION = 1
"""Of the layout of ``run.json``; a newer one is refused."""

RUN_FILE = "run.json"
_LONGEST = 4096
PREDICTIONS = "predictions"
"""Folder with one archive ``NAME.npz`` for each video, beside ``run.json``."""


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What ``run.json`` says of one trained network and its test videos.

    Args:
        classes: names of the classes, and the background class.
        videos: names of the test videos; each has a file in ``predictions``.
        protocol: under which the network was scored.
        fps: labels per second of the predictions, which is the rate of the stored features; None where it is unknown.
        sample_rate: the network saw one stored frame in this many.
        split: number of the split.
        seed: of the training.
        name: of the run; None calls it as its folder.
        network: its ``spec``.
        data: what the data set's card and reader say, for people.
        checkpoint: the weights that predicted; relative to the folder if they lie in it.
        extraction: how the features were made; None where it is unknown.
        groups: regular expression of the person or recording in the name of a video, as the card says it, or None.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> path = RunFacts(classes=Classes(("take", "pour")), videos=("tea",), fps=15.0, split=1).write(folder)
        >>> RunFacts.read(folder).classes.names
        ('take', 'pour')
    """

    classes: Classes
    videos: tuple[str, ...]
    protocol: str = "lea"
    fps: float | None = None
    sample_rate: int = 1
    split: int | None = None
    seed: int | None = None
    name: str | None = None
    network: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: str | None = None
    extraction: Mapping[str, Any] | None = None
    groups: str | None = None

    def __post_init__(self) -> None:
        if (self.fps is not None and not is_rate(self.fps)) or self.sample_rate < 1:
            raise ValueError(f"`fps` and `sample_rate` must be positive, got {self.fps} and {self.sample_rate}")
        for name in self.videos:
            if leads_out(name):
                raise ValueError(f"the name of a video must not lead out of the folder, got {name!r}")

    def write(self, folder: Path) -> Path:
        """Write ``run.json``; complete or not at all.

        Args:
            folder: of the run.

        Returns:
            The file.
        """
        record = {"version": VERSION, "segtcn": segtcn.__version__, **vars(self)}
        record |= {"classes": self.classes.names, "background": self.classes.background}
        write_text(folder / RUN_FILE, json.dumps(record, indent=2, ensure_ascii=False, default=str) + "\n")
        return folder / RUN_FILE

    @classmethod
    def read(cls, folder: Path) -> RunFacts:
        """Read ``run.json``; entries that a later segtcn adds to the same version are passed over.

        Args:
            folder: of the run.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it was written by a newer segtcn, or cannot be understood.
        """
        path = folder / RUN_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"no {RUN_FILE} in {folder}: it was not scored yet, or by an older segtcn, so run `segtcn test` again; "
                "if `segtcn crossval` was stopped, give its command again"
            )
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            version = record["version"]
            if version <= VERSION:
                _check_types(record)
                return cls(
                    classes=Classes(tuple(record["classes"]), record["background"]),
                    videos=tuple(record["videos"]),
                    **{key: record[key] for key in ("protocol", "fps", "sample_rate", "split", "seed")},
                    **{key: record[key] for key in _OPTIONAL if key in record},
                )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{path} cannot be understood ({error!r}): run `segtcn test` again") from error
        raise ValueError(f"{path} was written by a newer segtcn (version {version}): update segtcn")


def _check_types(record: Mapping[str, Any]) -> None:
    for name, types in _TYPES.items():
        if name in record and not isinstance(record[name], types):
            raise TypeError(f"`{name}` cannot be {str(record[name])[:80]!r}")
    for name in ("classes", "videos"):
        if not all(isinstance(value, str) for value in record[name]):
            raise TypeError(f"`{name}` must be names")
    if any(len(name) > _LONGEST for name in (record.get("name") or "", *record["classes"], *record["videos"])):
        raise ValueError(f"a name has more than {_LONGEST:,} characters")
    for name in ("fps", "sample_rate"):
        if record[name] is not None and not is_rate(record[name]):
            raise ValueError(f"`{name}` must be positive and below 1e9, got {record[name]}")
