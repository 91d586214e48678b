"""A player as a folder that opens from disk without a server, and can be sent to a colleague."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

from segtcn.atomic import atomic_path, new_folder_for
from segtcn.progress import progress_bar
from segtcn.video_io import probe
from segtcn.video_io.writing import plays_in_browsers, write_playable
from segtcn.visualization.player.payload import index_payload, script, video_id, video_payload
from segtcn.visualization.player.player_videos import Player, PlayerVideo

STATIC = Path(__file__).with_name("static")
"""The page, its style and its scripts."""

_MARKER = b"segtcn.receiveIndex("


def static_files() -> list[Path]:
    """The files of the page that do not depend on what it shows."""
    return sorted(path for path in STATIC.iterdir() if path.is_file() and not path.name.startswith("."))


def export_player(
    player: Player, target: str | os.PathLike[str], clips: bool = True, progress: bool = False
) -> list[str]:
    """Write a player that needs no server: open ``index.html`` in it.

    Clips are copied; those that browsers do not play are encoded again to H.264 and AAC. The target appears when it is
    complete; a player that was there before is replaced, anything else is left alone.

    Args:
        player: what is shown.
        target: a folder that does not exist, is empty or holds a player; or, if it ends in ``.zip``, an archive.
        clips: whether to take the clips along.
        progress: whether to show a progress bar.

    Returns:
        What the user should know: clips that were encoded again, and what is wrong with videos.

    Raises:
        FileNotFoundError: if a label file is gone.
        ValueError: if a label file cannot be understood.
        PermissionError: if the target cannot be written, or is something else.
        OSError: if the disk is full.

    Example:
        >>> export_player(player, "runs/demo/player")  # doctest: +SKIP
        []
    """
    target = Path(target)
    is_archive = target.suffix.lower() == ".zip"
    if not is_archive:
        _check_replaceable(target)
    with new_folder_for(target) as folder:
        _check_room(target, folder, [video.clip for video in player.videos if clips and video.clip is not None])
        notes = _write(player, folder, clips, progress)
        if not is_archive:
            _replace(target, folder)
            return notes
        with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                # clips are compressed already
                kind = zipfile.ZIP_STORED if path.parent.name == "clips" else zipfile.ZIP_DEFLATED
                archive.write(path, Path(target.stem) / path.relative_to(folder), kind)
    return notes


def _write(player: Player, folder: Path, with_clips: bool, progress: bool) -> list[str]:
    (folder / "data").mkdir()
    for path in static_files():
        shutil.copyfile(path, folder / path.name)
    notes: list[str] = []
    addresses: dict[str, str] = {}
    for number, video in enumerate(progress_bar(player.videos, "export", unit="video", show=progress)):
        key = video_id(number)
        shown = video if with_clips else video._replace(clip=None)
        payload = video_payload(key, shown, player.classes)
        notes += [f"{video.name}: {note}" for note in payload["notes"]]
        if payload["clip"] is not None and shown.clip is not None:
            address, note = _write_clip(video, shown.clip, folder, key, progress)
            addresses[key] = address
            notes += [] if note is None else [note]
        (folder / "data" / f"video-{key}.js").write_bytes(script("receiveVideo", payload))
    (folder / "data" / "index.js").write_bytes(script("receiveIndex", index_payload(player, addresses)))
    return notes


def _write_clip(video: PlayerVideo, clip: Path, folder: Path, key: str, progress: bool) -> tuple[str, str | None]:
    (folder / "clips").mkdir(exist_ok=True)
    if plays_in_browsers(clip):
        address = f"clips/{key}{clip.suffix.lower()}"
        shutil.copyfile(clip, folder / address)
        return address, None
    address = f"clips/{key}.mp4"
    with progress_bar(name=video.name, unit="frame", total=probe(clip).num_frames, show=progress, keep=False) as bar:
        write_playable(clip, folder / address, bar.update)
    return address, f"{video.name}: {clip} was encoded again to H.264, as browsers do not play it"


def _check_room(target: Path, folder: Path, clips: Iterable[Path]) -> None:
    needed = sum(clip.stat().st_size for clip in clips if clip.is_file())
    if needed > (free := shutil.disk_usage(folder).free):
        raise OSError(
            f"cannot write {target}: its clips take {needed / 1e6:.0f} MB and {free / 1e6:.0f} MB are free; make "
            "room, or leave out the clips"
        )


def _check_replaceable(target: Path) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_dir() or target.is_symlink():
        raise PermissionError(f"cannot write {target}: it is not a folder; give the name of a new one")
    there = sorted(path.name for path in target.iterdir())
    if not there:
        return
    index = target / "data" / "index.js"
    if not index.is_file() or not index.read_bytes().startswith(_MARKER):
        raise PermissionError(f"{target} holds something else ({there[0]}): give a new folder, or an earlier player")
    known = {"data", "clips", *(path.name for path in static_files())}
    if foreign := [name for name in there if name not in known and not name.endswith(".js")]:
        raise PermissionError(
            f"{target} holds {foreign[0]}, which is not part of a player: move it away, or give a new folder"
        )


def _replace(target: Path, folder: Path) -> None:
    if not target.exists():
        folder.rename(target)
        return
    old = folder.with_name(f"{folder.name}.old")
    target.rename(old)
    try:
        folder.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
