"""``segtcn draft``: segments of unlabelled features, to name in the player."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from segtcn.cli.parser import Dir, Rate
from segtcn.text_table import counted


def draft(
    features: list[Path],
    *,
    output: Dir,
    clusters: Annotated[int, "N"] = 10,
    fps: Rate | None = None,
    sample_rate: Annotated[int, "K"] = 1,
    overwrite: bool = False,
) -> None:
    """Propose segments of videos before anything is labelled, by TW-FINCH: no training, no labels.

    Each video gets its own clusters, numbered in the order in which they begin. Watch them with `segtcn view`, give
    them names, join what belongs together, and save.

    Args:
        features: feature files (.npy) of one video each, (D, T) or all (T, D), or folders of them.
        output: folder of the labels.
        clusters: classes to propose for each video, such as the actions that one expects in it.
        fps: features per second (default: what `segtcn extract` recorded).
        sample_rate: look at every K-th frame; 12,000 frames take seconds, and four times the frames 16 times as long.
        overwrite: replace labels that are there, which somebody may have corrected.

    Examples:
      segtcn draft features/ --clusters 8 --fps 15 -o drafts
      segtcn view drafts --clips videos
    """
    import numpy as np

    from segtcn.arrays import open_features
    from segtcn.data.readers.tree import find_layout
    from segtcn.extract.feature_files import find_record
    from segtcn.labels import Labels, write_labels
    from segtcn.labels.classes import listed
    from segtcn.prepare.draft import draft_labels
    from segtcn.progress import progress_bar
    from segtcn.segmenter.file_prediction import find_features

    if clusters < 1 or sample_rate < 1:
        raise ValueError(f"--clusters and --sample-rate must be at least 1, got {clusters} and {sample_rate}")
    sources = find_features(features)
    if not overwrite and (there := [name for name in sources if (output / f"{name}.csv").exists()]):
        raise FileExistsError(f"{output} has labels of {listed(there, 5)}: --overwrite replaces them")

    layout = find_layout(sources, lambda name: (open_features(sources[name]).shape, None))
    for name, path in progress_bar(sources.items(), "draft", unit="video", total=len(sources)):
        array = open_features(path) if layout.time_axis == 1 else open_features(path).T
        rate = fps or (find_record(path) or {}).get("fps")
        drafted = draft_labels(np.asarray(array[:, ::sample_rate], np.float32), clusters, source=str(path))
        indexes = np.repeat(drafted.indexes, sample_rate)[: array.shape[1]]
        place = output / f"{name}.csv"
        place.parent.mkdir(parents=True, exist_ok=True)
        labels = Labels(indexes, drafted.classes, rate, source=str(path))
        write_labels(place, labels)
        write_labels(place.with_suffix(".txt"), labels)
    drafted.classes.write(output / "mapping.txt")
    print(f"features {layout.feature_dim} wide")
    print(
        f"{counted(len(sources), 'video')} drafted: {output}; watch and name them: segtcn view {output} --clips FOLDER"
    )
