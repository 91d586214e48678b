r"""Choose among recipes by nested cross-validation (docs/results/recipes.md and initial_weights.md).

    python -m benchmarks.nested_choice runs/choice/*
    python -m benchmarks.nested_choice gtea_counts.csv gtea_noise_counts.csv --seeds 3 --groups '^S\d'

Each recipe is the folder of a cross-validation, or a file of `benchmarks.bench_table` with some networks. The first
is the one to beat. For each split the recipe is chosen whose test scores are best on the *other* splits, and is then
scored on this one, so that no video takes part in its own choice. Best: the largest mean of the five scores over splits
and seeds. The training videos cannot choose, since features are often learned on them. With `--seeds N` the first N
seeds of each recipe count; all must have as many. Of several networks there is one table more of each kind: what each
gains over the first recipe, and all with the recipes that were chosen.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from benchmarks.bench_table import PROTOCOL, difference_cell, read_scores
from benchmarks.bench_table import table as networks_table
from segtcn.evaluation import Resampling, RunScores, compare_runs, read_run, score_run
from segtcn.evaluation.comparison import check_comparable
from segtcn.labels.classes import listed
from segtcn.text_table import SCORE_HEADINGS, markdown_table, scores_table


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
        ValueError: if the recipes differ in videos, splits or the number of seeds, or there are fewer than two splits.
    """
    check_comparable([*recipes.values()])
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


def nested_run(name: str, recipes: Mapping[str, RunScores]) -> RunScores:
    """The scores of each split with the recipe that is chosen for it."""
    choice = nested_choice(recipes)
    return RunScores(name, PROTOCOL, {split: recipes[recipe].splits[split] for split, recipe in choice.items()})


def gains(first: RunScores, nested: RunScores, how: Resampling) -> dict[str, str]:
    """By how much each score of the choice is above that of the first recipe; empty where all splits keep that one."""
    if all(nested.splits[split] is scores for split, scores in first.splits.items()):
        return {}
    return {each.score: difference_cell(each) for each in compare_runs([first, nested], how)}


def table(recipes: Mapping[str, RunScores], how: Resampling) -> str:
    """Each recipe on all splits, the nested choice, its difference from the first, and the recipe of each split."""
    nested = nested_run("nested choice", recipes)
    rows: dict[str, Mapping[str, float | str]] = {name: run.scores for name, run in recipes.items()}
    rows[nested.name] = nested.scores
    if found := gains(next(iter(recipes.values())), nested, how):
        rows["difference"] = found
    lines = [f"Split {split}: {name}" for split, name in nested_choice(recipes).items()]
    return "\n".join([scores_table(rows, "recipe"), "", *lines])


def networks_tables(networks: Mapping[str, Mapping[str, RunScores]], how: Resampling) -> str:
    """What each network gains, on how many splits, and all networks with the recipes that were chosen."""
    nested = {name: nested_run(name, recipes) for name, recipes in networks.items()}
    cells = []
    for name, recipes in networks.items():
        first, choice = next(iter(recipes)), [*nested_choice(recipes).values()]
        found = gains(recipes[first], nested[name], how)
        number = f"{len(choice) - choice.count(first)} of {len(choice)}"
        cells.append([name, number, *(found.get(key, "") for key in SCORE_HEADINGS)])
    gained = markdown_table(["network", "Splits with another recipe", *SCORE_HEADINGS.values()], cells)
    return f"{gained}\n\n{networks_table(nested.values(), how.groups)}"


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
    if not networks:
        parser.error(f"no network has all recipes: {'; '.join(f'{name}: {listed(read[name])}' for name in names)}")
    if options.seeds is not None and options.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {options.seeds}")
    how = Resampling(groups=options.groups)
    of_network = {
        network: {name: with_first_seeds(recipe[network], options.seeds) for name, recipe in read.items()}
        for network in networks
    }
    for network, recipes in of_network.items():
        print(f"\n{network}\n\n{table(recipes, how)}", flush=True)
    if len(networks) > 1:
        print(f"\n{networks_tables(of_network, how)}")


if __name__ == "__main__":
    main()
