"""The networks that the contract tests go through, small enough to be fast, each in the variants that matter."""

from __future__ import annotations

from collections.abc import Callable

from segtcn.models import EDTCN, MSTCN, DilatedTCN, SegmentationModel

IN_CHANNELS, NUM_CLASSES = 5, 3

NETWORKS: dict[str, Callable[[], SegmentationModel]] = {
    "EDTCN": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=5),
    "EDTCN, even kernel": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=4),
    "EDTCN, kernel 1": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6,), kernel_size=1),
    "EDTCN, one layer": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6,), kernel_size=3),
    "EDTCN, three layers, tanh": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8, 7), kernel_size=3, activation="tanh"),
    "EDTCN, wavenet": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=3, activation="wavenet"),
    "EDTCN, relu": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=3, activation="relu"),
    "causal EDTCN": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=5, causal=True),
    "causal EDTCN, even kernel": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=4, causal=True),
    "causal EDTCN, three layers": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8, 7), kernel_size=2, causal=True),
    "causal EDTCN, tanh": lambda: EDTCN(
        IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=3, causal=True, activation="tanh"
    ),
    "DilatedTCN": lambda: DilatedTCN(IN_CHANNELS, NUM_CLASSES, 6, num_stacks=2, num_layers=3),
    "DilatedTCN, even kernel": lambda: DilatedTCN(
        IN_CHANNELS, NUM_CLASSES, 6, num_stacks=1, num_layers=3, kernel_size=2
    ),
    "causal DilatedTCN": lambda: DilatedTCN(IN_CHANNELS, NUM_CLASSES, 6, num_stacks=2, num_layers=3, causal=True),
    "causal DilatedTCN, kernel 3": lambda: DilatedTCN(
        IN_CHANNELS, NUM_CLASSES, 6, num_stacks=1, num_layers=3, kernel_size=3, causal=True
    ),
    "MSTCN": lambda: MSTCN(IN_CHANNELS, NUM_CLASSES, num_stages=3, num_layers=2, hidden_channels=8),
    "MSTCN, one stage, kernel 2": lambda: MSTCN(IN_CHANNELS, NUM_CLASSES, 1, 3, 6, kernel_size=2),
    "causal MSTCN": lambda: MSTCN(IN_CHANNELS, NUM_CLASSES, num_stages=2, num_layers=3, hidden_channels=8, causal=True),
}
