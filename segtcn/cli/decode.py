"""``segtcn decode``: from a network's scores to labels, by a decoder fitted on held-out training videos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from segtcn.cli.parser import Rate, UsageError
from segtcn.text_table import counted

if TYPE_CHECKING:
    from segtcn.decoding import FittedDecoder
    from segtcn.labels import Labels


@dataclass(frozen=True)
class Fitting:
    """Fit a decoder.

    Args:
        fit: the decoder whose parameter is chosen by the F1@50 of the predictions.
        truth: true labels of the same videos (default: those in the predictions).
        training: true labels of training videos, on which viterbi counts segments (default: the truth).
        videos: count on these videos only, those of the training split: their names, or a file with one name a line.
        fps: labels per second of label files without a rate.
    """

    fit: Literal["minimum_duration", "median", "hysteresis", "viterbi", "optimal_transport"] | None = None
    truth: Path | None = None
    training: Path | None = None
    videos: Annotated[list[str], "NAME"] | None = None
    fps: Rate | None = None


def decode(
    predictions: Path, *, output: Path, decoder: Annotated[str, "FILE|NAME=VALUE"] | None = None, fitting: Fitting
) -> None:
    """Turn the scores of any network into other labels: no fragments, likely durations, likely orders.

    Fit a decoder first, on videos that the network was not trained on and that are not test videos: hold out some
    training videos, train, and label them by `segtcn predict`. Then decode any predictions with it.

    Args:
        predictions: folder of .npz files, such as `segtcn predict` writes, or a run.
        output: the decoder to write (FILE.json, with --fit), or the folder of the labels.
        decoder: a fitted decoder, or a name with its parameter, such as median=0.5.
        fitting: choose a parameter.

    Examples:
      segtcn decode heldout/ --fit median --truth TRUTH -o median.json
      segtcn decode heldout/ --fit viterbi --truth TRUTH --training TRAINING -o viterbi.json
      segtcn decode RUN/predictions --decoder median.json -o decoded
      segtcn evaluate decoded TRUTH --protocol all --videos mydata/splits/test.split1.bundle

    Decoders: minimum_duration gives short segments to a neighbour, median smooths the scores, hysteresis changes the
    label only for a better one, viterbi weighs the order and duration of segments, optimal_transport is that of ASOT.
    """
    if (decoder is None) == (fitting.fit is None):
        raise UsageError("give one of --fit and --decoder")
    if decoder is not None and fitting != Fitting():
        raise UsageError("--truth, --training, --videos and --fps are for --fit: leave them out")
    if fitting.videos is not None and fitting.training is None:
        raise UsageError("--videos chooses among --training: give that, too")
    from segtcn.labels import find_label_files
    from segtcn.labels.track_classes import track_of

    files = find_label_files(predictions)
    if any(track_of(path) for path in files.values()):
        raise ValueError(f"{predictions} holds several tracks, but a decoder takes one label a frame")
    files = {name: path for name, path in files.items() if path.suffix == ".npz"}
    if not files:
        raise ValueError(
            f"no .npz files in {predictions}: decoders need the scores of `segtcn predict` or `segtcn test`"
        )
    if decoder is None:
        if (predictions / "run.json").exists() or (predictions.parent / "run.json").exists():
            raise ValueError(f"{predictions} holds test predictions: fit a decoder on held-out training videos")
        fitted = _fit(files, fitting)
        fitted.decoder.save(output)
        rows = "\n".join(f"  {value:g}: F1@50 {score:.1f}" for value, score in fitted.scores.items())
        print(f"{fitting.fit} on {counted(len(files), 'video')}\n{rows}\n{output}: {fitted.decoder.value:g}")
    else:
        _decode(files, decoder, output)


def _fit(files: dict[str, Path], fitting: Fitting) -> FittedDecoder:
    from segtcn.decoding import fit_decoder
    from segtcn.evaluation import chosen_videos
    from segtcn.labels import find_label_files, read_archive_labels
    from segtcn.labels.classes import listed

    pairs = {name: read_archive_labels(path) for name, path in files.items()}
    predictions = [labels for labels, _ in pairs.values()]
    truth = {name: labels for name, (_, labels) in pairs.items() if labels is not None}
    if fitting.truth is not None:
        truth = _read_truth(find_label_files(fitting.truth), predictions[0], fitting.fps)
    missing = [name for name in pairs if name not in truth]
    if missing:
        remedy = "give --truth" if fitting.truth is None else f"add them to {fitting.truth}"
        raise ValueError(f"no true labels of {missing[0]} ({len(missing)} of {len(pairs)} videos): {remedy}")
    training: dict[str, Labels] = {}
    if fitting.training is not None:
        files = find_label_files(fitting.training)
        if fitting.videos is not None:
            names = chosen_videos(fitting.videos)
            if missing := [name for name in names if name not in files]:
                raise ValueError(f"{fitting.training} has no labels of {listed(missing, 5)}, which --videos names")
            files = {name: files[name] for name in names}
        training = _read_truth(files, predictions[0], fitting.fps)
    return fit_decoder(str(fitting.fit), predictions, [truth[name] for name in pairs], list(training.values()))


def _read_truth(files: dict[str, Path], like: Labels, fps: float | None) -> dict[str, Labels]:
    """True labels with the classes of a prediction, and its rate unless another is given."""
    from segtcn.labels import read_label_files

    read = read_label_files(files, like.classes, fps or like.fps)
    return {name: labels.in_classes(like.classes) for name, labels in read.items()}


def _decode(files: dict[str, Path], decoder: str, output: Path) -> None:
    from segtcn.decoding import Decoder
    from segtcn.labels import read_archive_labels, write_labels
    from segtcn.progress import progress_bar

    decode_scores = Decoder.named(decoder, read_archive_labels(next(iter(files.values())))[0].classes)
    changed = 0
    for name, path in progress_bar(files.items(), "decode", unit="video", total=len(files)):
        labels, truth = read_archive_labels(path)
        decoded = decode_scores(labels)
        changed += len(labels.segments()) - len(decoded.segments())
        place = output / f"{name}.npz"
        if place.exists() and place.samefile(path):
            raise ValueError(f"{output} holds the predictions themselves: choose another folder (-o)")
        place.parent.mkdir(parents=True, exist_ok=True)
        for ending in (".txt", ".csv"):
            write_labels(output / f"{name}{ending}", decoded)
        write_labels(place, decoded, truth)
    decode_scores.classes.write(output / "mapping.txt")
    print(f"{counted(len(files), 'video')} decoded by {decode_scores.method} ({changed} segments fewer): {output}")
