"""What an output depends on: the Jacobian of a network, and causal convolutions as masked ones."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from segtcn.layers.conv import TemporalConv1d
from segtcn.models import CausalTCN, RecurrentNetwork
from segtcn.models.base import SegmentationModel
from segtcn.sequences.equal_networks import builders, smallest_depth


def jacobian(net: SegmentationModel, length: int) -> torch.Tensor:
    """How much each output frame depends on each input frame.

    Args:
        net: in evaluation mode.
        length: T, in frames.

    Returns:
        ``(T, T)``: row t has the length of the gradient of the sum of the logits of frame t for each input frame.

    Example:
        >>> from segtcn.models import CausalTCN
        >>> bool((jacobian(CausalTCN(2, 3).eval(), length=9).triu(1) == 0).all())
        True
    """
    features = torch.randn(1, net.in_channels, length, generator=torch.Generator().manual_seed(0)).requires_grad_()
    logits = net(features).logits[-1, 0].sum(dim=0)
    rows = [torch.autograd.grad(logits[t], features, retain_graph=True)[0][0].norm(dim=0) for t in range(length)]
    return torch.stack(rows)


def measure_jacobian(network: str, causal: bool, length: int) -> dict[str, Any]:
    """The Jacobian of a small network with new weights.

    Args:
        network: a kind of network; of those that are not causal, ``TCN`` and ``LSTM``.
        causal: whether it is.
        length: T, in frames.

    Returns:
        ``matrix``, each row divided by its largest value, and ``future``, the largest value above the diagonal.
    """
    torch.manual_seed(0)
    build = builders(4, 3)[network]
    if causal:
        net = build(8, smallest_depth(build, length // 4))
    elif network == "TCN":
        net = CausalTCN(4, 3, 8, smallest_depth(build, length // 4), 3, 0.0, causal=False)
    else:
        net = RecurrentNetwork(4, 3, 8, 1, "lstm")
    matrix = jacobian(net.eval(), length)
    shares = matrix / matrix.amax(dim=1, keepdim=True).clamp_min(1e-12)
    # five decimals hold every shade; what is not zero stays so
    rows = [[max(round(share, 5), 1e-5) if share > 0 else 0.0 for share in row] for row in shares.tolist()]
    return {"matrix": rows, "future": float(matrix.triu(1).max())}


def measure_masked(kernel_size: int, dilation: int, length: int) -> dict[str, Any]:
    """Compare a causal convolution with a masked one: taps on both sides, those of the future times zero.

    Args:
        kernel_size: taps of the causal convolution; the masked one has ``2 * kernel_size - 1``.
        dilation: distance between taps in frames.
        length: T, in frames.

    Returns:
        ``output`` and ``gradient``, the largest differences in double precision, and ``size``, the largest output.

    Reference:
        van den Oord, Kalchbrenner, Kavukcuoglu: "Pixel Recurrent Neural Networks", ICML 2016, section 3.4.
    """
    torch.manual_seed(0)
    causal = TemporalConv1d(5, 7, kernel_size, dilation=dilation, causal=True).double()
    x = torch.randn(2, 5, length, dtype=torch.float64)
    future = torch.randn(7, 5, kernel_size - 1, dtype=torch.float64)
    weight = torch.cat([causal.weight.detach(), future], dim=-1).requires_grad_()
    mask = torch.arange(2 * kernel_size - 1) < kernel_size
    masked = F.conv1d(x, weight * mask, causal.bias, padding=(kernel_size - 1) * dilation, dilation=dilation)
    output = causal(x)
    (of_causal,) = torch.autograd.grad(output.square().sum(), causal.weight)
    (of_masked,) = torch.autograd.grad(masked.square().sum(), weight)
    gradient = torch.cat([of_causal, torch.zeros_like(future)], dim=-1) - of_masked
    tensors = {"output": output - masked, "gradient": gradient, "size": output}
    return {name: float(tensor.detach().abs().max()) for name, tensor in tensors.items()}
