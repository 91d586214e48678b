"""What is made of predicted labels after the network: pure functions on :class:`~segtcn.labels.Labels`."""

from segtcn.decoding.minimum_duration import without_short_segments

__all__ = ["without_short_segments"]
