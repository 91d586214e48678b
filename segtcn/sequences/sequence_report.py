"""The report: a table for each claim, and what its figure shows."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segtcn.data.readers import AddingReader, CopyMemoryReader
from segtcn.sequences.rows import MUSIC, Row
from segtcn.text_table import markdown_table

Results = Mapping[str, dict[str, Any]]
Curve = list[tuple[float, float]]
PUBLISHED = {"jsb": 8.10, "nottingham": 3.07}
"""Negative log-likelihood of the TCN in Bai et al., 2018, table 1."""

GOAL = 1e-3


@dataclass(frozen=True)
class Chart:
    """A line chart with several panels.

    Args:
        panels: points of each line, by panel and line.
        x: what the horizontal axis shows.
        y: what the vertical axis shows.
        log_x: whether the horizontal axis is logarithmic.
        log_y: whether the vertical axis is logarithmic.
        levels: value of a horizontal line in each panel, with a name.
    """

    panels: dict[str, dict[str, Curve]]
    x: str
    y: str
    log_x: bool = False
    log_y: bool = False
    levels: dict[str, tuple[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """One claim.

    Args:
        title: of the section.
        lead: what was measured, and what came out.
        header: of the table.
        rows: of the table.
        figure: a chart, or matrices by name; None where there is none.
    """

    title: str
    lead: str
    header: list[str]
    rows: list[list[str]]
    figure: Chart | dict[str, list[list[float]]] | None = None


def sections(rows: Sequence[Row], results: Results) -> dict[str, Section]:
    """What was measured, by claim; claims without a row are left out.

    Args:
        rows: of the report.
        results: of every row, by its name.
    """
    by_claim: dict[str, list[tuple[Row, dict[str, Any]]]] = defaultdict(list)
    for row in rows:
        by_claim["music" if row.claim in MUSIC else row.claim].append((row, results[row.name]))
    return {claim: make(by_claim[claim]) for claim, make in _SECTIONS.items() if claim in by_claim}


def report_text(parts: Mapping[str, Section], note: str, images: str = "") -> str:
    """The report in Markdown.

    Args:
        parts: by claim.
        note: how it was measured.
        images: what stands before the name of a picture, such as a folder with a slash.
    """
    lines = ["# Sequence tasks: convolutional and recurrent networks", "", note]
    for claim, part in parts.items():
        lines += ["", f"## {part.title}", "", "```", f"segtcn bench sequences --claims {claim}", "```", "", part.lead]
        lines += ["", markdown_table(part.header, part.rows)]
        if part.figure is not None:
            lines += ["", f"![{part.title}]({images}sequences-{claim}.png)"]
    return "\n".join(lines) + "\n"


Measured = list[tuple[Row, dict[str, Any]]]


def _groups(measured: Measured) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Results of all seeds, by task and network."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row, result in measured:
        arguments = row.arguments
        task = arguments["task"]
        size = task.get("delay", task.get("length", row.claim))
        groups[str(size), arguments["network"]].append(result)
    return groups


def _spread(values: Sequence[float], form: str = ".2g") -> str:
    mean = f"{statistics.mean(values):{form}}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):{form}}"


def _mean_curve(results: Sequence[dict[str, Any]]) -> Curve:
    """The mean over the seeds; a training that reached its goal keeps its last loss."""
    steps = sorted({step for result in results for step, _ in result["curve"]})
    losses = [dict(result["curve"]) for result in results]
    return [(step, statistics.mean(_at(curve, step) for curve in losses)) for step in steps]


def _at(curve: dict[int, float], step: int) -> float:
    return curve[max(known for known in curve if known <= step or known == min(curve))]


def _learned(measured: Measured, what: str, levels: Mapping[str, float]) -> tuple[list[str], list[list[str]], Chart]:
    groups, rows = _groups(measured), []
    panels: dict[str, dict[str, Curve]] = defaultdict(dict)
    for (size, network), results in groups.items():
        first, losses = results[0], [result["loss"] for result in results]
        cells = [
            f"T = {size}",
            network,
            f"{first['parameters']:,}",
            "all" if first["past"] is None else str(first["past"]),
        ]
        cells += [_spread([result["steps"] for result in results], ".0f"), _spread(losses), f"{levels[size]:.3g}"]
        if first["recall"] is not None:
            cells.append(_spread([100 * result["recall"] for result in results], ".1f"))
        rows.append([*cells, _spread([result["cpu_s"] for result in results], ".0f")])
        panels[f"T = {size}"][network] = _mean_curve(results)
    recall = ["recalled, %"] if measured[0][1]["recall"] is not None else []
    header = ["task", "network", "parameters", "past seen", "steps", what, "memoryless", *recall, "CPU s"]
    lines = {f"T = {size}": ("memoryless", level) for size, level in levels.items()}
    return header, rows, Chart(dict(panels), "steps", what, log_y=True, levels=lines)


def _copy(measured: Measured) -> Section:
    sizes = {row.arguments["task"]["delay"] for row, _ in measured}
    header, rows, chart = _learned(
        measured, "loss", {str(size): CopyMemoryReader(size).memoryless_loss for size in sorted(sizes)}
    )
    counts = []
    for (size, network), results in _groups(measured).items():
        counts.append(f"{network} at T = {size}: {sum(r['loss'] < GOAL for r in results)} of {len(results)}")
    lead = (
        "Ten symbols must be repeated after a delay of T frames. The loss is the cross-entropy over all "
        "frames of 100 new sequences. Training ends at a loss of 1e-4 or after the same number of steps "
        f"for all networks. Seeds with a loss under {GOAL:g}: {'; '.join(counts)}."
    )
    return Section("Copy memory", lead, header, rows, chart)


def _adding(measured: Measured) -> Section:
    sizes = sorted({row.arguments["task"]["length"] for row, _ in measured})
    header, rows, chart = _learned(
        measured, "squared error", {str(size): AddingReader.memoryless_loss for size in sizes}
    )
    lead = (
        "Two of T numbers are marked, and their sum must be told at the last frame. The loss is the mean "
        "squared error on 100 new sequences. All networks take the same number of steps."
    )
    return Section("Adding problem", lead, header, rows, chart)


def _music(measured: Measured) -> Section:
    rows, verdicts = [], []
    for (piece, network), results in _groups(measured).items():
        losses = [result["loss"] for result in results]
        mean, published = statistics.mean(losses), PUBLISHED[piece] if network == "TCN" else None
        cpu = _spread([result["cpu_s"] for result in results], ".0f")
        parameters = f"{results[0]['parameters']:,}"
        rows.append([piece, network, parameters, _spread(losses, ".2f"), f"{published:.2f}" if published else "", cpu])
        if published:
            verdict = "within 0.2 of it, or better" if mean <= published + 0.2 else "not within 0.2 of it"
            verdicts.append(f"{piece}: {mean:.2f} against the {published:.2f} of Bai et al., {verdict}")
    lead = (
        "Which of 88 keys sound in the next frame. The loss is the negative log-likelihood of the papers: "
        "the sum over the keys and the mean over the frames of all test pieces. The validation pieces "
        f"choose the step. TCN: {'; '.join(verdicts)}."
    )
    return Section(
        "Polyphonic music", lead, ["pieces", "network", "parameters", "test NLL", "Bai et al.", "CPU s"], rows
    )


def _curves(measured: Measured, unit: str, form: str) -> tuple[list[str], list[list[str]], dict[str, Curve]]:
    """A table and lines of one value for each length and network."""
    lines = {row.arguments["network"]: result["curve"] for row, result in measured}
    lengths = [length for length, _ in next(iter(lines.values()))]
    header = ["network", "parameters", *(f"T = {length:,}" for length in lengths), f"{unit}, T = {lengths[-1]:,} : TCN"]
    rows = []
    for row, result in measured:
        values = [value for _, value in result["curve"]]
        ratio = values[-1] / lines["TCN"][-1][1]
        cells = [row.arguments["network"], f"{result['parameters']:,}", *(f"{value:{form}}" for value in values)]
        rows.append([*cells, f"{ratio:.2f}"])
    return header, rows, lines


def _time(measured: Measured) -> Section:
    header, rows, lines = _curves(measured, "time", ".1f")
    lead = (
        "Microseconds per frame of forward and backward, one sequence, one thread, median of three. Equal "
        "parameters mean equal multiplications per frame, because each weight is used once a frame. The "
        "difference is how they are done: a convolution multiplies all frames by a matrix at once, layer "
        "after layer. A recurrent network multiplies one frame at a time, because it waits for the frame "
        "before."
    )
    chart = Chart({"forward and backward": lines}, "frames T", "µs per frame", log_x=True, log_y=True)
    return Section("Parallelism", lead, header, rows, chart)


def _threads(measured: Measured) -> Section:
    rows = [[row.arguments["network"], *(f"{v:.1f}" for _, v in result["curve"])] for row, result in measured]
    lead = "The same with two threads: what a second core brings to each. Compare with the table above."
    return Section(
        "Parallelism: two threads", lead, ["network", f"µs per frame, T = {measured[0][1]['curve'][0][0]:,}"], rows
    )


def _memory(measured: Measured) -> Section:
    header, rows, lines = _curves(measured, "memory", ".0f")
    lead = (
        "Peak memory of forward and backward of one sequence, MiB above that of the process before it. "
        "Each network ran in a process of its own."
    )
    chart = Chart({"peak of a training step": lines}, "frames T", "MiB", log_x=True, log_y=True)
    return Section("Memory in training", lead, header, rows, chart)


def _field(measured: Measured) -> Section:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row, result in measured:
        groups[row.name.removeprefix("field-").rpartition("-seed")[0].replace("_", " ")].append(result)
    lag = CopyMemoryReader(measured[0][0].arguments["task"]["delay"]).lag
    ordered = sorted(groups.items(), key=lambda item: item[1][0]["past"])
    rows, points = [], []
    for name, results in ordered:
        past, recall = results[0]["past"], [100 * result["recall"] for result in results]
        rows.append([name, str(past), "yes" if past >= lag else "no", _spread(recall, ".1f")])
        points.append((past, statistics.mean(recall)))
    lead = (
        f"Copy memory in which each symbol is repeated {lag} frames after it was shown. A TCN of 16 "
        "channels is built with other kernels and depths. One that sees fewer past frames can only guess "
        "one of eight symbols, 12.5 %."
    )
    chart = Chart({f"delay of {lag} frames": {"TCN": points}}, "past frames seen", "recalled, %")
    return Section("Receptive field", lead, ["stack", "past seen", f"reaches {lag}", "recalled, %"], rows, chart)


def _jacobian(measured: Measured) -> Section:
    rows, matrices = [], {}
    for row, result in measured:
        kind = "causal" if row.arguments["causal"] else "acausal"
        rows.append([row.arguments["network"], kind, "0" if result["future"] == 0 else f"{result['future']:.2g}"])
        matrices[f"{row.arguments['network']}, {kind}"] = result["matrix"]
    lead = (
        "The gradient of each output frame for each input frame. A causal network has exactly zero for "
        "every frame of the future, not a small number."
    )
    return Section("Causality", lead, ["network", "kind", "largest gradient from the future"], rows, matrices)


def _masked(measured: Measured) -> Section:
    rows = [
        [
            f"kernel {row.arguments['kernel_size']}, dilation {row.arguments['dilation']}",
            f"{r['output']:.1e}",
            f"{r['gradient']:.1e}",
        ]
        for row, r in measured
    ]
    lead = (
        "A causal convolution of k taps beside a convolution of 2k - 1 taps around the frame, whose future "
        "taps are multiplied by zero, as PixelRNN masks pictures. Both have the same weights, in double "
        "precision."
    )
    return Section("Masked convolution", lead, ["convolution", "outputs differ by", "gradients differ by"], rows)


def _depth(measured: Measured) -> Section:
    losses: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row, result in measured:
        kind = row.name.removeprefix("depth-").rpartition("-seed")[0].rpartition("-")[0].replace("_", " ")
        losses[kind][row.arguments["shape"]["layers"]].append(result["loss"])
    depths = [*next(iter(losses.values()))]
    rows = [[kind, *(_spread(by_depth[depth]) for depth in depths)] for kind, by_depth in losses.items()]
    lines = {kind: [(float(d), statistics.mean(by_depth[d])) for d in depths] for kind, by_depth in losses.items()}
    level = CopyMemoryReader(measured[0][0].arguments["task"]["delay"]).memoryless_loss
    lead = (
        f"Loss on copy memory (T = 10, memoryless {level:.3g}) after {measured[0][0].arguments['steps']} "
        "steps, for stacks of 16 channels with and without the path around each layer, and with and "
        "without layer normalisation."
    )
    chart = Chart(
        {"loss reached": lines},
        "layers",
        "loss",
        log_x=True,
        log_y=True,
        levels={"loss reached": ("memoryless", level)},
    )
    return Section(
        "Residual blocks and normalisation", lead, ["stack", *(f"{depth} layers" for depth in depths)], rows, chart
    )


_SECTIONS: dict[str, Callable[[Measured], Section]] = {
    "copy": _copy,
    "adding": _adding,
    "music": _music,
    "time": _time,
    "threads": _threads,
    "field": _field,
    "memory": _memory,
    "jacobian": _jacobian,
    "masked": _masked,
    "depth": _depth,
}
CLAIMS = tuple(_SECTIONS)
