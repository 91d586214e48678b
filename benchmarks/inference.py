"""How fast trained networks are: whole videos, and streams of one frame at a time.

    python -m benchmarks.inference                  # one thread
    python -m benchmarks.inference --threads 2      # whole videos only

*Streams.* The generic TCN (10 residual blocks of two convolutions, 64 channels, 3 taps) against the package
``pytorch-tcn`` with its buffers, where the environment has it, and against the steps of the network itself; the
four-stage MS-TCN with its 99th percentile. All in turns in one process. segtcn does not depend on that
package: install both into another environment.

*Whole videos.* MS-TCN against a plain writing of it (``benchmarks/plain_ms_tcn.py``) with the same weights, and against
the file that ``segtcn export`` makes of it, run by onnxruntime:

    python -m benchmarks.inference --exported --threads 2
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch

from benchmarks.networks import IN_CHANNELS, NUM_CLASSES, batch, header, in_turns, networks, row
from segtcn.models import MSTCN, CausalTCN, NetworkStream, SegmentationModel
from segtcn.segmenter import Segmenter
from segtcn.segmenter.export import export_onnx
from segtcn.segmenter.export.onnx_runtime import open_session

FRAMES_PER_TURN = 100
BLOCKS, CHANNELS = 10, 64


def stepper(net: SegmentationModel) -> Callable[[torch.Tensor], object]:
    """The network's own steps."""
    state = net.initial_state()

    def push(frame: torch.Tensor) -> torch.Tensor:
        nonlocal state
        output, state = net.step(frame, state)
        return output.logits

    return push


def pytorch_tcn() -> Callable[[torch.Tensor], object] | None:
    """A network of the package with the same convolutions, streaming with its buffers; None where it is missing."""
    if find_spec("pytorch_tcn") is None:
        return None
    package = import_module("pytorch_tcn")
    net = package.TCN(CHANNELS, [CHANNELS] * BLOCKS, kernel_size=3, dilations=[2**i for i in range(BLOCKS)]).eval()
    net.reset_buffers()
    return lambda frame: net(frame, inference=True)


def turn(push: Callable[[torch.Tensor], object], channels: int) -> Callable[[], None]:
    frames = torch.randn(FRAMES_PER_TURN, 1, channels, 1)

    def way() -> None:
        with torch.inference_mode():
            for frame in frames:
                push(frame)

    return way


def check_equal(net: SegmentationModel) -> None:
    """Streams, steps and the whole give the same logits."""
    x, stream, push = torch.randn(1, net.in_channels, 300), NetworkStream(net), stepper(net)
    with torch.inference_mode():
        expected = net(x).logits
        for way in (lambda frame: stream.push(frame).logits, push):
            logits = torch.cat([way(frame) for frame in x.split(1, dim=-1)], dim=-1)
            torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)


def streams(turns: int, limit: float) -> None:
    generic, multi_stage = (
        CausalTCN(CHANNELS, CHANNELS, CHANNELS, num_layers=BLOCKS).eval(),
        MSTCN(CHANNELS, NUM_CLASSES, causal=True).eval(),
    )
    check_equal(generic)
    check_equal(multi_stage)
    package = pytorch_tcn()
    ways = {
        **({} if package is None else {"pytorch-tcn": turn(package, CHANNELS)}),
        "`step` of the generic TCN": turn(stepper(generic), CHANNELS),
        "stream of the generic TCN": turn(NetworkStream(generic).push, CHANNELS),
        "`step` of MS-TCN": turn(stepper(multi_stage), CHANNELS),
        "stream of MS-TCN": turn(NetworkStream(multi_stage).push, CHANNELS),
    }
    times = in_turns(ways, turns, limit)
    reference = times["stream of the generic TCN"]
    print("| one frame, one thread | ms a frame | ratio to the stream of the generic TCN |\n|---|--:|--:|")
    for name, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, reference, strict=False))
        print(f"| {name} | {1000 * statistics.median(seconds) / FRAMES_PER_TURN:.3f} | {ratio:.1f} |")
    if package is None:
        print("pytorch-tcn is not installed here")
    print(f"\n99th percentile of a frame, stream of MS-TCN: {percentile(multi_stage, limit):.2f} ms")


def percentile(net: SegmentationModel, limit: float) -> float:
    """Milliseconds of the slowest of a hundred frames, over up to 10,000 frames."""
    stream, frame, times = NetworkStream(net), torch.randn(1, net.in_channels, 1), []
    start = time.perf_counter()
    while len(times) < 10_000 and time.perf_counter() - start < limit:
        before = time.perf_counter()
        stream.push(frame)
        times.append(time.perf_counter() - before)
    return 1000 * statistics.quantiles(times, n=100)[-1]


def whole_videos(turns: int, limit: float) -> None:
    header("plain", "segtcn")
    for num_frames in (3000, 12_000):
        features, mask, _ = batch(1, num_frames)
        (plain, *_), (ours, *_) = (nets := networks()).values()
        for net, *_ in nets.values():
            net.eval()

        def run(net: torch.nn.Module, features: torch.Tensor = features, mask: torch.Tensor = mask) -> None:
            with torch.inference_mode():
                net(features, mask)

        ways = {"plain": lambda net=plain: run(net), "segtcn": lambda net=ours: run(net)}
        row(f"({IN_CHANNELS}, {num_frames:,})", in_turns(ways, turns, limit))


def exported(turns: int, limit: float) -> None:
    """Whole videos with standardisation and softmax: plain, segtcn, and the exported graph, with as many threads."""
    nets = {name: net.eval() for name, (net, *_) in networks().items()}
    segmenter = Segmenter(nets["segtcn"]).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        print(f"{export_onnx(segmenter, path)}\n")
        session = open_session(path)
    for first, second in (("plain", "onnxruntime"), ("segtcn", "onnxruntime")):
        header(first, second)
        for num_frames in (3000, 12_000):
            features, mask, _ = batch(1, num_frames)

            def run(net: torch.nn.Module, features: torch.Tensor = features, mask: torch.Tensor = mask) -> None:
                with torch.inference_mode():
                    output = net(segmenter.standardization(features), mask)
                    getattr(output, "logits", output)[-1].softmax(dim=1)

            def run_file(features: torch.Tensor = features) -> None:
                session.run(None, {"features": features.numpy()})

            ways = {first: partial(run, nets[first]), second: run_file}
            row(f"({IN_CHANNELS}, {num_frames:,})", in_turns(ways, turns, limit))
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=15, help="default: 15")
    parser.add_argument("--threads", type=int, default=1, help="default: 1")
    parser.add_argument("--limit", type=float, default=60, help="seconds that the turns of a row take at most: 60")
    parser.add_argument("--exported", action="store_true", help="the exported graph alone")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads, {arguments.turns} turns\n")
    if arguments.exported:
        exported(arguments.turns, arguments.limit)
        return
    if arguments.threads == 1:
        streams(arguments.turns, arguments.limit)
        print()
    whole_videos(arguments.turns, arguments.limit)


if __name__ == "__main__":
    main()
