"""Labels of several tracks: tables with a column `track`, tables of 0 and 1, and a folder for each track."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segtcn.cli import main
from segtcn.data.dataset import check_video
from segtcn.data.readers import MSTCNReader, TrackReader
from segtcn.labels import read_labels, write_labels
from tests.track_trees import CLASSES, VIDEOS, track_labels, write_track_tree


@pytest.fixture
def tree(tmp_path):
    write_track_tree(tmp_path / "data")
    return tmp_path / "data"


def features_of(tree):
    return MSTCNReader(str(tree), fps=10)


def test_a_table_gives_an_output_for_each_class_and_one_for_what_occurs_or_not(tree):
    reader = TrackReader(features_of(tree), str(tree / "tracks"))
    assert reader.class_names == [
        *("left: background", "left: hold", "left: reach", "right: cut", "right: rest"),
        "groom",
    ]
    video = reader.read("P02")
    assert video.labels is None
    assert video.targets.shape == (6, 57)
    labels = track_labels(1, 57)
    assert (video.targets[2].bool().numpy() == (np.array(labels["left"].names()) == "reach")).all()
    assert (video.targets[5].bool().numpy() == (np.array(labels["groom"].names()) == "groom")).all()
    assert reader.read("P02", labels=False).targets is None
    assert reader.videos(1, "test") == ["P04"]


def test_a_folder_for_each_track_gives_the_same(tree):
    folders = {}
    for track in CLASSES:
        (tree / "by_track" / track).mkdir(parents=True)
        folders[track] = str(tree / "by_track" / track)
        for name in VIDEOS:
            write_labels(f"{folders[track]}/{name}.txt", read_labels(tree / "tracks" / f"{name}.csv" / track))
    table, by_folder = (TrackReader(features_of(tree), tracks) for tracks in (str(tree / "tracks"), folders))
    assert table.classes == by_folder.classes
    assert torch.equal(table.read("P01").targets, by_folder.read("P01").targets)


def test_a_table_of_several_ones_has_an_output_for_every_column(tree):
    for number, name in enumerate(VIDEOS):
        rows = [f"{frame},{frame % 2},{int(frame < 9)}\n" for frame in range(50 + 7 * number)]
        (tree / "tracks" / f"{name}.csv").write_text("frame,groom,rear\n" + "".join(rows))
    reader = TrackReader(features_of(tree), str(tree / "tracks"))
    assert reader.class_names == ["groom", "rear"]
    assert reader.read("P01").targets[:, :3].tolist() == [[0, 1, 0], [1, 1, 1]]


def rewrite(tree, name, change):
    path = tree / "tracks" / f"{name}.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *change(lines[1:])]) + "\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [row for row in rows if not row.startswith("groom")], "P01 has left, right, groom, P02 has left"),
        (lambda rows: [f"tail{row[4:]}" if row[:4] == "left" else row for row in rows], "label left, tail in both"),
        (lambda rows: rows[1:], "expected a segment that starts at frame 0"),
        (lambda rows: [row for row in rows if not row.endswith("5.700000,") or row[0] != "g"], "differ in length"),
    ],
    ids=["missing track", "other track", "gap", "length"],
)
def test_videos_have_the_same_tracks_each_complete(tree, change, message):
    rewrite(tree, "P02", change)
    with pytest.raises(ValueError, match=message):
        TrackReader(features_of(tree), str(tree / "tracks"))


@pytest.mark.parametrize(
    ("before", "after", "classes"),
    [("left,reach", "left,Reach", "Reach, hold, reach"), ("left,reach", "left,1", "1, hold, reach")],
)
def test_names_that_may_be_one_class_are_pointed_out(tree, before, after, classes):
    rewrite(tree, "P02", lambda rows: [row.replace(before, after) for row in rows])
    with pytest.warns(UserWarning, match=f"the track 'left' has the classes {classes}: if two of them mean the same"):
        assert len(TrackReader(features_of(tree), str(tree / "tracks")).class_names) == 7


def test_a_table_of_tracks_is_not_one_of_classes(tmp_path):
    (tmp_path / "P01.csv").write_text("groom,rear\n0,1\n1,1\n")
    with pytest.raises(ValueError, match="several at a time are tracks, in a table of segments with a column `track`"):
        read_labels(tmp_path / "P01.csv")


def test_a_track_that_nobody_annotated_is_refused(tree):
    for number, name in enumerate(VIDEOS):
        stop = 50 + 7 * number
        rewrite(tree, name, lambda rows, stop=stop: [*rows, f"tail,__ignore__,0,{stop},0,{stop / 10},"])
    with pytest.raises(ValueError, match="no frame of the track 'tail' is annotated in any video"):
        TrackReader(features_of(tree), str(tree / "tracks"))


def test_videos_without_tracks_are_named(tree):
    (tree / "tracks" / "P04.csv").unlink()
    reader = TrackReader(features_of(tree), str(tree / "tracks"))
    with pytest.raises(FileNotFoundError, match="no labels of the tracks of video 'P04'"):
        reader.read("P04")
    (tree / "empty").mkdir()
    (tree / "empty" / "P99.txt").write_text("a\n")
    with pytest.raises(ValueError, match=r"P99\.txt has no tracks: expected a column `track`"):
        TrackReader(features_of(tree), str(tree / "empty"))


def test_lengths_are_compared_as_those_of_labels(tree):
    video = TrackReader(features_of(tree), str(tree / "tracks")).read("P01")
    short = video._replace(targets=video.targets[:, :-2])
    with pytest.raises(ValueError, match="50 frames of features but 48 labels"):
        check_video(short, 7, 6)
    trimmed = check_video(short, 7, 6, "trim")
    assert trimmed.features.shape[1] == trimmed.targets.shape[1] == 48


TIER = """<TIER LINGUISTIC_TYPE_REF="t" TIER_ID="{track}">{annotations}</TIER>"""
ANNOTATION = """<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{track}{start}" TIME_SLOT_REF1="s{start}"
TIME_SLOT_REF2="s{stop}"><ANNOTATION_VALUE>{label}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"""


def test_tiers_of_elan_become_tracks_one_after_the_other(tree, capsys):
    """Also subjects of BORIS: `segtcn init --track` reads one of them, whatever the format."""
    (tree / "elan").mkdir()
    hands = {"left": [(0, 20, "rest"), (20, 50, "reach")], "right": [(0, 35, "hold"), (35, 50, "cut")]}
    for name in VIDEOS:
        slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="s{t}" TIME_VALUE="{100 * t}"/>' for t in range(0, 51, 5))
        tiers = [
            TIER.format(
                track=track,
                annotations="".join(
                    ANNOTATION.format(track=track, start=start, stop=stop, label=label) for start, stop, label in rows
                ),
            )
            for track, rows in hands.items()
        ]
        (tree / "elan" / f"{name}.eaf").write_text(
            '<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"/>'
            f"<TIME_ORDER>{slots}</TIME_ORDER>{''.join(tiers)}</ANNOTATION_DOCUMENT>"
        )
    for track in hands:
        words = [f"--features={tree / 'features'}", f"--annotations={tree / 'elan'}", "--fps=10", f"--track={track}"]
        assert main(["init", str(tree / track), *words, "--folds=2", "--quiet"]) == 0
    folders = {track: str(tree / track / "groundTruth") for track in hands}
    reader = TrackReader(MSTCNReader(str(tree / "left"), fps=10), folders)
    targets = reader.read("P01").targets
    names = dict(zip(reader.class_names, targets.bool(), strict=True))
    assert names["left: reach"].tolist() == [frame >= 20 for frame in range(50)]
    assert names["right: cut"].tolist() == [frame >= 35 for frame in range(50)]
