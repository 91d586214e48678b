"""``segtcn crossval``: all splits times several seeds, one table; of one network or of several.

Several networks are one process each, so this module and :mod:`segtcn.cli.crossval.models`, which start them, import
nothing heavy.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from segtcn.cli.crossval.models import crossval_models, separate_configs
from segtcn.cli.parser_errors import shorten_errors

DESCRIPTION = """\
Train on the training videos of every split with every seed, score the test videos with the weights of the last epoch
(with --checkpoint.monitor, of the best one), and write the mean over the splits, with mean and standard deviation over
the seeds, as results.json and results.md.
A run that is complete is not repeated and an interrupted one continues from its last checkpoint: give the same command.
All options of `segtcn fit` are options here too.

With --models, do so for each of several networks, and write models.json and models.md: one row a network with its
scores, recipe, parameters, speed and memory. A network that fails does not stop the others.
"""

EXAMPLES = """\
examples:
  segtcn crossval -c ed_tcn -c gtea_lea --data.reader.init_args.root DIR --seeds 0,1,2
  segtcn crossval -c RUN/config.yaml --splits 1,2 --out runs/two_splits
  segtcn crossval --models ed_tcn dilated_tcn c2f_tcn+c2f_tcn_gtea -c gtea_lea \\
      --data.reader.init_args.root DIR --trainer.logger=false --out runs/gtea
  segtcn compare runs/gtea/ed_tcn runs/gtea/c2f_tcn
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = _parser()
    options, fit_args = parser.parse_known_args(argv[1:])
    for word in fit_args:
        if word.split("=")[0] in ("--seed", "--split", "--data.split", "--seed_everything"):
            parser.error(f"{word.split('=')[0]} is for one run: give --seeds and --splits")
    if options.protocol is not None:
        fit_args.append(f"--model.protocol={options.protocol}")
    configs, others = separate_configs(fit_args)
    names = ["crossval", *(["models"] if options.models else []), *(Path(config).stem for config in configs)]
    out = options.out or Path("runs") / "-".join(names)
    if options.models is None:
        if options.jobs is not None:
            parser.error("--jobs goes with --models")

        from segtcn.cli.crossval.runs import crossval

        crossval(fit_args, options.seeds, options.splits, out)
        return
    jobs = 1 if options.jobs is None else options.jobs
    if jobs < 1:
        parser.error(f"--jobs must be at least 1, got {jobs}")
    for option in ("seeds", "splits"):
        if (numbers := getattr(options, option)) is not None:
            others.append(f"--{option}={','.join(map(str, numbers))}")
    crossval_models(options.models, configs, others, out, jobs, ["segtcn", *argv])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "segtcn crossval",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--seeds", type=_numbers, default=[0], metavar="0,1,2", help="seeds (default: 0)")
    parser.add_argument("--splits", type=_numbers, metavar="1,2", help="splits (default: all of the data set)")
    parser.add_argument("--protocol", metavar="NAME", help="evaluation protocol, as --model.protocol (default: lea)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder (default: runs/crossval-NAMES-OF-THE-CONFIGS)")
    parser.add_argument(
        "--models",
        nargs="+",
        type=_joined_paths,
        metavar="CONFIG",
        help="a config for each network, or several joined by `+`; after those of -c and before all other options",
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="networks at a time, goes with --models (default: 1)")
    return shorten_errors(parser)


def _joined_paths(text: str) -> list[Path]:
    return [Path(part) for part in text.split("+")]


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected whole numbers with commas between them, got {text!r}") from None
    if min(numbers) < 0:
        raise argparse.ArgumentTypeError(f"expected numbers from 0 upwards, got {text!r}")
    return list(dict.fromkeys(numbers))
