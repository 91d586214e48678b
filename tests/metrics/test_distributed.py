"""Three processes that share the videos compute the same bits as one that sees all of them."""

from __future__ import annotations

import pytest
import torch
from torch import distributed, multiprocessing

from segtcn import metrics as M
from tests.metrics.sequences import NUM_CLASSES, random_videos

NUM_PROCESSES = 3
NUM_VIDEOS = (7, 1)  # does not divide evenly; two processes see none


def scores_of(share):
    """Every metric after the videos ``share`` selects, as plain tensors, for each number of videos."""
    results = []
    for num_videos in NUM_VIDEOS:
        metrics = {
            **{name: M.SegmentationScores(name, 0, list("abcde"), by_class=True) for name in M.PROTOCOLS},
            "accuracy": M.FrameAccuracy("macro", num_classes=NUM_CLASSES),
            "edit": M.EditScore(),
            "f1": M.SegmentalF1(0.25, "none", num_classes=NUM_CLASSES),
            "precision": M.SegmentalPrecision(0.5, "pooled"),
            "boundaries": M.BoundaryF1(0.1, fps=15),
            "over": M.OverSegmentation(),
            "count": M.SegmentCountError(),
        }
        with_scores = M.SegmentalMAP(NUM_CLASSES)
        for number, (preds, labels) in list(enumerate(random_videos(num_videos, seed=3)))[share]:
            generator = torch.Generator().manual_seed(number)
            scores = torch.rand(NUM_CLASSES, len(labels), generator=generator)
            for metric in metrics.values():
                metric.update(preds, labels)
            with_scores.update(preds, labels, scores)
        results.append({name: metric.compute() for name, metric in {**metrics, "map": with_scores}.items()})
    return results


def run(rank, folder):
    distributed.init_process_group("gloo", f"file://{folder}/rendezvous", rank=rank, world_size=NUM_PROCESSES)
    try:
        torch.save(scores_of(slice(rank, None, NUM_PROCESSES)), f"{folder}/{rank}.pt")
    finally:
        distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_three_processes_compute_what_one_computes(tmp_path, monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    multiprocessing.set_forkserver_preload([M.__name__])  # one import for all processes
    multiprocessing.start_processes(run, (str(tmp_path),), nprocs=NUM_PROCESSES, start_method="forkserver")
    expected = scores_of(slice(None))
    for rank in range(NUM_PROCESSES):
        computed = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(computed, expected, rtol=0, atol=0, equal_nan=True)
