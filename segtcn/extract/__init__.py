"""Features from real clips: frames at a constant rate, windows over them, and a backbone that describes these."""

from segtcn.extract.backbones import Backbone as Backbone
from segtcn.extract.backbones import load_backbone as load_backbone
from segtcn.extract.extraction import Extraction as Extraction
from segtcn.extract.extraction import FeatureFiles as FeatureFiles
from segtcn.extract.extraction import Windows as Windows
from segtcn.extract.extraction import extract_videos as extract_videos
from segtcn.extract.feature_files import common_settings as common_settings
from segtcn.extract.feature_files import find_videos as find_videos
