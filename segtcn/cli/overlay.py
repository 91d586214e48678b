"""``segtcn overlay``: a clip with its labels."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

EXAMPLES = """\
examples:
  segtcn overlay clip.mp4 predictions.txt -o out.mp4
  segtcn overlay clip.mp4 predictions.csv -o out.mp4 --truth labels.txt --mapping mapping.txt
  segtcn overlay clip.mp4 predictions.txt -o out.mp4 --fps 3

Labels meet frames in time: with --fps, or the seconds of a segment table, the frame at t seconds has label
floor(t * rate). Without a rate there must be one label for every frame of the clip.
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn overlay",
        description="Write a copy of a clip with predicted and true labels below the picture.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clip", help="the video")
    parser.add_argument("predictions", help="labels: .txt with one a line, MS-TCN's recognition file, or segments .csv")
    parser.add_argument("-o", "--output", required=True, metavar="OUT.mp4", help="the video to make")
    parser.add_argument("--truth", metavar="LABELS", help="the true labels, drawn with the predictions")
    parser.add_argument("--fps", type=float, metavar="RATE", help="labels per second, if not one label a frame")
    parser.add_argument("--truth-fps", type=float, metavar="RATE", help="the same for the true labels, if different")
    parser.add_argument(
        "--mapping", metavar="FILE", help="mapping.txt of the data set: colours as in its other figures"
    )
    parser.add_argument("--background", default="background", metavar="NAME", help="the class drawn in grey")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(argv[1:])

    from segtcn.data.readers.ms_tcn import read_mapping
    from segtcn.visualization.overlay import overlay_video

    output = overlay_video(
        options.clip,
        options.predictions,
        options.output,
        truth=options.truth,
        label_fps=options.fps,
        truth_fps=options.truth_fps,
        class_names=read_mapping(options.mapping) if options.mapping else None,
        background=options.background,
        progress=not options.quiet,
    )
    print(output)
