"""Speed of the overlay against a bare loop that decodes and encodes, and its memory for a one-hour clip.

python -m benchmarks.overlay                      # a drawn clip of 640x480
python -m benchmarks.overlay --clip clip.mp4      # one of your own
python -m benchmarks.overlay --hour               # a clip of one hour: time and resident memory
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from segtcn.labels import Classes, Labels, write_labels
from segtcn.video_io import ClipWriter, probe

NAMES = ["background", "take cup", "pour milk", "stir", "cut tomato", "place dough on tray", "close fridge"]
SIZE = (640, 480)
FPS = 25


def draw_clip(path: Path, num_frames: int) -> Path:
    """A still room with grain in which three things move."""
    width, height = SIZE
    rng = np.random.default_rng(0)
    room = np.stack(np.broadcast_arrays(np.linspace(60, 180, width), np.linspace(40, 120, height)[:, None], 90.0), -1)
    room = np.clip(room + rng.normal(0, 6, room.shape), 0, 255).astype(np.uint8)
    with ClipWriter(path, Fraction(FPS), width, height) as writer:
        for number in range(num_frames):
            frame = room.copy()
            for thing, speed in enumerate((3, 5, 8)):
                x, y = (number * speed) % (width - 60), 60 + 120 * thing
                frame[y : y + 80, x : x + 60] = room[:80, :60, ::-1] + 30 * thing
            writer.write(frame)
    return path


def write_tracks(folder: Path, num_frames: int) -> tuple[Path, Path, Path]:
    """Truth, predictions with scores, and predictions without; segments last 1 to 7 s."""
    rng = np.random.default_rng(1)
    num_segments = num_frames // 25 + 1
    labels = np.cumsum(rng.integers(1, len(NAMES), num_segments)) % len(NAMES)  # no two neighbours are equal
    truth = np.repeat(labels, rng.integers(25, 175, num_segments))[:num_frames]
    predicted = np.roll(truth, 12)
    scores = rng.random((len(NAMES), num_frames)).astype(np.float32)
    scores[predicted, np.arange(num_frames)] += 3
    scores /= scores.sum(axis=0)
    paths = folder / "truth.txt", folder / "scores.npz", folder / "plain.txt"
    classes = Classes(tuple(NAMES), background=0)
    write_labels(paths[0], Labels(truth, classes))
    write_labels(paths[1], Labels(predicted, classes, scores=scores))
    write_labels(paths[2], Labels(np.roll(truth, 40), classes))
    return paths


def bare(clip: Path, output: Path, threads: str | None = None) -> None:
    """Decode and encode with the settings of ``ClipWriter``, and nothing else.

    ``threads`` is what they work on at the same time: None leaves PyAV's default, slices of one frame; ``ClipWriter``
    has "FRAME", several frames.
    """
    options = {"crf": "20", "preset": "veryfast", "bf": "0", "x264-params": "mbtree=0"}
    with av.open(str(clip)) as source, av.open(str(output), "w", options={"movflags": "+faststart"}) as target:
        picture = source.streams.video[0]
        stream = target.add_stream("libx264", rate=picture.average_rate, options=options)
        if threads is not None:
            picture.thread_type = stream.codec_context.thread_type = threads
        stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuv420p"
        for frame in source.decode(picture):
            frame.pict_type = 0
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


def overlaid(clip: Path, tracks: tuple[Path, Path, Path], output: Path, full: bool) -> None:
    """Draw truth and predictions; ``full`` has two predictions, scores of classes, and a window."""
    from segtcn.visualization.overlay import OverlayLook, overlay_video

    truth, scores, plain = tracks
    shown = {"truth": truth, **({"MS-TCN": scores, "ED-TCN": plain} if full else {"prediction": plain})}
    look = OverlayLook(window_s=10.0 if full else None, progress=False)
    overlay_video(clip, shown, output, classes=NAMES, look=look)


def compare(clip: Path, folder: Path, repetitions: int) -> None:
    """Print the rates, the median of repetitions that take turns."""
    num_frames = probe(clip).num_frames
    tracks = write_tracks(folder, num_frames)
    ways: dict[str, Callable[[], None]] = {
        "decode and encode": lambda: bare(clip, folder / "bare.mp4"),
        "decode and encode, several frames at once": lambda: bare(clip, folder / "bare.mp4", "FRAME"),
        "overlay: truth and predictions": lambda: overlaid(clip, tracks, folder / "plain.mp4", full=False),
        "overlay: 3 tracks, top 3, window": lambda: overlaid(clip, tracks, folder / "full.mp4", full=True),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    work: dict[str, list[float]] = {name: [] for name in ways}
    for repetition in range(repetitions + 1):
        for name, run in ways.items():
            start_s, start_work_s = time.perf_counter(), time.process_time()
            run()
            if repetition:  # the first warms up
                rates[name].append(num_frames / (time.perf_counter() - start_s))
                work[name].append(num_frames / (time.process_time() - start_work_s))
    info = probe(clip)
    print(f"{info.width}x{info.height}, {num_frames} frames, median (lowest to highest) of {repetitions}\n")
    print("| | frames a second | of the first | of the second | of the second, by processor time |")
    print("|---|--:|--:|--:|--:|")
    first, second, *_ = ways

    def share(of: dict[str, list[float]], name: str, base: str) -> str:
        # of the same turn: other programs take their share of both
        ratios = sorted(rate / other for rate, other in zip(of[name], of[base], strict=True))
        return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"

    for name, values in rates.items():
        print(
            f"| {name} | {statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f}) | "
            f"{share(rates, name, first)} | {share(rates, name, second)} | {share(work, name, second)} |"
        )


def repeat_clip(source: Path, target: Path, times: int) -> Path:
    """The packets of a clip again and again, which takes seconds where encoding takes minutes."""
    with av.open(str(target), "w") as container:
        stream = None
        offset = 0
        for _ in range(times):
            with av.open(str(source)) as part:
                picture = part.streams.video[0]
                stream = stream or container.add_stream_from_template(picture)
                for packet in part.demux(picture):
                    if packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, stream
                        container.mux(packet)
                offset += picture.duration
    return target


def measure_hour(folder: Path) -> None:
    """Print time and memory of the command for a clip of one hour."""
    minute = draw_clip(folder / "minute.mp4", 60 * FPS)
    clip = repeat_clip(minute, folder / "hour.mp4", 60)
    info = probe(clip)
    truth, scores, plain = write_tracks(folder, info.num_frames)
    command = [sys.executable, "-m", "segtcn", "overlay", clip, f"MS-TCN={scores}", f"ED-TCN={plain}"]
    command += ["--truth", truth, "-o", folder / "out.mp4", "--window", "10", "--quiet"]
    start_s = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start_s
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    made = probe(folder / "out.mp4")
    print(f"{info.width}x{info.height}, {info.duration_s / 3600:.2f} h, {info.num_frames} frames, 3 tracks, window")
    print(f"{seconds:.0f} s, {info.num_frames / seconds:.0f} frames a second, {memory:.0f} MiB resident at most")
    print(f"output: {made.num_frames} frames, {made.duration_s / 3600:.2f} h")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, help="instead of a drawn one")
    parser.add_argument("--frames", type=int, default=500, help="of the drawn clip (default: 500)")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--hour", action="store_true", help="memory instead of speed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.hour:
            measure_hour(folder)
        else:
            compare(options.clip or draw_clip(folder / "clip.mp4", options.frames), folder, options.repetitions)


if __name__ == "__main__":
    main()
