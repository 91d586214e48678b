"""`segtcn bench` of networks and `segtcn reproduce`, on small trees of the layouts of the data sets."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from shutil import rmtree

import pytest
import yaml

from segtcn.cli import bench_networks, main
from segtcn.cli.lightning import SegmentationCLI
from segtcn.cli.reproduce import _table, _verdict
from segtcn.config_names import find_config, read_config
from segtcn.metrics.protocols import PROTOCOLS
from segtcn.text_table import SCORE_HEADINGS

PUBLISHED = yaml.safe_load((Path(__file__).resolve().parents[2] / "configs" / "published.yaml").read_text())
SMALL = ["--model.net.init_args.hidden_channels=[4]", "--model.net.init_args.kernel_size=3", "--trainer.max_epochs=1"]


@pytest.mark.slow  # six processes train
def test_a_bench_scores_networks_under_every_protocol_and_continues(write_lea_tree, tmp_path, capsys):
    words = ["bench", "gtea", f"--root={write_lea_tree()}", "--seeds=2", "--quick", f"--out={tmp_path}/out"]
    words += ["--models", "frame_classifier", "tcnn"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "frame_classifier: run 1 of 4" in printed
    with (tmp_path / "out" / "gtea.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert len(rows) == len(PROTOCOLS) * 2 * len(SCORE_HEADINGS)
    assert sum(row["verdict"] == "best" for row in rows) == len(PROTOCOLS) * len(SCORE_HEADINGS)
    assert all(0 <= float(row["low"]) <= float(row["mean"]) <= float(row["high"]) <= 100 for row in rows)
    report = (tmp_path / "out" / "gtea.md").read_text()
    assert all(f"## Protocol `{protocol}`" in report for protocol in PROTOCOLS)
    assert report.count("Seeds: ") == len(PROTOCOLS)
    assert report.count("Interval: 95 %") == 1  # what holds for all protocols stands once, at the end
    assert "**Quick: one epoch, the numbers mean nothing.**" in report
    assert "% **Quick: one epoch, the numbers mean nothing.**" in (tmp_path / "out" / "gtea.tex").read_text()
    assert "Note: the card of the data set groups videos by '^S\\d', which does not match" in report
    assert f"segtcn bench gtea --root={words[2].partition('=')[2]} --seeds=2 --models frame_classifier tcnn" in report
    assert (tmp_path / "out" / "gtea.tex").read_text().count("begin{tabular}") == len(PROTOCOLS)
    assert (tmp_path / "out" / "gtea.png").stat().st_size > 10_000
    assert main(words) == 0
    assert "run 1 of 4" not in capsys.readouterr().out
    # fewer seeds and splits: the report is on these, whatever else the folder holds
    rmtree(tmp_path / "out" / "runs" / "tcnn" / "split1-seed1")
    assert main([*words, "--seeds=1", "--splits=2"]) == 0
    report = (tmp_path / "out" / "gtea.md").read_text()
    assert "2 videos, 1 split. Seeds: 1 of" in report
    assert "Not in the report" not in capsys.readouterr().out
    assert main([*words[:-1], "--seeds=1", "--splits=2"]) == 0
    assert "Not in the report, since this call does not name them: tcnn." in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ed_tcn_gtea", "ms_tcn_gtea_i3d"])
def test_a_published_row_is_trained_and_compared(name, write_lea_tree, write_ms_tcn_tree, tmp_path, monkeypatch):
    is_lea = PUBLISHED[name]["data"] == "gtea_lea"
    root = write_lea_tree() if is_lea else write_ms_tcn_tree()
    monkeypatch.setitem(PUBLISHED, name, {**PUBLISHED[name], "splits": [1, 2]})
    monkeypatch.setattr(
        "segtcn.cli.reproduce.read_config",
        lambda path: PUBLISHED if path.name == "published.yaml" else read_config(path),
    )
    small = SMALL if is_lea else ["--model.net.init_args.hidden_channels=4", "--trainer.max_epochs=1"]
    assert main(["reproduce", name, f"--root={root}", "--seeds=1", f"--out={tmp_path}/out", *small]) == 0
    report = (tmp_path / "out" / "reproduce.md").read_text()
    assert f"Published: {PUBLISHED[name]['source']}" in report
    assert "The recipe of the paper was changed: --model.net" in report
    assert re.search(r"Not comparable: [34] test videos, and the published scores are of 14\.", report)
    assert "one seed" in report
    assert "±" not in report


def test_a_row_is_reproduced_if_all_scores_are_within_the_tolerance():
    row = {"scores": {"f1@50": 50.0, "edit": 70.0}, "tolerance": 3}
    ours = {"f1@50": {"mean": 52.9}, "edit": {"mean": 67.1}, "accuracy": {"mean": 1.0}}
    assert _verdict(row, ours) == "Reproduced: all scores are within 3 points."
    ours["edit"]["mean"] = 66.9
    assert _verdict(row, ours) == "Not reproduced: Edit differs by -3.1, the tolerance is 3."
    ours["edit"]["mean"] = float("nan")
    assert _verdict(row, ours).startswith("Not reproduced")


def test_a_reproduction_names_the_protocol_of_its_scores():
    results = {"scores": {}, "splits": [1], "seeds": [0], "epochs": 1, "selection": "last epoch", "protocol": "mstcn"}
    row = {"network": "ED-TCN", "source": "a paper", "protocol": "lea", "scores": {}}
    assert "Protocol `mstcn`" in _table(row, results)


def test_published_rows_name_configs_splits_and_scores():
    for row in PUBLISHED.values():
        configs = [find_config(config) for config in (f"data/{row['data']}", *row["model"].split("+"))]
        assert all(Path(config).is_file() for config in configs)
        assert row["protocol"] in PROTOCOLS
        assert {*row["scores"]} <= {*SCORE_HEADINGS}
        assert row["splits"]
        assert row["tolerance"] > 0


def test_reproduce_without_a_name_lists_all_rows(capsys):
    assert main(["reproduce"]) == 0
    _, _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == [*PUBLISHED]


@pytest.mark.slow  # half a minute
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_recipe_of_a_published_row_builds(name, write_lea_tree, write_ms_tcn_tree, tmp_path):
    row = PUBLISHED[name]
    root = write_ms_tcn_tree()
    if row["data"].endswith("lea"):
        reader = yaml.safe_load(Path(find_config(f"data/{row['data']}")).read_text())["data"]["reader"]["init_args"]
        root = write_lea_tree(dataset=reader["dataset"], feature_folder=reader["feature_folder"])
    configs = ["trainer/default", f"data/{row['data']}", *row["model"].split("+")]
    words = [*(f"-c={find_config(config)}" for config in configs), bench_networks.data_option(row["data"], root)]
    words += [*bench_networks.QUIET, *row.get("options", []), f"--trainer.default_root_dir={tmp_path}/run"]
    cli = SegmentationCLI([*words, f"--model.protocol={row['protocol']}", "--data.card=null"], run=False)
    assert cli.model.segmenter.protocol == row["protocol"]


@pytest.mark.slow  # a process that imports all
def test_a_data_set_that_cannot_be_read_is_named_in_one_line(write_lea_tree, tmp_path, capsys):
    words = ["reproduce", "tcnn_gtea", f"--root={write_lea_tree()}", f"--out={tmp_path}/out"]
    assert main([*words, f"--data.reader.init_args.root={tmp_path}/nowhere"]) == 1
    error, *others = capsys.readouterr().err.splitlines()
    assert re.search(rf"error: the splits of the data set could not be read: .*{tmp_path}/nowhere", error)
    assert others == ["(SEGTCN_TRACEBACK=1 shows where)"]


@pytest.mark.slow  # a process that imports all
def test_a_wrong_option_of_fit_is_told_as_such(write_lea_tree, tmp_path, capsys):
    words = ["reproduce", "tcnn_gtea", f"--root={write_lea_tree()}", f"--out={tmp_path}/out"]
    with pytest.raises(SystemExit) as stop:
        main([*words, "--trainer.maxepochs=1"])
    assert stop.value.code == 2
    error, usage = capsys.readouterr().err.splitlines()
    assert error.startswith("segtcn reproduce: error: unrecognized arguments: --trainer.maxepochs=1; did you mean")
    assert usage.startswith("usage: segtcn reproduce")


def test_quick_runs_have_a_folder_of_their_own(tmp_path, monkeypatch):
    given = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("segtcn.cli.bench.bench_networks", lambda *words: given.append(words[2]) or [])
    for words in ([], ["--quick"], ["--quick", "--out=here"]):
        assert main(["bench", "gtea", "--root=.", *words]) == 0
    assert [*map(str, given)] == ["runs/bench_gtea", "runs/bench_gtea_quick", "here"]


@pytest.mark.parametrize("out", ["file", "file/out"])
def test_a_folder_that_cannot_be_written_is_named(out, write_lea_tree, tmp_path, capsys):
    (tmp_path / "file").touch()
    words = ["bench", "gtea", f"--root={write_lea_tree()}", "--quick", f"--out={tmp_path}/{out}", "--models", "tcnn"]
    assert main(words) == 1
    error, *others = capsys.readouterr().err.splitlines()
    assert re.search(rf"error: .*{tmp_path}/{out}", error)
    assert others == ["(SEGTCN_TRACEBACK=1 shows where)"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bench", "gtea"], r"`root` (--root) is needed: the folder with features/GTEA/SpatialCNN, splits/GTEA, see"),
        (["bench", "gtea", "--root=."], "no features/GTEA/SpatialCNN: `root` (--root) must be the folder with"),
        (["bench", "gtea", "--root=.", "--seeds=0"], "`seeds` (--seeds) must be at least 1, got 0"),
        (["bench", "gtea", "--root=.", "--jobs=0"], "`jobs` (--jobs) must be at least 1, got 0"),
        (["reproduce", "tcnn_gtea", "--root=.", "--jobs=-1"], "`jobs` (--jobs) must be at least 1, got -1"),
        (
            ["reproduce", "ms_tcn_breakfast", "--root=."],
            "no features: `root` (--root) must be the folder with features",
        ),
        (["bench", "gtea", "--claims", "copy"], "`gtea` does not take the options of `sequences`"),
        (["bench", "sequences", "--root=."], "`sequences` does not take the options of a data set"),
        (["reproduce", "tcnn_gtea", "--root=.", "--splits=1"], "--splits is not an option of `segtcn fit`: the row"),
        (["reproduce", "tcnn_gtea", "--root=.", "--models", "tdnn"], "--models is not an option of `segtcn fit`"),
        (["reproduce", "ms_tcn"], "no published row 'ms_tcn': `segtcn reproduce` alone lists all"),
        (["reproduce", "tcnn_gtae"], "did you mean tcnn_gtea?"),
        (["reproduce", "--root=."], "the name of a row is missing: `segtcn reproduce` alone lists all"),
        (["reproduce", "tcnn_gtea", "--root=.", "--seed", "1"], "on which splits; did you mean --seeds?"),
    ],
)
def test_wrong_words_are_answered_with_what_is_missing(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(words)
    except SystemExit as stop:
        status = stop.code
    assert status in (1, 2)
    assert message in capsys.readouterr().err
