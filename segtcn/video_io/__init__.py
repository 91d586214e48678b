"""Clips in and out through PyAV: exact frame rates, presentation times, H.264 that browsers play."""

from segtcn.video_io.live_source import is_address as is_address
from segtcn.video_io.live_source import is_camera as is_camera
from segtcn.video_io.live_source import read_live as read_live
from segtcn.video_io.planes import ColorTags as ColorTags
from segtcn.video_io.planes import Planes as Planes
from segtcn.video_io.reading import TIMESTAMP_TOLERANCE_S as TIMESTAMP_TOLERANCE_S
from segtcn.video_io.reading import ClipInfo as ClipInfo
from segtcn.video_io.reading import Image as Image
from segtcn.video_io.reading import frame_times as frame_times
from segtcn.video_io.reading import probe as probe
from segtcn.video_io.reading import read_frames as read_frames
from segtcn.video_io.reading import read_planes as read_planes
from segtcn.video_io.sound import BROWSER_AUDIO as BROWSER_AUDIO
from segtcn.video_io.sound import Excerpt as Excerpt
from segtcn.video_io.sound import Sound as Sound
from segtcn.video_io.writing import ClipWriter as ClipWriter
