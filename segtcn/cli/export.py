"""``segtcn export``: a trained network for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from segtcn.cli.network_module import Module, import_module
from segtcn.cli.parser import UsageError


def export(
    checkpoint: Path,
    *,
    output: Annotated[Path, "OUT"],
    format: Literal["onnx", "pt2", "folder"] = "onnx",
    streaming: bool = False,
    opset: Annotated[int, "N"] | None = None,
    module: Module | None = None,
) -> None:
    """Write a trained network for use outside segtcn.

    An ONNX or pt2 file has standardisation and softmax inside. It is run on several numbers of videos and frames and
    compared with the network before it gets its name; the result is printed, and stored in the file. A folder holds
    safetensors, config.json and a model card, ready for the Hugging Face Hub.

    Args:
        checkpoint: a checkpoint, or the folder of a run.
        output: the file or folder to make.
        format: of the output.
        streaming: states as inputs and outputs, for causal networks.
        opset: version of ONNX's operators (default: the exporter's).
        module: imported first: it defines a network of yours.

    Examples:
      segtcn export RUN --format onnx -o model.onnx
      segtcn export RUN --format onnx --streaming -o live.onnx
      segtcn export RUN --format pt2 -o model.pt2                  # torch.export.load
      segtcn export RUN --format folder -o my-model                # segtcn.load("my-model")
    """
    if (opset is not None and format != "onnx") or (streaming and format == "folder"):
        raise UsageError("`opset` is for the format onnx, `streaming` for onnx and pt2")
    if format != "folder" and output.suffix != f".{format}":
        raise UsageError(f"the name of the output must end in .{format}, got {output}")

    from segtcn.segmenter import load
    from segtcn.segmenter.export import export_onnx, export_pt2, save_folder

    import_module(module)
    segmenter = load(str(checkpoint))
    if format == "folder":
        print(f"folder: {save_folder(segmenter, output, run=_run_of(checkpoint))}")
    elif format == "pt2":
        print(f"{output}: {export_pt2(segmenter, output, streaming)}")
    else:
        print(f"{output}: {export_onnx(segmenter, output, streaming, opset)}")


def _run_of(checkpoint: Path) -> Path | None:
    """The folder of the run that a checkpoint belongs to."""
    folders = [checkpoint, checkpoint.parent, checkpoint.parent.parent]
    return next((folder for folder in folders if (folder / "run.json").is_file()), None)
