r"""Choose among recipes by nested cross-validation (docs/results/gtea_lea.md and initial_weights.md).

    python -m benchmarks.nested_choice runs/choice/*
    python -m benchmarks.nested_choice gtea_counts.csv gtea_noise_counts.csv --seeds 3 --groups '^S\d'

Each recipe is the folder of a cross-validation, or a file of `benchmarks.bench_table` with some networks. The first
is the one to beat. For each split the recipe is chosen whose test scores are best on the *other* splits, and is then
scored on this one, so that no video takes part in its own choice. Best: the largest mean of the five scores over splits
and seeds. The training videos cannot choose, since features are often learned on them. With `--seeds N` the first N
seeds of each recipe count; all must have as many.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from benchmarks.bench_table import PROTOCOL, read_scores
from segtcn.evaluation import Resampling, RunScores, compare_runs, read_run, score_run
from segtcn.text_table import scores_table


def read_recipe(path: Path) -> dict[str, RunScores]:
    """Scores with a recipe, by network; a folder has one, whose name does not matter."""
    if path.is_file():
        return {run.name: run for run in read_scores(path)}
    return {"": score_run(read_run(path), PROTOCOL)}


def with_first_seeds(run: RunScores, number: int | None) -> RunScores:
    """The run with its first seeds; None keeps all."""
    return run._replace(splits={split: evaluations[:number] for split, evaluations in run.splits.items()})


def nested_choice(recipes: Mapping[str, RunScores]) -> dict[str, str]:
    """The recipe of each split: the best on all other splits.

    Args:
        recipes: scores by the name of the recipe.

    Returns:
        Names by split.

    Raises:
        ValueError: if the recipes differ in splits or the number of seeds, or there are fewer than two splits.
    """
    numbers = {name: {split: len(seeds) for split, seeds in run.splits.items()} for name, run in recipes.items()}
    first = next(iter(recipes))
    if different := [name for name in recipes if numbers[name] != numbers[first]]:
        raise ValueError(f"{different[0]} has other splits, or another number of seeds, than {first}")
    splits = sorted(recipes[first].splits)
    if len(splits) < 2:
        raise ValueError("nested cross-validation needs at least two splits")

    def worth(name: str, left_out: str) -> float:
        return sum(sum(recipes[name].split_scores(split).values()) for split in splits if split != left_out)

    return {split: max(recipes, key=lambda name: worth(name, split)) for split in splits}


def table(recipes: Mapping[str, RunScores], how: Resampling) -> str:
    """Each recipe on all splits, the nested choice, its difference from the first, and the recipe of each split."""
    choice = nested_choice(recipes)
    nested = RunScores(
        "nested choice", PROTOCOL, {split: recipes[name].splits[split] for split, name in choice.items()}
    )
    rows = {name: run.scores for name, run in recipes.items()} | {nested.name: nested.scores}
    name, first = next(iter(recipes.items()))
    lines = [f"Split {split}: {name}" for split, name in choice.items()]
    if {*choice.values()} == {name}:
        return "\n".join([scores_table(rows, "recipe"), "", *lines])
    differences = {
        each.score: f"{each.difference:+.1f} ({each.low:+.1f} to {each.high:+.1f})"
        + ("" if each.verdict == "no difference shown" else f", {each.verdict}")
        for each in compare_runs([first, nested], how)
    }
    return "\n".join([scores_table(rows | {"difference": differences}, "recipe"), "", *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", type=Path, nargs="+", help="cross-validations or files of counts, one a recipe")
    parser.add_argument("--seeds", type=int, metavar="N", help="the first N of each recipe (default: all)")
    parser.add_argument("--groups", help="regular expression of the person in the name of a video")
    options = parser.parse_args()
    names = [path.stem if path.is_file() else path.name for path in options.recipes]
    if len({*names}) < len(names):
        parser.error(f"two recipes have the same name: {', '.join(names)}")
    read = dict(zip(names, map(read_recipe, options.recipes), strict=True))
    networks = [name for name in next(iter(read.values())) if all(name in recipe for recipe in read.values())]
    how = Resampling(groups=options.groups)
    for network in networks:
        recipes = {name: with_first_seeds(recipe[network], options.seeds) for name, recipe in read.items()}
        print(f"\n{network}\n\n{table(recipes, how)}", flush=True)


if __name__ == "__main__":
    main()
