"""Labels from the frames up to a moment: those of the cut video, and at the end those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segtcn.segmenter.stream import spoken_labels
from tests.models.networks import IN_CHANNELS, NETWORKS
from tests.segmenter.test_chunks import segmenter_of


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_label_is_that_of_the_video_up_to_the_moment(name):
    rate, num_frames = 2, 47
    segmenter = segmenter_of(NETWORKS[name](), rate)
    features = torch.randn(IN_CHANNELS, num_frames)
    said = spoken_labels(segmenter, features)
    whole = segmenter.predict(features).indexes[::rate]
    np.testing.assert_array_equal(said[:, -1], whole)
    if segmenter.net.causal:
        assert said.shape == (24, 1)
        return
    for now in (0, 7, 16, 23):
        labels = segmenter.predict(features[:, : now * rate + 1]).indexes[::rate]
        for t in range(max(0, now - said.shape[1] + 1), now + 1):
            assert said[t, now - t] == labels[t]
    assert (said[-1] == said[-1, 0]).all()  # after the last frame nothing changes
