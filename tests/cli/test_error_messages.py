"""What the command line makes of errors that libraries and the system raise."""

from __future__ import annotations

import torch

from segtcn.cli import _text_for_users


def test_a_checkpoint_of_other_sizes_says_so_before_the_details():
    source, target = torch.nn.Linear(3, 5), torch.nn.Linear(3, 6)
    try:
        target.load_state_dict(source.state_dict())
    except RuntimeError as error:
        text = _text_for_users(error)
    assert text.startswith("the checkpoint is of another network, or the data has other classes now: train again\n")
    assert "size mismatch for weight" in text


def test_a_missing_file_is_not_a_matter_of_another_place():
    assert _text_for_users(FileNotFoundError(2, "No such file or directory", "x.json")) == (
        "cannot use x.json: no such file or directory; check the path"
    )
    assert _text_for_users(PermissionError(13, "Permission denied", "out")).endswith("choose another place")
    assert _text_for_users(RuntimeError("a fault of ours")) is None
