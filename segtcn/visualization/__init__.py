"""Pictures of segmentations: one palette, timelines, and clips with their labels drawn on them."""

from segtcn.visualization.figures import save_figure, save_figures
from segtcn.visualization.overlay import OverlayLook, overlay_video
from segtcn.visualization.palette import class_color, class_colors, text_color
from segtcn.visualization.timeline import Look, plot_timeline, plot_timelines

__all__ = [
    "Look",
    "OverlayLook",
    "class_color",
    "class_colors",
    "overlay_video",
    "plot_timeline",
    "plot_timelines",
    "save_figure",
    "save_figures",
    "text_color",
]
