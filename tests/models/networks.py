"""The networks that the contract tests go through, small enough to be fast, each in the variants that matter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from segtcn.models import (
    ASRF,
    C2FTCN,
    EDTCN,
    MSTCN,
    TCNN,
    TDNN,
    ASFormer,
    ByteNet,
    CausalTCN,
    DilatedTCN,
    FrameClassifier,
    LTContext,
    MSTCNPlusPlus,
    RecurrentNetwork,
    SegmentationModel,
)

IN_CHANNELS, NUM_CLASSES = 5, 3

NETWORKS: dict[str, Callable[[], SegmentationModel]] = {
    "EDTCN": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=5),
    "EDTCN, even kernel": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=4),
    "EDTCN, kernel 1": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6,), kernel_size=1),
    "EDTCN, one layer": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6,), kernel_size=3),
    "EDTCN, three layers, tanh": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8, 7), kernel_size=3, activation="tanh"),
    "EDTCN, wavenet": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=3, activation="wavenet"),
    "EDTCN, relu": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=3, activation="relu"),
    "EDTCN, four layers": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 7, 8, 9), kernel_size=3),
    "causal EDTCN": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=5, causal=True),
    "causal EDTCN, even kernel": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=4, causal=True),
    "causal EDTCN, three layers": lambda: EDTCN(IN_CHANNELS, NUM_CLASSES, (6, 8, 7), kernel_size=2, causal=True),
    "causal EDTCN, four layers, wavenet": lambda: EDTCN(
        IN_CHANNELS, NUM_CLASSES, (6, 7, 8, 9), kernel_size=3, causal=True, activation="wavenet"
    ),
    "causal EDTCN, tanh": lambda: EDTCN(
        IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=3, causal=True, activation="tanh"
    ),
    "DilatedTCN": lambda: DilatedTCN(IN_CHANNELS, NUM_CLASSES, 6, num_stacks=2, num_layers=3),
    "DilatedTCN, even kernel": lambda: DilatedTCN(
        IN_CHANNELS, NUM_CLASSES, 6, num_stacks=1, num_layers=3, kernel_size=2
    ),
    "DilatedTCN, one layer, relu": lambda: DilatedTCN(
        IN_CHANNELS, NUM_CLASSES, 6, num_stacks=2, num_layers=1, activation="relu"
    ),
    "DilatedTCN, four layers, norm_relu": lambda: DilatedTCN(
        IN_CHANNELS, NUM_CLASSES, 8, num_stacks=1, num_layers=4, activation="norm_relu"
    ),
    "causal DilatedTCN": lambda: DilatedTCN(IN_CHANNELS, NUM_CLASSES, 6, num_stacks=2, num_layers=3, causal=True),
    "causal DilatedTCN, kernel 3": lambda: DilatedTCN(
        IN_CHANNELS, NUM_CLASSES, 6, num_stacks=1, num_layers=3, kernel_size=3, causal=True
    ),
    "causal DilatedTCN, tanh": lambda: DilatedTCN(
        IN_CHANNELS, NUM_CLASSES, 6, num_stacks=1, num_layers=3, activation="tanh", causal=True
    ),
    "TCNN": lambda: TCNN(IN_CHANNELS, NUM_CLASSES, 6, kernel_size=7),
    "TCNN, even kernel": lambda: TCNN(IN_CHANNELS, NUM_CLASSES, 6, kernel_size=6),
    "causal TCNN": lambda: TCNN(IN_CHANNELS, NUM_CLASSES, 6, kernel_size=6, causal=True),
    "TDNN": lambda: TDNN(IN_CHANNELS, NUM_CLASSES, (6, 8, 7), kernel_size=3),
    "TDNN, even kernel": lambda: TDNN(IN_CHANNELS, NUM_CLASSES, (6, 8), kernel_size=4, activation="norm_relu"),
    "causal TDNN": lambda: TDNN(IN_CHANNELS, NUM_CLASSES, (6, 8, 7), kernel_size=3, dropout=0.3, causal=True),
    "RecurrentNetwork, LSTM": lambda: RecurrentNetwork(IN_CHANNELS, NUM_CLASSES, 6),
    "RecurrentNetwork, GRU, two layers": lambda: RecurrentNetwork(
        IN_CHANNELS, NUM_CLASSES, 6, num_layers=2, cell="gru", dropout=0.3
    ),
    "causal RecurrentNetwork, LSTM, three layers": lambda: RecurrentNetwork(
        IN_CHANNELS, NUM_CLASSES, 6, num_layers=3, dropout=0.3, causal=True
    ),
    "causal RecurrentNetwork, GRU": lambda: RecurrentNetwork(IN_CHANNELS, NUM_CLASSES, 6, cell="gru", causal=True),
    "FrameClassifier": lambda: FrameClassifier(IN_CHANNELS, NUM_CLASSES),
    "FrameClassifier, two hidden layers": lambda: FrameClassifier(IN_CHANNELS, NUM_CLASSES, (8, 7)),
    "MSTCN": lambda: MSTCN(IN_CHANNELS, NUM_CLASSES, num_stages=3, num_layers=2, hidden_channels=8),
    "MSTCN, one stage, kernel 2": lambda: MSTCN(IN_CHANNELS, NUM_CLASSES, 1, 3, 6, kernel_size=2),
    "causal MSTCN": lambda: MSTCN(IN_CHANNELS, NUM_CLASSES, num_stages=2, num_layers=3, hidden_channels=8, causal=True),
    "CausalTCN": lambda: CausalTCN(IN_CHANNELS, NUM_CLASSES, 6, num_layers=3),
    "CausalTCN, even kernel": lambda: CausalTCN(IN_CHANNELS, NUM_CLASSES, 5, num_layers=2, kernel_size=2),
    "CausalTCN, not causal": lambda: CausalTCN(IN_CHANNELS, NUM_CLASSES, 6, num_layers=2, causal=False),
    "CausalTCN, not causal, even kernel": lambda: CausalTCN(
        IN_CHANNELS, NUM_CLASSES, 6, num_layers=2, kernel_size=4, causal=False
    ),
    "ByteNet": lambda: ByteNet(IN_CHANNELS, NUM_CLASSES, 6, num_cycles=2, num_layers=3),
    "ByteNet, even kernel": lambda: ByteNet(IN_CHANNELS, NUM_CLASSES, 6, num_cycles=1, num_layers=2, kernel_size=4),
    "causal ByteNet": lambda: ByteNet(IN_CHANNELS, NUM_CLASSES, 6, num_cycles=2, num_layers=3, causal=True),
    "causal ByteNet, kernel 2": lambda: ByteNet(
        IN_CHANNELS, NUM_CLASSES, 6, num_cycles=1, num_layers=3, kernel_size=2, causal=True
    ),
    "MSTCNPlusPlus": lambda: MSTCNPlusPlus(IN_CHANNELS, NUM_CLASSES, 3, 2, 2, hidden_channels=8),
    "MSTCNPlusPlus, shared refinement": lambda: MSTCNPlusPlus(
        IN_CHANNELS, NUM_CLASSES, 2, 2, 2, hidden_channels=8, shared_refinement=True
    ),
    "causal MSTCNPlusPlus": lambda: MSTCNPlusPlus(
        IN_CHANNELS, NUM_CLASSES, 2, 2, 2, hidden_channels=8, shared_refinement=True, causal=True
    ),
    "C2FTCN": lambda: C2FTCN(IN_CHANNELS, NUM_CLASSES, (6, 7, 8, 6), 6, ensemble_weights=(1, 1, 0)),
    "C2FTCN, resolutions": lambda: C2FTCN(
        IN_CHANNELS, NUM_CLASSES, (6, 7), 5, kernel_size=4, ensemble_weights=(1,), window=3, eval_windows=(2, 3, 3, 5)
    ),
    "ASFormer": lambda: ASFormer(IN_CHANNELS, NUM_CLASSES, 16, num_decoders=2, num_layers=3),
    "ASFormer, shared windows": lambda: ASFormer(
        IN_CHANNELS, NUM_CLASSES, 16, num_decoders=1, num_layers=3, shared_windows=True
    ),
    "LTContext": lambda: LTContext(IN_CHANNELS, NUM_CLASSES, 16, num_stages=3, num_layers=2, window=4, stride=3),
    "LTContext, two heads, instance normalisation": lambda: LTContext(
        IN_CHANNELS, NUM_CLASSES, 16, 2, 2, window=5, stride=2, num_heads=2, instance_norm=True
    ),
    "ASRF": lambda: ASRF(IN_CHANNELS, NUM_CLASSES, 2, 2, num_layers=2, hidden_channels=8),
    "ASRF, fewer boundary stages": lambda: ASRF(IN_CHANNELS, NUM_CLASSES, 2, 1, num_layers=2, hidden_channels=8),
    "ASRF on EDTCN": lambda: ASRF(
        IN_CHANNELS, NUM_CLASSES, 1, 1, 2, 8, backbone=partial(EDTCN, hidden_channels=(6, 8), kernel_size=3)
    ),
    "ASRF on MSTCN": lambda: ASRF(
        IN_CHANNELS, NUM_CLASSES, 2, 1, 2, 8, backbone=partial(MSTCN, num_stages=2, num_layers=2, hidden_channels=8)
    ),
}
