"""What the papers and the authors' code say about sizes: parameters, receptive fields; and which sizes are refused."""

from __future__ import annotations

import math

import pytest
import torch

from segtcn import models as M
from tests.models.equations import num_parameters


def keras(*layers: tuple[int, int, int]) -> int:
    """What Keras counts for convolutions of ``(taps, in, out)``; a dense layer has one tap."""
    return sum((taps * before + 1) * after for taps, before, after in layers)


def bytenet(in_channels: int, num_classes: int, d: int) -> int:
    """By the paper's equations; a public ByteNet with ReLU blocks (Microsoft's for proteins) counts the same."""
    norms = 2 * (2 * d + d + d)
    block = keras((1, 2 * d, d), (3, d, d), (1, d, 2 * d)) + norms
    return keras((1, in_channels, 2 * d), (1, 2 * d, num_classes)) + 6 * 5 * block


DILATED_BLOCK = [(3, 64, 64), (1, 64, 64)]
NUM_PARAMETERS = [
    (lambda: M.MSTCN(2048, 11), 796_780),  # ms-tcn at 4 stages x 10 layers x 64
    (lambda: M.MSTCN(128, 19, num_stages=2, num_layers=5, hidden_channels=32), 47_622),
    (lambda: M.MSTCNPlusPlus(2048, 11), 994_220),  # MS-TCN2 at 11 + 3 x 10 layers x 64
    (lambda: M.MSTCNPlusPlus(128, 19, 5, 1, 4, hidden_channels=32), 64_102),
    (lambda: M.MSTCNPlusPlus(2048, 11, shared_refinement=True), 661_014),
    (lambda: M.MSTCNPlusPlus(2048, 11, num_refinements=1), 661_014),
    (lambda: M.ASRF(2048, 11), 1_292_784),  # asrf at 10 shared layers, 2 x 3 stages x 10 layers x 64
    (lambda: M.ASRF(128, 19, num_stages=3, num_boundary_stages=2, num_layers=5, hidden_channels=32), 90_619),
    (lambda: M.ASFormer(2048, 11), 1_130_860),  # theirs at 10 layers x 64, 3 decoders, r1 = r2 = 2
    (lambda: M.ASFormer(2048, 19), 1_134_476),
    (lambda: M.LTContext(2048, 48), 671_968),  # theirs on Breakfast, at 4 stages x 9 layers x 64
    (lambda: M.LTContext(2048, 202), 712_008),  # on Assembly101
    (lambda: M.LTContext(64, 19, num_stages=3, num_heads=2), 460_441),
    (lambda: M.DiffAct(2048, 11), 1_204_438),  # theirs with the values for GTEA
    (lambda: M.DiffAct(2048, 19, decoder_kernel_size=7), 1_214_566),  # for 50Salads
    (lambda: M.FACT(2048, 11), 10_418_176),  # theirs with the config for GTEA
    (lambda: M.C2FTCN(2048, 11), 6_740_937 - 6),  # six `weights` that their network never uses
    (lambda: M.C2FTCN(64, 7), 4_198_321 - 6),
    # counted in their `TemporalConvNet` of these widths with a linear layer after it, as their music model has
    (lambda: M.CausalTCN(128, 11), 219_915),  # 8 levels of 64, kernel 3
    (lambda: M.CausalTCN(2048, 11), 711_435),
    (lambda: M.CausalTCN(88, 88, 150, num_layers=4, kernel_size=5), 882_538),  # polyphonic music
    (lambda: M.CausalTCN(1, 10, 25, num_layers=8, kernel_size=7), 66_910),  # sequential MNIST
    (lambda: M.CausalTCN(64, 11, 64, num_layers=3, kernel_size=2), 50_635),  # no 1x1 shortcut
    (lambda: M.ByteNet(128, 11), bytenet(128, 11, 64)),
    (lambda: M.ByteNet(2048, 11), 1_146_891),
    (lambda: M.ByteNet(32, 256, 512), 55_530_752),  # the paper's width
    (lambda: M.EDTCN(128, 11), keras((25, 128, 64), (25, 64, 96), (25, 96, 96), (25, 96, 64), (1, 64, 11))),
    (lambda: M.EDTCN(128, 11), 743_435),
    (
        lambda: M.EDTCN(128, 11, (128, 160), 18),
        keras((18, 128, 128), (18, 128, 160), (18, 160, 160), (18, 160, 128), (1, 128, 11)),
    ),
    (lambda: M.DilatedTCN(128, 11), keras((3, 128, 64), *(DILATED_BLOCK * 12), (1, 64, 64), (1, 64, 11))),
    (lambda: M.DilatedTCN(128, 11), 227_659),
    (lambda: M.TCNN(128, 11), keras((30, 128, 64), (1, 64, 11))),  # GTEA
    (lambda: M.TCNN(128, 18, kernel_size=36), 296_146),  # 50Salads mid
    (lambda: M.TDNN(128, 11), keras((25, 128, 64), (25, 64, 96), (1, 96, 11))),
    # Keras counts `4 * (in + units + 1) * units` an LSTM, one bias a gate; PyTorch adds `4 * units`
    (lambda: M.RecurrentNetwork(128, 11), 2 * 4 * (128 + 64 + 1) * 64 + (2 * 64 + 1) * 11 + 2 * 4 * 64),
    (lambda: M.RecurrentNetwork(128, 11, causal=True), 4 * (128 + 64 + 1) * 64 + (64 + 1) * 11 + 4 * 64),
    (lambda: M.FrameClassifier(128, 11), keras((1, 128, 11))),
    (lambda: M.FrameClassifier(128, 11, (64,)), keras((1, 128, 64), (1, 64, 11))),
]
GENERATION = 2 * (1024 + 512 + 256 + 128 + 64) + 32  # of MS-TCN++
RECEPTIVE_FIELDS = [
    (lambda: M.MSTCN(8, 3), (4 * 1023, 4 * 1023)),
    (lambda: M.MSTCN(8, 3, causal=True), (4 * 2046, 0)),
    (lambda: M.MSTCNPlusPlus(8, 3), (GENERATION + 3 * 1023,) * 2),
    (lambda: M.MSTCNPlusPlus(8, 3, causal=True), (2 * (GENERATION + 3 * 1023), 0)),
    (lambda: M.CausalTCN(5, 3), (2 * 2 * 255, 0)),  # 2 (k - 1) (2^8 - 1)
    (lambda: M.CausalTCN(5, 3, causal=False), (510, 510)),
    (lambda: M.CausalTCN(5, 3, num_layers=4, kernel_size=6), (2 * 5 * 15, 0)),
    (lambda: M.ByteNet(5, 3, 4), (6 * 31, 6 * 31)),
    (lambda: M.ByteNet(5, 3, 4, causal=True), (6 * 2 * 31, 0)),
    (lambda: M.ByteNet(5, 3, 4, num_cycles=2, num_layers=3, kernel_size=5), (2 * 2 * 7, 2 * 2 * 7)),
    (lambda: M.DilatedTCN(128, 11), (127, 127)),  # 1 + 2 stacks x (1 + 2 + 4 + 8 + 16 + 32)
    (lambda: M.DilatedTCN(128, 11, causal=True), (127, 0)),
    # kernel 25 sees 12 to each side: at full and half rate on the way down, at half and full on the way up; pooling 3
    (lambda: M.EDTCN(128, 11), (12 * (1 + 2 + 2 + 1) + 3,) * 2),
    (lambda: M.TCNN(128, 11), (14, 15)),
    (lambda: M.TCNN(128, 11, causal=True), (29, 0)),
    (lambda: M.TDNN(128, 11), (36, 36)),  # 12 x (1 + 2)
    (lambda: M.TDNN(128, 11, causal=True), (72, 0)),
    (lambda: M.RecurrentNetwork(8, 3), (None, None)),
    (lambda: M.RecurrentNetwork(8, 3, causal=True), (None, 0)),
    (lambda: M.FrameClassifier(8, 3, (4, 4)), (0, 0)),
    (lambda: M.ASRF(6, 3, hidden_channels=5, backbone=M.RecurrentNetwork), (None, None)),
]
BAD_SIZES = [
    *((M.MSTCN, name) for name in ("num_stages", "num_layers")),
    *((M.MSTCNPlusPlus, name) for name in ("num_layers", "num_refinement_layers")),
    *((M.ASRF, name) for name in ("num_stages", "num_boundary_stages", "num_layers")),
    *((M.LTContext, name) for name in ("num_stages", "num_layers", "window", "stride")),
    *((M.DilatedTCN, name) for name in ("num_stacks", "num_layers")),
    *((M.ByteNet, name) for name in ("num_cycles", "num_layers")),
    *((M.DiffAct, name) for name in ("num_layers", "num_decoder_layers", "masked_classes")),
    *((M.FACT, name) for name in ("num_tokens", "num_layers", "num_token_layers")),
    *((M.C2FTCN, name) for name in ("window", "zoom")),
    *((network, "num_layers") for network in (M.ASFormer, M.CausalTCN, M.RecurrentNetwork)),
]
BAD_ARGUMENTS = [
    *(
        (lambda make=make, size={name: 0}: make(4, 3, **size), f"`{name}` must be at least 1")
        for make, name in BAD_SIZES
    ),
    (lambda: M.MSTCNPlusPlus(4, 3, num_layers=10**9), "`num_layers` must be at most 60, got 1000000000"),
    (lambda: M.MSTCNPlusPlus(4, 3, num_refinements=-1), "`num_refinements` must be at least 0, got -1"),
    (lambda: M.ASFormer(4, 3, num_decoders=-1), "`num_decoders` must be at least 0, got -1"),
    (lambda: M.ASRF(4, 3, boundary_threshold=1.0), r"`boundary_threshold` must be between 0 and 1, got 1\.0"),
    *(
        (lambda name=name, windows=windows: M.C2FTCN(4, 3, **{name: windows}), f"`{name}` must be at least 1, got 0")
        for name, windows in (("eval_windows", [0, 3]), ("eval_windows", []), ("pyramid_windows", [2, 0]))
    ),
    (lambda: M.C2FTCN(5, 3, [6]), r"`encoder_channels` must hold at least two widths, got \[6\]"),
    *(
        (lambda weights=weights: M.C2FTCN(5, 3, (6, 7, 8), ensemble_weights=weights), "must weigh the 2 decoder levels")
        for weights in [(1, 1, 1), (0, 0), (2, -1)]
    ),
    (lambda: M.DiffAct(4, 3, kernel_size=4), "kernels must be odd, got 4 and 5"),
    (lambda: M.DiffAct(4, 3, condition_layers=(5, 10)), r"must be some of the layers 0 to 9, got \[5, 10\]"),
    (lambda: M.DiffAct(4, 3, masking=["some"]), r"must be some of none, all, boundary, relation, got \['some'\]"),
    (lambda: M.DiffAct(4, 3, num_timesteps=10**9), "`num_timesteps` must be at most 100000, got 1000000000"),
    (
        lambda: M.DiffAct(4, 3, seed=10**15),
        "`seed` must be .* at most 1000000000000 .*, got 10{15}",
    ),
    (lambda: M.DiffAct(4, 3, seed=1.5), "`seed` must be a whole number of at most 1000000000000 .*, got 1.5"),
    (lambda: M.DiffAct(4, 3, boundary_threshold=math.nan), "`boundary_threshold` must be from 0 to 1, got nan"),
    (lambda: M.DiffAct(4, 3, num_steps=2.5), "`num_steps` must be a whole number from 1 to the 1000 .*, got 2.5"),
    (
        lambda: M.DiffAct(4, 3, num_steps=1001),
        "whole number from 1 to the 1000 of `num_timesteps`, got 1001",
    ),
    (lambda: M.DiffAct(4, 3, time_channels=7), "`time_channels` must be even and at least 4, got 7"),
    (lambda: M.FACT(4, 3, hidden_channels=4), "`hidden_channels` must be at least 5, as it holds 3 classes"),
    *((lambda eta=eta: M.DiffAct(4, 3, eta=eta), f"`eta` must be from 0 to 1, got {eta}") for eta in (-0.1, 1.5)),
    *(
        (lambda values=values: M.DiffAct(4, 3, **values), "`scale` and `boundary_sigma` must be positive, got ")
        for values in ({"scale": 0}, {"boundary_sigma": -1.0}, {"scale": float("nan")})
    ),
    (lambda: M.FACT(4, 3, hidden_channels=64), r"`hidden_channels` must be at least `token_channels` \(128\), got 64"),
    (lambda: M.FACT(4, 3, hidden_channels=129), "`hidden_channels` must be even, as a GRU .*, got 129"),
    (lambda: M.FACT(4, 3, feedforward=0), "`feedforward` must be at least 1, got 0"),
    (lambda: M.FACT(4, 3, num_masks=-1), "`num_masks` must be at least 0, got -1"),
    (lambda: M.FACT(4, 3, mask_frames=-3), "`mask_frames` must be at least 1, got -3"),
    (lambda: M.FACT(4, 3, mask_share=math.nan), "`mask_share` must be from 0 to 1, got nan"),
    (lambda: M.FACT(4, 3, frame_weight=1.5), "`frame_weight` must be from 0 to 1, got 1.5"),
    (lambda: M.FACT(4, 3, num_heads=3), r"`num_heads` must divide `token_channels` \(128\), got 3"),
    (lambda: M.FACT(4, 3, updates=["tokens"]), r"`updates` must be some of frames, segments, got \['tokens'\]"),
    (lambda: M.EDTCN(4, 3, ()), "`hidden_channels` must hold the width of at least one encoder layer"),
    (lambda: M.DilatedTCN(4, 3, activation="gelu"), r"`activation` must be one of .*, got 'gelu'"),
    (lambda: M.TDNN(4, 3, ()), "`hidden_channels` must hold the width of at least one layer, got none"),
    (lambda: M.TDNN(4, 3, activation="sigmoid"), r"must be one of norm_relu, wavenet, relu, tanh, got 'sigmoid'"),
    (lambda: M.RecurrentNetwork(4, 3, cell="rnn"), "`cell` must be one of lstm, gru, got 'rnn'"),
]


@pytest.mark.parametrize(("make", "expected"), NUM_PARAMETERS)
def test_as_many_parameters_as_the_authors_network(make, expected):
    with torch.device("meta"):
        assert num_parameters(make()) == expected


@pytest.mark.parametrize(("make", "expected"), RECEPTIVE_FIELDS)
def test_receptive_fields_of_the_published_sizes(make, expected):
    assert make().receptive_field == expected


@pytest.mark.parametrize(("make", "message"), BAD_ARGUMENTS)
def test_bad_arguments_say_what_was_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()
