"""``segtcn init`` beside clips: lengths, rates and features that are extracted later."""

from __future__ import annotations

import re
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from segtcn.cli import main
from segtcn.data import read_card
from segtcn.prepare.project import init_project
from tests.prepare.projects import made


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with two clips of 12 and 15 frames at 30000/1001 frames a second, and their annotations."""
    from segtcn.video_io import ClipWriter

    root = tmp_path / "clips"
    for part in ("videos", "annotations"):
        (root / part).mkdir(parents=True)
    for name, length in (("a.1", 12), ("b", 15)):
        with ClipWriter(root / "videos" / f"{name}.mp4", Fraction(30000, 1001), 64, 48) as writer:
            for _ in range(length):
                writer.write(np.zeros((48, 64, 3), dtype=np.uint8))
        (root / "annotations" / f"{name}.txt").write_text("0.0\t0.2\tcut\n0.2\t0.6\tpour\n")
    return root


def test_clips_give_number_and_rate_of_frames(clips: Path, capsys: Any) -> None:
    assert main(["init", str(clips)]) == 0
    printed = capsys.readouterr().out
    assert "features not there yet" in printed
    assert f"first: segtcn extract {clips}/videos" in printed
    config = yaml.safe_load((clips / "data.yaml").read_text())["data"]["reader"]["init_args"]
    assert config["fps"] == pytest.approx(30000 / 1001)
    card = read_card(clips / "README.md")
    assert card["unchecked"] == ["source", "licence"]
    assert "feature_dim" not in card
    for name, length in (("a.1", 12), ("b", 15)):  # the middle of frame 6 is 0.217 s
        labels = (clips / "groundTruth" / f"{name}.txt").read_text().split()
        assert labels == ["cut"] * 6 + ["pour"] * (length - 6)


@pytest.mark.parametrize("fps", [15, 10, 59.94])
def test_labels_are_as_many_as_extracted_features_at_another_rate(clips: Path, fps: float, capsys: Any) -> None:
    assert main(["init", str(clips), "--fps", str(fps)]) == 0
    assert f"--backbone builtin --fps {fps:g}" in capsys.readouterr().out
    extract = ["extract", f"{clips}/videos", "--out", f"{clips}/features", "--backbone", "builtin", "--fps", str(fps)]
    assert main(extract) == 0
    for name in ("a.1", "b"):
        labels = (clips / "groundTruth" / f"{name}.txt").read_text().split()
        assert np.load(clips / "features" / f"{name}.npy").shape[1] == len(labels)


def test_rate_of_the_clips_holds_for_features_of_their_length_only(clips: Path) -> None:
    (clips / "features").mkdir()
    for name, length in (("a.1", 12), ("b", 15)):
        np.save(clips / "features" / f"{name}.npy", np.zeros((4, length), dtype=np.float32))
    assert init_project(clips, progress=False, dry_run=True).fps == pytest.approx(30000 / 1001)
    for name, length in (("a.1", 6), ("b", 8)):
        np.save(clips / "features" / f"{name}.npy", np.zeros((4, length), dtype=np.float32))
    with pytest.raises(
        ValueError, match=r"by the clips the features have about 15.* vectors a second; give their rate"
    ):
        init_project(clips, progress=False)


def test_annotations_and_clips_match_by_the_last_part_of_a_name(clips: Path, tmp_path: Path) -> None:
    (clips / "videos" / "P01").mkdir()
    moved = sorted((clips / "videos").glob("*.*"))[0]
    moved.rename(clips / "videos" / "P01" / moved.name)
    assert f"P01/{moved.stem}" in made(clips, fps=None, dry_run=True).labels
    assert (
        main(["extract", str(clips / "videos"), "--out", str(clips / "features"), "--backbone=builtin", "--quiet"]) == 0
    )
    project = made(clips, fps=None, dry_run=True)
    assert moved.stem in project.labels
    assert project.fps_is_measured


@pytest.mark.parametrize("edited", [False, True])
def test_width_of_features_that_come_later_or_are_made_again_is_brought_into_the_card(
    clips: Path, edited: bool, capsys: Any
) -> None:
    assert main(["init", str(clips), "--quiet"]) == 0
    card, config = clips / "README.md", clips / "data.yaml"
    if edited:
        card.write_text(
            card.read_text().replace("Say here", "Mine: tea. Say").replace("licence: none given", "licence: X")
        )
        config.write_text(config.read_text().replace("sample_rate: 1", "sample_rate: 2"))
    assert main(["extract", f"{clips}/videos", "--out", f"{clips}/features", "--backbone", "builtin", "--quiet"]) == 0
    before = card.read_text(), config.read_text()
    capsys.readouterr()
    assert main(["init", str(clips), "--quiet"]) == 0
    printed = capsys.readouterr()
    assert "wrote 1 file:" in printed.out
    assert printed.err == ""
    assert read_card(card)["feature_dim"] == 278
    assert read_card(card)["extraction"]["backbone"]["name"] == "builtin"
    assert re.sub("feature_dim: 278\nextraction: {.*}\n", "", card.read_text()) == before[0]
    assert config.read_text() == before[1]
    assert init_project(clips, progress=False).written == ()
    for name, length in (("a.1", 12), ("b", 15)):
        np.save(clips / "features" / f"{name}.npy", np.ones((4, length), dtype=np.float32))
    assert init_project(clips, progress=False).written == (card,)
    assert card.read_text().replace("feature_dim: 4\n", "") == before[0]


@pytest.mark.parametrize("fps", [None, 29.97, 15])
def test_where_all_features_have_one_shape_the_clips_tell_time_from_width(clips: Path, fps: float | None) -> None:
    (clips / "features").mkdir()
    (clips / "videos" / "b.mp4").write_bytes((clips / "videos" / "a.1.mp4").read_bytes())
    num_frames = 6 if fps == 15 else 12
    for name in ("a.1", "b"):  # (T, D), annotated far beyond the end
        np.save(clips / "features" / f"{name}.npy", np.zeros((num_frames, 270), dtype=np.float32))
    project = made(clips, fps=fps, dry_run=True)
    assert (project.feature_dim, set(project.num_frames.values())) == (270, {num_frames})


def test_the_records_of_extraction_state_the_rate_and_the_width(clips: Path) -> None:
    (clips / "videos" / "b.mp4").write_bytes((clips / "videos" / "a.1.mp4").read_bytes())
    extract = ["extract", f"{clips}/videos", "--out", f"{clips}/features", "--backbone", "builtin", "--quiet"]
    assert main(extract) == 0
    measured = made(clips, fps=None, dry_run=True)
    with pytest.raises(ValueError, match=r"a\.1\.npy has 29\.97 features a second by its record in extraction"):
        made(clips, fps=15, dry_run=True)
    given = made(clips, fps=29.97, dry_run=True)  # annotations end far beyond 12 frames, nearer to 278
    shutil.rmtree(clips / "videos")
    recorded = made(clips, fps=None, dry_run=True)
    for project in (given, recorded):
        assert (project.feature_dim, project.num_frames) == (278, measured.num_frames)
        assert project.fps == pytest.approx(measured.fps, rel=1e-4)
