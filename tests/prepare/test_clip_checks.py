"""Checks of a data set by its clips: rates that are wrong or nearly right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segtcn.data.readers import MSTCNReader
from segtcn.prepare.check import CheckOptions, DataReport, check_data
from tests.clips import write_clip
from tests.conftest import small_videos
from tests.prepare.data_reports import of_kind, says, the, totals

WriteTree = Callable[..., Path]


def check_clips(root: Path, fps: float, clips: Path, **options: Any) -> DataReport:
    return check_data(MSTCNReader(str(root), fps=fps), CheckOptions(clips=str(clips), **options))


def test_clips_reveal_a_wrong_rate(
    write_ms_tcn_tree: WriteTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = {name: (np.repeat(f, 5, axis=0), np.repeat(y, 5).tolist()) for name, (f, y) in small_videos().items()}
    root = write_ms_tcn_tree(videos=videos)
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("P01_tea", "P01_soup"):
        write_clip(clips / f"{name}.mp4", len(videos[name][1]), fps=25)
    (clips / "P02_tea.mkv").write_bytes(b"no clip")
    report = check_clips(root, 25, clips)
    assert not of_kind(report, "duration")
    assert "P02_soup" in the(report, "no clip").message
    assert str(clips / "P02_tea.mkv") in the(report, "clip").message
    assert totals(report)["fps_of_clips"] == pytest.approx(25, rel=0.02)
    wrong = of_kind(check_clips(root, 15, clips), "duration")
    assert [problem.where for problem in wrong] == ["P01_tea", "P01_soup"]
    assert "these two make 25" in wrong[0].message
    report = check_clips(root, 25, clips, clips_of_all=False)
    assert (of_kind(report, "no clip"), totals(report)["clips"]) == ([], 3)
    monkeypatch.setattr(MSTCNReader, "read", None)  # before anything is read
    with pytest.raises(FileNotFoundError, match="no folder of clips"):
        check_clips(root, 25, tmp_path / "nowhere")


def test_one_clip_of_another_length_says_nothing_of_the_rate(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    videos = {name: (np.repeat(f, 5, axis=0), np.repeat(y, 5).tolist()) for name, (f, y) in small_videos().items()}
    root = write_ms_tcn_tree(videos=videos)
    for name, (_, labels) in videos.items():
        write_clip(tmp_path / f"{name}.mp4", len(labels) // (4 if name == "P01_tea" else 1), fps=25)
    report = check_clips(root, 25, tmp_path)
    assert (the(report, "duration").where, of_kind(report, "rate")) == ("P01_tea", [])


@pytest.mark.parametrize("fps", [24, 30])
def test_short_clips_reveal_a_near_rate(write_ms_tcn_tree: WriteTree, tmp_path: Path, fps: float) -> None:
    lengths = {"a": 50, "b": 75, "c": 61}  # two to three seconds: no second is lacking
    videos = {name: (np.arange(length, dtype="f4")[:, None], [0] * length) for name, length in lengths.items()}
    root = write_ms_tcn_tree(videos=videos, splits={1: (["a", "b"], ["c"])})
    (tmp_path / "clips").mkdir()
    for name, length in lengths.items():
        write_clip(tmp_path / "clips" / f"{name}.mp4", length + (name == "b"), fps=25)  # one frame may lack
    assert not of_kind(check_clips(root, 25, tmp_path / "clips"), "rate")
    report = check_clips(root, fps, tmp_path / "clips")
    assert not of_kind(report, "duration")
    says(
        report,
        "rate",
        "warning",
        f"one feature for every frame of 3 of 3 clips, such as {tmp_path / 'clips' / 'a.mp4'}",
        f"(50 frames at 25 a second), but `fps` is {fps}: it should be 25, too",
    )


@pytest.mark.parametrize(
    ("lengths", "fps", "made"),
    [
        ((20, 40, 60), 10, ""),
        ((20, 40, 60), 12, "make 10 a second"),
        ((20, 40, 60), 9, "make 10 a second"),
        ((14, 34, 54), 10, ""),  # an extractor that needs 0.6 s around each frame
        ((14, 34, 54), 12, "make 8.5 a second"),
    ],
)
def test_short_clips_reveal_a_rate_together(
    write_ms_tcn_tree: WriteTree, tmp_path: Path, lengths: tuple[int, ...], fps: float, made: str
) -> None:
    videos = {name: (np.arange(t, dtype="f4")[:, None], [0] * t) for name, t in zip("abc", lengths, strict=True)}
    root = write_ms_tcn_tree(videos=videos, splits={1: (["a", "b"], ["c"])})
    (tmp_path / "clips").mkdir()
    for name, num_frames in zip("abc", (50, 100, 150), strict=True):
        write_clip(tmp_path / "clips" / f"{name}.mp4", num_frames, fps=25)
    problems = of_kind(check_clips(root, fps, tmp_path / "clips"), "rate")
    assert [made in problem.message for problem in problems] == [True] * bool(made)
