from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.labels.legacy import (
    LabelTrack,
    read_label_array,
    read_labels,
    write_labels,
    write_scores,
    write_segments,
)
from segtcn.structures import Segment, frames_to_segments

HEADER = "label,start,stop,start_s,stop_s,confidence\n"


def written(folder: Path, content: str | bytes, name: str = "labels.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        ("take\npour milk\n", ["take", "pour milk"]),
        ("take\npour", ["take", "pour"]),  # the last line has no end
        ("take\r\npour\r\n", ["take", "pour"]),
        ("\ufefftake\npour\n", ["take", "pour"]),
        ("take\npour\n\n\n", ["take", "pour"]),
        ("gießen\n取る\n", ["gießen", "取る"]),
        ("a\x0cb\u2028c\n", ["a\x0cb\u2028c"]),  # `splitlines` would make three labels of it
        ("### Frame level recognition: ###\ntake take pour", ["take", "take", "pour"]),
        ("### Frame level recognition: ###\r\ntake  pour\r\n", ["take", "pour"]),
    ],
)
def test_text_formats(tmp_path: Path, content: str, labels: list[str]) -> None:
    assert read_labels(written(tmp_path, content)) == LabelTrack(labels)


def test_segment_table_is_expanded_to_frames_with_rate_and_confidence(tmp_path: Path) -> None:
    rows = 'take,0,2,0.0,0.1,0.5\n"pour, slowly",2,3,0.1,0.15,0.25\n'
    track = read_labels(written(tmp_path, HEADER + rows, "segments.csv"))
    assert track.labels == ["take", "take", "pour, slowly"]
    assert track.fps == pytest.approx(20)
    assert track.confidence == [0.5, 0.5, 0.25]


def test_segment_table_needs_neither_seconds_nor_confidence(tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, "label,start,stop\ntake,0,2\n")) == LabelTrack(["take", "take"])
    assert read_labels(written(tmp_path, HEADER + "take,0,2,,,\n")) == LabelTrack(["take", "take"])


@settings(deadline=None, max_examples=30)
@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    fps=st.sampled_from([None, 3.0, 15.0, 30000 / 1001]),
    sure=st.booleans(),
)
def test_segments_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, labels: list[int], fps: float | None, sure: bool
) -> None:
    names = ["take", 'say "hi", twice', "gießen", "background"]
    confidence = torch.rand(len(labels), generator=torch.Generator().manual_seed(0)) if sure else None
    path = tmp_path_factory.mktemp("segments") / "segments.csv"
    segments = frames_to_segments(torch.tensor(labels))
    write_segments(path, segments, names, fps, confidence)
    track = read_labels(path)
    assert track.labels == [names[label] for label in labels]
    assert track.fps == (None if fps is None else pytest.approx(fps, rel=1e-4))
    if confidence is None:
        assert track.confidence is None
    else:
        means = np.concatenate([np.full(b - a, confidence[a:b].mean()) for a, b, _ in segments])
        assert track.confidence == pytest.approx(means.tolist(), abs=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(min_size=1).filter(lambda s: s == s.strip() and not set("\r\n") & set(s)), min_size=1))
def test_labels_come_back_as_written(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    try:
        write_labels(path, names)
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    if not names[0].startswith(("###", "label,start,stop", "\ufeff")):
        assert read_labels(path).labels == names


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: expected one label a line"),
        (b" \n\n", "is empty"),
        (b"take\n\npour\n", "line 2 is empty"),
        ("gießen\n".encode("latin-1"), r"not a text file in UTF-8 \(byte 3\).*save it as UTF-8"),
        (b"### Frame level recognition: ###\n", "no labels in line 2"),
        (HEADER.encode(), "a header and no segments"),
        (f"{HEADER}take,0,2,,,\npour,3,4,,,\n".encode(), "line 3: expected a segment that starts at frame 2"),
        (f"{HEADER}take,1,2,,,\n".encode(), "line 2: expected a segment that starts at frame 0.*got 1 to 2"),
        (f"{HEADER}take,0,0,,,\n".encode(), "is not empty, got 0 to 0"),
        (f"{HEADER}take,zero,2,,,\n".encode(), "line 2: expected label,start,stop,.* with numbers, got .*'zero'"),
        (f"{HEADER}take\n".encode(), "line 2: expected label,start,stop"),
        (f"{HEADER},0,2,,,\n".encode(), "the name of a class in the column `label`"),
        (f"{HEADER}take,0,2,,,93\n".encode(), "confidence from 0 to 1, got 93"),
        (f"{HEADER}take,0,2,,,0.5\npour,2,3,,,\n".encode(), "a confidence in every row or in none"),
    ],
)
def test_malformed_files_are_named_with_what_was_expected(tmp_path: Path, content: bytes, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=f"(?s){re.escape(str(path))}.*{message}"):
        read_labels(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no label file .*absent\.txt"):
        read_labels(tmp_path / "absent.txt")


@pytest.mark.parametrize("name", ["", " take", "take\n", "ta\rke"])
def test_labels_that_would_not_be_read_back_are_refused_and_nothing_is_left(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a label must be one line without outer white space"):
        write_labels(tmp_path / "labels.txt", ["take", name])
    with pytest.raises(ValueError, match="a label must be one line without outer white space"):
        write_segments(tmp_path / "labels.csv", [Segment(0, 1, 0)], [name])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"segments": []}, "at least one segment"),
        (
            {"segments": [Segment(0, 2, 0), Segment(3, 4, 1)]},
            "without gaps and not be empty: .* starts at 2, got 3 to 4",
        ),
        ({"segments": [Segment(0, 2, 0), Segment(2, 2, 1)]}, "not be empty.*got 2 to 2"),
        ({"segments": [Segment(0, 3, 2)]}, "class 2 has no name: `class_names` has 2"),
        ({"segments": [Segment(0, 3, -1)]}, "class -1 has no name"),
        ({"fps": 0.0}, "`fps` must be positive, got 0"),
        ({"fps": float("nan")}, "`fps` must be positive, got nan"),
        ({"confidence": [0.5]}, r"one number for each of 3 frames, got the shape \(1,\)"),
        ({"confidence": [0.5, 1.5, 0.5]}, "must lie between 0 and 1, got 0.5 to 1.5"),
        ({"confidence": [0.5, float("nan"), 0.5]}, "must lie between 0 and 1"),
    ],
)
def test_wrong_segments_are_refused_and_nothing_is_left(tmp_path: Path, changed: dict, message: str) -> None:
    arguments = {"segments": [Segment(0, 3, 1)], "class_names": ["take", "pour"], "fps": 15.0} | changed
    with pytest.raises(ValueError, match=message):
        write_segments(tmp_path / "segments.csv", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_no_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one label, got none"):
        write_labels(tmp_path / "labels.txt", [])


def test_confidence_above_one_by_rounding_is_one(tmp_path: Path) -> None:
    write_segments(tmp_path / "a.csv", [Segment(0, 1, 0)], ["take"], confidence=torch.tensor([1.0000001]))
    assert read_labels(tmp_path / "a.csv").confidence == [1.0]


def test_written_files_are_readable_by_others_and_replace_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    plain = tmp_path / "plain"
    plain.touch()
    for names in (["take"], ["pour", "pour"]):
        write_labels(path, names)
        assert read_labels(path).labels == names
    assert path.stat().st_mode == plain.stat().st_mode
    assert sorted(tmp_path.iterdir()) == [path, plain]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_label_arrays_of_any_integer_type_become_int64(tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "labels.npy", np.array([3, 0, 255 if dtype == "uint8" else 70_000], dtype=dtype))
    labels = read_label_array(tmp_path / "labels.npy")
    assert labels.dtype == np.int64
    assert labels.tolist() == [3, 0, 255 if dtype == "uint8" else 70_000]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([0.0, 1.0]), r"integers \(T,\), got float64 \(2,\)"),
        (np.array([[0, 1]]), r"integers \(T,\), got int64 \(1, 2\)"),
        (np.array(["take"]), r"integers \(T,\), got <U4 \(1,\)"),
        (np.array([], dtype=int), "is empty: expected the class index of at least one frame"),
        (np.array([0, -100]), "holds -100, but class indexes start at 0"),
        (np.array([0, 2**63], dtype=np.uint64), "holds 9223372036854775808, which is no class index"),
        (
            np.array([{"take": 1}], dtype=object),
            "is damaged or no NumPy array .*pickled objects, which could run code",
        ),
    ],
)
def test_arrays_that_are_no_class_indexes_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    path = tmp_path / "labels.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}.*{message}"):
        read_label_array(path)


def test_damaged_and_missing_arrays(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is damaged or no NumPy array"):
        read_label_array(written(tmp_path, b"\x93NUMPY\x01", "labels.npy"))
    with pytest.raises(ValueError, match="is damaged or no NumPy array"):
        read_label_array(written(tmp_path, b"", "empty.npy"))
    with pytest.raises(FileNotFoundError, match=r"no label file .*absent\.npy"):
        read_label_array(tmp_path / "absent.npy")


NAMES = ["background", "pour milk", "⽜乳"]


def scored(num_frames: int = 50) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    scores = generator.dirichlet(np.ones(3), size=num_frames).T
    return generator.integers(0, 3, num_frames), scores


def test_scores_come_back_as_they_were_written(tmp_path: Path) -> None:
    labels, scores = scored()
    write_scores(tmp_path / "video.npz", labels, scores, NAMES, fps=29.97)
    track = read_labels(tmp_path / "video.npz")
    assert track.labels == [NAMES[label] for label in labels]
    assert track.fps == 29.97
    assert track.scores.class_names == NAMES
    assert track.scores.values.dtype == np.float32
    np.testing.assert_allclose(track.scores.values, scores, atol=5e-4)
    # of the label, which a decoder may have chosen against the highest score
    np.testing.assert_allclose(track.confidence, scores[labels, np.arange(50)], atol=5e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["video.npz"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "video.npy"}, r"must end in \.npz"),
        ({"labels": [0, 1]}, r"scores \(C, T\) of 3 classes, got \(2,\)"),
        ({"labels": np.full(50, 3)}, "labels reach from 3 to 3, but `class_names` names the classes 0 to 2"),
        ({"scores": np.full((3, 50), 1.2)}, "between 0 and 1, got 1.2 to 1.2"),
        ({"scores": np.full((3, 50), np.nan)}, "between 0 and 1, got nan"),
        ({"fps": 0}, "`fps` must be positive, got 0"),
        ({"class_names": ["a", "b", " c"]}, "without outer white space"),
    ],
)
def test_wrong_scores_are_not_written(tmp_path: Path, change: dict, message: str) -> None:
    labels, scores = scored()
    arguments = {"path": "video.npz", "labels": labels, "scores": scores, "class_names": NAMES, **change}
    arguments["path"] = tmp_path / arguments["path"]
    with pytest.raises(ValueError, match=message):
        write_scores(**arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": None}, "holds no `labels`"),
        ({"class_names": np.array([1, 2, 3])}, r"`class_names` in .* must be names \(C,\), got int64"),
        ({"class_names": np.array(["a", "", "c"])}, "`class_names` in .* must be names"),
        ({"class_names": np.array(["a", {}], dtype=object)}, "pickled objects"),
        ({"labels": np.zeros(50)}, "class indexes .* got float64"),
        ({"labels": np.full(50, 7)}, "reach from 7 to 7, but it names the classes 0 to 2"),
        ({"scores": np.ones((50, 3))}, r"here \(3, 50\), got float64 \(50, 3\)"),
        ({"scores": np.full((3, 50), -0.5)}, "between 0 and 1, got -0.5"),
        ({"fps": np.array([1.0])}, "`fps` in .* must be a positive number"),
        ({"fps": np.array(np.inf)}, "`fps` in .* must be a positive number"),
    ],
)
def test_wrong_scores_are_refused_with_the_name_of_their_file(tmp_path: Path, change: dict, message: str) -> None:
    labels, scores = scored()
    arrays = {"labels": labels, "scores": scores, "class_names": np.array(NAMES), **change}
    path = tmp_path / "video.npz"
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(ValueError, match=message) as caught:
        read_labels(path)
    assert str(path) in str(caught.value)


def test_damaged_scores_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "video.npz"
    path.write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(ValueError, match=r"is damaged or no archive .* write it with"):
        read_labels(path)
