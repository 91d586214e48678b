"""The networks and losses against the authors' own code, with the weights copied over.

None of that code is here: the tests look for checkouts of it in the folder ``$SEGTCN_AUTHORS``, each named as on
GitHub, and skip where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import MagicMock, patch

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.noise import frame_noise
from segtcn.losses import (
    BoundaryAlignment,
    BoundaryBCE,
    CrossEntropy,
    LossSum,
    SetPrediction,
    SoftCrossEntropy,
    TruncatedMSE,
)
from segtcn.models import ASRF, C2FTCN, MSTCN, ASFormer, CausalTCN, LTContext, MSTCNPlusPlus, SegmentationModel
from segtcn.structures import Batch, Output
from tests.models.authors_code import (
    DIFFACT,
    MASKINGS,
    Code,
    copy_weights,
    diffact,
    diffact_parts,
    fact,
    fact_parts,
    load,
)
from tests.models.equations import num_parameters

pytestmark = pytest.mark.filterwarnings("ignore")  # of functions that the authors' code calls and torch deprecates


class Network(NamedTuple):
    """A network of ours and how to build, to read and to run the authors'."""

    code: Code
    ours: Callable[..., SegmentationModel]
    theirs: Callable[..., nn.Module]  # of the module and the arguments of ours
    run: Callable[[nn.Module, Tensor], Tensor]  # to logits (S, B, C, T)
    smaller: Sequence[int] = ()  # arguments after the feature width and the number of classes
    parts: Callable[[Any], Sequence[nn.Module]] = lambda net: [net]  # in the order of ours
    num_unused: int = 0  # parameters that their network never uses
    num_frames: int = 300
    tolerance: float = 1e-5


def with_mask(net: nn.Module, features: Tensor) -> Tensor:
    return net(features, torch.ones(len(features), 1, features.shape[-1]))


def generation_by_layers(net: Any) -> list[nn.Module]:
    pg = net.PG
    layers = zip(pg.conv_dilated_1, pg.conv_dilated_2, pg.conv_fusion, strict=True)
    return [pg.conv_1x1_in, *(conv for layer in layers for conv in layer), pg.conv_out, net.Rs]


def last_stages(net: nn.Module, features: Tensor) -> Tensor:
    """Classes and boundaries side by side, as :func:`our_logits` has them."""
    return torch.cat(net(features), dim=1)[None]


def coarse_to_fine(net: Any) -> list[nn.Module]:
    encoder = [net.inc, net.down1, net.down2, net.down3, net.down4, net.down5, net.down6]
    decoder = [up.conv for up in (net.up, net.up0, net.up1, net.up2, net.up3, net.up4)]
    heads = [net.outcc0, net.outcc1, net.outcc2, net.outcc3, net.outcc4, net.outcc]
    return [*encoder, *decoder, *heads, net.tpp.conv]


def levels_and_ensemble(net: nn.Module, features: Tensor) -> Tensor:
    finest, coarser, _ = net(features)
    levels = [*reversed(coarser), finest]
    stretch = partial(F.interpolate, size=features.shape[-1], mode="linear", align_corners=True)
    log_probs = torch.stack([stretch(level).log_softmax(dim=1) for level in levels])
    return torch.cat([log_probs, log_probs[2:].exp().mean(dim=0, keepdim=True).log()])


def blocks_and_head(net: Any) -> list[nn.Module]:
    layers = [layer for block in net.tcn.network for layer in (block.conv1, block.conv2, block.downsample) if layer]
    return [*layers, net.linear]


def ltcontext(
    module: Any, in_channels: int, num_classes: int, width: int = 64, stages: int = 4, layers: int = 9
) -> Any:
    attention = SimpleNamespace(NUM_ATTN_HEADS=1, DROPOUT=0.2)
    dropout = {"DROPOUT_PROB": 0.2, "CHANNEL_MASKING_PROB": 0.3}
    windows = {"WINDOWED_ATTN_W": 64, "LONG_TERM_ATTN_G": 64, "CONV_DILATION_FACTOR": 2}
    sizes = {"MODEL_DIM": width, "DIM_REDUCTION": 2.0, "NUM_STAGES": stages, "NUM_LAYERS": layers}
    ltc = SimpleNamespace(USE_INSTANCE_NORM=True, **dropout, **windows, **sizes)  # True is off: a slip in their code
    return module.LTC(SimpleNamespace(INPUT_DIM=in_channels, NUM_CLASSES=num_classes, ATTENTION=attention, LTC=ltc))


MS_TCN = Code("yabufarha/ms-tcn", repairs={"print vid": "print(vid)"})
ASRF_LOSSES = Code("yiskw713/asrf", "libs/loss_fn/__init__.py")
NETWORKS = {
    "MSTCN": Network(
        MS_TCN,
        MSTCN,
        lambda code, d, c, stages=4, layers=10, width=64: code.MultiStageModel(stages, layers, width, d, c),
        with_mask,
        smaller=(2, 5, 32),
    ),
    "MSTCNPlusPlus": Network(
        Code("sj-li/MS-TCN2", not_needed=["loguru"], repairs={"MS_TCB    def": "    def"}),
        MSTCNPlusPlus,
        lambda code, d, c, layers=11, refine=3, refine_layers=10, width=64: code.MS_TCN2(
            layers, refine_layers, refine, width, d, c
        ),
        nn.Module.__call__,
        smaller=(5, 1, 4, 32),
        parts=generation_by_layers,
    ),
    "ASRF": Network(
        Code("yiskw713/asrf", "libs/models/tcn.py"),
        ASRF,
        lambda code, d, c, stages=4, boundary_stages=4, layers=10, width=64: code.ActionSegmentRefinementFramework(
            d, width, c, stages, layers, stages, boundary_stages
        ),
        last_stages,
        smaller=(3, 2, 5, 32),
    ),
    "C2FTCN": Network(
        Code("dipika-singhania/C2F-TCN", not_needed=["torchvision", "torchvision.models"]),
        C2FTCN,
        lambda code, d, c: code.C2F_TCN(d, c),
        levels_and_ensemble,
        parts=coarse_to_fine,
        num_unused=6,
        num_frames=1920,  # every pooling divides it: their code drops what is left over
    ),
    "ASFormer": Network(
        Code("ChinaYi/ASFormer", not_needed=["eval"]),
        partial(ASFormer, shared_windows=True),
        lambda code, d, c, width=64, decoders=3, layers=10: code.MyTransformer(
            decoders, layers, 2, 2, width, d, c, 0.3
        ),
        with_mask,
        smaller=(32, 1, 5),
        tolerance=1e-4,  # in their softmax, frames outside the window keep a weight of 1e-6
    ),
    "LTContext": Network(
        Code(
            "LTContext/LTContext",
            "ltc/model/ltcontext.py",
            needs=["einops"],
            not_needed=["pandas", "simplejson", "yacs", "yacs.config"],
        ),
        LTContext,
        ltcontext,
        lambda net, features: net(features, features.new_ones(len(features), 1, features.shape[-1], dtype=torch.bool)),
        smaller=(32, 2, 4),
    ),
    "CausalTCN": Network(
        Code("locuslab/TCN", "TCN/copy_memory/model.py"),
        CausalTCN,
        lambda code, d, c, width=64, layers=8, kernel=3: code.TCN(d, c, [width] * layers, kernel, 0.2),
        lambda net, features: net(features).mT[None],
        smaller=(32, 3, 2),
        parts=blocks_and_head,
    ),
}


def our_logits(net: SegmentationModel, features: Tensor) -> Tensor:
    output = net(features)
    if output.boundaries is None:
        return output.logits
    return torch.cat([output.logits[-1], output.boundaries[-1][:, None]], dim=1)[None]


@pytest.mark.parametrize("smaller", [False, True], ids=["paper", "smaller"])
@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_logits_are_those_of_the_authors_network(name, smaller):
    network = NETWORKS[name]
    sizes = (64, 7, *network.smaller) if smaller else (2048, 11)
    torch.manual_seed(0)
    theirs = network.theirs(load(network.code), *sizes).eval()
    ours = network.ours(*sizes).eval()
    assert num_parameters(ours) == num_parameters(theirs) - network.num_unused
    copy_weights(network.parts(theirs), ours)
    features = torch.randn(1, sizes[0], network.num_frames)
    expected, logits = network.run(theirs, features), our_logits(ours, features)
    difference = (logits - expected).abs().max()
    print(f"{name}{sizes}: {num_parameters(ours)} parameters, off by {difference:.1e} of {expected.abs().max():.1f}")
    torch.testing.assert_close(logits, expected, atol=network.tolerance, rtol=0)


def test_gradients_of_a_training_step_are_those_of_ms_tcn(tmp_path):
    code = load(MS_TCN)
    torch.manual_seed(0)
    trainer = code.Trainer(2, 3, 8, 6, 4)
    ours = MSTCN(6, 4, num_stages=2, num_layers=3, hidden_channels=8, dropout=0.0)
    copy_weights([trainer.model], ours)
    for module in trainer.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0
    features, labels = torch.randn(2, 6, 40), torch.randint(4, (2, 40))
    batches = MagicMock(list_of_examples=["a video"])
    batches.has_next.side_effect = [True, False]
    batches.next_batch.return_value = features, labels, torch.ones(2, 4, 40)
    trainer.train(str(tmp_path), batches, num_epochs=1, batch_size=2, learning_rate=0, device="cpu")

    mask = torch.ones(2, 40, dtype=torch.bool)
    loss = LossSum([CrossEntropy(), TruncatedMSE()], weights=[1, 0.15])
    loss(ours(features, mask), Batch(features, labels, mask)).backward()
    for theirs, parameter in zip(trainer.model.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, theirs.grad)


def test_boundary_loss_is_that_of_asrf():
    theirs = load(ASRF_LOSSES).BoundaryRegressionLoss(pos_weight=torch.tensor(3.0))
    torch.manual_seed(0)
    boundaries, labels = torch.randn(1, 1, 6), torch.tensor([[2, 2, 0, 0, 0, 1]])
    starts, mask = torch.tensor([[1.0, 0, 1, 0, 0, 1]]), torch.ones(1, 6, dtype=torch.bool)
    output, batch = Output(torch.zeros(1, 1, 3, 6), boundaries), Batch(torch.zeros(1, 2, 6), labels, mask)
    loss = BoundaryBCE(pos_weight=3)(output, batch)
    torch.testing.assert_close(loss, theirs(boundaries, starts[None], mask[None]))


@torch.no_grad()
def test_denoised_labels_are_those_of_diffact():
    code = load(DIFFACT)
    theirs, ours = diffact(code)
    features = torch.randn(1, 32, 300)
    noise = iter([ours._noise(0, time, features) for time in ours._times(25)])
    draw = partial(patch.object, torch, new=lambda *_, **__: next(noise))
    with draw("randn"), draw("randn_like"):
        expected = theirs.ddim_sample(features)
    encoded, decoded = ours(features).logits
    torch.testing.assert_close(encoded, theirs.encoder(features), atol=1e-4, rtol=0)  # a weight of 1e-6 outside
    torch.testing.assert_close(decoded.softmax(dim=1), expected.float(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("masking", MASKINGS)
@pytest.mark.parametrize("soft_label", [1.4, None])
def test_gradients_of_a_training_step_are_those_of_diffact(masking, soft_label):
    code = load(DIFFACT)
    theirs, ours = diffact(code, masking)
    features, labels = torch.randn(1, 32, 120), torch.randint(7, (1, 12)).repeat_interleave(10, 1)
    mask = torch.ones(1, 120, dtype=torch.bool)
    torch.manual_seed(1)
    time, noise = torch.randint(1000, (1,)), frame_noise(torch.randint(2**32, (1,)), 7, 120)
    torch.manual_seed(1)
    hidden = labels[0, 50]
    with patch.object(torch, "rand_like", lambda x, **_: F.one_hot(hidden, 7)[None].float().expand(len(x), -1)):
        output = ours.training_output(Batch(features, labels, mask))
    cross_entropy = CrossEntropy() if soft_label is None else SoftCrossEntropy(soft_label)
    loss = LossSum([cross_entropy, TruncatedMSE(), BoundaryAlignment(1.0)], weights=[0.5, 0.1, 0.1])
    loss(output, Batch(features, labels, mask)).backward()

    dataset = load(DIFFACT._replace(file="dataset.py", not_needed=["tqdm", "utils"]))
    starts = [0, *(labels[0].diff().nonzero()[:, 0] + 1).tolist()]
    dataset.get_labels_start_end_time = lambda _: (None, starts, None)
    boundaries = torch.from_numpy(dataset.get_boundary_seq(labels[0].double().numpy(), 1)).float()[None, None]
    losses = [nn.CrossEntropyLoss(reduction="none"), nn.MSELoss(reduction="none"), nn.BCELoss(reduction="none")]
    with (
        patch.object(torch, "randn", lambda **_: noise),
        patch.object(torch, "randint", lambda *_, **__: time),
        patch.object(code.np.random, "choice", lambda _: int(hidden)),
    ):
        terms = theirs.get_training_loss(features, F.one_hot(labels, 7).mT, boundaries, *losses, *losses, soft_label)
    weights = {"encoder_ce": 0.5, "encoder_mse": 0.1, "decoder_ce": 0.5, "decoder_mse": 0.1, "decoder_boundary": 0.1}
    sum(weight * terms[f"{name}_loss"] for name, weight in weights.items()).backward()
    parameters = [parameter for part in diffact_parts(theirs) for parameter in part.parameters()]
    for parameter, our_parameter in zip(parameters, ours.parameters(), strict=True):
        torch.testing.assert_close(our_parameter.grad, parameter.grad.view_as(our_parameter), atol=1e-5, rtol=1e-3)


def test_labels_loss_and_gradients_are_those_of_fact():
    theirs, ours = fact()
    features = 5 * torch.randn(1, 32, 190)  # far apart, so that segments are predicted
    labels = torch.randint(7, (19,)).repeat_interleave(torch.arange(1, 20))[None]  # of any length: matches are unique
    expected, saved = theirs([features[0].mT], [labels[0]], compute_loss=True)
    expected.backward()
    batch = Batch(features, labels, torch.ones_like(labels, dtype=torch.bool))
    output = ours(features)
    for logits, tokens, block in zip(output.logits[:-1], output.tokens, theirs.block_list, strict=True):
        torch.testing.assert_close(logits[0], block.frame_clogit[:, 0].mT, atol=1e-5, rtol=0)
        torch.testing.assert_close(tokens.logits[0], block.action_clogit[:, 0], atol=1e-5, rtol=0)
    assert output.tokens[-1].places.max() > 20
    assert ours.decode(output)[0].tolist() == saved[0]["pred"].tolist()
    loss = SetPrediction()(output, batch)
    loss.backward()
    torch.testing.assert_close(loss, expected)
    parameters = [theirs.action_query, *(weight for part in fact_parts(theirs) for weight in part.parameters())]
    for parameter, our_parameter in zip(parameters, ours.parameters(), strict=True):
        torch.testing.assert_close(our_parameter.grad, parameter.grad.view_as(our_parameter), atol=1e-4, rtol=1e-3)
