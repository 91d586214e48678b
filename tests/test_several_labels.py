"""Several labels at a time from the data set to the player: training, thresholds, files, scores and pictures."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import segtcn
from segtcn.cli import main
from segtcn.cli.crossval import split_runs
from segtcn.cli.view import player_of
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import MSTCNReader, TrackReader
from segtcn.evaluation import RunScores, collect_videos, known_groups, read_run
from segtcn.evaluation.independent_units import Units
from segtcn.labels import find_label_files, read_archive_labels, read_labels
from segtcn.labels.track_classes import truth_title
from segtcn.losses import TrackCrossEntropy, multi_label_bce, track_cross_entropy
from segtcn.metrics import evaluate_videos
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from segtcn.task import SegmentationTask
from segtcn.visualization.player.payload import video_payload
from tests.track_trees import CLASSES, write_track_tree

OPTIONS = [
    *("-c=frame_classifier", "--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.max_epochs=3"),
    *("--trainer.default_root_dir=run", "--trainer.callbacks+=ThresholdFitter"),
]


def given(garbage: float = 0.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, targets and mask of two videos: a track of three classes and one that occurs or not."""
    rng = torch.Generator().manual_seed(0)
    mask = torch.arange(7) < torch.tensor([7, 4])[:, None]
    left = F.one_hot(torch.randint(3, (2, 7), generator=rng), 3).float().mT
    targets = torch.cat([left, torch.randint(2, (2, 1, 7), generator=rng).float()], dim=1)
    targets[0, :3, 2] = targets[0, 3, 5] = math.nan
    logits = torch.randn(2, 4, 7, generator=rng).masked_fill(~mask[:, None], garbage).requires_grad_()
    return logits, targets.masked_fill(~mask[:, None], garbage), mask


@pytest.mark.parametrize("garbage", [0.0, 1e4, math.nan])
def test_loss_equals_loops_over_tracks_and_padding_has_no_weight(garbage):
    logits, targets, mask = given(garbage)
    costs: dict[str, list[float]] = {"left": [], "groom": []}
    for video, frame in mask.nonzero().tolist():
        z, y = logits[video, :, frame].tolist(), targets[video, :, frame].tolist()
        if not math.isnan(y[0]):
            costs["left"].append(math.log(sum(map(math.exp, z[:3]))) - z[y[:3].index(1)])
        if not math.isnan(y[3]):
            costs["groom"].append(math.log(1 + math.exp(-z[3] if y[3] else z[3])))
    loss = track_cross_entropy(logits, targets, mask, [3, 1])
    assert loss.item() == pytest.approx(sum(np.mean(each) for each in costs.values()), rel=1e-5)
    loss.backward()
    assert (logits.grad.mT[~mask] == 0).all()
    assert (logits.grad[0, :3, 2] == 0).all()
    assert logits.grad.isfinite().all()


def test_loss_of_what_occurs_or_not_is_binary_cross_entropy_and_sizes_are_checked():
    logits, targets, mask = given()
    whole = targets.nan_to_num(1.0)
    logits = logits.detach()
    expected = multi_label_bce(logits, whole, mask)
    assert float(track_cross_entropy(logits, whole, mask, [1] * 4)) == pytest.approx(float(expected))
    with pytest.raises(ValueError, match=r"`sizes` must be positive and add up to 4 outputs, got \[3, 2\]"):
        track_cross_entropy(logits, targets, mask, [3, 2])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained and tested run, and what the test printed."""
    folder = tmp_path_factory.mktemp("tracks")
    config = write_track_tree(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["fit", *OPTIONS, f"-c={config}"]) == 0
        assert main(["test", "-c=run/config.yaml"]) == 0
    return folder / "run"


def test_thresholds_come_from_the_validation_videos_and_lie_in_the_checkpoint(run):
    segmenter = segtcn.load(run)
    left, right, groom = segmenter.tracks
    assert (left.threshold, right.threshold) == (None, None)
    reader = TrackReader(MSTCNReader(str(run.parent / "data"), fps=10), str(run.parent / "data" / "tracks"))
    video = reader.read("P03")
    scores = segmenter.predict_tracks(video.features)["groom"].scores[1]
    truth = video.targets[5].numpy() == 1
    f1 = {float(s): 2 * (truth & (scores >= s)).sum() / (truth.sum() + (scores >= s).sum()) for s in scores}
    assert f1[min(f1, key=lambda score: abs(score - groom.threshold))] == pytest.approx(max(f1.values()))
    test = reader.read("P04")
    with torch.inference_mode():
        logits = segmenter(test.features[None]).logits[-1]
    preds = segmenter.predict_tracks(test.features)
    assert preds["groom"].indexes.tolist() == (logits[0, 5].sigmoid() >= groom.threshold).int().tolist()
    assert preds["left"].indexes.tolist() == logits[0, :3].argmax(dim=0).tolist()


def test_predictions_of_a_run_hold_every_track_with_its_truth(run):
    files = find_label_files(run)
    assert sorted(files) == ["P04/groom", "P04/left", "P04/right"]
    for track in CLASSES:
        labels, truth = read_archive_labels(files[f"P04/{track}"])
        assert truth.names() == read_labels(run.parent / "data" / "tracks" / "P04.csv" / track).names()
        assert read_labels(run / "predictions" / "P04.csv" / track).names() == labels.names()
    assert not (run / "predictions" / "P04.txt").exists()


def test_files_score_as_the_test_did_track_by_track(run, capsys, tmp_path):
    scores = json.loads((run / "test_scores.json").read_text())
    words = [str(run / "predictions"), str(run.parent / "data" / "tracks"), "--background=background"]
    (tmp_path / "list").write_text("P04\n")
    assert main(["evaluate", *words, f"--videos={tmp_path / 'list'}", f"--json={tmp_path / 'scores.json'}"]) == 0
    assert "3 videos in 3 tracks, mean over the tracks" in capsys.readouterr().out
    stored = json.loads((tmp_path / "scores.json").read_text())
    for name in ("accuracy", "edit", "f1@50"):
        assert stored[name] == pytest.approx(scores[name], rel=1e-5)
        assert stored["splits"]["track left"][name] == pytest.approx(scores[f"{name}/left"], rel=1e-5)
    assert 0 < scores["map"] <= 100


def test_cross_validation_scores_every_track(run, tmp_path, monkeypatch):
    monkeypatch.setattr(split_runs, "INFERENCE_S", 0.0)
    monkeypatch.chdir(tmp_path)
    words = [*OPTIONS[:-2], OPTIONS[-1], f"-c={run.parent / 'data' / 'data.yaml'}", "--seeds=1", "--out=out"]
    assert main(["crossval", *words]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert main(["test", "-c=out/split1-seed1/config.yaml"]) == 0
    again = json.loads((tmp_path / "out" / "split1-seed1" / "test_scores.json").read_text())
    for key in ("map", "f1", "edit", "edit/left", "f1@50/right", "accuracy/groom"):
        assert results["runs"][0][key] == results["scores"][key]["mean"] == pytest.approx(again[key], rel=1e-5)
    table = (tmp_path / "out" / "results.md").read_text()
    means = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| mean")]
    assert means == ["mean", "mean, left", "mean, right", "mean, groom"]


def test_predict_writes_one_table_with_a_track_column_and_decoders_refuse_tracks(run, tmp_path, capsys):
    features = run.parent / "data" / "features" / "P04.npy"
    words = ["predict", str(run), str(features), f"--out={tmp_path / 'out'}", "--quiet"]
    assert main(words) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("P04.csv", "P04.npz", "mapping.txt", "prediction.json"),
    ]
    table = (tmp_path / "out" / "P04.csv").read_text()
    assert table.startswith("track,label,start,stop,start_s,stop_s,confidence\nleft,")
    assert table == (run / "predictions" / "P04.csv").read_text()
    assert main([*words, "--min-duration=60", "--overwrite"]) == 0
    for track in CLASSES:
        assert len(read_labels(tmp_path / "out" / "P04.csv" / track).segments()) == 1
    for command in ([*words, "--overwrite"], ["decode", str(run), "-o", str(tmp_path / "decoded")]):
        assert main([*command, "--decoder=median=0.5"]) == 1
        assert "a decoder takes one label a frame" in capsys.readouterr().err


def test_pictures_show_tracks_side_by_side_each_against_its_own_truth(run, tmp_path):
    assert main(["timeline", str(run), "--videos", "P04", "-o", str(tmp_path / "out.svg")]) == 0
    text = (tmp_path / "out.svg").read_text()
    assert all(f"P04/{track}" in text for track in CLASSES)
    (video,) = player_of(collect_videos([("A", run)])).videos
    assert video.name == "P04"
    rows = {row["title"]: row for row in video_payload("0001", video, segtcn.load(run).classes.common)["tracks"]}
    titles = [*rows]
    assert titles == [f"{track}: {title}" for track in sorted(CLASSES) for title in ("truth", "A")]
    for title, row in rows.items():
        assert titles[row["reference"]] == truth_title(title, titles)
        assert row["truth"] == title.endswith(": truth")
    assert {*video.scores} == {f"{track}: A" for track in CLASSES}
    assert main(["view", str(run), f"--save={tmp_path / 'saved'}"]) == 1


def test_persons_of_the_card_are_the_units_of_videos_with_tracks(run, tmp_path):
    truth = {f"P0{i}_{trial}/{track}": [0, 1, 1] for i in (1, 2) for trial in "ab" for track in ("left", "right")}
    scores = RunScores("a", "lea", {"1": [evaluate_videos(truth, truth)]})
    read = read_run(run)
    for groups, number in ((r"^P\d+", 2), (None, 4)):
        units = Units.of(scores, known_groups([replace(read, groups=groups)], scores)[0])
        assert units.number == number
    for wrong, problem in (
        ("[^_/]+$", "puts the tracks of P01_a into different groups"),
        ("^S", "'^S', which does not match P01_a/left"),
    ):
        groups, note = known_groups([replace(read, groups=wrong)], scores)
        assert Units.of(scores, groups).number == 4
        assert problem in note


def test_tracks_of_a_video_are_one_unit_of_a_comparison(run, capsys):
    assert main(["compare", str(run), str(run), "--groups", "^P0"]) == 1  # one video: no interval
    one_group = capsys.readouterr().err
    assert main(["compare", str(run), str(run)]) == 1
    assert "needs two or more groups of videos, got 1" in one_group
    assert "needs two or more groups of videos, got 1" in capsys.readouterr().err


def test_check_opens_a_reader_within_a_reader_and_says_what_it_does_not_count(run, capsys):
    assert main(["check", str(run.parent / "data" / "data.yaml"), "--quiet"]) == 0
    assert "TrackReader gives no single label a frame: labels are not counted" in capsys.readouterr().out
    assert main(["check", str(run.parent / "data" / "data.yaml"), "--fix", str(run.parent / "copy")]) == 1
    assert "a corrected copy needs one label a frame" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data.validation=0"], "fits thresholds on validation videos, and there are none"),
        (["--data.annotated=0.5"], "`annotated` keeps a part of the segments of labels"),
    ],
)
def test_what_cannot_be_fitted_is_refused(run, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["fit", *OPTIONS, f"-c={run.parent / 'data' / 'data.yaml'}", *words]) != 0
    assert message in capsys.readouterr().err


def test_one_network_of_many_outputs_takes_any_tracks(run):
    reader = TrackReader(MSTCNReader(str(run.parent / "data"), fps=10), str(run.parent / "data" / "tracks"))
    data = SegmentationDataModule(reader)
    segmenter = Segmenter.for_data(EDTCN(7, 6), data)
    assert isinstance(SegmentationTask(segmenter).loss, TrackCrossEntropy)
    assert Segmenter.from_facts(json.loads(json.dumps(segmenter.facts()))).classes == segmenter.classes
    with pytest.raises(ValueError, match="and here every frame gets one label: call `segmenter"):
        segmenter.predict(torch.zeros(7, 5))
    with pytest.raises(ValueError, match="does not give several labels at a time"):
        Segmenter(EDTCN(7, 6)).predict_tracks(torch.zeros(7, 5))
