"""The tasks on which convolutional and recurrent networks are compared: generated, pixels, music and text."""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from segtcn.data.readers.reader import Reader
from segtcn.labels.matlab import load_matlab
from segtcn.labels.text_rows import read_text
from segtcn.labels.video_lists import Subset, check_split
from segtcn.structures import IGNORE, Video

NUM_KEYS = 88
SIDE = 28
"""Pixels of a side of an MNIST picture."""

_NOTES = ("A", "A#", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#")
# three columns and five rows, row after row
_DIGITS = (0o75557, 0o26227, 0o71747, 0o71717, 0o55711, 0o74717, 0o74757, 0o71111, 0o75757, 0o75717)
_ONE_VIDEO = "the lists of this data set are made by its reader: choose a name that it lists"


class _SequenceReader(Reader):
    """Sequences that are numbered: ``train-00000``, ...; the rate is nominal.

    Args:
        class_names: of the classes, or of the channels of the targets.
        feature_dim: feature width D.
        **sizes: sequences of each part. A part that is not ``test`` belongs to the training sequences.
    """

    fps = 1.0
    background: int | None = None

    def __init__(self, class_names: Sequence[str], feature_dim: int, **sizes: int) -> None:
        if empty := [name for name, size in sizes.items() if size < 1]:
            raise ValueError(f"`{empty[0]}` must be at least 1 sequence, got {sizes[empty[0]]}")
        self.class_names, self.feature_dim, self.splits, self._sizes = list(class_names), feature_dim, [1], sizes

    def videos(self, split: int, subset: Subset) -> list[str]:
        check_split(split, self.splits, "this data set")
        return [name for name in self.stored() if name.startswith("test-") == (subset == "test")]

    def stored(self) -> list[str]:
        return [f"{part}-{number:05d}" for part, size in self._sizes.items() for number in range(size)]

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:
        part, _, number = name.rpartition("-")
        if not (number.isdecimal() and int(number) < self._sizes.get(part, 0)):
            raise FileNotFoundError(f"there is no sequence {name!r}: {_ONE_VIDEO}")
        features, truth = self._sequence(part, int(number))
        video = Video(name, torch.from_numpy(np.ascontiguousarray(features, np.float32)), source=name)
        if not labels:
            return video
        if self.target == "single":
            return video._replace(labels=torch.from_numpy(truth.astype(np.int64)))
        return video._replace(targets=torch.from_numpy(np.ascontiguousarray(truth, np.float32)))

    def _sequence(self, part: str, number: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.generic]]:
        """Features ``(D, T)``, and labels ``(T,)`` or targets ``(C, T)``."""
        raise NotImplementedError

    def _rng(self, seed: int, part: str, number: int) -> np.random.Generator:
        return np.random.default_rng([seed, [*self._sizes].index(part), number])


class CopyMemoryReader(_SequenceReader):
    """Copy memory: symbols are shown, then nothing for a long time, then they must be repeated in their order.

    ::

        input    3 1 8 ... 5   0 0 0 ... 0   9 9 9 9 ... 9
        label    0 0 0 ... 0   0 0 0 ... 0   0 3 1 8 ... 5

    The input is ``memory`` symbols from 1 to 8, ``delay - 1`` zeros and ``memory + 1`` nines. Each symbol is recalled
    :attr:`lag` frames after it was shown. Inputs are one-hot; the authors feed the number itself.

    Args:
        delay: T of the paper, in frames.
        memory: symbols to remember.
        train: training sequences.
        test: test sequences.
        seed: of the symbols.

    Raises:
        ValueError: if an argument is below 1.

    Example:
        >>> video = CopyMemoryReader(delay=3, memory=2).read("train-00000")
        >>> video.features.argmax(dim=0).tolist(), video.labels.tolist()
        ([7, 6, 0, 0, 9, 9, 9], [0, 0, 0, 0, 0, 7, 6])

    Reference:
        Bai, Kolter, Koltun: "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
        Modeling", 2018, section 4; Hochreiter & Schmidhuber, 1997.
    """

    background = 0

    def __init__(self, delay: int = 500, memory: int = 10, train: int = 1000, test: int = 200, seed: int = 0) -> None:
        if delay < 1 or memory < 1:
            raise ValueError(f"`delay` and `memory` must be at least 1 frame, got {delay} and {memory}")
        super().__init__(["blank", *map(str, range(1, 9)), "marker"], feature_dim=10, train=train, test=test)
        self.delay, self.memory, self.seed = delay, memory, seed

    @property
    def lag(self) -> int:
        """Frames between a symbol and its recall: the least past that a network must see."""
        return self.delay + self.memory

    @property
    def memoryless_loss(self) -> float:
        """Cross-entropy of who guesses each symbol and knows all else: ``memory * log(8) / T``."""
        return self.memory * math.log(8) / (self.delay + 2 * self.memory)

    def _sequence(self, part: str, number: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.generic]]:
        symbols = self._rng(self.seed, part, number).integers(1, 9, self.memory)
        shown = np.concatenate([symbols, np.zeros(self.delay - 1, np.int64), np.full(self.memory + 1, 9)])
        return np.eye(10, dtype=np.float32)[:, shown], np.append(np.zeros(self.lag, np.int64), symbols)


class AddingReader(_SequenceReader):
    """Adding problem: the sum of the two numbers that are marked, to be told at the last frame.

    The first feature is a number from 0 to 1, the second is 1 in two frames and 0 in the others. The target of the last
    frame is the sum, the others are unknown.

    Args:
        length: T, in frames.
        train: training sequences.
        test: test sequences.
        seed: of the numbers and marks.

    Raises:
        ValueError: if ``length`` is below 2, or a number of sequences below 1.

    Example:
        >>> video = AddingReader(length=5).read("train-00000")
        >>> bool((video.features[0] * video.features[1]).sum() == video.targets[0, -1])
        True

    Reference:
        Hochreiter & Schmidhuber: "Long Short-Term Memory", 1997; Bai, Kolter, Koltun, 2018, section 4.
    """

    target = "values"
    memoryless_loss = 1 / 6
    """Mean squared error of who always says 1: the variance of a sum of two uniform numbers."""

    def __init__(self, length: int = 200, train: int = 1000, test: int = 200, seed: int = 0) -> None:
        if length < 2:
            raise ValueError(f"`length` must be at least 2 frames, for two numbers, got {length}")
        super().__init__(["sum"], feature_dim=2, train=train, test=test)
        self.length, self.seed = length, seed

    def _sequence(self, part: str, number: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.generic]]:
        rng = self._rng(self.seed, part, number)
        features = np.zeros((2, self.length), np.float32)
        features[0] = rng.random(self.length, np.float32)
        features[1, rng.choice(self.length, 2, replace=False)] = 1
        total = np.full((1, self.length), np.nan, np.float32)
        total[0, -1] = (features[0] * features[1]).sum()
        return features, total


class PixelMNISTReader(_SequenceReader):
    """Sequential MNIST: a digit is seen pixel by pixel, row after row, and must be named at the last one.

    Args:
        root: folder with the four IDX files of MNIST (``train-images-idx3-ubyte``, ..., or with ``.gz``). None draws
            ``generated-`` digits in their place, a stand-in that is much easier: no score on it is one on MNIST.
        permute: see the pixels in one random order, the same for all pictures.
        train: training digits that are drawn, where ``root`` is None.
        test: test digits that are drawn.
        seed: of the permutation and of what is drawn.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is not what its name says, or pictures and labels differ in number.

    Reference:
        Le, Jaitly, Hinton: "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", 2015.
    """

    def __init__(
        self, root: str | None = None, permute: bool = False, train: int = 1000, test: int = 200, seed: int = 0
    ) -> None:
        self._files = {} if root is None else {part: _mnist(Path(root), part) for part in ("train", "test")}
        sizes = {part: len(labels) for part, (_, labels) in self._files.items()}
        sizes = sizes or {"train-generated": train, "test-generated": test}
        super().__init__([*map(str, range(10))], feature_dim=1, **sizes)
        self.seed, num_pixels = seed, SIDE * SIDE
        self._order = np.random.default_rng(seed).permutation(num_pixels) if permute else np.arange(num_pixels)

    def _sequence(self, part: str, number: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.generic]]:
        if self._files:
            pictures, digits = self._files[part]
            picture, digit = pictures[number], int(digits[number])
        else:
            picture, digit = _drawn_digit(self._rng(self.seed, part, number))
        labels = np.full(SIDE * SIDE, IGNORE)
        labels[-1] = digit
        return picture.reshape(1, -1)[:, self._order] / np.float32(255), labels


class MusicReader(_SequenceReader):
    """Polyphonic music: which of the 88 keys of a piano sound in the next frame, several at a time.

    Training pieces are ``train-00000``, ... and ``valid-00000``, ...; let the data module hold out ``valid-*``.

    Args:
        path: a ``.mat`` file with the cells ``traindata``, ``validdata`` and ``testdata``, each a piece ``(T, 88)`` of
            zeros and ones, such as JSB Chorales and Nottingham.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds something else.

    Reference:
        Boulanger-Lewandowski, Bengio, Vincent: "Modeling Temporal Dependencies in High-Dimensional Sequences", ICML
        2012.
    """

    target = "multi"

    def __init__(self, path: str) -> None:
        cells = load_matlab(Path(path))
        self._pieces: dict[str, list[npt.NDArray[np.generic]]] = {}
        for part in ("train", "valid", "test"):
            if f"{part}data" not in cells:
                raise ValueError(
                    f"{path} holds no `{part}data` (it holds {', '.join(sorted(cells)) or 'nothing'}): expected piano "
                    "rolls in `traindata`, `validdata` and `testdata`"
                )
            self._pieces[part] = [np.asarray(piece) for piece in cells[f"{part}data"].ravel()]
            for number, piece in enumerate(self._pieces[part]):
                _check_piano_roll(piece, f"{path}: piece {number} of `{part}data`")
        names = [f"{_NOTES[key % 12]}{(key + 9) // 12}" for key in range(NUM_KEYS)]
        super().__init__(names, NUM_KEYS, **{part: len(pieces) for part, pieces in self._pieces.items()})

    def _sequence(self, part: str, number: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.generic]]:
        roll = self._pieces[part][number].T.astype(np.float32)
        return roll[:, :-1], roll[:, 1:]


class CharacterReader(_SequenceReader):
    """Text, character by character: which one comes next. The last part of the file is the test text.

    Args:
        path: a UTF-8 text file.
        length: characters of a sequence; a rest that is shorter is left out.
        test_share: share of the sequences that are test sequences, at least one.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not UTF-8 or too short for two sequences, or an argument is out of range.
    """

    def __init__(self, path: str, length: int = 400, test_share: float = 0.1) -> None:
        if length < 1 or not 0 < test_share < 1:
            raise ValueError(f"`length` must be at least 1 and `test_share` in 0 .. 1, got {length} and {test_share}")
        if not Path(path).is_file():
            raise FileNotFoundError(f"no text file {path}: check the path")
        text = read_text(path, most=2**30)
        num_sequences = (len(text) - 1) // length
        if num_sequences < 2:
            raise ValueError(f"{path} has {len(text)} characters, too few for two sequences of `length` {length}")
        characters = sorted({*text})
        index = {character: number for number, character in enumerate(characters)}
        self._text, self.length = np.array([index[character] for character in text]), length
        self._num_test = max(1, round(test_share * num_sequences))
        self._num_train = max(1, num_sequences - self._num_test)
        names = [ascii(character) for character in characters]  # a class name is one line and not empty
        super().__init__(names, len(names), train=self._num_train, test=num_sequences - self._num_train)

    def _sequence(self, part: str, number: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.generic]]:
        start = (number + (self._num_train if part == "test" else 0)) * self.length
        shown = self._text[start : start + self.length]
        return np.eye(self.feature_dim, dtype=np.float32)[:, shown], self._text[start + 1 : start + self.length + 1]


def _check_piano_roll(piece: npt.NDArray[np.generic], where: str) -> None:
    if piece.ndim != 2 or piece.shape[1] != NUM_KEYS or len(piece) < 2 or piece.dtype.kind not in "biuf":
        raise ValueError(f"{where} must be numbers (T, {NUM_KEYS}) with T >= 2, got {piece.dtype} {piece.shape}")
    if not np.isin(piece, (0, 1)).all():
        raise ValueError(f"{where} must hold only 0 and 1, a key that sounds is 1")


def _mnist(root: Path, part: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Pictures ``(N, 28, 28)`` and digits ``(N,)``."""
    prefix = "train" if part == "train" else "t10k"
    pictures = _read_idx(root / f"{prefix}-images-idx3-ubyte", 3)
    digits = _read_idx(root / f"{prefix}-labels-idx1-ubyte", 1)
    if pictures.shape[1:] != (SIDE, SIDE) or len(pictures) != len(digits) or digits.max(initial=0) > 9:
        raise ValueError(
            f"{root} must hold pictures of {SIDE} x {SIDE} and as many digits from 0 to 9, got {prefix} pictures "
            f"{pictures.shape} and {len(digits)} digits up to {digits.max(initial=0)}"
        )
    return pictures, digits


def _read_idx(path: Path, ndim: int) -> npt.NDArray[np.uint8]:
    """An array of bytes in the IDX format: two zeros, type 8, number of sizes, sizes (big-endian), values."""
    packed = path.with_name(f"{path.name}.gz")
    if not path.is_file() and not packed.is_file():
        raise FileNotFoundError(f"no {path.name} and no {packed.name} in {path.parent}: put the files of MNIST there")
    try:
        content = path.read_bytes() if path.is_file() else gzip.decompress(packed.read_bytes())
    except (OSError, EOFError) as error:
        raise ValueError(f"{packed} cannot be unpacked ({error}): fetch it again") from error
    sizes = [int(size) for size in np.frombuffer(content[4 : 4 + 4 * ndim], ">u4")] if len(content) > 4 * ndim else []
    start = 4 + 4 * ndim
    if content[:4] != bytes([0, 0, 8, ndim]) or len(content) - start != math.prod(sizes):
        raise ValueError(
            f"{path} is not an IDX file of bytes with {ndim} sizes, or it is cut off: got {len(content)} bytes that "
            f"begin with {content[:4].hex()} for sizes {sizes}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


def _drawn_digit(rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], int]:
    """A digit of three by five blocks, at a random place, with noise."""
    digit, scale = int(rng.integers(10)), int(rng.integers(3, 6))
    bits = np.array([*f"{_DIGITS[digit]:015b}"], np.uint8).reshape(5, 3)
    blocks = np.kron(bits, np.full((scale, scale), 200, np.uint8))
    picture = rng.integers(0, 56, (SIDE, SIDE), np.uint8)
    row, column = rng.integers(0, SIDE + 1 - np.array(blocks.shape))
    picture[row : row + blocks.shape[0], column : column + blocks.shape[1]] += blocks
    return picture, digit
