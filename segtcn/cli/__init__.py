"""The command line ``segtcn``. Each command is imported when it is called: ``segtcn --help`` stays fast."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import warnings
from collections.abc import Sequence

import segtcn
from segtcn.cli.config_words import resolve_configs, without_option
from segtcn.cli.notes import format_as_note
from segtcn.cli.stopping import STATUS, UNREAD, TerminatedError, discard_if_unread, ended_by_signals

COMMANDS = {
    "fit": ("segtcn.cli.lightning", "train a network"),
    "validate": ("segtcn.cli.lightning", "score a checkpoint on the validation videos"),
    "test": ("segtcn.cli.lightning", "score a checkpoint on the test videos"),
    "predict": ("segtcn.cli.predict", "write the labels of new clips and features"),
    "decode": ("segtcn.cli.decode", "turn scores into other labels: no fragments, likely durations and orders"),
    "live": ("segtcn.cli.live", "label a camera, an address or a clip while it runs"),
    "crossval": ("segtcn.cli.crossval", "train and test on all splits with several seeds, in one table"),
    "learncurve": ("segtcn.cli.learncurve", "draw how scores grow with the amount of annotation"),
    "sweep": ("segtcn.cli.sweep", "search for good options by validation videos"),
    "evaluate": ("segtcn.cli.evaluate", "score prediction files under any protocol"),
    "compare": ("segtcn.cli.compare", "several runs side by side, and whether a difference is more than chance"),
    "analyze": ("segtcn.cli.analyze", "report what a run gets wrong, with pictures"),
    "check-config": ("segtcn.cli.check_config", "say whether a config names code of unknown modules"),
    "check": ("segtcn.cli.check", "report what a data set holds and what is wrong with it"),
    "convert": ("segtcn.cli.convert", "write any data set as one HDF5 file, or as an MS-TCN tree"),
    "init": ("segtcn.cli.init", "make a data set from features or clips and annotations: labels, splits, card, config"),
    "draft": ("segtcn.cli.draft", "propose segments of unlabelled features"),
    "add": ("segtcn.cli.add", "put corrected labels into a data set"),
    "extract": ("segtcn.cli.extract", "make features from videos"),
    "export": ("segtcn.cli.export", "write a trained network as ONNX, for torch.export, or for the Hugging Face Hub"),
    "overlay": ("segtcn.cli.overlay", "draw predictions and truth on a clip"),
    "timeline": ("segtcn.cli.timeline", "draw the segments of videos as bars, for papers"),
    "view": ("segtcn.cli.view", "play clips with their labels in the browser; compare, correct, export"),
    "plan": ("segtcn.cli.plan", "list the smallest networks that see a given number of frames"),
    "bench": ("segtcn.cli.bench", "compare networks on a data set, or measure what is claimed of them"),
    "reproduce": ("segtcn.cli.reproduce", "train what a paper published, and compare the scores"),
    "demo": ("segtcn.cli.demo", "make a small data set of rendered clips, train on it, score it, draw it"),
}
"""Name of every command: its module, with a function of that name or ``main(argv)``, and what it does."""

NETWORK_COMMANDS = ("fit", "validate", "test", "crossval", "learncurve", "sweep")
"""Commands whose options name classes, which may lie in the current directory."""

USER_ERRORS = (ValueError, OSError, ImportError)
LIBRARIES_OF_USER_ERRORS = ("wandb", "lightning_fabric", "submitit")
"""Libraries whose own exceptions say what the user can mend: no key, no such device."""

EXAMPLES = """\
examples:
  segtcn demo
  segtcn fit -c ed_tcn -c gtea_lea --data.reader.init_args.root DIR --data.split 1
  segtcn fit RUN --resume
  segtcn test RUN
  segtcn predict RUN clip.mp4 features/ --out labels
  segtcn decode RUN --decoder viterbi.json -o decoded
  segtcn crossval -c ed_tcn -c gtea_lea --seeds 0,1,2
  segtcn learncurve -c ed_tcn -c mydata/data.yaml --seeds 0,1,2
  segtcn sweep configs/sweep/optimizer.yaml --data.reader.init_args.root DIR
  segtcn live RUN rtsp://camera/1 --record seen.mp4
  segtcn evaluate predictions/ truth/ --protocol all --mapping mapping.txt
  segtcn compare runs/ed_tcn runs/dilated_tcn
  segtcn analyze RUN
  segtcn check-config THEIRS/config.yaml
  segtcn check gtea_lea --data.reader.init_args.root DIR
  segtcn convert DIR gtea.h5 --fps 15 --background background
  segtcn init mydata --fps 25 --folds 4
  segtcn draft features/ --clusters 8 -o drafts
  segtcn add mydata corrected
  segtcn extract clips/ --out data/features --backbone facebook/dinov2-base
  segtcn export RUN --format onnx -o model.onnx
  segtcn overlay clip.mp4 predictions.txt -o out.mp4 --truth labels.txt
  segtcn timeline RUN --worst 5 --scores -o worst.pdf
  segtcn view RUN --clips DATA/videos
  segtcn plan --seconds 60 --fps 15
  segtcn bench sequences --out report

`-c ed_tcn` takes a config that comes with segtcn, `-c mine.yaml` a file.
"""


def usage() -> str:
    """What ``segtcn --help`` prints."""
    commands = "\n".join(f"  {name:<12} {summary}" for name, (_, summary) in COMMANDS.items())
    return (
        "usage: segtcn COMMAND [OPTIONS]\n\n"
        "Temporal action segmentation: one action label for every frame of a video.\n\n"
        f"commands (`segtcn COMMAND --help` says more):\n{commands}\n\n{EXAMPLES}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and turn the errors that users cause into one line.

    Args:
        argv: the words after ``segtcn``; None takes them from the shell.

    Returns:
        The exit status: 0, or 1 after an error, or 2 if the command line itself is wrong; 130 after Ctrl-C, 141 if
        nobody reads the output any more, and 143 after SIGTERM, SIGUSR1 or SIGUSR2.
    """
    try:
        try:
            return _run_command(list(sys.argv[1:] if argv is None else argv))
        finally:
            sys.stdout.flush()  # here, not at exit, where Python would print the error
    except BrokenPipeError:  # `| head -1`
        if not discard_if_unread():
            raise
        return UNREAD


def _run_command(argv: list[str]) -> int:
    warnings.formatwarning = format_as_note
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage(), end="")
        return 0
    if argv[0] in ("-V", "--version"):
        print(f"segtcn {segtcn.__version__}")
        return 0
    if argv[0] not in COMMANDS:
        near = difflib.get_close_matches(argv[0], COMMANDS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
        print(f"segtcn: there is no command {argv[0]!r}; {hint}", file=sys.stderr)
        return 2
    try:
        with ended_by_signals():
            _dispatch(resolve_configs(argv))
    except KeyboardInterrupt as stop:
        is_signal = isinstance(stop, TerminatedError)
        print(
            f"segtcn {argv[0]}: {'ended by a signal' if is_signal else 'interrupted'}{_how_to_continue(stop, argv)}",
            file=sys.stderr,
        )
        return STATUS if is_signal else 130
    except BrokenPipeError:
        raise
    except Exception as error:
        text = _text_for_users(error)
        if text is None or os.environ.get("SEGTCN_TRACEBACK"):
            raise
        print(f"segtcn {argv[0]}: error: {text}\n(SEGTCN_TRACEBACK=1 shows where)", file=sys.stderr)
        return 1
    return 0


def _how_to_continue(stop: KeyboardInterrupt, argv: Sequence[str]) -> str:
    """What to do next, where something is left to continue."""
    if stop.args:
        return f"; {stop}"
    if argv[0] in ("crossval", "learncurve", "sweep", "convert", "extract", "predict", "bench", "reproduce"):
        return "; the same command continues"
    return ""


def _text_for_users(error: Exception) -> str | None:
    """What is wrong, if it is something that users can mend."""
    if isinstance(error, OSError) and error.filename:  # of the system itself
        remedy = "check the path" if isinstance(error, FileNotFoundError) else "choose another place"
        return f"cannot use {error.filename}: {str(error.strerror).lower()}; {remedy}"
    known = isinstance(error, USER_ERRORS) or type(error).__module__.split(".")[0] in LIBRARIES_OF_USER_ERRORS
    if isinstance(error, RuntimeError) and "in loading state_dict" in str(error):
        details = str(error).partition("\n")[2].strip()
        return f"the checkpoint is of another network, or the data has other classes now: train again\n  {details}"
    return str(error) if known else None


def _dispatch(argv: Sequence[str]) -> None:
    name = argv[0]
    # `--model.net mine.MyNet`; last, so that nothing there hides a library
    if name in (*NETWORK_COMMANDS, "check-config") and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    if name in NETWORK_COMMANDS:
        argv = without_option(argv)
    module = importlib.import_module(COMMANDS[name][0])
    if hasattr(module, "main"):
        module.main(argv)
    else:
        from segtcn.cli.parser import run

        run(getattr(module, name.replace("-", "_")), argv[1:])
