"""Pictures of segmentations: one palette, timelines, and clips with their labels drawn on them."""

from segtcn.visualization.overlay import overlay_video
from segtcn.visualization.palette import class_color, class_colors, text_color
from segtcn.visualization.timeline import plot_timeline, plot_timelines

__all__ = ["class_color", "class_colors", "overlay_video", "plot_timeline", "plot_timelines", "text_color"]
