"""A trained network outside segtcn: ONNX, ``torch.export``, and a folder for the Hugging Face Hub."""

from segtcn.segmenter.export.certificate import Certificate
from segtcn.segmenter.export.hub_folder import save_folder
from segtcn.segmenter.export.onnx_segmenter import OnnxSegmenter
from segtcn.segmenter.export.programs import export_onnx, export_pt2

__all__ = ["Certificate", "OnnxSegmenter", "export_onnx", "export_pt2", "save_folder"]
