"""Lists of videos, written by many hands and editors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from segtcn.labels.classes import listed
from segtcn.labels.text_rows import lines_of, read_text

Subset = Literal["train", "test"]
"""Which list of a split."""


def read_lines(path: Path) -> list[str]:
    """Lines of a text file without surrounding blanks; a last line without newline counts, empty ones after it do not.

    Raises:
        ValueError: if the file is not UTF-8 text, or holds a zero byte, which no name may.
    """
    text = read_text(path)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(f"line {line} of {path} holds a zero byte, so it is not text: save it again as UTF-8")
    return lines_of(text)


def read_names(path: Path, clean: Callable[[str], str]) -> list[str]:
    """Names of videos, one a line; empty lines are skipped.

    Args:
        path: the list.
        clean: turns a line into a name.

    Raises:
        ValueError: if the list is empty, holds a video twice, or a name leads out of the data set.
    """
    names = [clean(line) for line in read_lines(path) if line]
    if not names:
        raise ValueError(f"{path} lists no video: write one name a line, or choose another split")
    return check_names(names, str(path))


def list_text(names: Iterable[str]) -> str:
    """The content of a list of videos, such as ``train.split1.bundle``."""
    return "".join(f"{name}.txt\n" for name in names)


def check_names(names: list[str], where: str) -> list[str]:
    """Names of videos as they are, if each may become the name of a file and there is none twice.

    Args:
        names: of a list of videos.
        where: the file that holds the list, for messages.

    Raises:
        ListError: if the list holds a video twice, or a name leads out of the data set.
    """
    outside = [name for name in names if leads_out(name)]
    usable = list(dict.fromkeys(name for name in names if not leads_out(name)))
    if outside:  # predictions are written to files of that name
        raise ListError(f"{where} lists {outside[0]!r}: a name must not lead out of the data set's folder", usable)
    if len(usable) < len(names):
        twice, times = Counter(names).most_common(1)[0]
        raise ListError(f"{where} lists {twice!r} {times} times: leave one line", usable)
    return names


def check_split(split: int, splits: Sequence[int], where: object) -> None:
    """Refuse the number of a split that does not exist.

    Raises:
        ValueError: naming those that do.
    """
    if split not in splits:
        raise ValueError(f"split {split} does not exist in {where}: choose from {', '.join(map(str, splits))}")


def group_of(video: str, groups: str, argument: str = "groups") -> str:
    """The person or recording that a video shows, read from its name.

    Args:
        video: the name.
        groups: regular expression; its first parenthesis, or all of it, names the group.
        argument: what gave the expression, for messages.

    Raises:
        ValueError: if it is no regular expression, or matches nothing of the name.
    """
    try:
        match = re.search(groups, video)
    except re.error as error:
        raise ValueError(f"`{argument}` must be a regular expression, got '{groups}': {error}") from error
    if match is None:
        raise ValueError(f"`{argument}` '{groups}' does not match the video {video}: every video needs a group")
    group = match[1] if match.re.groups else match[0]
    if not group:  # all such videos would be one group
        raise ValueError(
            f"`{argument}` '{groups}' matches nothing of the video {video}: its first parenthesis, or all, names the "
            "group"
        )
    return group


def group_problem(videos: Sequence[str], groups: str) -> str | None:
    """Why an expression from the card of a data set does not group its videos.

    Args:
        videos: names.
        groups: regular expression, as of :func:`group_of`.

    Returns:
        The expression and what is wrong with it, for a message; None if it groups them.

    Example:
        >>> group_problem(["P01_tea", "P02_tea", "tea"], "^P[0-9]+")
        "'^P[0-9]+', which does not match tea"
    """
    names: set[str] = set()
    unmatched = []
    for video in videos:
        try:
            names.add(group_of(video, groups))
        except ValueError:
            unmatched.append(video)
    if unmatched:
        return f"'{groups}', which does not match {listed(unmatched)}"
    return f"'{groups}', which makes one group of all videos" if len(names) == 1 < len(videos) else None


class ListError(ValueError):
    """A list of videos that is wrong.

    Args:
        message: what is wrong.
        names: what can be used of it, each name once, for a check that continues.
    """

    def __init__(self, message: str, names: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.names = list(names)


def leads_out(name: str) -> bool:
    """Whether a file of that name would lie outside of its folder, or nowhere."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name


class VideoLists:
    """The lists of a tree: ``{train,test}.splitK.bundle``, one ``NAME`` or ``NAME.txt`` a line.

    Args:
        folder: that holds them.
        suffixes: endings that are not part of a name.

    Attributes:
        splits: numbers of the splits, in order.

    Raises:
        FileNotFoundError: if there is no list.
    """

    def __init__(self, folder: Path, suffixes: Iterable[str] = (".txt",)) -> None:
        self._folder = folder
        self._suffixes = tuple(suffixes)
        matches = (re.fullmatch(r"(?:train|test)\.split(\d+)\.bundle", path.name) for path in self._bundles())
        self.splits = sorted({int(match[1]) for match in matches if match})
        if not self.splits:
            raise FileNotFoundError(
                f"no list of videos in {folder}: write train.split1.bundle and test.split1.bundle, "
                "one video name a line"
            )

    def videos(self, split: int, subset: Subset) -> list[str]:
        """Names of the videos of a subset, in the order of its list."""
        check_split(split, self.splits, self._folder)
        path = self._folder / f"{subset}.split{split}.bundle"
        if not path.is_file():
            raise FileNotFoundError(f"no {path}: write the names of the {subset} videos of split {split}, one a line")
        return read_names(path, clean=self._name)

    def names(self) -> list[str]:
        """Names of all videos in any list, each once, those for training first.

        Raises:
            ValueError: if a name leads out of the data set.
        """
        names: dict[str, None] = {}
        for path in self._bundles():
            of_list = dict.fromkeys(self._name(line) for line in read_lines(path) if line)
            names |= dict.fromkeys(check_names(list(of_list), str(path)))
        return list(names)

    def _bundles(self) -> list[Path]:
        paths = (path for path in self._folder.glob("*.bundle") if path.is_file())
        return sorted(paths, key=lambda path: (not path.name.startswith("train"), path.name))  # training videos first

    def _name(self, line: str) -> str:
        # not cut at the first dot: names may hold dots
        return next((line.removesuffix(suffix) for suffix in self._suffixes if line.endswith(suffix)), line)
