"""`segtcn compare`: the scores of the runs themselves, honest intervals, and what cannot be compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from segtcn.cli import main
from segtcn.evaluation import RunScores, compare_runs, read_run, score_run
from segtcn.labels.legacy import write_labels
from segtcn.metrics import PROTOCOLS, combine_videos, evaluate_videos
from segtcn.metrics.evaluation import combine_samples
from tests.conftest import CLASSES, SPLITS
from tests.run_folders import write_crossval, write_network

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = [f"-c={ROOT}/configs/{name}.yaml" for name in ("model/ed_tcn", "data/ms_tcn_tree", "trainer/default")]
KEYS = ("accuracy", "edit", "f1@10", "f1@25", "f1@50")
TEST_VIDEOS = {split: names for split, (_, names) in SPLITS.items()}


@pytest.fixture
def root(write_ms_tcn_tree) -> Path:
    return write_ms_tcn_tree()


@pytest.fixture
def runs(root, tmp_path) -> list[str]:
    """Two cross-validations of two seeds, the second clearly better."""
    return [
        str(write_crossval(tmp_path / "poor", root, TEST_VIDEOS, 0.3, seeds=(0, 1))),
        str(write_crossval(tmp_path / "good", root, TEST_VIDEOS, 1.0, seeds=(0, 1))),
    ]


def truth_of(root: Path, name: str) -> list[str]:
    return (root / "groundTruth" / f"{name}.txt").read_text().splitlines()


def failure(capsys, *argv: str) -> str:
    """The one line of a command that fails."""
    assert main(["compare", *argv]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[1:] == ["(SEGTCN_TRACEBACK=1 shows where)"]
    return shown.err.splitlines()[0]


def scored(name: str, videos: int, quality: float, protocol: str = "lea", seeds: int = 1, seed: int = 0) -> RunScores:
    """A run on random videos in two splits; every run has the same truth."""
    splits = {}
    for split in ("1", "2"):
        truth = np.random.default_rng([7, int(split)])
        labels = {f"v{i}": np.repeat(truth.integers(0, 4, 12), truth.integers(1, 9, 12)) for i in range(videos)}
        evaluations = []
        for own in range(seeds):
            rng = np.random.default_rng([seed, own, int(split)])
            preds = {
                video: np.where(rng.random(len(frames)) < quality, frames, rng.integers(0, 4, len(frames)))
                for video, frames in labels.items()
            }
            evaluations.append(evaluate_videos(preds, labels, protocol, background=0))
        splits[split] = evaluations
    return RunScores(name, protocol, splits)


@pytest.mark.parametrize(("protocol", "rate"), [("lea", 3), ("mstcn", 1)])
def test_numbers_are_those_of_the_run_at_the_rate_of_its_protocol(root, tmp_path, monkeypatch, protocol, rate):
    monkeypatch.chdir(tmp_path)
    options = [f"--data.reader.init_args.root={root}", "--data.sample_rate=3", "--trainer.max_epochs=2"]
    small = ["--model.net.init_args.hidden_channels=[6]", "--model.net.init_args.kernel_size=3"]
    quiet = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.default_root_dir=run"]
    assert main(["fit", *CONFIGS, *options, *small, *quiet, f"--model.protocol={protocol}"]) == 0
    assert main(["test", "-c=run/config.yaml", "--ckpt_path=run/checkpoints/last.ckpt"]) == 0
    run = read_run(tmp_path / "run")
    assert (run.sample_rate, run.protocol, run.fps) == (rate, protocol, 15 / rate)
    stored = json.loads((tmp_path / "run" / "test_scores.json").read_text())
    assert score_run(run).scores == {key: stored[key] for key in KEYS}
    # at another rate they would be others
    assert score_run(read_run(tmp_path / "run", sample_rate=4 - rate)).scores != score_run(run).scores


def test_numbers_are_those_of_the_cross_validation(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = ["--model.net.init_args.hidden_channels=[6]", "--model.net.init_args.kernel_size=3"]
    options = [f"--data.reader.init_args.root={root}", "--data.sample_rate=3", "--trainer.max_epochs=2"]
    quiet = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--seeds=0,1", "--out=out"]
    assert main(["crossval", *CONFIGS, *options, *small, *quiet]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    scores = score_run(read_run(tmp_path / "out"))
    assert scores.scores == pytest.approx({key: results["scores"][key]["mean"] for key in KEYS})
    for own in results["runs"]:
        evaluation = scores.splits[str(own["split"])][own["seed"]]
        assert evaluation.scores == {key: own[key] for key in KEYS}


def test_a_run_of_the_real_data_has_the_scores_of_its_released_predictions(shared_data, tmp_path):
    """50Salads, split 1: the release's own predictions, written as a run that saw every 5th frame."""
    loadmat = pytest.importorskip("scipy.io").loadmat
    lea = shared_data / "lea"
    cells = loadmat(lea / "predictions/50Salads/mid/mid_video_ED-TCN_L2_C15/1.mat")
    config = yaml.safe_load((ROOT / "configs/data/50salads_mid_lea.yaml").read_text())
    names = config["data"]["reader"]["init_args"]["class_names"]
    config["data"]["reader"]["init_args"]["root"] = "elsewhere"
    (tmp_path / "run" / "predictions").mkdir(parents=True)
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    videos = (lea / "splits/50Salads/Split_1/test.txt").read_text().split()
    by_truth = {
        tuple(true.ravel()): pred.ravel() for pred, true in zip(cells["P"].ravel(), cells["Y"].ravel(), strict=True)
    }
    for video in videos:
        labels = loadmat(lea / f"features/50Salads/SpatialCNN_mid/Split_1/rgb-{video}.avi.mat")["Y"].ravel()
        preds = np.repeat(by_truth[tuple(labels[::5])], 5)[: len(labels)]
        write_labels(tmp_path / "run" / "predictions" / f"{video}.txt", [names[label] for label in preds])
    scores = score_run(read_run(tmp_path / "run", root=lea)).scores
    assert [scores[key] for key in KEYS] == pytest.approx([74.6, 69.0, 76.4, 73.9, 65.0], abs=0.05)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_resamples_at_once_equal_one_after_the_other(protocol):
    counts = scored("a", 9, 0.7, protocol).splits["1"][0].counts
    times = torch.from_numpy(np.random.default_rng(0).multinomial(9, np.full(9, 1 / 9), size=20))
    at_once = combine_samples(counts, protocol, times)
    for row, expected in zip(times, at_once, strict=True):
        videos = torch.repeat_interleave(torch.arange(9), row)
        assert [*combine_videos(counts, protocol, videos).values()] == expected.tolist()


def test_resamples_need_a_number_for_each_video():
    counts = scored("a", 9, 0.7).splits["1"][0].counts
    with pytest.raises(ValueError, match=r"`times` must have the shape \(R, 9\), got \(2, 8\)"):
        combine_samples(counts, "lea", torch.ones(2, 8, dtype=torch.int64))


def test_interval_is_the_percentiles_of_a_slow_bootstrap():
    """Every resample on its own, with `combine_videos`, from the same draws."""
    first, second = scored("a", 6, 0.6, "mstcn", seeds=2), scored("b", 6, 0.75, "mstcn", seeds=2, seed=1)
    generator = np.random.default_rng(3)
    times = {split: generator.multinomial(6, np.full(6, 1 / 6), size=50) for split in ("1", "2")}
    differences = []
    for r in range(50):
        scores = []
        for run in (first, second):
            drawn = {split: np.repeat(np.arange(6), times[split][r]) for split in run.splits}
            values = [
                np.mean([combine_videos(each.counts, "mstcn", drawn[split])["f1@50"] for each in seeds])
                for split, seeds in run.splits.items()
            ]
            scores.append(np.mean(values))
        differences.append(scores[1] - scores[0])
    (found,) = (each for each in compare_runs([first, second], 50, 90, seed=3) if each.score == "f1@50")
    assert (found.low, found.high) == pytest.approx(
        (np.percentile(differences, 5), np.percentile(differences, 95)), abs=1e-5
    )
    assert found.difference == pytest.approx(second.scores["f1@50"] - first.scores["f1@50"])


def test_better_is_said_only_where_the_interval_leaves_out_zero():
    poor, good = scored("poor", 20, 0.5), scored("good", 20, 0.9)
    assert {each.verdict for each in compare_runs([poor, good], 500)} == {"better"}
    assert {each.verdict for each in compare_runs([good, poor], 500)} == {"worse"}
    other = scored("other", 20, 0.5, seed=9)  # the same network with other noise
    for each in compare_runs([poor, other], 500):
        assert (each.verdict == "no difference shown") == (each.low <= 0 <= each.high)
    assert "no difference shown" in {each.verdict for each in compare_runs([poor, other], 500)}


def test_a_run_does_not_differ_from_itself():
    run = scored("a", 5, 0.6)
    for each in compare_runs([run, run], 200):
        assert (each.difference, each.low, each.high, each.verdict) == (0, 0, 0, "no difference shown")


def test_videos_are_paired_by_name_not_by_position():
    run = scored("a", 8, 0.6)
    turned = {
        split: [
            seeds[0]._replace(
                videos=dict(reversed(seeds[0].videos.items())),
                counts=type(seeds[0].counts)(*(count.flip(0) for count in seeds[0].counts)),
            )
        ]
        for split, seeds in run.splits.items()
    }
    for each in compare_runs([run, RunScores("b", "lea", turned)], 200):
        assert (each.low, each.high) == (0, 0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """90 of 100 intervals of pairs of equally good networks should hold zero; 20 videos make them a little narrow."""
    covered = []
    for trial in range(60):
        first, second = scored("a", 20, 0.7, seed=2 * trial + 10), scored("b", 20, 0.7, seed=2 * trial + 11)
        found = next(each for each in compare_runs([first, second], 200, 90, seed=trial) if each.score == "accuracy")
        covered.append(found.low <= 0 <= found.high)
    assert 0.75 <= np.mean(covered) <= 0.99


def test_the_same_seed_gives_the_same_interval():
    runs = [scored("a", 8, 0.6), scored("b", 8, 0.8)]
    assert compare_runs(runs, 100, seed=1) == compare_runs(runs, 100, seed=1)
    assert compare_runs(runs, 100, seed=1) != compare_runs(runs, 100, seed=2)


def test_scores_of_splits_videos_and_seeds(runs, root, capsys):
    assert main(["compare", *runs, "--resamples=200", "--per-video"]) == 0
    out = capsys.readouterr().out
    assert "| good, split 1" in out
    assert "| P02_tea, poor " in out
    assert "Seeds: poor 2, good 2" in out
    assert main(["compare", *runs, "--resamples=200", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    poor, good = record["runs"]
    assert good["f1@50"] == 100
    assert poor["accuracy"] == pytest.approx(np.mean([split["accuracy"] for split in poor["splits"].values()]))
    videos = poor["splits"]["2"]["videos"]
    assert poor["splits"]["2"]["edit"] == pytest.approx(np.mean([video["edit"] for video in videos.values()]))
    truth = truth_of(root, "P02_tea")
    shares = []
    for seed in (0, 1):
        preds = Path(runs[0], f"split1-seed{seed}", "predictions", "P02_tea.txt").read_text().splitlines()
        shares.append(100 * np.mean([pred == true for pred, true in zip(preds, truth, strict=True)]))
    assert poor["splits"]["1"]["videos"]["P02_tea"]["accuracy"] == pytest.approx(np.mean(shares), rel=1e-6)
    accuracy = next(each for each in record["differences"] if each["score"] == "accuracy")
    assert accuracy["verdict"] == "better"
    assert accuracy["difference"] == pytest.approx(good["accuracy"] - poor["accuracy"])


def test_folders_of_predictions_with_their_truth(runs, root, tmp_path, capsys):
    folders = [f"{run}/split2-seed0/predictions" for run in runs]
    argv = ["compare", *folders, f"--truth={root}/groundTruth", "--background=background", "--json", "--resamples=9"]
    assert main(argv) == 0
    mine = json.loads(capsys.readouterr().out)["runs"]
    assert main(["compare", *(f"{run}/split2-seed0" for run in runs), "--json", "--resamples=9"]) == 0
    own = json.loads(capsys.readouterr().out)["runs"]
    for a, b in zip(mine, own, strict=True):
        assert {key: a[key] for key in KEYS} == {key: b[key] for key in KEYS}
    # both have the name `predictions`: told apart by their paths
    assert [run["run"] for run in mine] == folders
    assert main(["compare", folders[0], f"{runs[1]}/split2-seed0", f"--truth={root}/groundTruth"]) == 0
    (tmp_path / "mapping.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(CLASSES)))
    assert main([*argv, f"--mapping={tmp_path}/mapping.txt"]) == 0


def test_other_rates_are_pointed_out(root, tmp_path, capsys):
    preds = {"P02_tea": truth_of(root, "P02_tea")}
    one = write_network(tmp_path / "one", root, preds)
    two = write_network(tmp_path / "two", root, preds, sample_rate=2)
    assert main(["compare", str(one), str(two), "--resamples=10"]) == 0
    assert "N = one: 1, two: 2; --sample-rate 1 scores all on all" in capsys.readouterr().out
    assert main(["compare", str(one), str(two), "--resamples=10", "--sample-rate=1"]) == 0
    assert "--sample-rate 1" not in capsys.readouterr().out
    assert "`sample_rate` must be at least 1" in failure(capsys, str(one), str(two), "--sample-rate=0")


def test_what_cannot_be_compared(runs, root, tmp_path, capsys):
    assert "expected two or more runs to compare, got 1" in failure(capsys, runs[0])
    single = write_network(tmp_path / "single", root, {"P02_tea": truth_of(root, "P02_tea")})
    assert "poor has the splits 1, 2 and single has the splits 1" in failure(capsys, runs[0], str(single))
    text = (single / "config.yaml").read_text()
    (single / "config.yaml").write_text(text.replace("lea", "mstcn"))
    message = failure(capsys, f"{runs[0]}/split1-seed0", str(single))
    assert "split1-seed0 was scored under lea and single under mstcn: choose one for both (`--protocol`)" in message
    assert main(["compare", f"{runs[0]}/split1-seed0", str(single), "--protocol=asrf", "--resamples=5"]) == 0
    capsys.readouterr()
    folders = [f"{runs[0]}/split{split}-seed0/predictions" for split in (1, 2)]
    message = failure(capsys, *folders, f"--truth={root}/groundTruth")
    assert "have predictions of different videos: only one has P01_soup, P01_tea, P02_tea" in message
    assert "`num_resamples` must be at least 1" in failure(capsys, *runs, "--resamples=0")
    assert "`confidence` between 0 and 100 percent" in failure(capsys, *runs, "--confidence=100")
    assert "--background goes with --truth" in failure(capsys, *runs, "--background=background")
    assert "put a bare --json last" in failure(capsys, runs[0], "--json", runs[1])


def test_incomplete_and_damaged_runs(runs, root, tmp_path, capsys):
    assert "no folder nowhere: give the folder of a run" in failure(capsys, "nowhere", runs[0])
    assert "has no config.yaml" not in failure(capsys, str(tmp_path / "nothing"), runs[0])
    part = Path(runs[0], "split1-seed0")
    message = failure(capsys, str(part / "predictions"), runs[1])
    assert "no config.yaml in" in message
    assert "`--truth`" in message

    (part / "scores.json").unlink()
    assert "split1-seed0 is not complete, it has no scores.json" in failure(capsys, *runs)
    (part / "scores.json").write_text("{}")

    path = part / "predictions" / "P02_tea.txt"
    lines = path.read_text()
    path.write_text(lines + "cut\n")
    assert re.search(r"P02_tea\.txt has 19 frames and the truth of the data set has 18", failure(capsys, *runs))
    path.write_text(lines.replace("cut", "stir", 1))
    assert "label 'stir' at frame" in failure(capsys, *runs)
    path.rename(part / "predictions" / "P09.txt")
    assert "no predictions of P02_tea for" in failure(capsys, *runs)
    path.write_text(lines)
    assert "no truth of P09 for" in failure(capsys, *runs)
    (part / "predictions" / "P09.txt").unlink()

    fit_only = tmp_path / "fit_only"
    fit_only.mkdir()
    (fit_only / "config.yaml").write_text("data: {}\n")
    assert "no predictions in" in failure(capsys, str(fit_only), runs[0])


def test_configs_that_name_no_data(root, tmp_path, capsys):
    run = write_network(tmp_path / "run", root, {"P02_tea": truth_of(root, "P02_tea")})
    config = yaml.safe_load((run / "config.yaml").read_text())

    def with_reader(class_path: str | None) -> str:
        config["data"]["reader"]["class_path"] = class_path
        (run / "config.yaml").write_text(yaml.safe_dump(config))
        return failure(capsys, str(run), str(run))

    assert "names no reader (data.reader.class_path)" in with_reader(None)
    assert "names the reader mine.Reader, which cannot be imported" in with_reader("mine.Reader")
    assert "names pathlib.Path as reader, which is none" in with_reader("pathlib.Path")
    config["data"]["reader"]["init_args"]["root"] = "moved"
    message = with_reader("MSTCNReader")
    assert "no folder moved" in message
    assert "for this command: --root DIR, or --truth DIR" in message
    assert main(["compare", str(run), str(run), f"--root={root}", "--resamples=5"]) == 0
    capsys.readouterr()
    (run / "config.yaml").write_text("a: [")
    assert "cannot be read as YAML" in failure(capsys, str(run), str(run))


def test_seeds_with_different_videos_are_refused(root, tmp_path):
    run = read_run(write_crossval(tmp_path / "run", root, TEST_VIDEOS, 0.5, seeds=(0, 1)))
    videos = run.parts[2].videos
    less = videos._replace(preds={"P01_tea": videos.preds["P01_tea"]}, labels={"P01_tea": videos.labels["P01_tea"]})
    parts = [part._replace(videos=less) if i == 2 else part for i, part in enumerate(run.parts)]
    with pytest.raises(ValueError, match="the seeds of split 2 in run have predictions of different videos"):
        score_run(run._replace(parts=parts))


def test_nothing_is_written_where_something_is_wrong(runs, tmp_path, capsys):
    Path(runs[1], "split1-seed0", "scores.json").unlink()
    failure(capsys, *runs, f"--json={tmp_path}/comparison.json")
    assert not (tmp_path / "comparison.json").exists()


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["compare", "--help"])
    assert stop.value.code == 0
    assert "--truth groundTruth/" in capsys.readouterr().out
