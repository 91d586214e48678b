"""``segtcn view``: clips with their labels in the browser."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from segtcn.cli.notes import warnings_as_notes
from segtcn.cli.parser import Dir, split_title
from segtcn.options import Selection

if TYPE_CHECKING:
    from segtcn.evaluation import CollectedVideo, Collection
    from segtcn.labels import Labels
    from segtcn.visualization.player import Player

_LISTED = 10


@dataclass(frozen=True)
class Served:
    """In the browser.

    Args:
        save: folder that corrected labels are written to.
        port: port (default: 8000, or any if it is taken).
        host: 0.0.0.0 lets other computers connect.
        no_browser: only print the address.
    """

    save: Dir | None = None
    port: int | None = None
    host: Annotated[str, "ADDRESS"] = "127.0.0.1"
    no_browser: bool = False


@dataclass(frozen=True)
class Exported:
    """As a folder.

    Args:
        export: write a player there; DIR.zip makes an archive.
        no_clips: leave the clips out.
    """

    export: Dir | None = None
    no_clips: bool = False


def view(
    sources: Annotated[Sequence[str], "RUN_OR_FILE"] = (),
    *,
    clips: Path | None = None,
    labels: Selection,
    served: Served,
    exported: Exported,
    quiet: bool = False,
) -> None:
    """Play clips in the browser above their labels.

    The player shows truth and any number of runs side by side, with scores, class scores and a mode to correct labels.
    --export writes a folder that opens without a server. It works without clips, too.

    Args:
        sources: runs, label files, clips; see below.
        clips: a clip, or a folder of them (default: `videos` beside the truth).
        labels: which labels, and what is known about them.
        served: how the player is served.
        exported: how it is exported.
        quiet: no progress bars.

    Examples:
      segtcn view runs/20260101-120000 --clips DATA/videos
      segtcn view ED-TCN=runs/ed_tcn MS-TCN=runs/ms_tcn --clips DATA/videos
      segtcn view predictions/ --truth DATA/groundTruth --clips DATA/videos --save corrected
      segtcn view clip.mp4 predictions.txt --truth labels.txt
      segtcn view --clips DATA/videos --fps 15 --save corrected        # label clips from nothing
      segtcn view runs/ed_tcn --clips DATA/videos --export player      # open player/index.html, or send the folder

    Sources: a folder of `segtcn crossval`, or of `segtcn fit` after `segtcn test`, a folder with one label file a
    video, label files, clips; TITLE=PATH gives one a title. Clips without any labels become one segment that nobody
    annotated, to be split and named: --fps is then the rate of the labels, --mapping holds the classes to choose from.
    """
    if exported.export is not None and served.save is not None:
        raise ValueError("--save needs a server, and --export makes a player without one: leave one of them out")
    if exported.no_clips and exported.export is None:
        raise ValueError("--no-clips goes with --export: leave it out")

    from segtcn.evaluation import chosen_videos, collect_videos

    if labels.videos is not None:
        labels = replace(labels, videos=chosen_videos(labels.videos))
    named = [split_title(source) for source in sources]
    shown: dict[str, list[str]] = {}
    notes = ["no labels are given: each clip is shown as one segment, to be split and named"]
    if (player := _blank_player(named, labels, clips)) is None:
        with warnings_as_notes():
            collection = collect_videos(named, labels, clips, progress=not quiet)
        if served.save is not None and any(video.track for video in collection.videos):
            raise ValueError("several tracks cannot be corrected together: leave --save out, or give one track a file")
        shown = {video.name: [str(file.path) for file in video.files.values()] for video in collection.videos}
        player, notes = player_of(collection), collection.notes
    for note in notes:
        print(f"note: {note}")
    if exported.export is not None:
        _export(player, exported.export, not exported.no_clips, not quiet)
    else:
        serve(player, shown, served)


def _blank_player(
    sources: Sequence[tuple[str | None, Path]], selection: Selection, place: Path | None
) -> Player | None:
    """The player of clips, where no labels are given at all."""
    from segtcn.evaluation.locating import locate
    from segtcn.labels import Classes
    from segtcn.visualization.player import blank_player

    label_sources, truths, clips, known = locate(sources, selection, place)
    if label_sources or truths or not clips:
        return None
    name_of = {path: name for name, path in reversed(clips.items())}  # of two names of a clip that with its folder
    names = {*name_of.values()} if selection.videos is None else {*selection.videos}
    if missing := sorted(names - clips.keys()):
        raise ValueError(
            f"there is no clip of the video {missing[0]}: the videos are {', '.join(sorted(name_of.values()))}"
        )
    classes = (known or Classes(())).with_background(selection.background)
    title = next(iter(names)) if len(names) == 1 else str(place or "clips")
    return blank_player(title, {name: clips[name] for name in sorted(names)}, classes, selection.fps)


def player_of(collection: Collection) -> Player:
    """The player of collected videos; their labels are read when a video is looked at."""
    from segtcn.visualization.player import Player, PlayerVideo

    groups: dict[str, list[CollectedVideo]] = {}
    for video in collection.videos:
        groups.setdefault(video.name.rpartition("/")[0] if video.track else video.name, []).append(video)
    videos = [
        PlayerVideo(
            name,
            partial(_read_tracks, group),
            group[0].clip,
            {_title(video, title): row for video in group for title, row in video.scores.items()},
            group[0].num_frames,
            group[0].fps,
        )
        for name, group in groups.items()
    ]
    return Player(collection.title, videos, collection.classes, collection.protocol)


def _read_tracks(videos: Sequence[CollectedVideo]) -> dict[str, Labels]:
    """The labels of a video by title; those of its tracks together."""
    return {_title(video, title): labels for video in videos for title, labels in video.read().items()}


def _title(video: CollectedVideo, title: str) -> str:
    return f"{video.track}: {title}" if video.track else title


def _export(player: Player, out: Path, clips: bool, progress: bool) -> None:
    from segtcn.visualization.player import export_player

    notes = export_player(player, out, clips, progress=progress)
    for note in notes[:_LISTED]:
        print(f"note: {note}")
    if len(notes) > _LISTED:
        print(f"note: {len(notes) - _LISTED} more notes; the player shows those on labels with each video")
    what = "unpack it and open index.html" if out.suffix.lower() == ".zip" else "open index.html in it"
    print(f"{out}: {what}")


def serve(player: Player, shown: Mapping[str, list[str]], served: Served) -> None:
    """Serve a player; ``shown`` has the label files of every video, which corrections must not replace."""
    from segtcn.visualization.player import serve_player
    from segtcn.visualization.player.corrections import check_sources

    if served.save is not None:
        for name, files in shown.items():
            check_sources(served.save, name, files)
    if served.host not in ("127.0.0.1", "localhost", "::1"):
        print(
            f"segtcn view: everyone who can reach {served.host} can see these videos"
            f"{' and write corrections' if served.save is not None else ''}; there is no password",
            file=sys.stderr,
        )
    serve_player(
        player,
        served.host,
        served.port,
        served.save,
        browser=not served.no_browser,
        announce=lambda url: print(f"{player.title}: {url}  (Ctrl-C ends it)", flush=True),
    )
