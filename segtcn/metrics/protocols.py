"""How papers evaluate: the same predictions score differently, so a table names its protocol.

Every protocol is a row of switches over the same pure functions of :mod:`segtcn.metrics.functional`. All of them share
these rules. The edit score is the mean over videos. An overlap equal to the threshold counts. A predicted segment is
compared with one true segment only. Edit and F1 leave out background segments after all segments are formed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from segtcn.metrics.functional import Background, background_classes
from segtcn.structures import checked_rate

THRESHOLDS = {"f1@10": 0.10, "f1@25": 0.25, "f1@50": 0.50}
"""Name of each segmental F1 of the field's tables, and its threshold."""

SCORES = ("accuracy", "edit", *THRESHOLDS)
"""Names of the five scores of the field's tables."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The choices in which evaluators differ.

    Args:
        accuracy: average of the frame accuracy, over videos or of pooled frames.
        f1: average of the segmental F1, over videos or of pooled segments.
        accuracy_counts_background: whether frames whose true class is background count in the frame accuracy. Edit and
            F1 never count background.
        background_names: names of the classes that are background wherever a data set has them; None: the data set
            says which classes are.
        glue: whether frames whose true class is background are deleted first, and what is left of the video is glued
            together. Two true segments of one class that only background separates become one.
        drop_last_frame: whether the last segment stops at ``T - 1`` instead of ``T`` frames.
        stored_rate: whether the predictions of a network that sees every k-th frame are repeated to the rate of the
            stored features and scored there; otherwise every k-th frame is scored, as the network saw them.
        fps: frames per second at which a video of a higher rate is scored, by keeping every k-th frame; None scores
            the frames as they come.
        epsilon: added to the denominators of precision, recall and F1.
        used_by: the papers that evaluate so.

    Example:
        >>> get_protocol("mstcn_2019").drop_last_frame
        True
    """

    accuracy: Literal["video", "pooled"] = "pooled"
    f1: Literal["video", "pooled"] = "pooled"
    accuracy_counts_background: bool = True
    background_names: tuple[str, ...] | None = None
    glue: bool = False
    drop_last_frame: bool = False
    stored_rate: bool = True
    fps: float | None = None
    epsilon: float = 0.0
    used_by: str

    def background(self, class_names: Sequence[str] | None = None, background: Background = None) -> tuple[int, ...]:
        """The classes that this protocol leaves out on one data set.

        Args:
            class_names: name of every class of the data set. A protocol that goes by names looks here only. None, or
                mere numbers ``"0", "1", ...``: no names are known, and it takes ``background`` as all others do.
            background: the data set's own background classes.

        Returns:
            Class indexes.

        Raises:
            ValueError: if ``background`` is not a class index.

        Example:
            >>> PROTOCOLS["mstcn"].background(["SIL", "pour", "background"], background=0)
            (2,)
            >>> PROTOCOLS["c2f"].background(["SIL", "pour", "background"])
            (0, 2)
            >>> PROTOCOLS["lea"].background(["SIL", "pour", "background"], background=0)
            (0,)
        """
        classes = background_classes(background)
        named = class_names is not None and list(class_names) != [str(i) for i in range(len(class_names))]
        if self.background_names is None or class_names is None or not named:
            return classes
        return tuple(index for index, name in enumerate(class_names) if name in self.background_names)

    def frame_step(self, fps: float | None) -> int:
        """The number k if this protocol scores every k-th frame.

        Args:
            fps: frames per second of the sequences, None if unknown.

        Returns:
            The nearest whole step, at least 1.

        Raises:
            ValueError: if ``fps`` is not positive.

        Example:
            >>> PROTOCOLS["asrf"].frame_step(fps=30), PROTOCOLS["mstcn"].frame_step(fps=30)
            (2, 1)
        """
        checked_rate(fps)
        return 1 if fps is None or self.fps is None else max(1, round(fps / self.fps))


PROTOCOLS = {
    "lea": Protocol(
        accuracy="video",
        f1="video",
        stored_rate=False,
        used_by="ED-TCN, Dilated TCN (Lea et al., CVPR 2017)",
    ),
    "mstcn": Protocol(
        background_names=("background",),
        used_by="MS-TCN's code since July 2020 and papers that evaluate with it",
    ),
    "mstcn_2019": Protocol(
        background_names=("background",),
        drop_last_frame=True,
        used_by="MS-TCN (CVPR 2019), MS-TCN++, ASFormer, UVAST, DiffAct",
    ),
    "asrf": Protocol(
        drop_last_frame=True,
        fps=15.0,
        used_by="ASRF (WACV 2021)",
    ),
    "c2f": Protocol(
        background_names=("background", "SIL", "action_start", "action_end"),
        used_by="C2F-TCN (TPAMI 2023)",
    ),
    "ltcontext": Protocol(
        accuracy="video",
        f1="video",
        accuracy_counts_background=False,
        glue=True,
        used_by="LTContext (ICCV 2023)",
    ),
    "fact": Protocol(
        accuracy_counts_background=False,
        epsilon=1e-5,
        used_by="FACT (CVPR 2024)",
    ),
}
"""Protocols by name."""


def get_protocol(name: str) -> Protocol:
    """The row of :data:`PROTOCOLS` of that name.

    Args:
        name: such as ``lea``.

    Returns:
        The protocol.

    Raises:
        ValueError: if there is none of that name; the message lists the known ones.

    Example:
        >>> get_protocol("lea").f1
        'video'
    """
    if name not in PROTOCOLS:
        raise ValueError(f"`protocol` must be one of {', '.join(PROTOCOLS)}, got {name!r}")
    return PROTOCOLS[name]
