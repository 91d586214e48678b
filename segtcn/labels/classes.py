"""The classes of labels: names, order and background."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segtcn.atomic import write_text
from segtcn.labels.text_rows import lines_of, read_text
from segtcn.structures import IGNORE

BACKGROUND_NAMES = ("background", "SIL")
"""What data sets call the class of frames in which nothing of interest happens."""

IGNORE_NAME = "__ignore__"
"""What label files write for frames that nobody annotated (:data:`segtcn.structures.IGNORE`); never a class."""

MAX_CLASS = 100_000
"""A larger number in a file is hardly the index of a class."""

_LINE = re.compile(r"(\d{1,9})\s+(.+)", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,3}")  # four digits: no list of a billion classes
_LONGEST_NAME = 1000
_NEVER_IN_NAMES = re.compile("[\0\r\n\ufeff\ud800-\udfff]")  # ends of lines and texts, and what UTF-8 cannot hold


@dataclass(frozen=True)
class Classes:
    """Names of classes in the order of their indexes.

    Args:
        names: name of every class; the index is the class.
        background: index of the class in which nothing of interest happens, or None.

    Raises:
        ValueError: if two classes have one name, a name is empty, reserved or not one line, or ``background`` is not
            an index of a class.

    Example:
        >>> classes = Classes(("pour", "take"))
        >>> classes.index["take"], len(classes)
        (1, 2)
    """

    names: tuple[str, ...]
    background: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        for name in self.names:
            _check_name(name)
        if len(self.index) < len(self.names):
            twice = next(name for position, name in enumerate(self.names) if self.index[name] != position)
            raise ValueError(f"two classes are named {twice!r}: give every class a name of its own")
        looks: dict[str, str] = {}
        if alike := next((name for name in self.names if looks.setdefault(_look(name), name) != name), None):
            raise ValueError(f"the classes {looks[_look(alike)]!a} and {alike!a} look the same: give them one name")
        if self.background is not None and self.background not in range(len(self.names)):
            raise ValueError(f"`background` must be an index of the {len(self.names)} classes, got {self.background}")

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.names)

    @cached_property
    def index(self) -> dict[str, int]:
        """Index of every class by its name."""
        return {name: index for index, name in enumerate(self.names)}

    @property
    def common(self) -> Classes:
        """The classes of files and pictures: these, but see :class:`segtcn.labels.track_classes.TrackClasses`."""
        return self

    @cached_property
    def is_numbered(self) -> bool:
        """Whether every class is called by its index, so that names are not known."""
        return self.names == _numbered_names(len(self.names))

    @classmethod
    def from_names(cls, names: Iterable[str], background: str | None = None) -> Classes:
        """The classes of labels that nothing else numbers: sorted, so that the same labels always get the same indexes.

        Background is not moved to the front: the field has no common practice, and so the numbers depend on the labels
        alone. Labels that are all numbers are the indexes themselves.

        Args:
            names: of classes, each once or often; :data:`IGNORE_NAME` is left out.
            background: name of the background class; None takes the first of :data:`BACKGROUND_NAMES` that is there.

        Example:
            >>> Classes.from_names(["take", "SIL", "take"])
            Classes(names=('SIL', 'take'), background=0)
            >>> Classes.from_names(["3", "0"]).names
            ('0', '1', '2', '3')
        """
        ordered = sorted({*names} - {IGNORE_NAME})
        if all(_NUMBER.fullmatch(name) for name in ordered):
            return cls.numbered(max(map(int, ordered), default=-1) + 1).with_background(background)
        return cls(tuple(ordered)).with_background(background)

    @classmethod
    def numbered(cls, num_classes: int) -> Classes:
        """Classes without names: each is called by its index.

        Example:
            >>> Classes.numbered(2).names
            ('0', '1')
        """
        return cls(_numbered_names(num_classes))

    @classmethod
    def read(cls, path: str | os.PathLike[str], background: str | None = None) -> Classes:
        """Read a ``mapping.txt``, one ``ID NAME`` a line; names may hold blanks.

        Args:
            path: the file.
            background: name of the background class; None takes the first of :data:`BACKGROUND_NAMES` that is there.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if a line cannot be understood, the ids are not 0 to C - 1, or two classes have one name.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no {path}: write one line for every class, `0 background`, `1 cut`, ...")
        names: dict[int, str] = {}
        for number, line in enumerate(lines_of(read_text(path)), start=1):
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"line {number} of {path} must be `ID NAME`, such as `0 background`, got {line!r}")
            if int(match[1]) in names:
                raise ValueError(f"line {number} of {path} repeats the id {match[1]}: {line!r}")
            names[int(match[1])] = match[2]
        if not names or sorted(names) != list(range(len(names))):
            raise ValueError(
                f"{path} must number the classes 0 to C-1 without a gap, got {listed(map(str, sorted(names)))}"
            )
        try:
            return cls(tuple(names[index] for index in range(len(names)))).with_background(background)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a ``mapping.txt``; complete or not at all."""
        write_text(path, self.mapping_text())

    def mapping_text(self) -> str:
        """The content of a ``mapping.txt``."""
        return "".join(f"{index} {name}\n" for index, name in enumerate(self.names))

    def with_background(self, background: str | None = None) -> Classes:
        """The same classes with a background class.

        Args:
            background: its name; None takes the first of :data:`BACKGROUND_NAMES` that is a class, or else none.

        Raises:
            ValueError: if there is no such class.
        """
        if background is None:
            index = next((self.index[name] for name in BACKGROUND_NAMES if name in self.index), None)
        elif background in self.index:
            index = self.index[background]
        else:
            raise ValueError(f"there is no class {background!r} for the background: there are {listed(self.names)}")
        return Classes(self.names, index)

    def extended(self, names: Iterable[str]) -> Classes:
        """The same classes, and behind them, sorted, those of ``names`` that are not among them."""
        return Classes((*self.names, *sorted({*names} - self.index.keys() - {IGNORE_NAME})), self.background)

    def without(self, names: Iterable[str]) -> Classes:
        """The other classes in their order, with new indexes.

        Raises:
            ValueError: if a name is that of no class or of the background class, or no class is left.

        Example:
            >>> Classes(("unscored", "rest", "groom"), background=1).without(["unscored"])
            Classes(names=('rest', 'groom'), background=0)
        """
        left_out = {*names}
        if unknown := sorted(left_out - self.index.keys() - {IGNORE_NAME}):
            raise ValueError(f"no class is named {unknown[0]!r}: the classes are {listed(self.names)}")
        background = None if self.background is None else self.names[self.background]
        if background in left_out:
            raise ValueError(f"the background class {background!r} cannot be left out: name no `background`")
        remaining = tuple(name for name in self.names if name not in left_out)
        if self.names and not remaining:
            raise ValueError(f"all classes are left out: {listed(self.names)}")
        return Classes(remaining, None if background is None else remaining.index(background))

    def indexes_named(self, text: str) -> tuple[int, ...]:
        """The classes that a user names, such as those to leave out of the scores.

        Args:
            text: names or indexes with commas between them; a name comes before an index.

        Raises:
            ValueError: if there is no such class; the message lists the known ones.

        Example:
            >>> Classes(("pour", "take", "SIL")).indexes_named("SIL,0")
            (2, 0)
        """
        words = [word.strip() for word in text.split(",") if word.strip()]
        words = [text] if text in self.index else words  # a name may hold a comma
        known = {**dict(zip(_numbered_names(len(self)), range(len(self)), strict=True)), **self.index}
        if unknown := [word for word in words if word not in known]:
            raise ValueError(f"no class is named {unknown[0]!r}: the classes are {listed(self.names)}")
        return tuple(known[word] for word in words)

    def indexes_of(self, labels: Sequence[str], source: str, first_line: int | None = None) -> npt.NDArray[np.int64]:
        """Index of every label, ``(T,)``; :data:`segtcn.structures.IGNORE` for :data:`IGNORE_NAME`.

        Args:
            labels: name of every frame's class.
            source: where they are from, for the message.
            first_line: number of the line that holds the first label, if each has a line.

        Raises:
            ValueError: if a label is not a class.
        """
        index = {**self.index, IGNORE_NAME: IGNORE}
        try:
            return np.fromiter(map(index.__getitem__, labels), np.int64, len(labels))
        except KeyError as error:
            label, unknown = error.args[0], len({*labels} - index.keys())
        frame = labels.index(label)
        where = f"at frame {frame}" if first_line is None else f"in line {frame + first_line}"
        raise ValueError(
            f"{source}: label {label!r} {where} is not a known class ({unknown} unknown): "
            f"correct it, or add it to the list of classes, which has {listed(self.names)}"
        )


def listed(names: Iterable[object], most: int = 20) -> str:
    """Names for a message, and how many more there are.

    Args:
        names: or other things, in order.
        most: how many to name.

    Example:
        >>> listed(["pour", "take", "stir"], most=2)
        'pour, take and 1 more'
    """
    texts = list(map(str, names))
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")


def spelled_alike(name: str) -> str:
    """A name without what writings of one name differ in: case, blanks, hyphens and underscores.

    Example:
        >>> spelled_alike("Pour_milk") == spelled_alike("pour milk")
        True
    """
    return re.sub(r"[\s_-]+", "", name.casefold())


def alike_names(names: Collection[str]) -> list[str]:
    """Those of the names that differ from another one in spelling only.

    Args:
        names: of classes.

    Example:
        >>> alike_names(["pour milk", "stir", "Pour_milk"])
        ['pour milk', 'Pour_milk']
    """
    spellings = Counter(map(spelled_alike, names))
    return [name for name in names if spellings[spelled_alike(name)] > 1]


def _check_name(name: str) -> None:
    """Refuse a name that no label file would give back as it is."""
    if not name or name != name.strip() or _NEVER_IN_NAMES.search(name):
        raise ValueError(
            f"the name of a class must be one line of text without outer white space, got {name[:80]!r}: rename it"
        )
    if len(name) > _LONGEST_NAME:
        raise ValueError(
            f"the name of a class must have at most {_LONGEST_NAME} characters, got {len(name)} ({name[:40]!r}): "
            "is the file one of labels?"
        )
    if name.startswith("_") and name.strip("_").casefold() == IGNORE_NAME.strip("_"):
        raise ValueError(
            f"a class cannot be named {name!r}: it stands for frames that nobody annotated, as {IGNORE_NAME!r}"
        )
    if name.casefold() == "nan":
        raise ValueError(f"a class cannot be named {name!r}, which programs write for nothing: write {IGNORE_NAME!r}")


def _look(name: str) -> str:
    """What a person sees: accents in one form, blanks as one, without signs that have no width."""
    if not name.isascii():
        name = unicodedata.normalize("NFC", "".join(sign for sign in name if unicodedata.category(sign) != "Cf"))
    return " ".join(name.split())


def _numbered_names(num_classes: int) -> tuple[str, ...]:
    return tuple(map(str, range(num_classes)))
