"""``segtcn predict``: labels for features and clips, from a trained network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from segtcn.cli.network_module import Module, import_module
from segtcn.cli.notes import raise_failed
from segtcn.cli.parser import Dir
from segtcn.text_table import counted

if TYPE_CHECKING:
    from segtcn.labels import Classes


@dataclass(frozen=True)
class Decoding:
    """From scores to labels.

    Args:
        decoder: a file of `segtcn decode --fit`, or a name with its parameter, such as median=0.5.
        min_duration_s: give segments shorter than this to a neighbour.
        chunk: frames at a time, of those that the network sees (default: all, of long videos 8192); the labels are
            those of the whole video.
        approximate: cross-fade overlapping chunks, for networks that see the whole video.
    """

    decoder: Annotated[str, "FILE|NAME=VALUE"] | None = None
    min_duration_s: Annotated[float, "SECONDS"] = 0.0
    chunk: Annotated[int, "N"] | None = None
    approximate: bool = False


@dataclass(frozen=True)
class Clips:
    """Clips.

    Args:
        overlay: draw the labels on each clip, as NAME.mp4.
        backbone: file or folder of the backbone, where it is not found by its name.
        device: of backbone and network: auto, cpu, cuda, cuda:1, ...
    """

    overlay: bool = False
    backbone: Annotated[str, "MODEL"] | None = None
    device: Annotated[str, "DEVICE"] = "auto"


@dataclass(frozen=True)
class Files:
    """Files.

    Args:
        relative_to: NAME is the path below FOLDER: same names stay apart.
        overwrite: replace labels that another checkpoint or other options made.
        quiet: no progress bar.
    """

    relative_to: Annotated[Path, "FOLDER"] | None = None
    overwrite: bool = False
    quiet: bool = False


def predict(
    checkpoint: Path,
    sources: list[Path],
    *,
    out: Dir,
    module: Module | None = None,
    decoding: Decoding,
    clips: Clips,
    files: Files,
) -> None:
    """Write the labels of features and clips: OUT/NAME.txt, NAME.csv and NAME.npz.

    NAME.txt has one label a line, NAME.csv one segment a line in frames and seconds, NAME.npz has the scores. For
    several labels at a time there is no NAME.txt, and NAME.csv has a first column `track`. Videos that are done already
    are skipped; one that fails does not stop the others, and the end reports it. Stop and continue at will: nothing is
    ever half written. No ground truth, data set or config is needed.

    Args:
        checkpoint: file of a trained network, or folder of a run.
        sources: features (.npy), clips, and folders of both.
        out: folder of the labels.
        module: imported first: it defines a network of yours.
        decoding: how scores become labels.
        clips: how clips are read and drawn.
        files: what is written.

    Examples:
      segtcn predict RUN clip.mp4 --out labels --overlay
      segtcn predict RUN clips/ features/ --out labels --min-duration 0.5
      segtcn predict RUN features/ --out labels --decoder viterbi.json
      segtcn predict net.ckpt more/ --out labels --relative-to more

    The features of a clip are made like the training features, as recorded by `segtcn extract` and stored in the
    checkpoint. Feature files are (D, T); those of `segtcn extract` are refused if another backbone or window made them.
    Their rate may be any multiple of what the network sees.
    """
    from segtcn.decoding import Decoder
    from segtcn.extract.backbones import choose_device
    from segtcn.segmenter import load
    from segtcn.segmenter.clip_features import ClipFeatures
    from segtcn.segmenter.file_prediction import PredictionOptions, find_sources, predict_files

    paths, passed_over = find_sources(sources, files.relative_to)
    import_module(module)
    segmenter = load(str(checkpoint), choose_device(clips.device))
    decoder = None if decoding.decoder is None else Decoder.named(decoding.decoder, segmenter.classes)
    drawn = {name: path for name, path in paths.items() if clips.overlay and path.suffix.lower() != ".npy"}
    _check_drawings(drawn, out, files.overwrite)
    result = predict_files(
        segmenter,
        paths,
        out,
        PredictionOptions(decoding.chunk, decoding.approximate, decoding.min_duration_s, decoder),
        ClipFeatures(segmenter.extraction, segmenter.fps, clips.backbone, clips.device, out, not files.quiet),
        files.overwrite,
        progress=not files.quiet,
    )
    there = f", {len(result.skipped)} were there already" if result.skipped else ""
    print(f"{counted(len(result.made), 'video')} labelled{there}: {out}")
    for note in result.notes:
        print(f"note: {note}")
    if passed_over:
        print(f"passed over: {', '.join(map(str, passed_over))}")
    missing = [name for name in result.skipped if not (out / f"{name}.mp4").exists()]
    to_draw = {name: path for name, path in drawn.items() if name in {*result.made, *missing}}
    failed = result.failed | _draw(to_draw, out, segmenter.classes.common, files.quiet)
    raise_failed(failed, paths)


def _check_drawings(clips: Mapping[str, Path], out: Path, overwrite: bool) -> None:
    """Refuse to replace a clip that is drawn on, and those of somebody else.

    Raises:
        FileExistsError: if there is one.
    """
    from segtcn.segmenter.labels_folder import labelled_here

    made = labelled_here(out)
    for name, clip in clips.items():
        drawing = out / f"{name}.mp4"
        if drawing.exists() and drawing.samefile(clip):
            raise FileExistsError(f"{clip} would be replaced by its drawing: choose another `out`")
        if drawing.exists() and not overwrite and name not in made:
            raise FileExistsError(
                f"{drawing} is there and was not made here: choose another `out`, or let `overwrite` replace it"
            )


def _draw(clips: Mapping[str, Path], out: Path, classes: Classes, quiet: bool) -> dict[str, str]:
    """Draw labels on clips; returns what was wrong with those that failed."""
    from segtcn.labels import read_labels
    from segtcn.labels.track_classes import track_files, track_of
    from segtcn.visualization.overlay import OverlayLook, overlay_video

    failed = {}
    for name, clip in clips.items():
        try:
            files = track_files({"prediction": out / f"{name}.npz"})
            tracks = {track_of(path) or title: read_labels(path) for title, path in files.items()}
            look = OverlayLook(progress=not quiet)
            overlay_video(clip, tracks, out / f"{name}.mp4", classes=classes, look=look)
        except (ValueError, OSError) as error:
            failed[name] = f"its labels are written, but cannot be drawn: {error}"
    return failed
