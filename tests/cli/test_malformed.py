"""Malformed inputs end with a message, whatever the command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.test_lightning import ROOT


@pytest.mark.slow
def test_a_thousand_malformed_inputs_leave_no_stack_trace_and_do_not_hang(tmp_path):
    command = [sys.executable, "-m", "tests.cli.malformed_harness", str(tmp_path)]
    printed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    summary = printed.splitlines()[-1]
    print(summary)
    assert int(summary.split()[0]) >= 1000
    assert summary.endswith(" cases, 0 failures"), printed[-5000:]
