"""The report: a table and the values of a figure for each claim."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segtcn.data.readers import AddingReader, CopyMemoryReader
from segtcn.sequences.learning import NUM_TEST
from segtcn.sequences.rows import Row
from segtcn.text_table import markdown_table

Curve = list[tuple[float, float]]
Lines = dict[str, list[dict[str, Any]]]
"""Results of every seed, by label."""

PUBLISHED = {"JSB Chorales, TCN": 8.10, "Nottingham, TCN": 3.07}
"""Negative log-likelihood in Bai et al., 2018, table 1."""

GOAL = 1e-3


@dataclass(frozen=True)
class Section:
    """One claim.

    Args:
        title: of the section.
        lead: what was measured, and what came out.
        header: of the table.
        rows: of the table.
        figure: arguments of :func:`segtcn.visualization.charts.plot_curves`, or of ``plot_matrices``; empty: none.
    """

    title: str
    lead: str
    header: list[str]
    rows: list[list[str]]
    figure: dict[str, Any] = field(default_factory=dict)


def sections(rows: Sequence[Row], results: Mapping[str, dict[str, Any]]) -> dict[str, Section]:
    """What was measured, by claim; claims without a row are left out.

    Args:
        rows: of the report.
        results: of every row, by its name.
    """
    by_claim: dict[str, Lines] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_claim[row.claim][row.label].append({**row.arguments, **results[row.name]})
    return {part: make(by_claim[claim]) for part, (claim, make) in _SECTIONS.items() if claim in by_claim}


def report_text(parts: Mapping[str, Section], note: str) -> str:
    """The report in Markdown.

    Args:
        parts: by claim.
        note: how it was measured.
    """
    texts = ["# Sequence tasks: convolutional and recurrent networks", note]
    for name, part in parts.items():
        claim = _SECTIONS[name][0]
        command = f"segtcn bench sequences --claims {claim}{' --music DATA/sequences' if claim == 'music' else ''}"
        texts += [f"## {part.title}", f"```\n{command}\n```", part.lead, markdown_table(part.header, part.rows)]
        texts += [f"![{part.title}](sequences-{name}.png)"] if part.figure else []
    return "\n\n".join(texts) + "\n"


def _spread(results: Sequence[dict[str, Any]], key: str, form: str = ".2g", scale: float = 1.0) -> str:
    values = [scale * result[key] for result in results]
    mean = f"{statistics.mean(values):{form}}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):{form}}"


def _mean(results: Sequence[dict[str, Any]], key: str) -> float:
    return statistics.mean(result[key] for result in results)


def _mean_curve(results: Sequence[dict[str, Any]]) -> Curve:
    """The mean over the seeds; a training that reached its goal keeps its last loss."""
    steps = sorted({step for result in results for step, _ in result["curve"]})
    losses = [dict(result["curve"]) for result in results]
    return [(step, statistics.mean(curve.get(step, [*curve.values()][-1]) for curve in losses)) for step in steps]


def _learned(lines: Lines, loss: str, levels: Mapping[str, float]) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    """Table and chart of trainings; levels are the losses without memory, by task."""
    rows, panels = [], defaultdict[str, dict[str, Curve]](dict)
    for label, results in lines.items():
        (task, network), past = label.split(", "), results[0]["past"]
        cells = [label, f"{results[0]['parameters']:,}", "all" if past is None else str(past)]
        cells += [_spread(results, "steps", ".0f"), _spread(results, "loss"), f"{levels[task]:.3g}"]
        rows.append([*cells, _spread(results, "cpu_s", ".0f")])
        panels[task][network] = _mean_curve(results)
    header = ["task, network", "parameters", "past seen", "steps", loss, "without memory", "CPU s"]
    dashed = {task: ("without memory", level) for task, level in levels.items()}
    return header, rows, {"panels": panels, "x": "steps", "y": loss, "log_y": True, "levels": dashed}


def _copy(lines: Lines) -> Section:
    delays = {label.split(", ")[0]: results[0]["task"]["delay"] for label, results in lines.items()}
    levels = {task: CopyMemoryReader(delay).memoryless_loss for task, delay in delays.items()}
    counts = [
        f"{label}: {sum(r['loss'] < GOAL for r in results)} of {len(results)}" for label, results in lines.items()
    ]
    goal = next(iter(lines.values()))[0]["goal"]
    lead = (
        f"Ten symbols must be repeated after a delay of T frames. Training ends at a loss of {goal:g}, or after the "
        f"same number of steps for all networks. Seeds that reach a loss under {GOAL:g}: {'; '.join(counts)}."
    )
    return Section("Copy memory", lead, *_learned(lines, "loss", levels))


def _adding(lines: Lines) -> Section:
    lengths = {label.split(", ")[0]: results[0]["task"]["length"] for label, results in lines.items()}
    levels = {task: _error_of_one(length) for task, length in lengths.items()}
    lead = (
        "Two of T numbers are marked, and the network must give their sum at the last frame. At each T, all networks "
        "take the same number of steps. The constant answer 1 has a mean squared error of "
        f"{AddingReader.memoryless_loss:.3g} on average. The table shows its error on the {NUM_TEST} test sequences as "
        "the one without memory."
    )
    return Section("Adding problem", lead, *_learned(lines, "squared error", levels))


def _error_of_one(length: int) -> float:
    """Mean squared error of the constant answer 1 on the test sequences."""
    reader = AddingReader(length, test=NUM_TEST)
    targets = [reader.read(name).targets for name in reader.videos(1, "test")]
    return statistics.mean((1 - float(target[0, -1])) ** 2 for target in targets if target is not None)


def _music(lines: Lines) -> Section:
    rows, verdicts = [], []
    for label, results in lines.items():
        published, mean = PUBLISHED.get(label), _mean(results, "loss")
        cells = [label, f"{results[0]['parameters']:,}", _spread(results, "loss", ".2f")]
        rows.append([*cells, f"{published:.2f}" if published else "", _spread(results, "cpu_s", ".0f")])
        if published:
            verdicts.append(f"{label}: {'reached' if mean <= published + 0.2 else 'missed'}")
    lead = (
        "Which of 88 keys sound in the next frame. The loss is the negative log-likelihood of the papers, summed over "
        "the keys and averaged over the frames of all test pieces. Validation pieces choose the step. The aim is the "
        f"value of Bai et al. plus 0.2 at most. {'; '.join(verdicts)}."
    )
    header = ["pieces, network", "parameters", "test NLL", "Bai et al.", "CPU s"]
    return Section("Polyphonic music", lead, header, rows)


def _costs(lines: Lines, kind: str, unit: str, form: str) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    """A table of one value for each length, with the ratio to the TCN at the longest, and a chart."""
    curves = {label: results[0][kind] for label, results in lines.items()}
    rows = []
    for label, curve in curves.items():
        last, reference = curve[-1][1], curves["TCN"][-1][1]
        cells = [label, f"{lines[label][0]['parameters']:,}", *(f"{value:{form}}" for _, value in curve)]
        rows.append([*cells, f"{last / reference:.2f}" if reference else "-"])
    header = ["network", "parameters", *(f"T = {length:,}" for length, _ in curves["TCN"]), "against TCN"]
    panels = {"forward and backward, one thread": {label: c for label, c in curves.items() if "two" not in label}}
    return header, rows, {"panels": panels, "x": "frames T", "y": unit, "log_x": True, "log_y": True}


def _time(lines: Lines) -> Section:
    lead = (
        "Microseconds per frame of forward and backward of one sequence, median of three: processor time of one "
        "thread, and time on the clock with two. Each weight is used once a frame, so equal parameters mean equal "
        "multiplications. A convolution multiplies all frames at once, layer after layer. A recurrent network waits "
        "for the frame before. On a CPU, PyTorch runs an LSTM as one call of oneDNN and a GRU as many "
        "small calls a frame."
    )
    return Section("Parallelism", lead, *_costs(lines, "time", "µs per frame", ".1f"))


def _memory(lines: Lines) -> Section:
    lead = "Peak memory of forward and backward of one sequence, in MiB above that of the process before."
    one_thread = {label: results for label, results in lines.items() if "two" not in label}
    return Section("Memory in training", lead, *_costs(one_thread, "memory", "MiB", ".0f"))


def _field(lines: Lines) -> Section:
    ordered = sorted(lines.items(), key=lambda item: item[1][0]["past"])
    lag = CopyMemoryReader(ordered[0][1][0]["task"]["delay"]).lag
    rows = []
    for label, results in ordered:
        past = results[0]["past"]
        rows.append([label, str(past), "yes" if past >= lag else "no", _spread(results, "recall", ".1f", 100)])
    points = [(results[0]["past"], 100 * _mean(results, "recall")) for _, results in ordered]
    lead = (
        f"Copy memory in which each symbol is repeated {lag} frames after it was shown, by TCNs of 16 channels. One "
        "that sees fewer past frames can only guess one of eight symbols, 12.5 %."
    )
    panels = {f"symbols are recalled after {lag} frames": {"TCN": points}}
    figure = {"panels": panels, "x": "past frames seen", "y": "recalled, %"}
    return Section("Receptive field", lead, ["stack", "past seen", f"reaches {lag}", "recalled, %"], rows, figure)


def _jacobian(lines: Lines) -> Section:
    rows = [[label, "0" if r["future"] == 0 else f"{r['future']:.2g}"] for label, (r,) in lines.items()]
    lead = "Gradients of each output frame for each input frame. Causal means exactly zero for the future."
    matrices = {label: results[0]["matrix"] for label, results in lines.items()}
    return Section("Causality", lead, ["network", "largest gradient from the future"], rows, {"matrices": matrices})


def _masked(lines: Lines) -> Section:
    rows = [[label, f"{r['output']:.1e}", f"{r['gradient']:.1e}"] for label, (r,) in lines.items()]
    lead = (
        "A causal convolution of k taps beside one of 2k - 1 taps around the frame, with the same weights. The future "
        "taps of the second are multiplied by zero, as in PixelRNN. Differences are in double precision."
    )
    return Section("Masked convolution", lead, ["convolution", "outputs differ by", "gradients differ by"], rows)


def _depth(lines: Lines) -> Section:
    stacks: dict[str, dict[int, list[dict[str, Any]]]] = defaultdict(dict)
    for label, results in lines.items():
        stacks[label.split(", ")[0]][results[0]["shape"]["layers"]] = results
    depths = [*next(iter(stacks.values()))]
    rows = [[stack, *(_spread(by_depth[depth], "loss") for depth in depths)] for stack, by_depth in stacks.items()]
    panel = {
        stack: [(d, _mean(results, "loss")) for d, results in by_depth.items()] for stack, by_depth in stacks.items()
    }
    first = next(iter(lines.values()))[0]
    level = CopyMemoryReader(first["task"]["delay"]).memoryless_loss
    lead = (
        f"Loss on copy memory (T = {first['task']['delay']}) after {first['steps']} steps of stacks of 16 channels, "
        f"with and without the path around each layer and layer normalisation. Without memory it is {level:.3g}."
    )
    title = f"copy memory, T = {first['task']['delay']}"
    axes = {"x": "layers", "y": "loss", "log_x": True, "log_y": True, "levels": {title: ("without memory", level)}}
    header = ["stack", *(f"{depth} layers" for depth in depths)]
    return Section("Residual blocks and normalisation", lead, header, rows, {"panels": {title: panel}, **axes})


_SECTIONS: dict[str, tuple[str, Callable[[Lines], Section]]] = {
    "copy": ("copy", _copy),
    "adding": ("adding", _adding),
    "music": ("music", _music),
    "time": ("costs", _time),
    "field": ("field", _field),
    "memory": ("costs", _memory),
    "jacobian": ("jacobian", _jacobian),
    "masked": ("masked", _masked),
    "depth": ("depth", _depth),
}
"""Claim of each section, and what makes it of the claim's rows."""

CLAIMS = tuple(dict.fromkeys(claim for claim, _ in _SECTIONS.values()))
