"""Drafts by TW-FINCH: against the definition with full matrices, and what does not change them."""

from __future__ import annotations

import numpy as np
import pytest

from segtcn.cli import main
from segtcn.labels import read_labels
from segtcn.prepare.draft import draft_labels


def slow_draft(frames: np.ndarray, num_clusters: int) -> list[set[int]]:
    """The definition with sets of frames, full matrices and a graph that is searched by hand."""
    clusters = [{t} for t in range(len(frames))]
    while len(clusters) > num_clusters:
        means = np.array([frames[sorted(c)].mean(0) for c in clusters])
        times = np.array([np.mean(sorted(c)) for c in clusters])
        unit = means / np.linalg.norm(means, axis=1, keepdims=True)
        distance = (1 - unit @ unit.T) * np.abs(times[:, None] - times) / len(frames)
        np.fill_diagonal(distance, np.inf)
        nearest = distance.argmin(1)
        groups = list(range(len(clusters)))
        for one, other in enumerate(nearest):
            groups = [groups[one] if g == groups[other] else g for g in groups]
        if len(set(groups)) < num_clusters:
            one = int(distance.min(1).argmin())
            groups = list(range(len(clusters)))
            groups[one] = groups[nearest[one]]
        clusters = [set().union(*(c for c, g in zip(clusters, groups, strict=True) if g == k)) for k in set(groups)]
    return sorted(clusters, key=min)


@pytest.mark.parametrize("seed", range(6))
def test_a_draft_equals_the_definition(seed):
    rng = np.random.default_rng(seed)
    frames = np.repeat(rng.standard_normal((6, 5)), 12, axis=0) + 0.4 * rng.standard_normal((72, 5))
    labels = draft_labels(frames.T.astype(np.float32), 4, fps=2)
    clusters = [set(np.flatnonzero(labels.indexes == k).tolist()) for k in range(4)]
    assert clusters == slow_draft(frames, 4)
    assert labels.classes.names == ("cluster 1", "cluster 2", "cluster 3", "cluster 4")


def test_the_order_of_channels_and_their_scale_change_nothing():
    frames = np.random.default_rng(0).standard_normal((8, 60)).astype(np.float32)
    before = draft_labels(frames, 5)
    assert draft_labels(3 * frames[::-1], 5).indexes.tolist() == before.indexes.tolist()
    assert before.indexes[0] == 0


def test_as_many_clusters_as_frames_or_one():
    frames = np.random.default_rng(0).standard_normal((3, 7)).astype(np.float32)
    assert draft_labels(frames, 7).indexes.tolist() == [*range(7)]
    assert set(draft_labels(frames, 1).indexes.tolist()) == {0}


@pytest.mark.parametrize(
    ("features", "clusters", "message"),
    [
        (np.zeros((3, 4)), 5, "`num_clusters` must be 1 to 4"),
        (np.zeros(4), 1, r"finite numbers \(D, T\), got the shape \(4,\)"),
        (np.full((3, 4), np.nan), 1, "finite numbers"),
    ],
)
def test_what_cannot_be_drafted_is_refused(features, clusters, message):
    with pytest.raises(ValueError, match=message):
        draft_labels(features, clusters)


def test_the_command_writes_labels_that_the_player_opens(tmp_path, capsys):
    features = np.repeat(np.random.default_rng(0).standard_normal((4, 3)), 10, axis=1)[:, :29]
    (tmp_path / "features").mkdir()
    np.save(tmp_path / "features" / "tea.npy", features.astype(np.float32))
    words = ["draft", str(tmp_path / "features"), "-o", str(tmp_path / "drafts"), "--clusters", "3", "--fps", "5"]
    assert main([*words, "--sample-rate", "2"]) == 0
    labels = read_labels(tmp_path / "drafts" / "tea.csv")
    assert (len(labels), labels.fps, [s.start for s in labels.segments()]) == (29, 5, [0, 10, 20])
    assert "segtcn view" in capsys.readouterr().out
    (tmp_path / "drafts" / "tea.csv").write_text("corrected")
    assert main(words) == 1
    assert "drafts has labels of tea: --overwrite replaces them" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0
    assert len(read_labels(tmp_path / "drafts" / "tea.csv")) == 29
    assert main([*words, "--overwrite", f"--clusters={10**30}"]) == 1
    assert "must be 1 to 29, the frames" in capsys.readouterr().err
    (tmp_path / "clip.mp4").write_bytes(b"")
    assert main(["draft", str(tmp_path / "clip.mp4"), "-o", str(tmp_path / "drafts")]) == 1
    assert "make features of it by `segtcn extract`" in capsys.readouterr().err


def test_features_with_time_first_are_known_by_the_width_that_all_share(tmp_path, capsys):
    means = np.random.default_rng(0).standard_normal((4, 3))
    for name, times in (("tea", 10), ("soup", 12)):
        np.save(tmp_path / f"{name}.npy", np.repeat(means, times, axis=1).T.astype(np.float32))
    assert main(["draft", str(tmp_path), "-o", str(tmp_path / "drafts"), "--clusters", "3", "--fps", "5"]) == 0
    assert [s.start for s in read_labels(tmp_path / "drafts" / "soup.csv").segments()] == [0, 12, 24]
    assert "features 4 wide" in capsys.readouterr().out
