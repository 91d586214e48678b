"""The folder of predicted labels, and the record of what made them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import segtcn
from segtcn.atomic import reason, remove_leftovers, write_json
from segtcn.extract.feature_files import differences
from segtcn.labels import Labels, write_labels
from segtcn.labels.folder import MAPPING, RECORD
from segtcn.labels.track_classes import write_tracks
from segtcn.segmenter.checkpoint import is_trained_run
from segtcn.segmenter.segmenter import Segmenter

FORMATS = (".txt", ".csv", ".npz")
"""What is written for each video, the first not for several tracks; the last one is there when the video is done."""


def labelled_here(out: Path) -> set[str]:
    """Names of the videos whose labels :func:`~segtcn.segmenter.file_prediction.predict_files` wrote into a folder."""
    try:
        return {*json.loads((out / RECORD).read_text(encoding="utf-8"))["sources"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


class LabelsFolder:
    """A folder whose labels were all made in one way, which its record says.

    Args:
        out: the folder.
        segmenter: that makes the labels.
        options: how it makes them, plain values.
    """

    def __init__(self, out: Path, segmenter: Segmenter, options: Mapping[str, Any]) -> None:
        self.out, self._classes = out, segmenter.classes.common
        self._formats = FORMATS[1:] if segmenter.tracks else FORMATS
        facts = {"weights_sha256": segmenter.digest(), "segmenter": segmenter.facts(), "options": options}
        self._facts = json.loads(json.dumps(facts))  # lists for tuples, as they are read back
        self._sources: dict[str, Any] = {}

    def begin(self, sources: Mapping[str, Path], overwrite: bool) -> None:
        """Check the folder and write what all videos share."""
        self._check_place()
        if "mapping" in sources:
            raise ValueError(
                f"{sources['mapping']} would become mapping.txt, the list of the classes: rename it, or keep folders "
                "apart by `relative_to`"
            )
        mapping, record = self.out / MAPPING, self.out / RECORD
        if record.exists():
            self._sources = self._read(record, sources, overwrite)
        if not overwrite:
            self._check_sources(sources)
        foreign = [path for name in sources if name not in self._sources for path in self._paths(name)]
        foreign += [] if record.exists() else [mapping]
        if not overwrite and (present := [path for path in foreign if path.exists()]):
            raise FileExistsError(
                f"{present[0]} is there and was not made here: choose another `out`, or let `overwrite` replace it"
            )
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PermissionError(
                f"cannot make the folder {self.out} ({reason(error)}): choose another `out`"
            ) from error
        remove_leftovers(self.out, {*sources, mapping.stem, record.stem})  # of a process that was killed
        self._write_record()
        self._classes.write(mapping)

    def _check_place(self) -> None:
        """Refuse the folder of a run, and one of a data set."""
        place = self.out.resolve()
        for folder in (place, *place.parents):
            if folder.name in ("predictions", "checkpoints") and is_trained_run(folder.parent):
                raise ValueError(f"{folder} holds the {folder.name} of a run, which stay: choose another `out`")
        if is_trained_run(place):
            raise ValueError(f"{place} is the folder of a run: choose another `out`, such as {place / 'labels'}")
        is_other = place.is_dir() and any(place.iterdir()) and not (place / RECORD).exists()
        if is_other and (place.parent / MAPPING).exists():
            raise ValueError(f"{place} belongs to the data set {place.parent}: choose another `out`")

    def _check_sources(self, sources: Mapping[str, Path]) -> None:
        """Refuse to replace the labels of another video of the same name."""
        for name, source in sources.items():
            recorded = self._sources.get(name)
            if recorded and recorded["file"] != str(source.absolute()) and not _is_same(recorded, source):
                raise ValueError(
                    f"{self.out / name}.txt has the labels of {recorded['file']}, and {source} has the same name: "
                    "choose another `out`, keep folders apart by `relative_to`, or let `overwrite` replace them"
                )

    def is_done(self, name: str, source: Path) -> bool:
        """Whether the labels of a video were written, and its source is still the same."""
        recorded = self._sources.get(name)
        return recorded is not None and _is_same(recorded, source) and all(path.exists() for path in self._paths(name))

    def write(self, name: str, source: Path, tracks: Mapping[str, Labels]) -> None:
        """Write the labels of each track of a video, or of one named ""; the last file shows that it is done."""
        *_, last = paths = self._paths(name)
        last.parent.mkdir(parents=True, exist_ok=True)  # names may hold folders
        last.unlink(missing_ok=True)  # until all are written
        self._sources[name] = _identity(source)
        self._write_record()
        for path in paths:
            if "" in tracks:
                write_labels(path, tracks[""])
            else:
                write_tracks(path, tracks)

    def _read(self, path: Path, sources: Mapping[str, Path], overwrite: bool) -> dict[str, Any]:
        """Sources of the labels that are there and were made in the same way.

        Raises:
            ValueError: if others would be mixed with them, or lost.
        """
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            unlike = differences({key: record[key] for key in self._facts}, self._facts)
            recorded = {name: {**source, "file": source["file"]} for name, source in record["sources"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if overwrite:
                return {}
            raise ValueError(
                f"{path} is damaged ({error}): choose another `out`, or let `overwrite` replace it"
            ) from error
        if unlike and (left := [name for name in recorded if name not in sources or not overwrite]):
            more = f"; and {len(unlike) - 3} more" if len(unlike) > 3 else ""
            remedy = f"give the source of {left[0]}, too" if overwrite else "let `overwrite` replace them"
            raise ValueError(
                f"the labels in {self.out} were made with {'; '.join(unlike[:3])}{more}: choose another `out`, or "
                + remedy
            )
        return {} if unlike else recorded

    def _write_record(self) -> None:
        write_json(self.out / RECORD, {"segtcn": segtcn.__version__, **self._facts, "sources": self._sources})

    def _paths(self, name: str) -> list[Path]:
        return [self.out / f"{name}{suffix}" for suffix in self._formats]


def _is_same(recorded: Mapping[str, Any], source: Path) -> bool:
    """Whether a source is the recorded one, which may have been moved."""
    try:
        return {**_identity(source), "file": recorded["file"]} == recorded
    except OSError:
        return False


def _identity(source: Path) -> dict[str, Any]:
    facts = source.stat()
    return {"file": str(source.absolute()), "bytes": facts.st_size, "modified_ns": facts.st_mtime_ns}
