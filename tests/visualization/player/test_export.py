"""Exported players: complete, small, replaced only if they are players, and never half-written."""

from __future__ import annotations

import errno
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segtcn.demo.synthetic import write_recipe
from segtcn.labels import Classes, Labels
from segtcn.video_io import frame_times, probe, read_frames
from segtcn.video_io.writing import plays_in_browsers, write_playable
from segtcn.visualization.player import PlayerVideo, export_player
from segtcn.visualization.player.export import STATIC
from tests.clips import frame_number, write_clip
from tests.visualization.player.players import HOSTILE, content, player, run, truth


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def page() -> set[str]:
    return {path.name for path in STATIC.iterdir()}


def test_everything_that_the_page_names_is_in_the_folder_and_nothing_else(tmp_path):
    clip = write_clip(tmp_path / "source.MP4", 50)
    shown = player(
        PlayerVideo("tea", {"truth": truth(), "ED-TCN": run()}, clip), PlayerVideo(HOSTILE, {HOSTILE: truth()})
    )
    assert export_player(shown, tmp_path / "new" / "player") == []
    folder = tmp_path / "new" / "player"
    data = {"data/index.js", "data/video-0001.js", "data/video-0002.js"}
    assert files(folder) == {*page(), *data, "clips/0001.mp4"}
    assert (folder / "clips" / "0001.mp4").read_bytes() == clip.read_bytes()
    index = content(folder / "data" / "index.js")
    assert [video["clip"] for video in index["videos"]] == ["clips/0001.mp4", None]
    assert index["save"] is None
    assert content(folder / "data" / "video-0001.js")["clip"]["num_frames"] == 50
    html = (folder / "index.html").read_text("utf-8")
    assert {*re.findall(r'(?:src|href)="([^"#][^":]*)"', html)} <= page()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["player"]
    assert index["videos"][1]["name"] == HOSTILE
    assert b"<" not in (folder / "data" / "video-0002.js").read_bytes()
    export_player(shown, folder, clips=False)
    assert files(folder) == {*page(), *data}
    (tmp_path / "source.MP4").write_bytes(b"")
    assert export_player(shown, folder)[0].startswith("tea: the clip cannot be shown: ")
    assert files(folder) == {*page(), *data}


@pytest.mark.parametrize(
    ("name", "codec"), [("tea.avi", "mpeg4"), ("h264.avi", "libx264"), ("tea.mkv", "libx264"), ("tea.mp4", "mpeg4")]
)
def test_clips_that_browsers_do_not_play_are_encoded_again_frame_by_frame(tmp_path, name, codec):
    clip = write_clip(tmp_path / name, 40, codec=codec, sound="mp3")
    assert not plays_in_browsers(clip)
    (note,) = export_player(player(PlayerVideo("tea", {"truth": truth(["take"] * 40)}, clip)), tmp_path / "player")
    assert note == f"tea: {clip} was encoded again to H.264, as browsers do not play it"
    copy = tmp_path / "player" / "clips" / "0001.mp4"
    assert plays_in_browsers(copy)
    assert (probe(copy).num_frames, probe(copy).has_audio) == (40, True)
    assert frame_times(copy) == pytest.approx(frame_times(clip), abs=0.002)
    assert [frame_number(frame) for _, frame in read_frames(copy)] == [*range(40)]
    assert content(tmp_path / "player" / "data" / "index.js")["videos"][0]["clip"] == "clips/0001.mp4"


def test_times_of_a_clip_with_varying_rate_survive(tmp_path):
    times_s = [0.0, 0.1, 0.15, 0.4, 0.5]
    clip = write_clip(tmp_path / "tea.mkv", 5, times_s=times_s)
    seen: list[None] = []
    write_playable(clip, tmp_path / "copy.mp4", lambda: seen.append(None))
    assert frame_times(tmp_path / "copy.mp4") == pytest.approx(times_s, abs=0.002)
    assert len(seen) == 5


def test_a_player_is_replaced_as_a_whole(tmp_path):
    clip = write_clip(tmp_path / "tea.mp4", 50)
    export_player(
        player(PlayerVideo("a", {"truth": truth()}, clip), PlayerVideo("b", {"truth": truth()})), tmp_path / "player"
    )
    export_player(player(PlayerVideo("c", {"truth": truth()})), tmp_path / "player")
    assert files(tmp_path / "player") == {*page(), "data/index.js", "data/video-0001.js"}
    assert {path.name for path in tmp_path.iterdir()} == {"player", "tea.mp4"}


def test_anything_else_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(PermissionError, match=r"mine holds something else \(thesis\.tex\): give a new folder"):
        export_player(player(), tmp_path / "mine")
    export_player(player(), tmp_path / "player")
    (tmp_path / "player" / "notes.txt").write_text("keep")
    with pytest.raises(PermissionError, match=r"player holds notes\.txt, which is not part of a player: move it away"):
        export_player(player(), tmp_path / "player")
    assert (tmp_path / "player" / "notes.txt").read_text() == "keep"
    with pytest.raises(PermissionError, match=r"thesis\.tex: it is not a folder; give the name of a new one"):
        export_player(player(), tmp_path / "mine" / "thesis.tex")
    with pytest.raises(PermissionError, match=r"cannot write .*player \("):
        export_player(player(), tmp_path / "mine" / "thesis.tex" / "player")
    (tmp_path / "empty").mkdir()
    export_player(player(), tmp_path / "empty")


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "tea.mp4", 50)
    export_player(player(PlayerVideo("old", {"truth": truth()})), tmp_path / "player")

    def full(source: Path, target: Path) -> None:
        if Path(target).parent.name == "clips":
            Path(target).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        real(source, target)

    real = shutil.copyfile
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match=r"cannot write .*player \(no space left on device, .*\): nothing was left there"):
        export_player(player(PlayerVideo("new", {"truth": truth()}, clip)), tmp_path / "player")
    assert {path.name for path in tmp_path.iterdir()} == {"player", "tea.mp4"}
    assert content(tmp_path / "player" / "data" / "index.js")["videos"][0]["name"] == "old"


def test_too_little_space_is_told_before_anything_is_written(tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "tea.mp4", 50)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(OSError, match=r"its clips take 0 MB and 0 MB are free; make room, or leave out the clips"):
        export_player(player(PlayerVideo("tea", {"truth": truth()}, clip)), tmp_path / "player")
    assert [path.name for path in tmp_path.iterdir()] == ["tea.mp4"]
    export_player(player(PlayerVideo("tea", {"truth": truth()}, clip)), tmp_path / "player", clips=False)


def test_an_error_on_the_way_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"'fly' .*is not a known class"):
        export_player(
            player(PlayerVideo("a", {"truth": truth()}), PlayerVideo("b", {"truth": truth(["fly"])})),
            tmp_path / "player",
        )
    assert [*tmp_path.iterdir()] == []


def test_an_archive_holds_the_folder(tmp_path):
    clip = write_clip(tmp_path / "tea.mp4", 50)
    export_player(player(PlayerVideo("tea", {"truth": truth()}, clip)), tmp_path / "player.zip")
    with zipfile.ZipFile(tmp_path / "player.zip") as archive:
        assert archive.testzip() is None
        expected = {*page(), "data/index.js", "data/video-0001.js", "clips/0001.mp4"}
        assert {*archive.namelist()} == {f"player/{name}" for name in expected}
    assert {path.name for path in tmp_path.iterdir()} == {"player.zip", "tea.mp4"}


def test_a_player_as_large_as_the_demo_is_below_a_megabyte_without_clips(tmp_path):
    """Six clips, nine classes, scores of all: what the demo holds out is one of four cooks' 24 clips."""
    names = ("background", "take", "peel", "cut", "add", "pour", "shake", "stir", "put")
    classes = Classes(names, 0)
    videos = []
    for number in range(6):
        rng = np.random.default_rng(number)
        actions = [step.action for step in write_recipe(rng) for _ in range(step.num_frames)]
        labels = Labels.from_names(actions, classes, 15.0)
        scores = rng.dirichlet(np.ones(9), len(labels)).T.astype(np.float32)  # noise: nothing packs worse
        tracks = {"truth": labels, "ED-TCN": replace(labels, scores=scores)}
        videos.append(PlayerVideo(f"cook1_clip{number:02}", tracks, None, {"ED-TCN": {"accuracy": 90.0}}))
    export_player(player(*videos, classes=classes), tmp_path / "player")
    assert sum(path.stat().st_size for path in (tmp_path / "player").rglob("*") if path.is_file()) < 1_000_000
