"""``segtcn suggest``: what to label next, as a table and in the player."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from segtcn.cli.network_module import Module, import_module
from segtcn.cli.parser import Dir
from segtcn.cli.view import Served

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segtcn.labels import Labels
    from segtcn.prepare.suggestions import Suggestion
    from segtcn.segmenter import Segmenter
    from segtcn.visualization.player import Player


@dataclass(frozen=True)
class Stretches:
    """Stretches.

    Args:
        count: to suggest.
        shortest_s: shorter predicted segments belong to a neighbour.
        longest_s: longer ones are cut into parts.
        measure: how unsure the network is of a frame.
    """

    count: Annotated[int, "N"] = 20
    shortest_s: Annotated[float, "SECONDS"] = 1.0
    longest_s: Annotated[float, "SECONDS"] = 10.0
    measure: Literal["entropy", "margin"] = "entropy"


@dataclass(frozen=True)
class Watched(Served):
    """In the player.

    Args:
        clips: folder with one clip a video: opens the player.
    """

    clips: Dir | None = None


def suggest(
    checkpoint: Path,
    features: list[Path],
    *,
    output: Dir,
    module: Module | None = None,
    stretches: Stretches,
    watched: Watched,
    quiet: bool = False,
) -> None:
    """Suggest which stretches of unlabelled videos to label next: those that a network is unsure of, and that differ.

    OUT/suggestions.csv has them, the best first, and OUT/predictions all predictions. OUT/labels/NAME.csv has the
    predicted labels of the suggested stretches, for correction; all other frames count as not annotated. With --clips,
    the player opens with the videos in that order, and --save takes the corrected labels.

    Args:
        checkpoint: file of a trained network, or folder of a run.
        features: feature files (.npy) of unlabelled videos, or folders of them.
        output: folder of the table and the labels.
        module: imported first: it defines a network of yours.
        stretches: which stretches, and how many.
        watched: whether and how the player is served.
        quiet: no progress bar.

    Examples:
      segtcn suggest RUN features/ -o next
      segtcn suggest RUN features/ -o next --count 50 --clips videos --save corrected
      segtcn add mydata corrected
    """
    from segtcn.arrays import open_features
    from segtcn.atomic import write_text
    from segtcn.cli.view import serve
    from segtcn.labels import write_labels
    from segtcn.prepare.suggestions import only_suggested, suggest_stretches
    from segtcn.segmenter import load
    from segtcn.segmenter.file_prediction import find_features

    if any((output / "labels").glob("**/*.csv")):
        raise FileExistsError(
            f"{output / 'labels'} has labels, which somebody may have corrected: choose another folder"
        )
    import_module(module)
    segmenter = load(str(checkpoint))
    segmenter.require_labels()
    sources = find_features(features)
    preds = _predict(segmenter, sources, output / "predictions", stretches, quiet)
    arrays = {name: open_features(path) for name, path in sources.items()}
    width = segmenter.net.in_channels
    arrays = {name: array if len(array) == width else array.T for name, array in arrays.items()}
    fps = next(iter(preds.values())).fps
    longest = None if fps is None else max(1, round(stretches.longest_s * fps))
    suggestions = suggest_stretches(preds, arrays, stretches.count, longest, stretches.measure)
    shown = {
        name: only_suggested(preds[name], [stretch for stretch in suggestions if stretch.video == name])
        for name in dict.fromkeys(stretch.video for stretch in suggestions)
    }
    files = {name: output / "labels" / f"{name}.csv" for name in shown}
    for name, labels in shown.items():
        files[name].parent.mkdir(parents=True, exist_ok=True)
        write_labels(files[name], labels)
    segmenter.classes.write(output / "labels" / "mapping.txt")
    write_text(output / "suggestions.csv", _table(suggestions, fps) + "\n")
    print(f"{len(suggestions)} stretches of {len(shown)} videos: {output / 'suggestions.csv'}")
    if watched.clips is not None:
        tracks = {name: {"suggested": labels, "prediction": preds[name]} for name, labels in shown.items()}
        serve(
            _player(suggestions, tracks, watched.clips),
            {name: [str(path)] for name, path in files.items()},
            watched,
        )


def _predict(
    segmenter: Segmenter, sources: Mapping[str, Path], out: Path, stretches: Stretches, quiet: bool
) -> dict[str, Labels]:
    from segtcn.labels import read_labels
    from segtcn.segmenter.file_prediction import PredictionOptions, predict_files

    options = PredictionOptions(min_duration_s=stretches.shortest_s if segmenter.fps else 0.0)
    result = predict_files(segmenter, sources, out, options, progress=not quiet)
    if result.failed:
        raise ValueError("; ".join(result.failed.values()))
    for note in result.notes:
        print(f"note: {note}")
    return {name: read_labels(out / f"{name}.npz") for name in sources}


def _table(suggestions: Sequence[Suggestion], fps: float | None) -> str:
    from segtcn.text_table import TABLES

    rows = []
    for rank, stretch in enumerate(suggestions, start=1):
        frames = [stretch.start, stretch.stop]
        seconds = [f"{frame / fps:.2f}" if fps else "" for frame in frames]
        worth = [f"{value:.3f}" for value in (stretch.uncertainty, stretch.novelty, stretch.value)]
        rows.append([str(rank), stretch.video, *map(str, frames), *seconds, stretch.label, *worth])
    header = ["rank", "video", "start", "stop", "start_s", "stop_s", "label", "uncertainty", "novelty", "value"]
    return TABLES["csv"](header, rows)


def _player(suggestions: Sequence[Suggestion], tracks: Mapping[str, Mapping[str, Labels]], clips: Path) -> Player:
    """The videos in the order of their best rank, by which the page sorts them, too."""
    from segtcn.labels import find_clips
    from segtcn.visualization.player import Player, PlayerVideo

    paths = find_clips(clips)
    ranks = {stretch.video: float(rank) for rank, stretch in reversed([*enumerate(suggestions, start=1)])}
    videos = [
        PlayerVideo(
            name,
            of_video,
            paths.get(name) or paths.get(name.rpartition("/")[2]),
            {"suggested": {"rank": ranks[name]}},
        )
        for name, of_video in tracks.items()
    ]
    return Player("what to label next", videos, next(iter(tracks.values()))["prediction"].classes)
