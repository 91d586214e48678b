"""The networks that the contract tests go through, small enough to be fast, each in the variants that matter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

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


def small(network: Callable[..., SegmentationModel], *args: Any, **kwargs: Any) -> Callable[[], SegmentationModel]:
    return partial(network, IN_CHANNELS, NUM_CLASSES, *args, **kwargs)


NETWORKS: dict[str, Callable[[], SegmentationModel]] = {
    "EDTCN": small(EDTCN, (6, 8), kernel_size=5),
    "EDTCN, even kernel": small(EDTCN, (6, 8), kernel_size=4),
    "EDTCN, kernel 1": small(EDTCN, (6,), kernel_size=1),
    "EDTCN, one layer": small(EDTCN, (6,), kernel_size=3),
    "EDTCN, three layers, tanh": small(EDTCN, (6, 8, 7), kernel_size=3, activation="tanh"),
    "EDTCN, wavenet": small(EDTCN, (6, 8), kernel_size=3, activation="wavenet"),
    "EDTCN, relu": small(EDTCN, (6, 8), kernel_size=3, activation="relu"),
    "EDTCN, four layers": small(EDTCN, (6, 7, 8, 9), kernel_size=3),
    "causal EDTCN": small(EDTCN, (6, 8), kernel_size=5, causal=True),
    "causal EDTCN, even kernel": small(EDTCN, (6, 8), kernel_size=4, causal=True),
    "causal EDTCN, three layers": small(EDTCN, (6, 8, 7), kernel_size=2, causal=True),
    "causal EDTCN, four layers, wavenet": small(EDTCN, (6, 7, 8, 9), kernel_size=3, causal=True, activation="wavenet"),
    "causal EDTCN, tanh": small(EDTCN, (6, 8), kernel_size=3, causal=True, activation="tanh"),
    "DilatedTCN": small(DilatedTCN, 6, num_stacks=2, num_layers=3),
    "DilatedTCN, even kernel": small(DilatedTCN, 6, num_stacks=1, num_layers=3, kernel_size=2),
    "DilatedTCN, one layer, relu": small(DilatedTCN, 6, num_stacks=2, num_layers=1, activation="relu"),
    "DilatedTCN, four layers, norm_relu": small(DilatedTCN, 8, num_stacks=1, num_layers=4, activation="norm_relu"),
    "causal DilatedTCN": small(DilatedTCN, 6, num_stacks=2, num_layers=3, causal=True),
    "causal DilatedTCN, kernel 3": small(DilatedTCN, 6, num_stacks=1, num_layers=3, kernel_size=3, causal=True),
    "causal DilatedTCN, tanh": small(DilatedTCN, 6, num_stacks=1, num_layers=3, activation="tanh", causal=True),
    "TCNN": small(TCNN, 6, kernel_size=7),
    "TCNN, even kernel": small(TCNN, 6, kernel_size=6),
    "causal TCNN": small(TCNN, 6, kernel_size=6, causal=True),
    "TDNN": small(TDNN, (6, 8, 7), kernel_size=3),
    "TDNN, even kernel": small(TDNN, (6, 8), kernel_size=4, activation="norm_relu"),
    "causal TDNN": small(TDNN, (6, 8, 7), kernel_size=3, dropout=0.3, causal=True),
    "RecurrentNetwork, LSTM": small(RecurrentNetwork, 6),
    "RecurrentNetwork, GRU, two layers": small(RecurrentNetwork, 6, num_layers=2, cell="gru", dropout=0.3),
    "causal RecurrentNetwork, LSTM, three layers": small(RecurrentNetwork, 6, num_layers=3, dropout=0.3, causal=True),
    "causal RecurrentNetwork, GRU": small(RecurrentNetwork, 6, cell="gru", causal=True),
    "FrameClassifier": small(FrameClassifier),
    "FrameClassifier, two hidden layers": small(FrameClassifier, (8, 7)),
    "MSTCN": small(MSTCN, num_stages=3, num_layers=2, hidden_channels=8),
    "MSTCN, one stage, kernel 2": small(MSTCN, 1, 3, 6, kernel_size=2),
    "causal MSTCN": small(MSTCN, num_stages=2, num_layers=3, hidden_channels=8, causal=True),
    "CausalTCN": small(CausalTCN, 6, num_layers=3),
    "CausalTCN, even kernel": small(CausalTCN, 5, num_layers=2, kernel_size=2),
    "CausalTCN, not causal": small(CausalTCN, 6, num_layers=2, causal=False),
    "CausalTCN, not causal, even kernel": small(CausalTCN, 6, num_layers=2, kernel_size=4, causal=False),
    "ByteNet": small(ByteNet, 6, num_cycles=2, num_layers=3),
    "ByteNet, even kernel": small(ByteNet, 6, num_cycles=1, num_layers=2, kernel_size=4),
    "causal ByteNet": small(ByteNet, 6, num_cycles=2, num_layers=3, causal=True),
    "causal ByteNet, kernel 2": small(ByteNet, 6, num_cycles=1, num_layers=3, kernel_size=2, causal=True),
    "MSTCNPlusPlus": small(MSTCNPlusPlus, 3, 2, 2, hidden_channels=8),
    "MSTCNPlusPlus, shared refinement": small(MSTCNPlusPlus, 2, 2, 2, hidden_channels=8, shared_refinement=True),
    "causal MSTCNPlusPlus": small(MSTCNPlusPlus, 2, 2, 2, hidden_channels=8, shared_refinement=True, causal=True),
    "C2FTCN": small(C2FTCN, (6, 7, 8, 6), 6, ensemble_weights=(1, 1, 0)),
    "C2FTCN, resolutions": small(
        C2FTCN, (6, 7), 5, kernel_size=4, ensemble_weights=(1,), window=3, eval_windows=(2, 3, 3, 5)
    ),
    "ASFormer": small(ASFormer, 16, num_decoders=2, num_layers=3),
    "ASFormer, shared windows": small(ASFormer, 16, num_decoders=1, num_layers=3, shared_windows=True),
    "LTContext": small(LTContext, 16, num_stages=3, num_layers=2, window=4, stride=3),
    "LTContext, two heads, instance normalisation": small(
        LTContext, 16, 2, 2, window=5, stride=2, num_heads=2, instance_norm=True
    ),
    "ASRF": small(ASRF, 2, 2, num_layers=2, hidden_channels=8),
    "ASRF, fewer boundary stages": small(ASRF, 2, 1, num_layers=2, hidden_channels=8),
    "ASRF on EDTCN": small(ASRF, 1, 1, 2, 8, backbone=partial(EDTCN, hidden_channels=(6, 8), kernel_size=3)),
    "ASRF on MSTCN": small(ASRF, 2, 1, 2, 8, backbone=partial(MSTCN, num_stages=2, num_layers=2, hidden_channels=8)),
}
