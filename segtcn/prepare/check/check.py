"""Everything that can be wrong with a data set, found in one pass."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations
from os.path import isfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segtcn.data.card import read_card
from segtcn.data.readers.reader import Reader
from segtcn.labels.lengths import LengthPolicy
from segtcn.prepare.check.clips import check_clips, find_clips
from segtcn.prepare.check.reading import (
    Extremes,
    all_reads,
    differs_from_split_to_split,
    digest,
    merged,
    read_and_measure,
    read_lists,
    read_video,
)
from segtcn.prepare.check.report import ClassCount, DataReport, Key, Severity, SplitCount, VideoFacts, counted
from segtcn.progress import progress_bar

_ODD_VIDEO = 10.0  # times the median range of values: features of the same extractor stay far below
_ODD_FEATURE = 1000.0  # the same between features: pixels beside probabilities
_LARGEST_HALF = 65504.0
_NAMED = 5
_BACKGROUND_NAMES = frozenset(
    ("background", "bg", "sil", "silence", "none", "null", "no_action", "no action", "nothing", "idle")
)


def check_data(
    reader: Reader,
    length_policy: LengthPolicy = "error",
    length_tolerance: int = 10,
    standardize: bool = False,
    card: str | Path | None = None,
    clips: str | Path | None = None,
    clips_of_all: bool = True,
    progress: bool = False,
    assumed: Collection[str] = (),
) -> DataReport:
    """Read every listed video once and report what the data set holds and all that is wrong with it.

    Nothing stops at a bad video. Features that differ from split to split are read for every split.

    Args:
        reader: the data set.
        length_policy: as of the data module. With ``trim``, features and labels whose lengths differ by no more than
            ``length_tolerance`` are a warning; otherwise every difference is an error.
        length_tolerance: in frames.
        standardize: as of the data module: whether features of very different scale are made equal anyway.
        card: the data set's card, whose values are compared with the measured ones.
        clips: folder with the video files ``NAME.mp4`` or of another ending; frame rate and duration are compared.
        clips_of_all: whether a video without a clip is reported.
        progress: whether to show a progress bar.
        assumed: which of the reader's arguments ``fps`` and ``background`` nobody gave, so that they are its defaults.

    Raises:
        FileNotFoundError: if there is no folder ``clips``.

    Example:
        >>> from segtcn.prepare.check import check_data
        >>> report = check_data(MSTCNReader("DIR", fps=25))  # doctest: +SKIP
        >>> for problem in report.errors:  # doctest: +SKIP
        ...     print(problem.message)
    """
    files = None if clips is None else find_clips(Path(clips))  # before minutes of reading
    start_s = time.monotonic()
    report = DataReport(reader=type(reader).__name__)
    read_lists(reader, report)
    report.split_specific = differs_from_split_to_split(reader, report)
    _check_lists(report)
    spreads, same = _read_and_measure(reader, report, progress)
    report.seconds = time.monotonic() - start_s
    _check_duplicates(reader, report, same)
    width = _check_widths(reader, report)
    _check_lengths(report, length_policy, length_tolerance)
    _check_values(report, {split: spread for (split, w), spread in spreads.items() if w == width}, standardize)
    _check_frozen(reader, report)
    _check_labels(reader, report)
    _check_background(reader, report, assumed)
    _check_unlisted(reader, report)
    _take_facts(reader, report, width)
    report.facts["assumed"] = [name for name in ("fps", "background") if name in assumed]
    if files is not None:
        check_clips(report, reader.fps, files, str(clips) if clips_of_all else None, progress)
    if card is not None:
        _check_card(report, Path(card))
    return report


class _Spread:
    """Smallest and largest values of videos of one width.

    Attributes:
        extremes: over all videos.
        changing: over those in which the feature changes; infinite where there are none.
        constant: of every video the features that do not change in it, and their values.
    """

    def __init__(self, width: int) -> None:
        nothing = np.full(width, np.inf, np.float32), np.full(width, -np.inf, np.float32)
        self.extremes: Extremes = nothing
        self.changing: Extremes = nothing
        self.constant: dict[Key, tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]] = {}

    def add(self, key: Key, extremes: Extremes) -> None:
        """Count a video in."""
        lowest, highest = extremes
        self.extremes = merged([self.extremes, extremes])
        still = lowest == highest
        own = np.where(still, np.float32(np.inf), lowest), np.where(still, np.float32(-np.inf), highest)
        self.changing = merged([self.changing, own])
        if still.any() and not still.all():
            self.constant[key] = np.flatnonzero(still), lowest[still]


def _check_lists(report: DataReport) -> None:
    everything = list(dict.fromkeys(name for split in report.lists for name in report.listed(split)))
    for split, lists in report.lists.items():
        test = set(lists["test"])
        if both := [name for name in lists["train"] if name in test]:
            report.add(
                "error",
                "two subsets",
                f"split {split}",
                f"split {split} lists {_join(both)} for training and for test: scores on training videos mean nothing; "
                "take each out of one list",
            )
        listed = test.union(lists["train"])
        if neither := [name for name in everything if name not in listed]:
            report.add(
                "warning",
                "no subset",
                f"split {split}",
                f"split {split} lists {_join(neither)} neither for training nor for test, other splits do: add "
                "what was forgotten",
            )


def _read_and_measure(
    reader: Reader, report: DataReport, progress: bool
) -> tuple[dict[tuple[int | None, int], _Spread], list[list[Key]]]:
    """Fill ``report.videos``; smallest and largest values by split and width, and videos that may be equal."""
    spreads: dict[tuple[int | None, int], _Spread] = {}
    alike: dict[bytes, list[Key]] = defaultdict(list)
    labels: dict[str, tuple[bytes, str]] = {}
    trained = {key for split, lists in report.lists.items() for key in report.keys(split, lists["train"])}
    bar = progress_bar(all_reads(report).items(), "check", unit="video", show=progress, keep=False)
    for key, split in bar:
        found = read_and_measure(reader, key, split)
        if found.kind:
            # a test video without ground truth can still be predicted
            severity: Severity = "warning" if found.kind == "no truth" and key not in trained else "error"
            report.add(severity, found.kind, key[0], found.message)
            if found.kind != "no truth":  # which it may not need as a test video
                report.broken[key] = found.message
        facts = found.facts
        if facts is None:
            continue
        report.videos[key] = facts
        report.bytes_read += found.num_bytes
        if found.fault:
            _broken(report, key, "values" if facts.num_frames else "empty", found.fault)
            continue
        spreads.setdefault((key[1], facts.width), _Spread(facts.width)).add(key, found.extremes)
        # a sum of a few kilobytes instead of all features: the few videos that agree are compared in full later
        alike[digest(np.array([facts.num_frames, facts.width]), *found.extremes)].append(key)
        if found.labels is not None:
            own = (found.labels, facts.source)
            first = labels.setdefault(key[0], own)
            if first[0] != own[0]:
                report.add(
                    "warning",
                    "labels of splits",
                    key[0],
                    f"{first[1]} and {own[1]} are the same video with different labels: correct one of them",
                )
    return spreads, [keys for keys in alike.values() if len(keys) > 1]


def _check_duplicates(reader: Reader, report: DataReport, alike: list[list[Key]]) -> None:
    """Compare the videos whose smallest and largest values agree, by hash: usually there are none."""
    pairs: dict[frozenset[str], tuple[Key, Key]] = {}
    across = []
    for keys in alike:
        equal: dict[bytes, list[Key]] = defaultdict(list)
        for key in keys:
            equal[digest(read_video(reader, key).features.numpy())].append(key)
        for group in equal.values():
            for one, other in combinations(group, 2):
                if one[0] == other[0]:
                    across.append(one[0])
                else:
                    pairs.setdefault(frozenset((one[0], other[0])), (one, other))
    for names, (one, other) in pairs.items():
        report.duplicates.append((one[0], other[0]))
        files = f"{report.videos[one].source} and {report.videos[other].source} hold the same features"
        leaks = [
            split for split, lists in report.lists.items() if names & set(lists["train"]) and names & set(lists["test"])
        ]
        if leaks:
            report.add(
                "error",
                "duplicate",
                f"{one[0]}, {other[0]}",
                f"{files}, and split {leaks[0]} trains on one and tests on the other: compute the features of the one "
                "again, or take it out of the lists",
            )
        else:
            report.add(
                "warning",
                "duplicate",
                f"{one[0]}, {other[0]}",
                f"{files}: compute the features of the one again, or take it out of the lists",
            )
    if across:
        names_across = list(dict.fromkeys(across))
        source = report.videos[report.keys(next(iter(report.lists)), names_across)[0]].source
        report.add(
            "warning",
            "same in splits",
            _join(names_across),
            f"features of {_join(names_across)} are equal in several splits (such as {source}), although each split "
            "has its own files: if they come from a network trained on one split, fetch those of the others",
        )


def _check_widths(reader: Reader, report: DataReport) -> int:
    """The width that most videos have; the others cannot be used."""
    widths = Counter(facts.width for facts in report.videos.values())
    if not widths:
        return reader.feature_dim
    width = widths.most_common(1)[0][0]
    report.facts["widths"] = {str(each): number for each, number in widths.most_common()}
    for key, facts in report.videos.items():
        if facts.width != width:
            _broken(
                report,
                key,
                "width",
                f"{facts.source}: features are {facts.width} wide, but {width} in {widths[width]} of "
                f"{counted(len(report.videos), 'video')}; compute them again in the same way",
            )
    return width


def _check_lengths(report: DataReport, policy: LengthPolicy, tolerance: int) -> None:
    differences: Counter[int] = Counter()
    for key, facts in report.videos.items():
        if facts.num_labels is None or key in report.broken:
            continue
        difference = facts.num_frames - facts.num_labels
        differences[difference] += 1
        if not difference:
            continue
        near = abs(difference) <= tolerance and facts.num_labels > 0
        found = (
            f"{facts.source}: {counted(facts.num_frames, 'frame')} of features but {counted(facts.num_labels, 'label')}"
        )
        if policy == "trim" and near:
            report.add("warning", "length", key[0], f"{found}; `length_policy: trim` cuts both to the shorter")
        elif near:
            report.add(
                "error",
                "length",
                key[0],
                f"{found}; `--data.length_policy trim` cuts both to the shorter, --fix OUT writes such a copy",
            )
        else:
            _broken(
                report,
                key,
                "length",
                f"{found}, and `length_tolerance` is {tolerance}: find out whether both have the same rate and belong "
                "to the same video",
            )
    report.length_differences = dict(sorted(differences.items()))


def _check_values(report: DataReport, spreads: Mapping[int | None, _Spread], standardize: bool) -> None:
    for split, spread in spreads.items():
        lowest, highest = spread.extremes
        where = "all videos" if split is None else f"split {split}"
        usable = [facts for (_, own), facts in report.videos.items() if own == split and facts.largest is not None]
        source = usable[0].source
        ranges = highest.astype(np.float64) - lowest
        if (constant := np.flatnonzero(ranges == 0)).size:
            report.add(
                "warning",
                "constant",
                where,
                f"{constant.size} of {ranges.size} features never change in {where}, such as {source} "
                f"(features {_join(constant.tolist())}, counted from 0): leave them out, or look for a fault in the "
                "extraction",
            )
        _check_constant(report, spread)
        changing = ranges[ranges > 0]
        if standardize or not changing.size:
            continue
        typical = float(np.median(changing))
        odd = np.flatnonzero((ranges > _ODD_FEATURE * typical) | ((ranges > 0) & (ranges < typical / _ODD_FEATURE)))
        if odd.size:
            i = int(odd[0])
            report.add(
                "warning",
                "scale",
                where,
                f"{odd.size} of {ranges.size} features in {where} vary over {_ODD_FEATURE:,.0f} times more or less "
                f"than the median feature, such as feature {i} of {source} ({lowest[i]:g} to {highest[i]:g}; median "
                f"range {typical:g}): `--data.standardize true` makes them equal",
            )
        largest, source = max((facts.largest or 0.0, facts.source) for facts in usable)
        if largest > _LARGEST_HALF:
            report.add(
                "warning",
                "scale",
                where,
                f"features of {where} reach {largest:g} (in {source}), beyond the {_LARGEST_HALF:g} of half "
                "precision: divide them, or `--data.standardize true`",
            )
    if spreads:
        report.facts["lowest_feature"] = min(float(spread.extremes[0].min()) for spread in spreads.values())
        report.facts["highest_feature"] = max(float(spread.extremes[1].max()) for spread in spreads.values())
    measured = {key: facts for key, facts in report.videos.items() if key not in report.broken and facts.num_frames > 1}
    ranges_of_videos = [facts.mean_range for facts in measured.values() if facts.mean_range]
    typical = statistics.median(ranges_of_videos) if ranges_of_videos else 0.0
    for key, facts in measured.items():
        if facts.mean_range is None:
            continue
        if facts.mean_range == 0:
            report.add(
                "warning",
                "constant",
                key[0],
                f"{facts.source}: the features are the same in all {facts.num_frames} frames; compute them again",
            )
        elif not typical / _ODD_VIDEO <= facts.mean_range <= typical * _ODD_VIDEO:
            report.add(
                "warning",
                "scale",
                key[0],
                f"{facts.source}: a feature varies over {facts.mean_range:g} on average, in the median video over "
                f"{typical:g}: it was probably extracted or scaled in another way; compute it again",
            )


def _check_constant(report: DataReport, spread: _Spread) -> None:
    """Features that hold still in one video and not in others, at a value that is no end of their range there.

    Such an end is usual: after a ReLU many features are 0 for a whole video.
    """
    lowest, highest = spread.changing
    for key, (indices, values) in spread.constant.items():
        facts = report.videos[key]
        low, high = lowest[indices], highest[indices]
        odd = np.flatnonzero((low <= high) & (values != low) & (values != high))
        if key in report.broken or facts.num_frames < 2 or not odd.size:
            continue
        first = odd[0]
        report.add(
            "warning",
            "constant",
            key[0],
            f"{facts.source}: {odd.size} of {facts.width} features never change in this video, such as feature "
            f"{indices[first]}, counted from 0 ({values[first]:g} all the time, {low[first]:g} to {high[first]:g} in "
            "others): look for a fault in the extraction or the recording",
        )


def _check_frozen(reader: Reader, report: DataReport) -> None:
    for key, facts in report.videos.items():
        if facts.frozen and key not in report.broken:
            stretches = [
                f"from frame {start} ({start / reader.fps:.1f} s) for {frames:,} frames ({frames / reader.fps:.1f} s)"
                for start, frames in facts.frozen
            ]
            report.add(
                "warning",
                "frozen",
                key[0],
                f"{facts.source}: no feature changes {_join(stretches)}: a frozen or repeated picture, or a fault of "
                "the extraction; look at the clip there",
            )


def _check_labels(reader: Reader, report: DataReport) -> None:
    by_name = _first_reads(report)
    labelled = {name: facts for name, facts in by_name.items() if facts.num_labels}
    for index, class_name in enumerate(reader.class_names):
        counts = [(facts.frames_per_class[index], facts.segments_per_class[index]) for facts in labelled.values()]
        frames, segments = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
        report.classes.append(ClassCount(class_name, frames, segments, sum(number > 0 for number, _ in counts)))
    absent = {count.name for count in report.classes if not count.frames}
    if labelled and absent:
        source = next(iter(labelled.values())).source
        report.add(
            "warning",
            "absent class",
            "all videos",
            f"no frame is labelled {_join(sorted(absent))}, although it is a class (labels such as those of {source}): "
            "correct the class names, or leave it out",
        )
    for split, lists in report.lists.items():
        missing = {}
        for subset in ("train", "test"):
            names = [name for name in lists[subset] if name in labelled]
            totals = np.sum([labelled[name].frames_per_class for name in names], axis=0) if names else None
            missing[subset] = [
                name
                for index, name in enumerate(reader.class_names)
                if totals is not None and not totals[index] and name not in absent
            ]
        if missing["train"]:
            report.add(
                "warning",
                "absent class",
                f"split {split}",
                f"split {split} trains on no frame of {_join(missing['train'])}: it cannot be learned; move a video "
                "that has it into the training list",
            )
        if missing["test"]:
            report.add(
                "warning",
                "absent class",
                f"split {split}",
                f"split {split} tests on no frame of {_join(missing['test'])}: its scores say nothing of it; move a "
                "video that has it into the test list",
            )
    short = {name: facts for name, facts in labelled.items() if facts.one_frame_segments}
    if short:
        number = sum(facts.one_frame_segments for facts in short.values())
        worst = max(short.values(), key=lambda facts: facts.one_frame_segments)
        report.add(
            "warning",
            "one frame",
            _join(list(short)),
            f"{number:,} of {sum(count.segments for count in report.classes):,} segments last one frame, in "
            f"{len(short)} of {counted(len(labelled), 'video')} (most, {worst.one_frame_segments}, in {worst.source}): "
            "look at them; slips of annotation count fully in the edit score and in F1",
        )


def _check_background(reader: Reader, report: DataReport, assumed: Collection[str]) -> None:
    """Without its name, background counts as an action, which raises F1 and the edit score."""
    if reader.background is not None or "background" not in assumed:
        return
    likely = next((name for name in reader.class_names if name.lower() in _BACKGROUND_NAMES), None)
    if likely is not None:
        report.add(
            "warning",
            "background",
            likely,
            f"no background class was given, so that {likely!r} counts as an action in edit score and F1: "
            f"`--background {likely}` (`background` of the reader) leaves it out, `--data.reader.init_args.background "
            "null` says that it is meant",
        )


def _check_unlisted(reader: Reader, report: DataReport) -> None:
    """What no list names: videos in the same file, and files beside those that were read."""
    try:
        stored = reader.stored()
    except (ValueError, OSError) as error:
        report.add("error", "unreadable", report.reader, str(error))
        stored = []
    if others := sorted(set(stored).difference(*(report.listed(split) for split in report.lists))):
        source = next((facts.source for facts in report.videos.values()), report.reader)
        report.add(
            "warning",
            "unlisted",
            _join(others),
            f"{_join(others)} are stored beside {source}, but no split lists them: add what was forgotten to a "
            "list, or remove it",
        )
    sources = {Path(facts.source) for facts in report.videos.values() if isfile(facts.source)}
    failed = {Path(name).name for name, _ in report.broken} | {
        Path(problem.where).name for problem in report.problems if problem.kind in ("missing", "unreadable")
    }
    for folder, ending in sorted({(path.parent, path.suffix) for path in sources}):
        # hidden files are no data: remains of programs that were killed, and what macOS puts beside each
        beside = sorted(path for path in folder.glob(f"[!.]*{ending}") if path not in sources and path.is_file())
        # a file that could not be read has no source, but was listed
        unlisted = [path.name for path in beside if path.stem.removesuffix(".avi").removeprefix("rgb-") not in failed]
        if unlisted:
            report.add(
                "warning",
                "unlisted",
                str(folder),
                f"{folder} holds {_join(unlisted)}, which no split lists: add what was "
                "forgotten to a list, or remove it",
            )


def _take_facts(reader: Reader, report: DataReport, width: int) -> None:
    by_name = _first_reads(report)
    lengths = [facts.num_frames for facts in by_name.values()]
    names = {name for split in report.lists for name in report.listed(split)}
    background = None if reader.background is None else reader.class_names[reader.background]
    segments = sum(count.segments for count in report.classes)
    for split, lists in report.lists.items():
        train, test = (
            sum(by_name[name].num_frames for name in names if name in by_name)
            for names in (lists["train"], lists["test"])
        )
        report.splits.append(SplitCount(split, len(lists["train"]), train, len(lists["test"]), test))
    report.facts |= {
        "videos": len(names),
        "frames": sum(lengths),
        "seconds": sum(lengths) / reader.fps,
        "shortest_video": min(lengths, default=0),
        "longest_video": max(lengths, default=0),
        # as the field counts: an action is what is not background
        "segments": segments - sum(count.segments for count in report.classes if count.name == background),
        "all_segments": segments,
        "num_classes": len(reader.class_names),
        "classes": list(reader.class_names),
        "background": background,
        "feature_dim": width,
        "fps": reader.fps,
        "splits": len(report.lists),
    }
    columns = getattr(reader, "feature_columns", None)  # of tables
    if columns is not None:
        report.facts["feature_columns"] = list(columns)
    if report.splits:
        report.facts |= {"train_videos": report.splits[0].train_videos, "test_videos": report.splits[0].test_videos}


def _check_card(report: DataReport, path: Path) -> None:
    try:
        card = read_card(path)
    except (ValueError, OSError) as error:
        report.add("warning", "card", str(path), f"{error} (`--data.card null` goes without)")
        return
    complete = not any(problem.kind in ("missing", "unreadable", "no truth", "labels") for problem in report.problems)
    counted = ("frames", "shortest_video", "longest_video", "segments")  # those of all videos, none left out
    for name, measured in report.facts.items():
        if name not in card or (name in counted and not complete):
            continue
        said = card[name]
        if said is None and name != "background":
            continue
        numbers = isinstance(said, int | float) and isinstance(measured, int | float)
        if said != measured and not (numbers and math.isclose(said, measured, rel_tol=1e-3) and name == "fps"):
            report.add(
                "warning",
                "card",
                name,
                f"{path} says `{name}`: {_value(said)}, the data has {_value(measured)}: correct the card or the data, "
                "or `--data.card null` if it describes other files",
            )


def _value(value: object) -> str:
    return _join(value, 100) if isinstance(value, list) else str(value)


def _first_reads(report: DataReport) -> dict[str, VideoFacts]:
    """One measurement for each name: labels and lengths are those of the video, whatever the split."""
    by_name: dict[str, VideoFacts] = {}
    for (name, _), facts in report.videos.items():
        by_name.setdefault(name, facts)
    return by_name


def _broken(report: DataReport, key: Key, kind: str, message: str) -> None:
    report.add("error", kind, key[0], message)
    report.broken.setdefault(key, message)


def _join(values: Iterable[object], limit: int = _NAMED) -> str:
    words = [str(value) for value in values]
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
