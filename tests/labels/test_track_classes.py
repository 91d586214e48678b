"""Tracks side by side: classes of outputs, targets, and files."""

from __future__ import annotations

import numpy as np
import pytest

from segtcn.labels import Labels, find_label_files, read_archive_labels, read_labels
from segtcn.labels.track_classes import TrackClasses, files_by_track, occurrence, track_files, write_tracks
from segtcn.structures import IGNORE, Track

LEFT = Track("left", ("background", "reach", "hold"), 0)
CLASSES = TrackClasses.of([LEFT, occurrence("groom", 0.3)])


def given(num_frames: int = 40) -> dict[str, Labels]:
    rng = np.random.default_rng(0)
    return CLASSES.labels_of(rng.dirichlet(np.ones(4), num_frames).T.astype(np.float32), fps=12.5)


def test_an_output_for_every_class_but_one_for_what_occurs_or_not():
    assert CLASSES.names == ("left: background", "left: reach", "left: hold", "groom")
    values = np.array([[0.2, 0.5], [0.5, 0.2], [0.3, 0.3], [0.3, 0.29]], np.float32)
    labels = CLASSES.labels_of(values)
    assert labels["left"].names() == ["reach", "background"]
    assert labels["groom"].names() == ["groom", "background"]
    assert labels["groom"].scores[:, 1] == pytest.approx([0.71, 0.29])


def test_targets_and_labels_are_each_others_way_back():
    labels = given()
    hidden = Labels(np.where(np.arange(40) < 5, IGNORE, labels["left"].indexes), labels["left"].classes)
    targets = CLASSES.targets_of({**labels, "left": hidden})
    assert np.isnan(targets[:3, :5]).all()
    assert (targets[:3, 5:].sum(axis=0) == 1).all()
    assert not np.isnan(targets[3]).any()
    back = CLASSES.truth_of(targets)
    assert back["left"].names() == hidden.names()
    assert back["groom"].names() == labels["groom"].names()


@pytest.mark.parametrize("ending", [".csv", ".npz"])
def test_each_track_of_a_file_is_read_by_its_path(tmp_path, ending):
    labels, path = given(), tmp_path / f"P01{ending}"
    write_tracks(path, labels)
    assert find_label_files(tmp_path) == {f"P01/{track}": path / track for track in labels}
    for track, of_track in labels.items():
        stored = read_labels(path / track)
        assert stored.names() == of_track.names()
        assert stored.fps == pytest.approx(12.5)
        assert np.nanmax(abs(stored.confidence - of_track.confidence)) < (1e-3 if ending == ".npz" else 1)
    with pytest.raises(ValueError, match=r"P01\.csv/groom|choose .*P01\.npz/left"):
        read_labels(path)
    with pytest.raises(ValueError, match=r"of a track 'tail'|P01\.npz/tail is not a track .* which has left, groom"):
        read_labels(path / "tail")


def test_archive_holds_the_truth_of_each_track(tmp_path):
    labels = given()
    truth = {"left": labels["left"].ignoring([1]), "groom": labels["groom"]}
    write_tracks(tmp_path / "P01.npz", labels, truth)
    stored = read_archive_labels(tmp_path / "P01.npz" / "left")[1]
    assert stored is not None
    assert stored.names() == truth["left"].names()
    assert files_by_track({"A": tmp_path / "P01.npz", "B": tmp_path / "P02.npz"}) == {
        "left": {"A": tmp_path / "P01.npz" / "left"},
        "groom": {"A": tmp_path / "P01.npz" / "groom"},
        "": {"B": tmp_path / "P02.npz"},
    }


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("left,rest,0,9\nright,cut,0,20\nleft,reach,7,20", "line 4: expected a segment that starts at frame 9"),
        ("left,rest,0,9\nright,cut,0,20\nleft,reach,11,20", "line 4: expected a segment that starts at frame 9"),
    ],
    ids=["overlap", "gap"],
)
def test_segments_of_one_track_follow_each_other_whatever_others_do(tmp_path, rows, message):
    path = tmp_path / "P01.csv"
    path.write_text(f"track,label,start,stop\n{rows}\n")
    assert read_labels(path / "right").names() == ["cut"] * 20
    with pytest.raises(ValueError, match=message):
        read_labels(path / "left")


def test_columns_of_a_one_hot_table_are_tracks_where_that_is_asked_for(tmp_path):
    path = tmp_path / "P01.csv"
    path.write_text("frame,groom,rear\n0,1,1\n1,0,1\n2,0,0\n")
    assert track_files({"P01": path}, one_hot=True) == {"P01/groom": path / "groom", "P01/rear": path / "rear"}
    assert read_labels(path / "rear").names() == ["rear", "rear", "background"]
    assert find_label_files(tmp_path) == {"P01": path}  # two 1 may be a slip
    with pytest.raises(ValueError, match="a frame has one label"):
        read_labels(path)
    path.write_text("frame,groom,rear\n0,1,1\n1,0,2\n")
    with pytest.raises(ValueError, match="line 3: expected 0 or 1 in a column 'rear', got '2'"):
        read_labels(path / "rear")


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        ([Track("left", ("rest",))], "track 'left' .* two classes or more to tell apart, got rest"),
        ([Track("a/b", ("rest", "cut"))], "without a slash"),
        ([occurrence("groom"), occurrence("groom")], "two classes are named 'groom'"),
    ],
)
def test_tracks_that_cannot_be_told_apart_are_refused(tracks, message):
    with pytest.raises(ValueError, match=message):
        TrackClasses.of(tracks)


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"the name must end in \.csv or \.npz"):
        write_tracks(tmp_path / "P01.txt", given())
