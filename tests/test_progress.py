"""Progress: a bar on a terminal, and lines in a file."""

from __future__ import annotations

import io
import re
import sys

import pytest

from segtcn import progress
from segtcn.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("line_s", "num_lines"), [(0.0, 3), (1000.0, 1)])
def test_a_file_gets_plain_lines_with_the_time_left(monkeypatch, capsys, line_s, num_lines):
    monkeypatch.setattr(progress, "LINE_S", line_s)
    assert list(progress_bar(range(3), "read", unit="video")) == [0, 1, 2]
    shown = capsys.readouterr().err
    assert "\r" not in shown
    lines = ["read: 1 of 3 videos (33 %)", "read: 2 of 3 videos (67 %)", "read: 3 of 3 videos (100 %)"]
    assert [line.split(",")[0] for line in shown.splitlines()] == lines[-num_lines:]
    assert shown.count("00:00 left") == num_lines - 1


def test_lines_are_left_out_of_short_work_that_leaves_nothing_and_where_nothing_is_shown(capsys):
    assert list(progress_bar(range(9), "look", unit="clip", keep=False)) == [*range(9)]
    assert list(progress_bar(range(9), "hide", unit="clip", show=False)) == [*range(9)]
    assert capsys.readouterr().err == ""


def test_the_last_line_has_the_last_scores(capsys):
    with progress_bar(name="testing", unit="batch", total=9) as bar:
        for number in range(9):
            bar.set_postfix({"score": number}, refresh=False)
            bar.update()
    assert re.fullmatch(
        r"testing: 9 of 9 batches \(100 %\), 00:00 gone, .* batches/s, score=8\n", capsys.readouterr().err
    )


def test_what_was_done_before_does_not_count_as_fast(capsys):
    with progress_bar(name="training", unit="epoch", total=100, initial=98) as bar:
        bar.start_t -= 60
        bar.update()
    line = "training: 99 of 100 epochs (99 %), 01:00 gone, 01:00 left, 0.0167 epochs/s\n"
    assert capsys.readouterr().err == line


def test_a_terminal_gets_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(progress_bar(range(3), "read", unit="video")) == [0, 1, 2]
    assert "read: 100%|" in terminal.getvalue()
