"""The networks that the contract tests go through, small enough to be fast, each in the variants that matter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from segtcn import models as M

IN_CHANNELS, NUM_CLASSES = 5, 3


def small(network: Callable[..., M.SegmentationModel], *args: Any, **kwargs: Any) -> Callable[[], M.SegmentationModel]:
    return partial(network, IN_CHANNELS, NUM_CLASSES, *args, **kwargs)


NETWORKS: dict[str, Callable[[], M.SegmentationModel]] = {
    "EDTCN": small(M.EDTCN, (6, 8), kernel_size=5),
    "EDTCN, even kernel": small(M.EDTCN, (6, 8), kernel_size=4),
    "EDTCN, kernel 1": small(M.EDTCN, (6,), kernel_size=1),
    "EDTCN, one layer": small(M.EDTCN, (6,), kernel_size=3),
    "EDTCN, three layers, tanh": small(M.EDTCN, (6, 8, 7), kernel_size=3, activation="tanh"),
    "EDTCN, wavenet": small(M.EDTCN, (6, 8), kernel_size=3, activation="wavenet"),
    "EDTCN, relu": small(M.EDTCN, (6, 8), kernel_size=3, activation="relu"),
    "EDTCN, four layers": small(M.EDTCN, (6, 7, 8, 9), kernel_size=3),
    "causal EDTCN": small(M.EDTCN, (6, 8), kernel_size=5, causal=True),
    "causal EDTCN, even kernel": small(M.EDTCN, (6, 8), kernel_size=4, causal=True),
    "causal EDTCN, three layers": small(M.EDTCN, (6, 8, 7), kernel_size=2, causal=True),
    "causal EDTCN, four layers, wavenet": small(
        M.EDTCN, (6, 7, 8, 9), kernel_size=3, causal=True, activation="wavenet"
    ),
    "causal EDTCN, tanh": small(M.EDTCN, (6, 8), kernel_size=3, causal=True, activation="tanh"),
    "DilatedTCN": small(M.DilatedTCN, 6, num_stacks=2, num_layers=3),
    "DilatedTCN, even kernel": small(M.DilatedTCN, 6, num_stacks=1, num_layers=3, kernel_size=2),
    "DilatedTCN, one layer, relu": small(M.DilatedTCN, 6, num_stacks=2, num_layers=1, activation="relu"),
    "DilatedTCN, four layers, norm_relu": small(M.DilatedTCN, 8, num_stacks=1, num_layers=4, activation="norm_relu"),
    "causal DilatedTCN": small(M.DilatedTCN, 6, num_stacks=2, num_layers=3, causal=True),
    "causal DilatedTCN, kernel 3": small(M.DilatedTCN, 6, num_stacks=1, num_layers=3, kernel_size=3, causal=True),
    "causal DilatedTCN, tanh": small(M.DilatedTCN, 6, num_stacks=1, num_layers=3, activation="tanh", causal=True),
    "TCNN": small(M.TCNN, 6, kernel_size=7),
    "TCNN, even kernel": small(M.TCNN, 6, kernel_size=6),
    "causal TCNN": small(M.TCNN, 6, kernel_size=6, causal=True),
    "TDNN": small(M.TDNN, (6, 8, 7), kernel_size=3),
    "TDNN, even kernel": small(M.TDNN, (6, 8), kernel_size=4, activation="norm_relu"),
    "causal TDNN": small(M.TDNN, (6, 8, 7), kernel_size=3, dropout=0.3, causal=True),
    "RecurrentNetwork, LSTM": small(M.RecurrentNetwork, 6),
    "RecurrentNetwork, GRU, two layers": small(M.RecurrentNetwork, 6, num_layers=2, cell="gru", dropout=0.3),
    "causal RecurrentNetwork, LSTM, three layers": small(M.RecurrentNetwork, 6, num_layers=3, dropout=0.3, causal=True),
    "causal RecurrentNetwork, GRU": small(M.RecurrentNetwork, 6, cell="gru", causal=True),
    "FrameClassifier": small(M.FrameClassifier),
    "FrameClassifier, two hidden layers": small(M.FrameClassifier, (8, 7)),
    "MSTCN": small(M.MSTCN, num_stages=3, num_layers=2, hidden_channels=8),
    "MSTCN, one stage, kernel 2": small(M.MSTCN, 1, 3, 6, kernel_size=2),
    "causal MSTCN": small(M.MSTCN, num_stages=2, num_layers=3, hidden_channels=8, causal=True),
    "CausalTCN": small(M.CausalTCN, 6, num_layers=3),
    "CausalTCN, even kernel": small(M.CausalTCN, 5, num_layers=2, kernel_size=2),
    "CausalTCN, not causal": small(M.CausalTCN, 6, num_layers=2, causal=False),
    "CausalTCN, not causal, even kernel": small(M.CausalTCN, 6, num_layers=2, kernel_size=4, causal=False),
    "ByteNet": small(M.ByteNet, 6, num_cycles=2, num_layers=3),
    "ByteNet, even kernel": small(M.ByteNet, 6, num_cycles=1, num_layers=2, kernel_size=4),
    "causal ByteNet": small(M.ByteNet, 6, num_cycles=2, num_layers=3, causal=True),
    "causal ByteNet, kernel 2": small(M.ByteNet, 6, num_cycles=1, num_layers=3, kernel_size=2, causal=True),
    "MSTCNPlusPlus": small(M.MSTCNPlusPlus, 3, 2, 2, hidden_channels=8),
    "MSTCNPlusPlus, shared refinement": small(M.MSTCNPlusPlus, 2, 2, 2, hidden_channels=8, shared_refinement=True),
    "causal MSTCNPlusPlus": small(M.MSTCNPlusPlus, 2, 2, 2, hidden_channels=8, shared_refinement=True, causal=True),
    "C2FTCN": small(M.C2FTCN, (6, 7, 8, 6), 6, ensemble_weights=(1, 1, 0)),
    "C2FTCN, resolutions": small(
        M.C2FTCN, (6, 7), 5, kernel_size=4, ensemble_weights=(1,), window=3, eval_windows=(2, 3, 3, 5)
    ),
    "ASFormer": small(M.ASFormer, 16, num_decoders=2, num_layers=3),
    "ASFormer, shared windows": small(M.ASFormer, 16, num_decoders=1, num_layers=3, shared_windows=True),
    "LTContext": small(M.LTContext, 16, num_stages=3, num_layers=2, window=4, stride=3),
    "LTContext, two heads, instance normalisation": small(
        M.LTContext, 16, 2, 2, window=5, stride=2, num_heads=2, instance_norm=True
    ),
    "DiffAct": small(
        M.DiffAct, 8, 3, condition_layers=(1, 2), decoder_channels=6, num_decoder_layers=2, time_channels=8, num_steps=3
    ),
    "DiffAct, one step, no new noise": small(
        M.DiffAct, 8, 2, 3, condition_layers=[0], num_decoder_layers=1, time_channels=8, num_steps=1, eta=0, scale=1
    ),
    "FACT": small(M.FACT, 16, 12, 8, 6, num_layers=1, num_token_layers=2, num_heads=2, feedforward=9, mask_share=0.3),
    "FACT, segments only": small(M.FACT, 12, 6, 4, 3, ["segments"], 2, 1, 1, 5),
    "FACT, frames only": small(M.FACT, 12, 6, 4, 3, ["frames"], 2, 1, 1, 5),
    "ASRF": small(M.ASRF, 2, 2, num_layers=2, hidden_channels=8),
    "ASRF, fewer boundary stages": small(M.ASRF, 2, 1, num_layers=2, hidden_channels=8),
    "ASRF on EDTCN": small(M.ASRF, 1, 1, 2, 8, backbone=partial(M.EDTCN, hidden_channels=(6, 8), kernel_size=3)),
    "ASRF on MSTCN": small(
        M.ASRF, 2, 1, 2, 8, backbone=partial(M.MSTCN, num_stages=2, num_layers=2, hidden_channels=8)
    ),
}

UNTRACEABLE = {"FACT", "FACT, segments only"}
"""Networks whose shapes depend on the video: nothing can export or compile them."""
