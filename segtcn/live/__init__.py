"""Labels of a camera, an address or a file while it runs."""

from segtcn.live.session import LiveLabel, LiveMoment, LiveRules, LiveSession
from segtcn.live.waiting_pictures import WaitingPictures

__all__ = ["LiveLabel", "LiveMoment", "LiveRules", "LiveSession", "WaitingPictures"]
