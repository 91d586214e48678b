"""Which networks can be exported, and how far the files are from the networks: the table of docs/results/export.md.

    python -m benchmarks.export                 # small networks of every kind, minutes
    python -m benchmarks.export MSTCN LTContext # those alone
    python -m benchmarks.export --full          # with the papers' sizes; ASFormer and LTContext take long

Every file is run by its runtime on several numbers of videos and frames, a streaming one in several chunkings.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from segtcn import models
from segtcn.segmenter import Segmenter
from segtcn.segmenter.export import Certificate, export_onnx, export_pt2

IN_CHANNELS, NUM_CLASSES = 16, 5

SMALL: dict[str, list[dict[str, Any]]] = {
    "EDTCN": [{"hidden_channels": (8, 12), "causal": causal} for causal in (False, True)],
    "DilatedTCN": [{"hidden_channels": 8, "num_stacks": 2, "causal": causal} for causal in (False, True)],
    "TCNN": [{"hidden_channels": 8, "causal": causal} for causal in (False, True)],
    "TDNN": [{"hidden_channels": (8, 12), "causal": causal} for causal in (False, True)],
    "RecurrentNetwork": [
        {"hidden_channels": 8, "cell": c, "causal": v} for c in ("lstm", "gru") for v in (False, True)
    ],
    "FrameClassifier": [{}],
    "MSTCN": [{"hidden_channels": 8, "num_stages": 2, "num_layers": 6, "causal": causal} for causal in (False, True)],
    "MSTCNPlusPlus": [{"hidden_channels": 8, "causal": causal} for causal in (False, True)],
    "CausalTCN": [{"hidden_channels": 8, "num_layers": 4, "causal": causal} for causal in (False, True)],
    "ByteNet": [{"hidden_channels": 8, "num_cycles": 1, "causal": causal} for causal in (False, True)],
    "C2FTCN": [{"encoder_channels": (8, 8, 8), "decoder_channels": 8, "ensemble_weights": (1, 1)}],
    "ASRF": [{"hidden_channels": 8, "num_stages": 2, "num_boundary_stages": 2, "num_layers": 6}],
    "ASFormer": [{"hidden_channels": 8, "num_decoders": 1, "num_layers": 3}],
    "LTContext": [{"hidden_channels": 16, "num_stages": 2, "num_layers": 2}],
    "DiffAct": [
        {
            "hidden_channels": 8,
            "num_layers": 4,
            "condition_layers": (1, 2),
            "decoder_channels": 8,
            "num_decoder_layers": 3,
            "time_channels": 16,
            "num_steps": 4,
        }
    ],
    "FACT": [
        {
            "hidden_channels": 16,
            "frame_channels": 8,
            "token_channels": 8,
            "num_tokens": 6,
            "updates": updates,
            "num_layers": 3,
            "num_token_layers": 2,
            "num_heads": 2,
            "feedforward": 16,
        }
        for updates in (("frames", "segments"), ("frames",))
    ],
}
"""Arguments of every network of segtcn.models, causal and not."""


def networks(names: list[str], full: bool) -> dict[str, models.SegmentationModel]:
    """The networks by what the table calls them."""
    made = {}
    for name in names or SMALL:
        for arguments in SMALL[name]:
            shape = {key: value for key, value in arguments.items() if not full or key in ("causal", "cell", "updates")}
            words = ["causal" if shape.get("causal") else "", name, shape.get("cell", "").upper()]
            words += ["without segments"] if shape.get("updates") == ("frames",) else []
            torch.manual_seed(0)
            made[" ".join(filter(None, words))] = getattr(models, name)(IN_CHANNELS, NUM_CLASSES, **shape).eval()
    return made


def attempt(export: Callable[[Path], Certificate], path: Path) -> tuple[str, str]:
    """Largest difference and size of the file, or why there is none."""
    start = time.perf_counter()
    try:
        certificate = export(path)
    except ValueError as error:
        print(f"  {error}", flush=True)
        return "no", "-"
    print(f"  {certificate} ({time.perf_counter() - start:.0f} s)", flush=True)
    return f"{certificate.max_difference:.0e}", f"{path.stat().st_size / 1024:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[*SMALL, []], metavar="NETWORK", help="default: all")
    parser.add_argument("--full", action="store_true", help="the papers' sizes")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, net in networks(arguments.networks, arguments.full).items():
            print(f"\n{name}", flush=True)
            segmenter, path = Segmenter(net).eval(), Path(folder)
            cells = [*attempt(partial(export_onnx, segmenter), path / "whole.onnx")]
            if net.causal:
                cells += attempt(partial(export_onnx, segmenter, streaming=True), path / "steps.onnx")
            else:
                cells += ["-", "-"]
            cells.append(attempt(partial(export_pt2, segmenter), path / "whole.pt2")[0])
            if net.causal:
                cells.append(attempt(partial(export_pt2, segmenter, streaming=True), path / "steps.pt2")[0])
            else:
                cells.append("-")
            rows.append(f"| {name} | {' | '.join(cells)} |")
    print("\n| network | ONNX | KiB | ONNX, streaming | KiB | pt2 | pt2, streaming |\n|---|--:|--:|--:|--:|--:|--:|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
