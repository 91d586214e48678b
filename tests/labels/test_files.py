"""Label files of every format: what is written comes back, and what is wrong is said with the path."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.labels import (
    IGNORE_NAME,
    Classes,
    Labels,
    detect_format,
    read_archive_labels,
    read_labels,
    write_labels,
)
from segtcn.structures import IGNORE

HEADER = "label,start,stop,start_s,stop_s,confidence\n"
NAMES = ("background", "pour milk", "⽜乳")


def written(folder: Path, content: str | bytes, name: str = "labels.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def scored(num_frames: int = 50, **arguments: object) -> Labels:
    """Labels, some of them ignored, that a decoder has chosen against the highest score."""
    generator = np.random.default_rng(0)
    indexes = generator.integers(0, 3, num_frames)
    indexes[num_frames // 2 :][:3] = IGNORE
    scores = generator.dirichlet(np.ones(3), size=num_frames).T
    return Labels(indexes, Classes(NAMES, 0), **{"fps": 29.97, "scores": scores, **arguments})


@pytest.mark.parametrize(
    ("content", "form", "labels"),
    [
        ("take\npour milk\n", "names", ["take", "pour milk"]),
        ("take\npour", "names", ["take", "pour"]),  # the last line has no end
        ("take\r\npour\r\n", "names", ["take", "pour"]),
        ("take\rpour\r", "names", ["take", "pour"]),
        ("\ufefftake\npour\n", "names", ["take", "pour"]),
        ("take\npour\n\n\n", "names", ["take", "pour"]),
        ("gießen\n取る\n", "names", ["gießen", "取る"]),
        ("a\x0cb\u2028c\n", "names", ["a\x0cb\u2028c"]),  # `splitlines` would make three labels of it
        (f"take\n{IGNORE_NAME}\n", "names", ["take", IGNORE_NAME]),
        ("### Frame level recognition: ###\ntake take pour", "recognition", ["take", "take", "pour"]),
        ("\ufeff### Frame level recognition: ###\r\ntake  pour\r\n", "recognition", ["take", "pour"]),
        ("label,start,stop\ntake,0,2\n", "segments", ["take", "take"]),
        ("label,start,stop\rtake,0,2\r", "segments", ["take", "take"]),
        (f"\ufeff{HEADER}take,0,2,,,\n", "segments", ["take", "take"]),
        (f"{HEADER}{IGNORE_NAME},0,2,,,\ntake,2,3,,,\n", "segments", [IGNORE_NAME, IGNORE_NAME, "take"]),
    ],
)
def test_text_formats(tmp_path: Path, content: str, form: str, labels: list[str]) -> None:
    path = written(tmp_path, content)
    assert detect_format(path) == form
    track = read_labels(path)
    assert (track.names(), track.fps, track.confidence, track.scores) == (labels, None, None, None)
    assert track.source == str(path)


def test_segment_table_is_expanded_to_frames_with_rate_and_confidence(tmp_path: Path) -> None:
    rows = f'take,0,2,0.0,0.1,0.5\n{IGNORE_NAME},2,3,0.1,0.15,\n"pour, slowly",3,4,0.15,0.2,0.25\n'
    track = read_labels(written(tmp_path, HEADER + rows, "segments.csv"))
    assert track.names() == ["take", "take", IGNORE_NAME, "pour, slowly"]
    assert track.fps == pytest.approx(20)
    np.testing.assert_array_equal(track.confidence, [0.5, 0.5, np.nan, 0.25])


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.npz", "a.npy"])
def test_files_take_the_classes_and_the_rate_of_the_caller(tmp_path: Path, name: str) -> None:
    classes = Classes(("background", "take", "pour"), 0)
    labels = Labels([1, IGNORE, 2], classes, fps=5, confidence=np.array([0.5, np.nan, 0.25]))
    write_labels(tmp_path / name, labels)
    track = read_labels(tmp_path / name, classes, fps=12.5)
    assert (track.indexes.tolist(), track.classes, track.fps) == ([1, IGNORE, 2], classes, 12.5)
    if name in ("a.csv", "a.npz"):
        np.testing.assert_array_equal(track.confidence, labels.confidence)


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.npz"])
def test_labels_outside_the_classes_are_refused(tmp_path: Path, name: str) -> None:
    write_labels(tmp_path / name, Labels.from_names(["take", "stir"]))
    with pytest.raises(ValueError, match=rf"{name}: .*'stir' .*is not a known class.* take, pour"):
        read_labels(tmp_path / name, Classes(("take", "pour")))


def is_class_name(name: str) -> bool:
    try:
        return bool(Classes((name,)))
    except ValueError:
        return False


@st.composite
def any_labels(draw: st.DrawFn) -> Labels:
    names = draw(st.lists(st.text(min_size=1, max_size=8).filter(is_class_name), min_size=1, max_size=4, unique=True))
    indexes = draw(st.lists(st.sampled_from([IGNORE, *range(len(names))]), min_size=1, max_size=60))
    fps = draw(st.sampled_from([None, 3.0, 15.0, 30000 / 1001]))
    generator = np.random.default_rng(len(indexes))
    scores = generator.dirichlet(np.ones(len(names)), size=len(indexes)).T if draw(st.booleans()) else None
    confidence = generator.random(len(indexes)) if scores is None and draw(st.booleans()) else None
    return Labels(indexes, Classes(tuple(names)), fps, scores, "labels", confidence)


@settings(deadline=None, max_examples=40)
@given(labels=any_labels())
def test_any_labels_come_back_from_every_format(tmp_path_factory: pytest.TempPathFactory, labels: Labels) -> None:
    folder = tmp_path_factory.mktemp("labels")
    for suffix in (".txt", ".csv", ".npz", ".npy"):
        path = folder / f"video{suffix}"
        try:
            write_labels(path, labels)
        except ValueError as error:
            assert suffix == ".txt" and "would be read as the header" in str(error)  # noqa: PT017, PT018
            continue
        track = read_labels(path, labels.classes)
        np.testing.assert_array_equal(track.indexes, labels.indexes)
        assert track.names() == labels.names()
        if suffix in (".csv", ".npz"):
            assert track.fps == (labels.fps if labels.fps is None else pytest.approx(labels.fps, rel=1e-4))
        if suffix in (".csv", ".npz") and labels.confidence is not None and labels.present():
            expected = labels.confidence
            if suffix == ".csv":  # of the segments
                means = [[labels.confidence[a:b].mean()] * (b - a) for a, b, _ in labels.segments()]
                expected = np.array([*itertools.chain(*means)])
            np.testing.assert_allclose(track.confidence, expected, atol=5e-4)
        if suffix == ".npz":
            assert read_labels(path).classes.names == labels.classes.names
            assert (track.scores is None) == (labels.scores is None)
            if labels.scores is not None:
                np.testing.assert_allclose(track.scores, labels.scores, atol=5e-4)


def test_archives_hold_predictions_with_scores_and_the_truth(tmp_path: Path) -> None:
    labels = scored()
    truth = Labels(np.roll(labels.indexes, 3), labels.classes)
    write_labels(tmp_path / "video.npz", labels, truth)
    track, true = read_archive_labels(tmp_path / "video.npz")
    np.testing.assert_array_equal(track.indexes, labels.indexes)
    np.testing.assert_array_equal(true.indexes, truth.indexes)
    assert (track.fps, true.fps, track.classes, true.classes) == (29.97, 29.97, labels.classes, labels.classes)
    assert track.scores.dtype == track.confidence.dtype == np.float32
    np.testing.assert_allclose(track.scores, labels.scores, atol=5e-4)
    np.testing.assert_allclose(track.confidence, labels.confidence, atol=5e-4)
    assert "the truth in" in true.source
    assert [path.name for path in tmp_path.iterdir()] == ["video.npz"]
    write_labels(tmp_path / "video.npz", labels)
    assert read_archive_labels(tmp_path / "video.npz")[1] is None


@pytest.mark.parametrize("content", [f"{HEADER} take ,0, 2,,,\n", "label,start,stop \n\ntake,0,2\n"])
def test_blanks_around_values_of_a_segment_table_do_not_count(tmp_path: Path, content: str) -> None:
    assert read_labels(written(tmp_path, content.encode())).names() == ["take", "take"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: expected one label a line"),
        (b" \n\n", "is empty"),
        (b"take\n\npour\n", "line 2 is empty"),
        (b"\ntake\n", "line 1 is empty"),
        ("gießen\n".encode("latin-1"), r"is not UTF-8 text \(byte 3\): save it as UTF-8"),
        (b"take\npo\0ur\n", "one line of text without outer white space, got 'po.x00ur'"),
        (b"### Frame level recognition: ###\n", "no labels in line 2"),
        (HEADER.encode(), "a header and no segments"),
        (f"{HEADER}take,0,2,,,\npour,3,4,,,\n".encode(), "line 3: expected a segment that starts at frame 2"),
        (f"{HEADER}take,1,2,,,\n".encode(), "line 2: expected a segment that starts at frame 0.*got 1 to 2"),
        (f"{HEADER}take,0,0,,,\n".encode(), "is not empty, got 0 to 0"),
        (f"{HEADER}take,0,1000000000000,,,\n".encode(), "stops at frame 1,000,000,000,000 is beyond any video"),
        (f"{HEADER}take,zero,2,,,\n".encode(), "line 2: expected label,start,stop,.* with numbers, got .*'zero'"),
        (f"{HEADER}take\n".encode(), "line 2: expected label,start,stop"),
        (f"{HEADER},0,2,,,\n".encode(), "the name of a class in the column `label`"),
        (f"{HEADER}take,0,2,,,93\n".encode(), "confidence from 0 to 1, got 93"),
        (f"{HEADER}take,0,2,,,0.5\npour,2,3,,,\n".encode(), "a confidence in every row or in none"),
        (f"{HEADER}take,0,2,,inf,\n".encode(), "line 2: expected label,start,stop"),
        (f'{HEADER}"{"x" * 200_000}",0,2,,,\n'.encode(), "line 2: not a table .field larger than"),
    ],
)
def test_malformed_files_are_named_with_what_was_expected(tmp_path: Path, content: bytes, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=f"(?s){re.escape(str(path))}.*{message}"):
        read_labels(path)


@pytest.mark.parametrize("name", ["absent.txt", "absent.npy", "absent.npz"])
def test_missing_file(tmp_path: Path, name: str) -> None:
    for read in (read_labels, read_archive_labels):
        with pytest.raises(FileNotFoundError, match=rf"no label file .*{name}: check the path"):
            read(tmp_path / name)


def test_matlab_files_have_a_reader_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"1\.mat holds predictions and truth .* `read_matlab_labels` reads them"):
        read_labels(written(tmp_path, b"", "1.mat"))


def test_bytes_behind_an_array_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.array([0, 1, 1]))
    with (tmp_path / "labels.npy").open("ab") as file:
        file.write(b"\0" * 16)
    with pytest.raises(ValueError, match=r"labels\.npy holds 16 bytes after its array"):
        read_labels(tmp_path / "labels.npy")


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_label_arrays_of_any_integer_type_become_int64(tmp_path: Path, dtype: str) -> None:
    values = [3, 0, 254 if dtype == "uint8" else 70_000]
    np.save(tmp_path / "labels.npy", np.array(values, dtype=dtype))
    labels = read_labels(tmp_path / "labels.npy")
    assert (labels.indexes.dtype, labels.indexes.tolist()) == (np.int64, values)
    assert labels.classes == Classes.numbered(values[-1] + 1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([0.0, 1.0]), r"integers \(T,\), got float64 \(2,\)"),
        (np.array([[0, 1]]), r"integers \(T,\), got int64 \(1, 2\)"),
        (np.array(["take"]), r"integers \(T,\), got <U4 \(1,\)"),
        (np.array([], dtype=int), r"integers \(T,\) with T >= 1, got int64 \(0,\)"),
        (np.array([0, 255], np.uint8), "holds 255, which is -1 in uint8"),
        (np.array([0, -1]), "class -1 at frame 1 has no name, there are 1 classes"),
        (np.array([0, 2**63], dtype=np.uint64), "holds 9223372036854775808, which is hardly a class index"),
        (np.array([{"take": 1}], dtype=object), "is damaged or .*[oO]bject"),
    ],
)
def test_arrays_of_anything_but_class_indexes_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    path = tmp_path / "labels.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}.*{message}"):
        read_labels(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": None}, "holds no 'labels', so it is not a file of labels: write it with `segtcn.write_labels`"),
        ({"class_names": np.array([1, 2, 3])}, r"is not a file of labels \(.*\): write it with `segtcn.write_labels`"),
        ({"class_names": np.array(["a", "", "c"])}, r"is not a file of labels \(the name of a class must be one line"),
        ({"class_names": np.array(["a", "b", "a"])}, r"is not a file of labels \(two classes are named 'a'"),
        ({"class_names": np.array(["a", {}], dtype=object)}, "is damaged or .*[oO]bject"),
        ({"labels": np.zeros(50)}, "the class index of every frame, .* got float64"),
        ({"labels": np.full(50, 7)}, "class 7 at frame 0 has no name, there are 3 classes"),
        ({"scores": np.ones((50, 3))}, r"of the shape \(3, 50\), got float64 \(50, 3\)"),
        ({"scores": np.full((3, 50), -0.5)}, "between 0 and 1, got -0.5"),
        ({"truth": np.zeros(49, int)}, "has 50 labels and a truth of 49"),
        ({"truth": np.full(50, 3)}, "the truth in .*: class 3 at frame 0 has no name"),
        ({"fps": np.array([1.0, 2.0])}, "is not a file of labels"),
        ({"fps": np.array(np.inf)}, "`fps` must be positive and finite, got inf"),
    ],
)
def test_wrong_archives_are_refused_with_the_name_of_their_file(tmp_path: Path, change: dict, message: str) -> None:
    labels = scored()
    arrays = {"labels": labels.indexes, "scores": labels.scores, "class_names": np.array(NAMES), **change}
    path = tmp_path / "video.npz"
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(ValueError, match=message) as caught:
        read_labels(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "labels", "truth", "message"),
    [
        ("a.json", ["take"], None, r"a\.json: the name must end in \.txt, \.csv, \.npy, \.npz"),
        ("a.txt", ["label,start,stop"], None, "first label would be read as the header of a table; rename it"),
        ("a.txt", ["### Frame level recognition"], None, "would be read as the header"),
        ("a.csv", ["take"], ["take"], "with a `truth`: only .npz files hold predictions and truth"),
        ("a.npz", ["take"], ["take", "take"], "must have the 1 frames and 1 classes of `labels`, got 2 and 1 classes"),
        ("a.npz", ["take"], ["pour"], "must have the 1 frames and 1 classes"),
    ],
)
def test_what_would_not_be_read_back_is_refused_and_nothing_is_left(
    tmp_path: Path, name: str, labels: list[str], truth: list[str] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_labels(tmp_path / name, Labels.from_names(labels), truth and Labels.from_names(truth))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.npz", "a.npy"])
def test_damaged_bytes_give_labels_or_an_error_that_names_the_file(tmp_path: Path, name: str) -> None:
    labels, path, generator = scored(20), tmp_path / name, np.random.default_rng(0)
    write_labels(path, labels)
    content = path.read_bytes()
    for case in range(90):
        damaged = np.frombuffer(content, np.uint8)[: None if case % 3 else generator.integers(len(content))].copy()
        if len(damaged):
            damaged[generator.integers(len(damaged), size=3)] ^= 1 << generator.integers(8, dtype=np.uint8)
        path.write_bytes(damaged.tobytes())
        try:
            assert len(read_labels(path)) == len(read_labels(path).names())
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
