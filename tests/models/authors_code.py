"""The authors' own code from checkouts in ``$SEGTCN_AUTHORS``, and networks of it beside ours of the same weights."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import MagicMock, patch

import pytest
import torch
from torch import nn

from segtcn.models import FACT, DiffAct
from tests.models.equations import num_parameters


class Code(NamedTuple):
    """A file of a repository on GitHub, and what it takes to run it today."""

    repository: str
    file: str = "model.py"
    needs: Sequence[str] = ()
    not_needed: Sequence[str] = ()  # modules that are imported, but not by what is tested
    repairs: Mapping[str, str] = {}  # of syntax that Python 3 rejects


def checkout(code: Code) -> Path:
    name = code.repository.partition("/")[2]
    folder = Path(os.environ.get("SEGTCN_AUTHORS", "")) / name
    if "SEGTCN_AUTHORS" not in os.environ or not (folder / code.file).is_file():
        pytest.skip(f"set SEGTCN_AUTHORS to the folder that holds a checkout {name} of github.com/{code.repository}")
    for package in code.needs:
        pytest.importorskip(package)
    return folder


def load(code: Code) -> Any:
    """The file as a module; nothing of the checkout stays in ``sys.path`` and ``sys.modules``."""
    folder = checkout(code)
    source = (folder / code.file).read_text(encoding="utf-8")
    for wrong, right in code.repairs.items():
        source = source.replace(wrong, right)
    module = ModuleType("authors_code")
    module.__package__ = ".".join(Path(code.file).parent.parts)
    with (
        patch.object(sys, "path", [str(folder), *sys.path]),
        patch.object(sys, "dont_write_bytecode", True),
        patch.dict(sys.modules, {name: MagicMock() for name in code.not_needed}),
        patch.object(torch.cuda, "is_available", return_value=False),  # some choose their device when imported
    ):
        exec(compile(source, folder / code.file, "exec"), module.__dict__)
    return module


def copy_weights(parts: Sequence[nn.Module], ours: nn.Module) -> None:
    """Copy parameters and running statistics, after moving those that a fresh network has at 0 or 1."""
    theirs = [value for part in parts for value in part.state_dict().values()]
    for value, our_value in zip(theirs, ours.state_dict().values(), strict=True):
        if value.is_floating_point() and value.numel() == len(value):
            value.add_(0.2 * torch.rand_like(value))
        assert value.squeeze().shape == our_value.squeeze().shape  # a 1x1 convolution may be a matrix
        our_value.copy_(value.view_as(our_value))


DIFFACT = Code("Finspire13/DiffAct", needs=["scipy.interpolate", "scipy.ndimage"])
MASKINGS = {"none": "full", "all": "zero", "boundary": "boundary03-", "relation": "segment=1"}


def diffact(code: Any, masking: str = "none") -> tuple[Any, DiffAct]:
    """Theirs with their values for GTEA, and ours with the same weights and one masking."""
    encoder = {"num_layers": 10, "num_f_maps": 64, "input_dim": 32, "kernel_size": 5, "use_instance_norm": False}
    encoder |= {f"{name}_dropout_rate": 0.5 for name in ("normal", "channel", "temporal")}
    encoder |= {"feature_layer_indices": [5, 7, 9]}
    decoder = {"num_layers": 8, "num_f_maps": 24, "time_emb_dim": 512, "kernel_size": 5, "dropout_rate": 0.1}
    diffusion = {"timesteps": 1000, "sampling_timesteps": 25, "ddim_sampling_eta": 1.0, "snr_scale": 0.5}
    diffusion |= {"cond_types": [MASKINGS[masking]], "detach_decoder": False}
    torch.manual_seed(0)
    theirs, ours = code.ASDiffusionModel(encoder, decoder, diffusion, 7, "cpu").eval(), DiffAct(32, 7).eval()
    assert num_parameters(ours) == num_parameters(theirs)
    copy_weights(diffact_parts(theirs), ours)
    ours.masking = [masking]
    return theirs, ours


def diffact_parts(net: Any) -> list[nn.Module]:
    decoder = net.decoder
    parts = [decoder.time_in, decoder.conv_in, decoder.module.time_proj, decoder.module.layers, decoder.conv_out]
    return [net.encoder, *parts]


FACT_CODE = Code("ZijiaLewisLu/CVPR2024-FACT", "models/blocks.py", ["scipy.optimize"], ["yacs", "yacs.config"])


def fact_parts(net: Any) -> list[nn.Module]:
    first, *updates = net.block_list
    parts = [first.frame_branch, *first.action_branch.layers, first.action_branch.norm, first.action_branch.out_linear]
    for block in updates:
        of_segments = hasattr(block, "seg_update")
        parts += [block.frame_branch, *([block.seg_update, block.seg_combine] if of_segments else [])]
        parts += [block.f2a_layer, *block.action_branch.layers, block.action_branch.out_linear, block.a2f_layer]
        parts += [block.sf_merge] if of_segments else []
    return parts


def fact() -> tuple[Any, FACT]:
    """Theirs with their values for GTEA, 0.2 for "no segment", and ours with the same weights."""
    folder, root = checkout(FACT_CODE), ModuleType("authors")
    root.__path__ = [str(folder)]
    with (
        patch.dict(sys.modules, {"authors": root, **{name: MagicMock() for name in FACT_CODE.not_needed}}),
        patch.object(sys, "dont_write_bytecode", True),
    ):
        blocks, losses = (importlib.import_module(f"authors.models.{name}") for name in ("blocks", "loss"))
    block = {"hid_dim": 512, "dropout": 0.2, "a_nhead": 8, "a_ffdim": 512, "a_dim": 128}
    block |= {"f": "m", "f_layers": 10, "f_ln": False, "f_dim": 128, "f_ngp": 1, "s_layers": 1}
    first = SimpleNamespace(**block, a="sca", a_layers=6)
    update = SimpleNamespace(**block, a="sa", a_layers=1)
    sizes = SimpleNamespace(fpos=False, cmr=0.5, trans=False, ntoken=60, block="iuU", mwt=0.1)
    loss = SimpleNamespace(pc=0.2, a2fc=1.0, match="o2o", bgw=1.0, nullw=0.2, sw=5.0)
    config = SimpleNamespace(Bi=first, Bu=update, BU=update, FACT=sizes, Loss=loss, TM=SimpleNamespace(use=False))
    torch.manual_seed(0)
    with patch.object(blocks, "update_from", lambda *_, **__: None):
        theirs = blocks.FACT(config, 32, 7).eval()
    theirs.mcriterion = losses.MatchCriterion(config, 7, [])
    ours = FACT(32, 7).eval()
    assert num_parameters(ours) == num_parameters(theirs)
    query = nn.Module()
    query.query = theirs.action_query
    with torch.no_grad():
        copy_weights([query, *fact_parts(theirs)], ours)
    return theirs, ours
