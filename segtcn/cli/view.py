"""``segtcn view``: clips with their labels in the browser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from segtcn.cli.titled_path import split_title

if TYPE_CHECKING:
    from segtcn.evaluation import Collection
    from segtcn.visualization.player import Player

DESCRIPTION = """\
Play clips in the browser above their labels: truth and any number of runs side by side, with scores, class scores and
a mode to correct labels. --export writes a folder that opens without a server. Works without clips, too.
"""

EXAMPLES = """\
sources: a folder of `segtcn crossval`, or of `segtcn fit` after `segtcn test`, a folder with one label file a video,
label files, clips; TITLE=PATH gives one a title.

examples:
  segtcn view runs/20260101-120000 --clips DATA/videos
  segtcn view ED-TCN=runs/ed_tcn MS-TCN=runs/ms_tcn --clips DATA/videos
  segtcn view predictions/ --truth DATA/groundTruth --clips DATA/videos --save corrected
  segtcn view clip.mp4 predictions.txt --truth labels.txt
  segtcn view runs/ed_tcn --clips DATA/videos --export player      # open player/index.html, or send the folder
"""


_LISTED = 10


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    options = _parser().parse_args(argv[1:])
    if options.export is not None and options.save is not None:
        raise ValueError("--save needs a server, and --export makes a player without one: leave one of them out")
    if options.no_clips and options.export is None:
        raise ValueError("--no-clips goes with --export: leave it out")

    from segtcn.evaluation import Selection, collect_videos

    selection = Selection(**{field.name: getattr(options, field.name) for field in fields(Selection)})
    collection = collect_videos([split_title(source) for source in options.sources], selection, not options.quiet)
    for note in collection.notes:
        print(f"note: {note}")
    if options.export is not None:
        export(collection, options.export, not options.no_clips, not options.quiet)
    else:
        serve(collection, options.host, options.port, options.save, not options.no_browser)


def player_of(collection: Collection) -> Player:
    """The player of collected videos; their labels are read when a video is looked at."""
    from segtcn.visualization.player import Player, PlayerVideo

    videos = [
        PlayerVideo(video.name, video.read, video.clip, video.scores, video.num_frames, video.fps)
        for video in collection.videos
    ]
    return Player(collection.title, videos, collection.classes, collection.protocol)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "segtcn view",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("sources", nargs="*", metavar="RUN_OR_FILE", help="runs, label files, clips; see below")
    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--truth", type=Path, metavar="PATH", help="true labels, a file or one a video in a folder")
    shown.add_argument(
        "--clips", type=Path, metavar="PATH", help="a clip, or a folder of them (default: `videos` beside the truth)"
    )
    shown.add_argument("--videos", nargs="+", metavar="NAME", help="these videos only")
    shown.add_argument(
        "--mapping", type=Path, metavar="FILE", help="mapping.txt with all classes (default: found beside the labels)"
    )
    shown.add_argument("--background", metavar="NAMES", help="background classes, names or indexes with commas")
    shown.add_argument(
        "--fps", type=float, metavar="RATE", help="labels per second, in place of what runs and files say"
    )
    shown.add_argument("--protocol", metavar="NAME", help="of the scores (default: that of the run, or lea)")
    shown.add_argument("--seed", type=int, metavar="N", help="of runs with several (default: the smallest)")
    served = parser.add_argument_group("in the browser")
    served.add_argument("--save", type=Path, metavar="DIR", help="folder that corrected labels are written to")
    served.add_argument("--port", type=int, metavar="N", help="port (default: 8000, or any if it is taken)")
    served.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 lets other computers connect")
    served.add_argument("--no-browser", action="store_true", help="only print the address")
    exported = parser.add_argument_group("as a folder")
    exported.add_argument("--export", type=Path, metavar="DIR", help="write a player there; DIR.zip makes an archive")
    exported.add_argument("--no-clips", action="store_true", help="leave the clips out")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    return parser


def export(collection: Collection, out: Path, clips: bool = True, progress: bool = True) -> None:
    """Write a player that opens without a server.

    Args:
        collection: what is shown.
        out: folder, or archive whose name ends in ``.zip``.
        clips: whether to take the clips along.
        progress: whether to show progress bars.
    """
    from segtcn.visualization.player import export_player

    notes = export_player(player_of(collection), out, clips, progress=progress)
    for note in notes[:_LISTED]:
        print(f"note: {note}")
    if len(notes) > _LISTED:
        print(f"note: {len(notes) - _LISTED} more notes; the player shows those on labels with each video")
    what = "unpack it and open index.html" if out.suffix.lower() == ".zip" else "open index.html in it"
    print(f"{out}: {what}")


def serve(
    collection: Collection,
    host: str = "127.0.0.1",
    port: int | None = None,
    save: Path | None = None,
    browser: bool = True,
) -> None:
    """Serve a player until Ctrl-C.

    Args:
        collection: what is shown.
        host: address to listen at.
        port: None takes 8000, or any if it is taken.
        save: folder that corrected labels are written to; None saves none.
        browser: whether to open a browser.
    """
    from segtcn.visualization.player import serve_player
    from segtcn.visualization.player.corrections import check_sources

    if save is not None:
        for video in collection.videos:
            check_sources(save, video.name, [str(track.path) for track in video.tracks.values()])
    if host not in ("127.0.0.1", "localhost", "::1"):
        print(
            f"segtcn view: everyone who can reach {host} can see these videos"
            f"{' and write corrections' if save is not None else ''}; there is no password",
            file=sys.stderr,
        )
    serve_player(
        player_of(collection),
        host,
        port,
        save,
        browser=browser,
        announce=lambda url: print(f"{collection.title}: {url}  (Ctrl-C ends it)", flush=True),
    )
