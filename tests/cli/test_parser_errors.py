"""Wrong options of the commands that Lightning parses: two lines, with the nearest option or class."""

from __future__ import annotations

import pytest

from segtcn.cli import main

CONFIGS = ["-c", "ed_tcn", "-c", "ms_tcn_tree"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*CONFIGS, "--trainr.max_epochs=3"], "unrecognized arguments: --trainr.max_epochs=3; did you mean --trainer."),
        ([*CONFIGS, "--data.sampel_rate", "3"], "did you mean --data.sample_rate?"),
        ([*CONFIGS, "--data.batch_size=x"], "argument --data.batch_size: expected a whole number, got x"),
        ([*CONFIGS, "--model.net=EDTNC"], "argument --model.net: there is no class EDTNC; did you mean EDTCN?"),
        ([*CONFIGS, "--data.reader=LeaRaeder"], "there is no class LeaRaeder; did you mean LeaReader?"),
        ([*CONFIGS, "--model.net.init_args.kernel_sise=3"], "EDTCN has no argument kernel_sise; did you mean kernel_"),
        (["--model.net=EDTCN"], "give --data.reader"),
        (["-c", "ed_tcn"], "no data config is given, such as -c mydata/data.yaml, which `segtcn init mydata` writes"),
        (["-c", "ed_tcn", "--data.reader.init_args.root=."], "no data config is given, such as -c mydata/data.yaml"),
        (["-c", "ms_tcn_tree", "--data.reader.root=mydata"], "no model config is given, such as -c ed_tcn"),
        (["-c", "nowhere.yaml"], "argument --config: File does not exist"),
    ],
)
def test_a_wrong_option_is_two_lines_with_the_nearest_one(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", *words])
    assert stop.value.code == 2
    error, usage = capsys.readouterr().err.splitlines()
    assert message in error
    assert usage.startswith("usage: segtcn ")
