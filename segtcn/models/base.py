"""The contract that every network fulfils."""

from __future__ import annotations

import inspect
from abc import ABC
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any

from torch import Tensor, nn

from segtcn.layers.sequential import Reach, initial_states, run_layers, step_layers, total_reach
from segtcn.structures import Batch, Output


class SegmentationModel(nn.Module, ABC):
    """A network that gives every frame of a video a score for every class.

    A network that is a sequence of layers assigns them in its constructor, in their order, and is complete: here they
    run one after the other, offline and in a stream. Another network implements :attr:`receptive_field` and
    :meth:`forward`; a causal one also :meth:`_initial_state` and :meth:`_step`; one whose labels are not simply the
    best logits, :meth:`decode`; one that sees the labels in training, :meth:`training_output`. Losses, the task,
    streaming and the command line know nothing more about it.

    A constructor's arguments are plain values, so that a checkpoint can store the call. A network inside the network is
    given as a factory, ``Callable[[int, int], SegmentationModel]`` of ``in_channels`` and ``num_classes``, and kept as
    the submodule of the argument's name.

    Args:
        in_channels: feature width D.
        num_classes: C.
        causal: whether frame t depends on frames up to t only.

    Attributes:
        init_args: the constructor's arguments by name, defaults included.

    Example:
        >>> import torch
        >>> from segtcn.layers import TemporalConv1d
        >>> class OneConvolution(SegmentationModel):
        ...     def __init__(self, in_channels: int, num_classes: int, kernel_size: int = 5) -> None:
        ...         super().__init__(in_channels, num_classes)
        ...         self.conv = TemporalConv1d(in_channels, num_classes, kernel_size)
        >>> net = OneConvolution(4, 3)
        >>> net.receptive_field, net(torch.zeros(1, 4, 9)).logits.shape
        ((2, 2), torch.Size([1, 1, 3, 9]))
    """

    init_args: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> SegmentationModel:  # noqa: D102
        net = super().__new__(cls)
        # `bind_partial`: `copy` and `pickle` call this without arguments; a wrong call fails in `__init__`, by name
        call = inspect.signature(cls.__init__).bind_partial(net, *args, **kwargs)
        call.apply_defaults()
        _, *init_args = call.arguments.items()
        object.__setattr__(net, "init_args", dict(init_args))
        return net

    def __init__(self, in_channels: int, num_classes: int, causal: bool = False) -> None:
        super().__init__()
        if not isinstance(causal, bool):
            raise TypeError(f"`causal` must be True or False, got {causal!r}")
        self.in_channels, self.num_classes, self.causal = in_channels, num_classes, causal

    @property
    def spec(self) -> dict[str, Any]:
        """The constructor call as plain values: ``class_name`` and ``init_args``; :func:`build_network` runs it.

        In the place of a factory stands the ``spec`` of the network that it made.
        """
        init_args = {
            name: getattr(self, name).spec if callable(value) else _plain(value)
            for name, value in self.init_args.items()
        }
        return {"class_name": type(self).__name__, "init_args": init_args}

    @property
    def receptive_field(self) -> Reach:
        """Frames that an output frame sees to its left and to its right; None means all of them.

        Where it differs from frame to frame (pooling), the largest. The second number is how many frames a stream must
        wait for.
        """
        return total_reach(self._layers)

    @property
    def period(self) -> int:
        """A video may be cut before frames that are multiples of it: a network that pools has the frames of its pools.

        Between two such cuts, with the frames of :attr:`receptive_field` around it, a part gives the logits of the
        whole.
        """
        return 1

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:
        """Score every frame.

        Args:
            features: ``(B, D, T)`` with any ``T >= 1``; never changed in place.
            mask: True on real frames, ``(B, T)`` bool; None if there is no padding.

        Returns:
            Logits ``(S, B, C, T)``. Real frames get the same values whatever stands on padding; what the padded
            frames themselves get is undefined.
        """
        return _output(run_layers(self._layers, features, mask))

    def training_output(self, batch: Batch) -> Output:
        """What the loss of a training step gets: here, the scores of :meth:`forward`.

        A network that is trained with the labels as an input, such as one that denoises them, computes its output from
        them here. Training scores then rate this output; those of other videos, :meth:`forward`.

        Args:
            batch: its features as :meth:`forward` gets them.

        Raises:
            ValueError: if the network needs labels, and the batch has none, or if :meth:`forward` returns no output.
        """
        output: Any = self(batch.features, batch.mask)
        if not isinstance(output, Output):
            raise ValueError(
                f"`{type(self).__name__}.forward` must return a segtcn.structures.Output with logits (S, B, C, T), "
                f"got a {type(output).__name__}; logits (B, C, T) of one stage become `Output(logits[None])`"
            )
        return output

    @property
    def learns_from_labels(self) -> bool:
        """Whether labels are an input in training, and not only of the loss."""
        return type(self).training_output is not SegmentationModel.training_output

    def decode(self, output: Output, mask: Tensor | None = None) -> Tensor:
        """The predicted label of every frame: here, the class with the largest logit of the last stage.

        Args:
            output: of :meth:`forward`.
            mask: True on real frames, ``(B, T)`` bool; None if there is no padding.

        Returns:
            Class indexes, ``(B, T)`` int64; undefined on padding.
        """
        return output.logits[-1].argmax(dim=1)

    @property
    def decodes_frames(self) -> bool:
        """Whether a label depends on the logits of its frame alone, so that a stream can tell it at once."""
        return type(self).decode is SegmentationModel.decode

    def score_chunks(self, chunks: Iterable[Tensor]) -> Iterator[Output]:
        """Score a long video chunk by chunk; the outputs, put together, equal :meth:`forward` on the whole.

        No frame is computed twice: every layer keeps the frames that it still needs, and the first output is shorter by
        the frames that the network sees to the right.

        Args:
            chunks: of the video ``(B, D, n)``, all but the last with more frames than the network sees to the right.

        Yields:
            Logits ``(S, B, C, m)``, as far as they are decided.

        Raises:
            ValueError: if the network is not the sequence of its layers, or sees the whole video.
        """
        if not self.is_sequence or None in self.receptive_field:
            raise ValueError(f"{type(self).__name__} is not a sequence of layers that see a part of the video")
        state, waiting = self._initial_state(1), None
        for chunk in chunks:
            if waiting is not None:
                output, state = self._step(waiting, state)
                yield output
            waiting = chunk
        if waiting is not None:
            yield _output(step_layers(self._layers, waiting, state, last=True)[0][-1])

    @property
    def is_sequence(self) -> bool:
        """Whether the network is the sequence of its layers, and nothing but it."""
        return type(self).forward is SegmentationModel.forward and type(self)._step is SegmentationModel._step

    def initial_state(self, batch_size: int = 1) -> Any:
        """State before the first frame of a stream: tensors and numbers in lists, tuples and dictionaries.

        Raises:
            ValueError: if the network is not causal.
        """
        self._check_causal()
        return self._initial_state(batch_size)

    def step(self, features: Tensor, state: Any) -> tuple[Output, Any]:
        """Score the next frames of a stream; the outputs, put together, equal :meth:`forward` on the whole.

        A state is never changed in place. :class:`~segtcn.models.NetworkStream` computes the same for single
        frames in a fraction of the time.

        Args:
            features: ``(B, D, n)`` with any ``n >= 1``.
            state: from :meth:`initial_state` or the previous step.

        Returns:
            Logits ``(S, B, C, n)`` and the next state.

        Raises:
            ValueError: if the network is not causal.
        """
        self._check_causal()
        return self._step(features, state)

    def _initial_state(self, batch_size: int) -> Any:
        return initial_states(self._layers, batch_size)

    def _step(self, features: Tensor, state: Any) -> tuple[Output, Any]:
        outputs, state = step_layers(self._layers, features, state)
        return _output(outputs[-1]), state

    @property
    def _layers(self) -> Collection[nn.Module | None]:
        return self._modules.values()

    def _check_causal(self) -> None:
        if self.causal:
            return
        future = self.receptive_field[1]
        needs = "all future frames" if future is None else f"{future} future frames"
        remedy = " and has no causal variant"
        if "causal" in self.init_args:
            remedy = "; build it with `causal=True` and train it again"
        if future is not None:
            remedy += "; `segtcn live` runs this one, late"
        raise ValueError(f"{type(self).__name__} cannot stream: it needs {needs} (it is not causal){remedy}")


def _output(x: Tensor) -> Output:
    """The logits of one stage ``(B, C, T)`` or of all ``(S, B, C, T)``."""
    return Output(x if x.ndim == 4 else x[None])


def check_sizes(least: int = 1, **sizes: float) -> None:
    """Refuse sizes of a network that are too small, or that no tensor can have.

    Args:
        least: the smallest possible one.
        sizes: by the name of the argument.

    Raises:
        ValueError: if one is smaller, or not below 2^62.
    """
    for name, size in sizes.items():
        if size < least:
            raise ValueError(f"`{name}` must be at least {least}, got {size}")
        if size >= 2**62:
            raise ValueError(f"`{name}` must be less than 2^62, got {size}")


def build_network(spec: dict[str, Any]) -> SegmentationModel:
    """Build a network from its :attr:`SegmentationModel.spec`, with new weights.

    Only classes that are already imported are found, so a checkpoint from a stranger cannot name code to run: import
    the module of a network of your own first.

    Args:
        spec: ``class_name`` and ``init_args``.

    Raises:
        ValueError: if no imported :class:`SegmentationModel` has that name.
    """
    known: dict[str, Callable[..., SegmentationModel]] = {cls.__name__: cls for cls in _subclasses(SegmentationModel)}
    name = spec["class_name"]
    if name not in known:
        raise ValueError(
            f"no network is named {name!r}; known are {', '.join(sorted(known))}: "
            "import the `module` that defines it first"
        )
    init_args = {
        name: partial(_build_inner, value) if _is_spec(value) else value for name, value in spec["init_args"].items()
    }
    return known[name](**init_args)


def _is_spec(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"class_name", "init_args"}


def _build_inner(spec: dict[str, Any], in_channels: int, num_classes: int) -> SegmentationModel:
    """A network inside a network: the outer one says its widths again."""
    widths = {"in_channels": in_channels, "num_classes": num_classes}
    return build_network({**spec, "init_args": {**spec["init_args"], **widths}})


def _subclasses(cls: type[SegmentationModel]) -> list[type[SegmentationModel]]:
    return [below for sub in cls.__subclasses__() for below in (sub, *_subclasses(sub))]


def _plain(value: Any) -> Any:
    """Tuples become lists, so that a call survives YAML and `torch.load(weights_only=True)` unchanged."""
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
