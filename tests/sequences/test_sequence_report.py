"""The report on sequence tasks: equal networks, what is measured, and that nothing is measured twice."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from segtcn.cli import main
from segtcn.layers.conv import TemporalConv1d
from segtcn.models import CausalTCN
from segtcn.sequences import causality, learning, rows, sequence_report
from segtcn.sequences.causality import jacobian, measure_jacobian, measure_masked
from segtcn.sequences.equal_networks import TOLERANCE, builders, equal_network, smallest_depth
from segtcn.sequences.machine_costs import measure_costs
from segtcn.sequences.rows import NETWORKS, Row, all_rows, run_rows
from segtcn.sequences.sequence_report import CLAIMS, report_text, sections
from segtcn.sequences.stacks import smallest_stacks
from tests.data.readers.test_sequence_tasks import write_music


def status_of(words: list[str]) -> object:
    """The exit status of a command."""
    try:
        return main(words)
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("past", "budget", "kernel_size"), [(510, 10_100, 8), (1010, 11_400, 8), (599, 30_000, 7)])
def test_networks_have_equal_parameters_and_see_enough_of_the_past_and_nothing_else(name, past, budget, kernel_size):
    net = equal_network(name, 10, 10, past=past, budget=budget, kernel_size=kernel_size)
    assert abs(sum(p.numel() for p in net.parameters()) / budget - 1) <= TOLERANCE
    left, right = net.receptive_field
    assert left is None or left >= past
    assert right == 0


def test_budget_that_no_width_meets_is_refused():
    with pytest.raises(ValueError, match=r"within 5% of `budget` 100 parameters: widths \d+ and \d+ have \d+ and \d+"):
        equal_network("TCN", 10, 10, past=500, budget=100)
    with pytest.raises(ValueError, match="24 layers do not reach"):
        smallest_depth(builders(2, 2, kernel_size=1)["TCN"], past=5)


def test_stacks_reach_the_field_and_one_layer_less_does_not():
    for stack in smallest_stacks(100, [2, 3, 5], in_channels=8):
        build = builders(8, 10, stack.kernel_size)[stack.network]
        assert stack.receptive_field == build(4, stack.layers).receptive_field[0] + 1 >= 100
        assert stack.layers == 1 or build(4, stack.layers - 1).receptive_field[0] + 1 < 100
        net = build(64, stack.layers)
        assert stack.parameters == sum(p.numel() for p in net.parameters())
        convolutions = [module.weight.numel() for module in net.modules() if isinstance(module, nn.Conv1d)]
        assert stack.products == sum(convolutions)


def test_plan_lists_stacks_in_frames_or_seconds(capsys):
    assert main(["plan", "--receptive-field", "512", "--kernel", "3"]) == 0
    frames = capsys.readouterr().out
    assert "| Dilated TCN |      3 |      8 |         513 |" in frames
    assert main(["plan", "--seconds", "20.48", "--fps", "25", "--kernel", "3"]) == 0
    seconds = capsys.readouterr().out
    assert "see 512 frames or more" in seconds
    assert "20.5" in seconds


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seconds", "3"], "`seconds` (--seconds) needs `fps` (--fps)"),
        ([], "give either `receptive_field` (--receptive-field) or `seconds` (--seconds)"),
        (["--receptive-field", "0"], "`receptive_field` (--receptive-field) must be at least 1, got 0"),
        (["--receptive-field", "9", "--kernel", "1"], "`kernel` (--kernel) must be at least 2 taps"),
        (["--receptive-field", "9", "--kernel", "9" * 30], "`kernel` (--kernel) must be at most 500,000, got 9999"),
        (["--receptive-field", "9", "--width", "9" * 30], "`width` (--width) must be at most 500,000, got 9999"),
        (["--seconds", "3", "--fps", "-1"], "`fps` (--fps) must be positive"),
    ],
)
def test_plan_names_what_is_wrong(words, message, capsys):
    assert status_of(["plan", *words]) in (1, 2)
    assert message in capsys.readouterr().err


def test_jacobian_has_the_band_of_the_receptive_field():
    torch.manual_seed(0)  # with other weights all units may be off in a frame
    net = CausalTCN(2, 3, 16, num_layers=2, kernel_size=2).eval()  # sees 2 (2 ** 2 - 1) = 6 past frames
    matrix = jacobian(net, 12)
    rows_of, columns = np.indices((12, 12))
    seen = (columns <= rows_of) & (columns >= rows_of - 6)
    assert ((matrix.numpy() > 0) <= seen).all()
    assert matrix[11, 11] > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_future_of_a_causal_network_is_exactly_zero(name):
    assert measure_jacobian(name, True, 20)["future"] == 0
    assert all(value == 0 for t, row in enumerate(measure_jacobian(name, True, 20)["matrix"]) for value in row[t + 1 :])


@pytest.mark.parametrize("name", ["TCN", "LSTM"])
def test_future_of_an_acausal_network_is_not_zero(name):
    assert measure_jacobian(name, False, 20)["future"] > 0


def test_causal_convolution_is_a_masked_one():
    result = measure_masked(kernel_size=3, dilation=2, length=30)
    assert result["output"] < 1e-12 * result["size"]
    assert result["gradient"] < 1e-10


def test_masked_convolution_differs_if_the_future_is_seen(monkeypatch):
    def acausal(*args: int, causal: bool, dilation: int) -> TemporalConv1d:
        return TemporalConv1d(*args, dilation=dilation)

    monkeypatch.setattr(causality, "TemporalConv1d", acausal)
    assert measure_masked(kernel_size=3, dilation=2, length=30)["output"] > 0.1


def test_stacks_differ_by_the_path_around_a_layer():
    torch.manual_seed(0)
    x = torch.randn(1, 2, 20)
    plain = learning.PlainStack(2, 3, 4, layers=2, residual=False)
    residual = learning.PlainStack(2, 3, 4, layers=2)
    residual.load_state_dict(plain.state_dict())
    with torch.no_grad():
        for net in (plain, residual):
            for parameter in net.blocks.parameters():
                parameter.zero_()
        assert (plain(x).logits - plain(x).logits[..., :1]).abs().max() == 0  # nothing goes through
        assert (residual(x).logits - residual.head(residual.conv_in(x))).abs().max() < 1e-6


def test_learning_reaches_its_goal_and_stops():
    given = {"reader": "CopyMemoryReader", "task": {"delay": 2, "memory": 1}, "network": "TCN", "goal": 0.05}
    shape = {"width": 16, "layers": 2, "kernel_size": 3}
    result = learning.learn(**given, shape=shape, steps=300, every=20, batch_size=16, learning_rate=0.01)
    assert result["loss"] < 0.05
    assert result["recall"] > 0.9
    assert result["steps"] == result["curve"][-1][0] < 300
    assert result["past"] == 2 * 2 * 3


def test_weights_that_are_best_on_the_validation_pieces_are_scored(tmp_path, monkeypatch):
    scores, heads = iter([3.0, 1.0, 2.0, 9.0]), []

    def evaluate(net, loss, data, subset):
        heads.append((subset, net.head.weight.detach().clone()))
        return next(scores), None

    monkeypatch.setattr(learning, "evaluate", evaluate)
    music = {"reader": "MusicReader", "task": {"path": str(write_music(tmp_path / "m.mat"))}, "select": True}
    shape = {"width": 4, "layers": 1, "kernel_size": 2}
    result = learning.learn(**music, network="TCN", shape=shape, steps=6, every=2)
    assert (result["loss"], result["curve"]) == (9.0, [(2, 3.0), (4, 1.0), (6, 2.0)])
    assert [subset for subset, _ in heads] == ["val", "val", "val", "test"]
    assert torch.equal(heads[3][1], heads[1][1])
    assert not torch.equal(heads[3][1], heads[2][1])


def test_level_of_the_adding_problem_is_that_of_its_test_sequences():
    data = learning._data(learning.Learning("AddingReader", {"length": 9}, "TCN", seed=2))
    sums = [data.dataset("test")[number].video.targets[0, -1] for number in range(learning.NUM_TEST)]
    assert sequence_report._error_of_one(9) == pytest.approx(float((1 - torch.stack(sums)).square().mean()))


def test_loss_of_a_subset_is_the_mean_over_its_frames_not_over_its_batches(tmp_path):
    from segtcn.data.datamodule import SegmentationDataModule
    from segtcn.data.readers import MusicReader
    from segtcn.losses import MultiLabelBCE

    pieces = [np.random.default_rng(0).integers(0, 2, (t, 88)).astype(np.uint8) for t in (3, 12, 4)]
    reader, net = MusicReader(str(write_music(tmp_path / "m.mat", test=pieces))), CausalTCN(88, 88, 4, 1).eval()
    data = SegmentationDataModule(reader, batch_size=2)
    costs = []
    for number in range(3):
        video = data.dataset("test")[number].video
        logits = net(video.features[None]).logits[-1, 0]
        costs += (
            torch.nn.functional.binary_cross_entropy_with_logits(logits, video.targets, reduction="none")
            .sum(0)
            .tolist()
        )
    value, recall = learning.evaluate(net, MultiLabelBCE(), data, "test")
    assert (value, recall) == (pytest.approx(np.mean(costs)), None)


def test_costs_have_a_value_for_each_length():
    threads = torch.get_num_threads()
    costs = measure_costs("TCN", [20, 40], budget=5000, past=20, repeats=1, threads=2)
    assert torch.get_num_threads() == threads
    assert [length for length, value in costs["time"] if value > 0] == [20, 40]
    assert 0 <= costs["memory"][0][1] <= costs["memory"][1][1]


def test_report_has_a_table_and_a_command_for_each_claim(tmp_path, monkeypatch):
    """One small row of each label of a claim would take a minute: results of the first stand for the others."""
    write_music(tmp_path / "JSB_Chorales.mat")
    write_music(tmp_path / "Nottingham.mat")
    planned, results, firsts = all_rows(tmp_path, quick=True), {}, {}
    for row in planned:
        kind = row.measure if row.measure != "learning.learn" else row.claim
        if kind not in firsts:
            steps = {"steps": 2, "every": 1} if "steps" in row.arguments else {}
            firsts[kind] = rows.measure(Row(row.claim, row.label, row.measure, {**row.arguments, **steps}))
        results[row.name] = firsts[kind]
    parts = sections(planned, results)
    text = report_text(parts, "note")
    figures = {claim for claim, part in parts.items() if part.figure}
    assert figures == {"copy", "adding", "time", "memory", "field", "jacobian", "depth"}
    assert all(f"segtcn bench sequences --claims {claim}" in text for claim in CLAIMS)
    assert "segtcn bench sequences --claims music --music DATA/sequences\n" in text
    assert text.count("![") == len(figures)
    assert "T = 30, TCN: 0 of 1" in text


def test_rows_are_measured_once(tmp_path, monkeypatch):
    # processes take seconds to start
    monkeypatch.setattr(rows, "ProcessPoolExecutor", lambda workers, *_, **options: ThreadPoolExecutor(workers))
    row = Row("masked", "kernel 2", "causality.measure_masked", {"kernel_size": 2, "dilation": 1, "length": 9})
    first = run_rows([row], tmp_path, show=False)
    stored = tmp_path / "masked-kernel_2.json"
    values = json.loads(stored.read_text())
    stored.write_text(json.dumps({**values, "result": {"output": 7}}))
    assert run_rows([row], tmp_path, show=False) == {row.name: {"output": 7}}
    stored.write_text(stored.read_text()[:-5])  # cut off
    assert run_rows([row], tmp_path, show=False) == first
    with pytest.raises(ValueError, match="`jobs` must be at least 1, got 0"):
        run_rows([row], tmp_path, jobs=0)


FULL_DISK = """
import sys
from pathlib import Path
from segtcn.sequences import rows

def fail(*_):
    raise OSError("no space is left")

rows.write_json = fail
settings = {"network": "TCN", "lengths": [16], "budget": 3000, "past": 4}
planned = [rows.Row("costs", str(number), "machine_costs.measure_costs", settings) for number in range(4)]
rows.run_rows(planned, Path(sys.argv[1]), show=False)
"""


def test_a_report_that_cannot_be_stored_ends(tmp_path):
    words = [sys.executable, "-c", FULL_DISK, tmp_path]
    result = subprocess.run(words, capture_output=True, text=True, timeout=150, check=False)
    assert result.stderr.endswith("OSError: no space is left\n")


@pytest.mark.slow
def test_a_killed_report_leaves_no_process_that_measures(tmp_path):
    words = ["bench", "sequences", "--claims", "copy", "--out", str(tmp_path), "--jobs", "1"]
    bench = subprocess.Popen([sys.executable, "-m", "segtcn", *words], stderr=subprocess.DEVNULL)
    list_children = ["pgrep", "-P", str(bench.pid), "-f", "spawn_main"]
    try:
        while not (pids := subprocess.run(list_children, check=False, capture_output=True, text=True).stdout.split()):
            assert bench.poll() is None
            time.sleep(0.2)
        while "libtorch" not in Path(f"/proc/{pids[0]}/maps").read_text():  # its first row needs minutes
            time.sleep(0.2)
    finally:
        bench.kill()
        bench.wait()
    limit_s = time.monotonic() + 60
    while Path(f"/proc/{pids[0]}").exists():
        assert time.monotonic() < limit_s
        time.sleep(0.2)


@pytest.mark.parametrize("quick", [True, False])
def test_planned_budgets_can_be_met_and_rows_have_names_of_their_own(quick, tmp_path):
    for name in rows.MUSIC.values():
        (tmp_path / name).touch()
    planned = all_rows(tmp_path, quick)
    assert len({row.name for row in planned}) == len(planned)
    widths, sizes = {"copy": (10, 10), "adding": (2, 1), "music": (88, 88)}, defaultdict[str, list[int]](list)
    for row in planned:
        if row.arguments.get("seed") == 0 and row.claim in widths:
            net = equal_network(row.arguments["network"], *widths[row.claim], **row.arguments["shape"])
            sizes[row.claim + row.label.split(",")[0]].append(sum(p.numel() for p in net.parameters()))
    if not quick:
        assert all(max(counts) <= (1 + TOLERANCE) * min(counts) for counts in sizes.values()), sizes


@pytest.mark.slow
def test_quick_report_draws_every_figure(tmp_path, capsys):
    write_music(tmp_path / "JSB_Chorales.mat")
    write_music(tmp_path / "Nottingham.mat")
    words = ["bench", "sequences", "--out", f"{tmp_path}/report", "--music", str(tmp_path), "--quick"]
    assert main(words) == 0
    figures = {path.name for path in (tmp_path / "report").glob("*.png")}
    assert len(figures) == 7
    assert all(name in (tmp_path / "report" / "sequences.md").read_text() for name in figures)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--claims", "speed"], "`claims` (--claims) must be among copy,"),
        (["--claims", "music"], "the claim about music needs `music` (--music)"),
        (["--music", "."], "no JSB_Chorales.mat in ."),
    ],
)
def test_bench_names_what_is_wrong(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert status_of(["bench", "sequences", *words]) in (1, 2)
    assert message in capsys.readouterr().err
