"""Clips as moving pictures: GIF and WebP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segtcn.atomic import atomic_path
from segtcn.video_io.reading import existing, open_clip
from segtcn.video_io.sound import pulled
from segtcn.video_io.writing import named_errors

_WEBP_QUALITY = 75


def write_animation(clip: str | os.PathLike[str], output: str | os.PathLike[str]) -> None:
    """Turn a clip into a moving picture that repeats for ever, frame by frame; sound is left out.

    GIF has 256 colours: they are chosen in a first pass over the whole clip.

    Args:
        clip: the video.
        output: the picture to make or to replace, ``.gif`` or ``.webp``; complete or not at all.

    Raises:
        FileNotFoundError: if the clip or the folder of the output does not exist.
        PermissionError: if no file can be created in the folder of the output.
        ValueError: if the clip cannot be decoded, or the name ends otherwise.

    Example:
        >>> write_animation("clip.mp4", "clip.gif")  # doctest: +SKIP
    """
    import av

    clip, output = existing(clip), Path(output)
    kind = output.suffix.lower()
    if kind not in (".gif", ".webp"):
        raise ValueError(f"cannot write {output}: moving pictures are .gif or .webp; clips (.mp4) have a writer")
    with atomic_path(output) as temporary, named_errors(output):
        palette = _palette(clip) if kind == ".gif" else None
        options = {"loop": "0"}  # for ever
        with (
            open_clip(clip) as (source, stream),
            av.open(str(temporary.resolve()), "w", format=kind[1:], options=options) as container,
        ):
            codec = "gif" if kind == ".gif" else "libwebp_anim"
            target: Any = container.add_stream(codec, rate=stream.average_rate)
            target.width, target.height = stream.width, stream.height
            target.pix_fmt = "pal8" if kind == ".gif" else "yuv420p"
            target.codec_context.time_base = stream.time_base
            if kind == ".webp":
                target.codec_context.options = {"quality": str(_WEBP_QUALITY)}
            frames = source.decode(stream)
            for frame in _in_colors(frames, stream, palette) if kind == ".gif" else _for_webp(frames):
                frame.pict_type = 0
                container.mux(target.encode(frame))
            container.mux(target.encode(None))


def _palette(clip: Path) -> Any:
    """The 256 colours that suit a clip best, as a picture."""
    import av

    with open_clip(clip) as (source, stream):
        graph = av.filter.Graph()
        feed, choose, sink = graph.add_buffer(template=stream), graph.add("palettegen"), graph.add("buffersink")
        graph.link_nodes(feed, choose, sink).configure()
        for frame in source.decode(stream):
            feed.push(frame)
        feed.push(None)
        return graph.pull()


def _in_colors(frames: Iterator[Any], stream: Any, palette: Any) -> Iterator[Any]:
    import av

    graph = av.filter.Graph()
    feed = graph.add_buffer(template=stream)
    colors = graph.add_buffer(
        width=palette.width, height=palette.height, format=palette.format.name, time_base=stream.time_base
    )
    # ordered: what stands still is the same in every frame, and costs nothing
    use, sink = graph.add("paletteuse", "dither=bayer:bayer_scale=3:diff_mode=rectangle"), graph.add("buffersink")
    feed.link_to(use, 0, 0)
    colors.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    colors.push(palette)
    colors.push(None)
    for frame in frames:
        feed.push(frame)
        yield from pulled(graph)
    feed.push(None)
    yield from pulled(graph)


def _for_webp(frames: Iterator[Any]) -> Iterator[Any]:
    for frame in frames:
        # WebP knows one matrix
        picture = frame.reformat(format="yuv420p", dst_colorspace="ITU601", dst_color_range="MPEG")
        picture.pts, picture.time_base = frame.pts, frame.time_base
        yield picture
