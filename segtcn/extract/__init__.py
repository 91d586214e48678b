"""Features from real clips: frames at a constant rate, windows over them, and a backbone that describes these."""

from segtcn.extract.backbones import Backbone, load_backbone
from segtcn.extract.extraction import Extraction, FeatureFiles, Windows, extract_videos
from segtcn.extract.feature_files import common_settings, find_videos

__all__ = [
    "Backbone",
    "Extraction",
    "FeatureFiles",
    "Windows",
    "common_settings",
    "extract_videos",
    "find_videos",
    "load_backbone",
]
