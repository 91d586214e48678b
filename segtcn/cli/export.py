"""``segtcn export``: a trained network for other programs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

DESCRIPTION = """\
Write a trained network for use outside segtcn. An ONNX or pt2 file has standardisation and softmax inside. It is run on
several numbers of videos and frames and compared with the network before it gets its name; the result is printed, and
stored in the file. A folder holds safetensors, config.json and a model card, ready for the Hugging Face Hub.
"""

EXAMPLES = """\
examples:
  segtcn export RUN --format onnx -o model.onnx
  segtcn export RUN --format onnx --streaming -o live.onnx     # a causal network, with its states
  segtcn export RUN --format pt2 -o model.pt2                  # torch.export.load
  segtcn export RUN --format folder -o my-model                # segtcn.load("my-model")
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn export",
        usage="segtcn export CHECKPOINT -o OUT [OPTIONS]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a checkpoint, or the folder of a run")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="the file or folder to make")
    parser.add_argument("--format", choices=("onnx", "pt2", "folder"), default="onnx", help="default: onnx")
    parser.add_argument("--streaming", action="store_true", help="states as inputs and outputs; causal networks only")
    parser.add_argument("--opset", type=int, metavar="N", help="version of ONNX's operators (default: the exporter's)")
    options = parser.parse_args(argv[1:])
    if (options.opset is not None and options.format != "onnx") or (options.streaming and options.format == "folder"):
        parser.error("--opset is for --format onnx, --streaming for onnx and pt2")

    from segtcn.segmenter import Segmenter
    from segtcn.segmenter.export import export_onnx, export_pt2, save_folder

    segmenter = Segmenter.load(options.checkpoint)
    if options.format == "folder":
        print(f"folder: {save_folder(segmenter, options.output, run=_run_of(options.checkpoint))}")
        return
    if options.format == "onnx":
        certificate = export_onnx(segmenter, options.output, options.streaming, options.opset)
    else:
        certificate = export_pt2(segmenter, options.output, options.streaming)
    print(f"{options.output}: {certificate}")


def _run_of(checkpoint: Path) -> Path | None:
    """The folder of the run that a checkpoint belongs to."""
    folders = [checkpoint, checkpoint.parent, checkpoint.parent.parent]
    return next((folder for folder in folders if (folder / "run.json").is_file()), None)
