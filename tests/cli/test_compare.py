"""`segtcn compare`: the scores of the runs themselves, and what cannot be compared."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from segtcn.cli import main
from segtcn.evaluation import Run, RunFacts, Scoring, read_run, score_run
from segtcn.labels import Classes, Labels, write_labels
from tests.conftest import CLASSES, SPLITS
from tests.run_folders import edit_facts, truth_of, write_crossval, write_network

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


def failure(capsys, *argv: str) -> str:
    """The one line of a command that fails."""
    assert main(["compare", *argv]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[1:] == ["(SEGTCN_TRACEBACK=1 shows where)"]
    return shown.err.splitlines()[0]


@pytest.mark.parametrize(("protocol", "rate"), [("lea", 3), ("mstcn", 1)])
def test_numbers_are_those_of_the_run_at_the_rate_of_its_protocol(root, tmp_path, monkeypatch, protocol, rate):
    monkeypatch.chdir(tmp_path)
    options = [f"--data.reader.init_args.root={root}", "--data.sample_rate=3", "--trainer.max_epochs=2"]
    small = ["--model.net.init_args.hidden_channels=[6]", "--model.net.init_args.kernel_size=3"]
    quiet = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.default_root_dir=run"]
    assert main(["fit", *CONFIGS, *options, *small, *quiet, f"--model.protocol={protocol}"]) == 0
    assert main(["test", "-c=run/config.yaml", "--ckpt_path=run/checkpoints/last.ckpt"]) == 0
    facts = RunFacts.read(tmp_path / "run")
    assert (facts.sample_rate, facts.protocol, facts.fps, facts.split, facts.seed) == (3, protocol, 15, 1, 0)
    assert (facts.checkpoint, facts.name) == ("checkpoints/last.ckpt", "EDTCN ms_tcn split 1 run")
    assert facts.network["class_name"].endswith("EDTCN")
    assert facts.videos == tuple(TEST_VIDEOS[1])
    assert facts.data["reader"]["class_path"].endswith("MSTCNReader")
    run = read_run(tmp_path / "run")
    scores = score_run(run)
    assert scores.sample_rate == rate
    stored = json.loads((tmp_path / "run" / "test_scores.json").read_text())
    assert scores.scores == {key: stored[key] for key in KEYS}
    # at another rate they would be others
    assert score_run(run, sample_rate=4 - rate).scores != scores.scores


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
    """50Salads, split 1: the released predictions, written as a run that saw every 5th frame."""
    loadmat = pytest.importorskip("scipy.io").loadmat
    lea = shared_data / "lea"
    cells = loadmat(lea / "predictions/50Salads/mid/mid_video_ED-TCN_L2_C15/1.mat")
    config = yaml.safe_load((ROOT / "configs/data/50salads_mid_lea.yaml").read_text())
    names = config["data"]["reader"]["init_args"]["class_names"]
    classes = Classes(tuple(names), config["data"]["reader"]["init_args"]["background"])
    (tmp_path / "predictions").mkdir()
    videos = (lea / "splits/50Salads/Split_1/test.txt").read_text().split()
    by_truth = {
        tuple(true.ravel()): pred.ravel() for pred, true in zip(cells["P"].ravel(), cells["Y"].ravel(), strict=True)
    }
    for video in videos:
        labels = loadmat(lea / f"features/50Salads/SpatialCNN_mid/Split_1/rgb-{video}.avi.mat")["Y"].ravel()
        preds = np.repeat(by_truth[tuple(labels[::5])], 5)[: len(labels)]
        path = tmp_path / "predictions" / f"{video}.npz"
        write_labels(path, Labels(preds, classes, 30.0), Labels(labels, classes, 30.0))
    RunFacts(classes=classes, videos=tuple(videos), fps=30.0, sample_rate=5).write(tmp_path)
    scores = score_run(read_run(tmp_path)).scores
    assert [scores[key] for key in KEYS] == pytest.approx([74.6, 69.0, 76.4, 73.9, 65.0], abs=0.05)


def test_scores_of_splits_videos_and_seeds(runs, root, capsys):
    assert main(["compare", *runs, "--resamples=200", "--per-video"]) == 0
    out = capsys.readouterr().out
    assert "| good, split 1" in out
    assert "| P02_tea, poor " in out
    assert "Seeds: 2 of poor, 2 of good" in out
    assert main(["compare", *runs, "--resamples=200", "--latex"]) == 0
    latex = capsys.readouterr().out
    assert latex.count(r"\begin{tabular}") == 2
    assert all(line.startswith("% ") for line in latex.split(r"\end{tabular}")[-1].split("\n") if line)
    with pytest.raises(SystemExit):
        main(["compare", *runs, "--latex", "--json"])
    assert "choose one form: --latex" in capsys.readouterr().err
    assert main(["compare", *runs, "--resamples=200", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    poor, good = record["runs"]
    assert good["f1@50"] == 100
    assert poor["accuracy"] == pytest.approx(np.mean([split["accuracy"] for split in poor["splits"].values()]))
    videos = poor["splits"]["2"]["videos"]
    assert poor["splits"]["2"]["edit"] == pytest.approx(np.mean([video["edit"] for video in videos.values()]))
    parts = [part for part in Run.read(Path(runs[0])).parts if part.split == "1"]
    shares = [100 * np.mean(part.preds["P02_tea"].indexes == part.truths["P02_tea"].indexes) for part in parts]
    assert poor["splits"]["1"]["videos"]["P02_tea"]["accuracy"] == pytest.approx(np.mean(shares), rel=1e-6)
    accuracy = next(each for each in record["differences"] if each["score"] == "accuracy")
    # all 3 videos are better, but of the 8 exchanges 2 are as far apart: too few videos for a small p-value
    assert (accuracy["low"] > 0, accuracy["p_value"], accuracy["verdict"]) == (True, 0.25, "better by its interval")
    assert "Only 3 units to draw from: intervals are wide." in out
    assert "p cannot be below 0.25: the interval decides alone." in out
    assert accuracy["difference"] == pytest.approx(good["accuracy"] - poor["accuracy"])


def test_a_title_names_a_run_in_every_table(runs, capsys):
    assert main(["compare", f"First try={runs[0]}", runs[1], "--resamples=5"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"\n\| First try +\|.*\n\| good, split 1 +\|", out)
    assert "\n| good against First try | First try |" in out
    assert "Seeds: 2 of First try, 2 of good" in out
    with pytest.raises(SystemExit, match="2"):
        main(["compare", f"same={runs[0]}", f"same={runs[1]}"])
    assert "two runs are called 'same': name one of them, TITLE=RUN" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["compare", runs[0], *runs])
    assert f"{runs[0]} is given twice" in capsys.readouterr().err


def test_folders_of_predictions_with_their_truth(runs, root, tmp_path, capsys):
    folders = [f"{run}/split2-seed0/predictions" for run in runs]
    argv = ["compare", *folders, f"--truth={root}/groundTruth", "--background=background", "--json", "--resamples=9"]
    assert main(argv) == 0
    mine = json.loads(capsys.readouterr().out)["runs"]
    assert main(["compare", *(f"{run}/split2-seed0" for run in runs), "--json", "--resamples=9"]) == 0
    own = json.loads(capsys.readouterr().out)["runs"]
    for a, b in zip(mine, own, strict=True):
        assert {key: a[key] for key in KEYS} == {key: b[key] for key in KEYS}
    assert main(["compare", *folders, f"--truth={root}/groundTruth", "--resamples=9"]) == 0
    assert "Background: none. The class 'background' counts: --background background" in capsys.readouterr().out
    # both have the name `predictions`: told apart by their paths
    assert [run["run"] for run in mine] == folders
    # a folder of predictions does not say its background: it is that of the run
    assert main(["compare", folders[0], f"{runs[0]}/split2-seed0", f"--truth={root}/groundTruth", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["runs"]
    assert [first[key] for key in KEYS] == [second[key] for key in KEYS] == [mine[0][key] for key in KEYS]
    words = [folders[0], f"{runs[0]}/split2-seed0", f"--truth={root}/groundTruth", "--incomplete"]
    assert main(["compare", *words, "--resamples=9"]) == 0
    assert "left out, since" not in capsys.readouterr().out
    (tmp_path / "mapping.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(CLASSES)))
    assert main([*argv, f"--mapping={tmp_path}/mapping.txt"]) == 0


def test_other_rates_are_pointed_out(root, tmp_path, capsys):
    preds = {name: truth_of(root, name) for name in TEST_VIDEOS[2]}
    one = write_network(tmp_path / "one", root, preds)
    two = write_network(tmp_path / "two", root, preds, sample_rate=2)
    assert main(["compare", str(one), str(two), "--resamples=10"]) == 0
    note = "different rates, labels a second: one: 10, two: 5; `sample_rate` = 1 scores all stored frames."
    assert note in capsys.readouterr().out
    assert main(["compare", str(one), str(two), "--resamples=10", "--sample-rate=1"]) == 0
    assert "The runs are scored" not in capsys.readouterr().out
    assert "`sample_rate` (--sample-rate) must be at least 1" in failure(capsys, str(one), str(two), "--sample-rate=0")


def test_background_and_mapping_of_a_run_can_be_replaced(runs, root, tmp_path):
    run, other = (read_run(Path(runs[0]), Scoring(background=background)) for background in (None, "cut,2"))
    assert (run.background, other.background) == ((0,), (1, 2))
    assert score_run(run).scores["edit"] != score_run(other).scores["edit"]
    (tmp_path / "mapping.txt").write_text("0 pour milk\n1 cut\n2 background\n")
    turned = read_run(Path(runs[0]), Scoring(mapping=tmp_path / "mapping.txt"))
    assert turned.background == (2,)
    assert score_run(turned).scores == score_run(run).scores
    (tmp_path / "mapping.txt").write_text("0 pour milk\n1 background\n")
    with pytest.raises(ValueError, match="'cut' is not a known class"):
        read_run(Path(runs[0]), Scoring(mapping=tmp_path / "mapping.txt"))


def test_runs_of_another_truth_are_refused(runs, root, tmp_path, capsys):
    other = write_crossval(tmp_path / "other", root, TEST_VIDEOS, 0.5, seeds=(0, 1))
    path = other / "split2-seed1" / "predictions" / "P01_tea.npz"
    truth = Labels.from_names(truth_of(root, "P01_tea"), Classes(tuple(CLASSES)), 10.0)
    write_labels(path, truth, replace(truth, indexes=truth.indexes[::-1]))
    message = failure(capsys, runs[0], str(other))
    assert "poor and other differ in their truth of the video P01_tea: score both on one (`truth`, --truth)" in message
    assert main(["compare", runs[0], str(other), f"--truth={root}/groundTruth", "--resamples=5"]) == 0


def test_runs_with_another_background_are_refused(runs, root, tmp_path, capsys):
    other = write_crossval(tmp_path / "other", root, TEST_VIDEOS, 0.5, seeds=(0, 1))
    for folder in other.iterdir():
        edit_facts(folder, background=None)
    message = failure(capsys, runs[0], str(other))
    assert "poor leaves out background and other nothing as background: name it for both (`background`" in message
    assert main(["compare", runs[0], str(other), "--background=background", "--resamples=5"]) == 0


def test_groups_are_those_of_the_run_that_has_fitting_ones(runs, root, capsys):
    for folder in Path(runs[0]).iterdir():
        edit_facts(folder, groups="^S[0-9]+")
    for folder in Path(runs[1]).iterdir():
        edit_facts(folder, groups="^P[0-9]+")
    for order in (runs, runs[::-1]):
        assert main(["compare", *order, "--resamples=5", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["groups"] == "^P[0-9]+"


def test_a_network_counts_once(runs, capsys):
    edit_facts(Path(runs[0]) / "split2-seed1", seed=0)
    assert "holds split 2 with seed 0 twice: split2-seed0 and split2-seed1" in failure(capsys, *runs)


def test_what_cannot_be_compared(runs, root, tmp_path, capsys):
    assert "expected two or more runs to compare, got 1" in failure(capsys, runs[0])
    single = write_network(tmp_path / "single", root, {"P02_tea": truth_of(root, "P02_tea")})
    assert "poor has splits 1, 2 and single has split 1" in failure(capsys, runs[0], str(single))
    edit_facts(single, protocol="mstcn")
    message = failure(capsys, f"{runs[0]}/split1-seed0", str(single))
    assert (
        "split1-seed0 was scored under lea and single under mstcn: choose one for both (`protocol`, --protocol)"
        in message
    )
    message = failure(capsys, f"{runs[0]}/split1-seed0", str(single), "--protocol=asrf")
    assert "an interval needs two or more videos, got 1" in message
    assert "`groups` (--groups) '^S' does not match the video" in failure(capsys, *runs, "--groups=^S")
    folders = [f"{runs[0]}/split{split}-seed0/predictions" for split in (1, 2)]
    message = failure(capsys, *folders, f"--truth={root}/groundTruth")
    assert "have predictions of different videos: only one has P01_soup, P01_tea, P02_tea" in message
    assert "`num_resamples` (--resamples) must be at least 2" in failure(capsys, *runs, "--resamples=0")
    assert "`confidence` (--confidence) from 50 to below 100 percent" in failure(capsys, *runs, "--confidence=100")


def test_truth_that_does_not_fit(runs, root, capsys):
    argv = [*runs, f"--truth={root}/groundTruth"]
    path = root / "groundTruth" / "P02_tea.txt"
    labels = truth_of(root, "P02_tea")
    path.write_text("".join(f"{label}\n" for label in [*labels, "cut"]))
    assert f"has {len(labels)} frames and {path} has {len(labels) + 1}" in failure(capsys, *argv)
    assert main(["compare", *argv, "--resamples=5", "--length-policy=trim"]) == 0
    capsys.readouterr()
    path.unlink()
    assert "no truth of P02_tea: give predictions and truth of the same videos" in failure(capsys, *argv)
    assert "no folder nowhere: give the folder of a run" in failure(capsys, "nowhere", runs[0])
    message = failure(capsys, f"{runs[0]}/split1-seed0/predictions", runs[1])
    assert "no run.json in" in message
    assert "or the true labels (`truth`, --truth)" in message
    message = failure(capsys, str(Path(runs[0]).parent), runs[1])
    assert "holds several runs, give one of them: good, poor" in message


def test_incomplete_runs_are_compared_if_asked(runs, capsys):
    for seed in (0, 1):
        Path(runs[0], f"split2-seed{seed}", "predictions", "P01_tea.npz").unlink()
    assert "no predictions of P01_tea in" in failure(capsys, *runs)
    assert main(["compare", *runs, "--incomplete", "--resamples=5"]) == 0
    out = capsys.readouterr().out
    assert "percent, 2 videos, 2 splits" in out
    assert out.count("no predictions of P01_tea in") == 2
    assert "note: good: 1 video (P01_tea) left out, since another split or run lacks them" in out
    Path(runs[0], "split2-seed1", "run.json").unlink()
    assert main(["compare", *runs, "--incomplete", "--resamples=5"]) == 0
    out = capsys.readouterr().out
    assert "Seeds: 1 of poor, 2 of good" in out  # the other seed has not all splits
    assert "note: poor: 1 seed (1) left out, since another split or run lacks them" in out


def test_a_run_whose_truth_changed_between_seeds_is_refused(runs, root, tmp_path, capsys):
    """Labels were corrected, and more seeds trained."""
    other = write_crossval(tmp_path / "other", root, TEST_VIDEOS, 0.5, seeds=(0, 1))
    for seed in (0, 1):
        path = other / f"split2-seed{seed}" / "predictions" / "P01_tea.npz"
        before = path.read_bytes()
        truth = Labels.from_names(truth_of(root, "P01_tea"), Classes(tuple(CLASSES)), 10.0)
        write_labels(path, truth, replace(truth, indexes=truth.indexes[::-1]))
        message = failure(capsys, runs[0], str(other))
        assert "differ in their truth of the video P01_tea" in message
        with pytest.raises(
            ValueError, match="the seeds of split 2 in other differ in their truth of the video P01_tea"
        ):
            score_run(read_run(other))
        half = truth[: len(truth) // 2]  # the same labels, but fewer
        write_labels(path, half, half)
        with pytest.raises(ValueError, match="the seeds of split 2 in other differ in their truth of the video"):
            score_run(read_run(other))
        path.write_bytes(before)


@pytest.mark.parametrize("cut", [1, 3])
def test_another_truth_of_another_length_is_refused_and_a_cut_one_is_not(cut, runs, root, tmp_path, capsys):
    labels = Labels.from_names(truth_of(root, "P01_tea")[:-cut], Classes(tuple(CLASSES)), 10.0)
    others = {"cut": labels, "other": replace(labels, indexes=(labels.indexes + 1) % 3)}
    for name, truth in others.items():
        folder = write_crossval(tmp_path / name, root, TEST_VIDEOS, 0.5, seeds=(0, 1))
        for seed in (0, 1):
            write_labels(folder / f"split2-seed{seed}" / "predictions" / "P01_tea.npz", truth, truth)
    assert main(["compare", runs[0], str(tmp_path / "cut"), "--resamples=5"]) == 0
    capsys.readouterr()
    message = failure(capsys, runs[0], str(tmp_path / "other"))
    assert "poor and other differ in their truth of the video P01_tea" in message


def test_seeds_of_different_splits_are_refused(runs, root, tmp_path, capsys):
    for split, seed in ((1, 0), (2, 1)):
        write_crossval(tmp_path / "mixed", root, {split: TEST_VIDEOS[split]}, 0.5, seeds=(seed,))
    for words in ([], ["--incomplete"]):
        message = failure(capsys, runs[0], str(tmp_path / "mixed"), *words)
        assert "mixed has seed 0 of split 1 and seed 1 of split 2: train the missing, " in message
        assert ("or leave out seeds" in message) == (not words)


def test_other_labels_a_second_are_pointed_out(root, tmp_path, capsys):
    preds = {name: truth_of(root, name) for name in TEST_VIDEOS[2]}
    one, two = (write_network(tmp_path / name, root, preds, fps=fps) for name, fps in (("one", 10.0), ("two", 5.0)))
    assert main(["compare", str(one), str(two), "--resamples=10"]) == 0
    assert "The runs are scored at different rates, labels a second: one: 10, two: 5." in capsys.readouterr().out


def test_videos_without_truth_are_said_and_left_out(root, tmp_path, capsys):
    names = ["P02_tea", *TEST_VIDEOS[2]]
    run = write_network(tmp_path / "run", root, {name: truth_of(root, name) for name in names})
    blind = write_network(tmp_path / "blind", root, {"P01_tea": truth_of(root, "P01_tea")}, has_truth=False)
    (blind / "predictions" / "P01_tea.npz").rename(run / "predictions" / "P01_tea.npz")
    full = write_network(tmp_path / "full", root, {name: truth_of(root, name) for name in names})
    for other in (run, full):
        assert main(["compare", str(run), str(other), "--resamples=5"]) == 0
        out = capsys.readouterr().out
        assert "percent, 2 videos," in out
        assert "run: no truth of 1 of 3 videos: P01_tea" in out
        assert "full: no truth" not in out
    edit_facts(run, videos=["P01_tea"])
    assert "no truth of any video of" in failure(capsys, str(run), str(run))


def test_the_groups_of_the_card_are_drawn_unless_they_say_nothing(root, tmp_path, capsys):
    preds = {name: truth_of(root, name) for name in ("P01_tea", "P01_soup", "P02_tea", "P02_soup")}
    cases = (
        (r"^P\d+", r"2 groups '^P\d+'", ""),
        ("^P", "videos", "'^P', which makes one group of all videos"),
        ("^S", "videos", "'^S', which does not match P01_"),
        (None, "videos", ""),
    )
    for groups, drawn, problem in cases:
        run = str(write_network(tmp_path / f"run{drawn}{groups}", root, preds, groups=groups))
        assert main(["compare", run, run, "--resamples=5"]) == 0
        out = capsys.readouterr().out
        assert f"paired bootstrap over the {drawn}" in out
        assert ("intervals may be too narrow" in out) == bool(problem)
        assert problem in out
        assert main(["compare", run, run, "--resamples=5", "--latex"]) == 0
        assert ("% Note: the card of the data set" in capsys.readouterr().out) == bool(problem)
        assert main(["compare", run, run, "--resamples=5", "--json"]) == 0
        assert any(problem in note for note in json.loads(capsys.readouterr().out)["notes"])


def test_one_folder_twice_is_told(runs, capsys):
    for words, is_told in ((("a=" + runs[0], "b=" + runs[0]), True), (runs[:2], False)):
        assert main(["compare", *words, "--resamples=5"]) == 0
        assert ("Note: a and b are the same folder." in capsys.readouterr().out) == is_told


def test_nothing_is_written_where_something_is_wrong(runs, tmp_path, capsys):
    Path(runs[1], "split1-seed0", "run.json").unlink()
    message = failure(capsys, *runs, f"--json={tmp_path}/comparison.json")
    assert "no run.json in" in message
    assert "not scored yet" in message
    assert not (tmp_path / "comparison.json").exists()
