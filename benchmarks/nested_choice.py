r"""Choose among recipes by nested cross-validation (docs/results/initial_weights.md).

    python -m benchmarks.nested_choice runs/choice/*

Reads `results.json` of cross-validations with the same splits and seeds. For each split the recipe is chosen whose test
scores are best on the *other* splits, and is then scored on this one, so that no video takes part in its own choice.
Best: the largest mean of the five scores over splits and seeds. The training videos cannot choose, since features are
often learned on them.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from segtcn.text_table import SCORE_HEADINGS, scores_table

Scores = dict[str, float]


def read_results(folder: Path) -> dict[int, dict[int, Scores]]:
    """The scores of each split and seed of a cross-validation."""
    found: dict[int, dict[int, Scores]] = {}
    for run in json.loads((folder / "results.json").read_text(encoding="utf-8"))["runs"]:
        found.setdefault(run["split"], {})[run["seed"]] = {key: run[key] for key in SCORE_HEADINGS}
    return found


def mean(scores: Sequence[Scores]) -> Scores:
    return {key: statistics.fmean(each[key] for each in scores) for key in SCORE_HEADINGS}


def nested_choice(recipes: dict[str, dict[int, dict[int, Scores]]]) -> dict[int, str]:
    """The recipe of each split: the best on all other splits.

    Args:
        recipes: scores of each split and seed, by the name of the recipe.

    Returns:
        Names by split.

    Raises:
        ValueError: if the recipes differ in splits or seeds, or there are fewer than two splits.
    """
    runs = {name: {(split, seed) for split in splits for seed in splits[split]} for name, splits in recipes.items()}
    if different := [name for name in runs if runs[name] != next(iter(runs.values()))]:
        raise ValueError(f"{different[0]} has other splits or seeds than {next(iter(runs))}")
    splits = sorted(next(iter(recipes.values())))
    if len(splits) < 2:
        raise ValueError("nested cross-validation needs at least two splits")

    def worth(name: str, left_out: int) -> float:
        others = [scores for split in splits if split != left_out for scores in recipes[name][split].values()]
        return sum(mean(others).values())

    return {split: max(recipes, key=lambda name: worth(name, split)) for split in splits}


def table(recipes: dict[str, dict[int, dict[int, Scores]]]) -> str:
    """Each recipe on all splits, and the nested choice with the recipe of each split."""

    def of_splits(chosen: dict[int, str]) -> Scores:
        return mean([mean([*recipes[name][split].values()]) for split, name in chosen.items()])

    choice = nested_choice(recipes)
    rows = {name: of_splits(dict.fromkeys(choice, name)) for name in recipes}
    rows["nested choice"] = of_splits(choice)
    lines = [f"Split {split}: {name}" for split, name in choice.items()]
    return scores_table(rows, "recipe") + "\n\n" + "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="cross-validations, one for each recipe")
    print(table({folder.name: read_results(folder) for folder in parser.parse_args().folders}))


if __name__ == "__main__":
    main()
