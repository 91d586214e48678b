"""Pictures of segmentations: one palette, timelines, and clips with their labels drawn on them."""

from typing import TYPE_CHECKING, Any

from segtcn.visualization.figures import save_figure, save_figures
from segtcn.visualization.overlay import overlay_video
from segtcn.visualization.palette import class_color, class_colors, text_color

if TYPE_CHECKING:
    from segtcn.visualization.timeline import plot_timeline, plot_timeline_pages, plot_timelines

__all__ = [
    "class_color",
    "class_colors",
    "overlay_video",
    "plot_timeline",
    "plot_timeline_pages",
    "plot_timelines",
    "save_figure",
    "save_figures",
    "text_color",
]


def __getattr__(name: str) -> Any:
    # timelines take tensors, hence import PyTorch, which an overlay would wait for
    if name.startswith("plot_timeline"):
        from segtcn.visualization import timeline

        return getattr(timeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
