"""The data module: subsets that never mix, statistics of the training videos alone, cards and configs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from pytorch_lightning.cli import LightningArgumentParser

from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import LeaReader, MSTCNReader, write_hdf5
from tests.conftest import SPLITS

REPOSITORY = Path(__file__).resolve().parents[2]
WriteTree = Callable[..., Path]
Make = Callable[..., SegmentationDataModule]


def test_validation_is_carved_out_of_the_training_videos(many: Make) -> None:
    everything = many().names("train")
    assert many().names("val") == []
    for share, number in [(0.01, 1), (0.25, 5), (0.95, 19)]:
        data = many(validation=share)
        train, val = data.names("train"), data.names("val")
        assert len(val) == number
        assert sorted(train + val) == sorted(everything)
        assert val == [name for name in everything if name in set(val)]  # in the order of the list
        assert not set(val) & set(data.names("test"))
    assert many(validation=0.25, seed=3).names("val") == many(validation=0.25, seed=3).names("val")
    assert many(validation=0.25, seed=3).names("val") != many(validation=0.25, seed=4).names("val")


def test_validation_videos_can_be_named(many: Make) -> None:
    data = many(validation=["v7", "v3"])
    assert data.names("val") == ["v3", "v7"]
    assert data.names("train") == [f"v{i}" for i in range(20) if i not in (3, 7)]
    assert many(validation=[]).names("val") == []


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (["v3", "v21"], r"`validation` names test videos of split 1: v21; .*selected on the test videos"),
        (["v3", "v99"], r"`validation` names videos that split 1 does not train on: v99"),
        ([f"v{i}" for i in range(20)], r"`validation` takes all 20 training videos of split 1: hold out fewer"),
        (0.99, r"`validation` takes all 20 training videos"),
    ],
)
def test_validation_that_cannot_be_met_is_refused(many: Make, validation: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        many(validation=validation).setup("fit")


@pytest.mark.parametrize(
    ("stage", "splits", "message"),
    [
        (
            "fit",
            {1: (["P01_tea", "P01_soup"], ["P01_soup"])},
            r"split 1 lists 'P01_soup' for training and for test \(1 ",
        ),
        ("validate", SPLITS, r"there are no validation videos: hold some out with `validation`"),
    ],
)
def test_stage_that_cannot_be_run_is_refused(make: Make, stage: str, splits: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(splits=splits).setup(stage)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": 5}, r"split 5 does not exist in this data set: choose from 1, 2"),
        ({"validation": 1.0}, r"`validation` must be a share .* below 1, or a list of their names, got 1\.0"),
        ({"validation": -0.1}, r"`validation` must be a share"),
        ({"max_frames_per_batch": 9}, r"`max_frames_per_batch` needs `bucket: true`: .* another number in every epoch"),
    ],
)
def test_wrong_argument_is_refused(make: Make, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**arguments)


def test_command_line_takes_augmentations(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    config = tmp_path / "augment.yaml"
    config.write_text(
        "data:\n  augmentations:\n    - class_path: segtcn.data.augmentation.SpeedChange\n"
        "      init_args: {slowest: 0.5, fastest: 0.5}\n    - class_path: GaussianNoise\n"
    )
    reader = ["--data.reader", "MSTCNReader", "--data.reader.root", str(write_ms_tcn_tree())]
    data = parse(*reader, "-c", str(config))
    assert [type(augmentation).__name__ for augmentation in data.augmentations] == ["SpeedChange", "GaussianNoise"]
    longest = max(data.dataset("train").lengths())
    assert max(batch.mask.shape[1] for batch in data.train_dataloader()) == 2 * longest


def test_statistics_are_those_of_the_frames_of_the_training_videos(
    make: Make,
) -> None:
    rng = np.random.default_rng(0)
    # a large mean: single precision sums would lose the deviation
    videos = {
        n: (1e4 + rng.standard_normal((t, 4)).astype(np.float32), [0] * t)
        for n, t in zip("abcd", (5, 8, 1, 9), strict=True)
    }
    data = make(videos=videos, splits={1: (["a", "b", "c"], ["d"])}, validation=["a"], standardize=True, sample_rate=2)
    statistics = data.feature_statistics()
    frames = np.concatenate([videos[name][0][::2] for name in "bc"]).astype(np.float64)
    assert [value.dtype for value in statistics] == [torch.float32, torch.float32]
    np.testing.assert_allclose(statistics[0].numpy(), frames.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(statistics[1].numpy(), frames.std(axis=0), rtol=1e-6)
    assert data.feature_statistics() is statistics  # computed once


def test_constant_features_get_the_deviation_one(make: Make) -> None:
    constant = np.float32([0.1, 0.0, 1e6 / 3, 1.0])
    videos = {n: (np.tile(constant, (t, 1)), [0] * t) for n, t in zip("abcd", (49, 7, 103, 3), strict=True)}
    videos["b"][0][2, 3] = 4.0
    data = make(videos=videos, splits={1: (["a", "b", "c"], ["d"])}, standardize=True)
    statistics = data.feature_statistics()
    np.testing.assert_allclose(statistics[0][:3].numpy(), constant[:3])
    assert statistics[1][:3].tolist() == [1, 1, 1]
    assert statistics[1][3] == pytest.approx(np.std([1.0] * 158 + [4.0]))


def test_label_statistics_count_the_kept_frames_of_the_training_videos(
    make: Make,
) -> None:
    labels = {"a": [0] * 5, "b": [0, 0, 0, 0, 2, 1, 1, 2], "c": [0], "d": [1] * 9}
    videos = {name: (np.ones((len(own), 4), dtype=np.float32), own) for name, own in labels.items()}
    data = make(videos=videos, splits={1: (["a", "b", "c"], ["d"])}, validation=["a"], sample_rate=2)
    statistics = data.label_statistics()
    assert statistics.frames_per_class.tolist() == [3, 1, 1]  # 0 0 2 1 of b, and c
    assert statistics.num_segments == 4
    assert data.label_statistics() is statistics  # counted once


def test_card_values_are_measured_and_joined_with_the_card(make: Make, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text("---\nname: Tea\nlicence: none\nclasses: [a, b]\n---\n")
    values = make(sample_rate=2, validation=0.3, card=str(card)).card_values()
    assert values == {
        "data/reader": "MSTCNReader",
        "data/split": 1,
        "data/num_splits": 2,
        "data/videos_train": 2,
        "data/videos_val": 1,
        "data/videos_test": 1,
        "data/num_classes": 3,
        "data/background": "cut",
        "data/feature_dim": 4,
        "data/stored_fps": 15.0,
        "data/sample_rate": 2,
        "data/fps": 7.5,
        "card/name": "Tea",
        "card/licence": "none",
    }


def test_missing_card_is_a_warning_and_a_broken_one_an_error(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = make(card="datasets/tea/README.md")
    with pytest.warns(UserWarning, match=r"no data set card datasets/tea/README\.md .*; the run goes on without it"):
        assert "data/reader" in data.card_values()
    (tmp_path / "README.md").write_text("# no front matter")
    with pytest.raises(ValueError, match="no front matter"):
        make(card="README.md").card_values()


def parse(*arguments: str) -> SegmentationDataModule:
    parser = LightningArgumentParser()
    parser.add_lightning_class_args(SegmentationDataModule, "data")
    parser.add_argument("-c", action="config")
    return parser.instantiate_classes(parser.parse_args(list(arguments))).data


def test_command_line_takes_short_names_shares_and_lists(write_ms_tcn_tree: WriteTree) -> None:
    reader = ["--data.reader", "MSTCNReader", "--data.reader.root", str(write_ms_tcn_tree())]
    assert parse(*reader, "--data.validation", "0.3").names("val") != []
    assert parse(*reader, "--data.validation", "[P02_soup]").names("val") == ["P02_soup"]
    assert parse(*reader, "--data.validation", "0").names("val") == []


@pytest.mark.parametrize("features", ["S", "[A,S]", "[X, A]"])
def test_command_line_takes_one_feature_array_or_a_list(write_lea_tree: WriteTree, features: str) -> None:
    config = str(REPOSITORY / "configs" / "data" / "gtea_lea.yaml")
    arguments = ["-c", config, "--data.reader.init_args.root", str(write_lea_tree())]
    data = parse(*arguments, "--data.reader.init_args.features", features)
    widths = {"A": 4, "X": 3, "S": 30}
    assert data.in_channels == sum(widths[variable] for variable in re.findall("[AXS]", features))


SEQUENCE_TASKS = (
    "adding",
    "characters",
    "copy_memory",
    "jsb",
    "nottingham",
    "pmnist",
    "smnist",
)  # see tests/test_targets.py
DATA_CONFIGS = sorted(
    path for path in (REPOSITORY / "configs" / "data").glob("*.yaml") if path.stem not in SEQUENCE_TASKS
)


@pytest.mark.parametrize("path", DATA_CONFIGS, ids=lambda path: path.stem)
def test_every_data_config_builds_a_data_module(
    path: Path, write_lea_tree: WriteTree, write_ms_tcn_tree: WriteTree
) -> None:
    values = yaml.safe_load(path.read_text())["data"]["reader"]
    layout, place = values["class_path"].rpartition(".")[2], "root"
    if layout == "LeaReader":
        root = write_lea_tree(**{key: values["init_args"][key] for key in ("dataset", "feature_folder")})
    else:
        root = write_ms_tcn_tree()
    if layout == "TableReader":
        pytest.importorskip("pyarrow", reason="tables need the extra `tables`")
        for file in (root / "features").glob("*.npy"):
            np.savetxt(file.with_suffix(".csv"), np.load(file).T, delimiter=",", header="x,y,z,w", comments="")
    elif layout == "NpzReader":
        for file in (root / "features").glob("*.npy"):
            np.savez(file.with_suffix(".npz"), features=np.load(file))
    elif layout == "HDF5Reader":
        reader, place = MSTCNReader(str(root)), "path"
        videos = [reader.read(name) for subset in ("train", "test") for name in reader.videos(1, subset)]
        splits = {1: {"train": reader.videos(1, "train")}}
        root = root / "data.h5"
        write_hdf5(root, videos, reader.classes, reader.fps, splits)
    elif layout == "Assembly101Reader":
        with pytest.raises((FileNotFoundError, ImportError), match=r"ms_tcn|lmdb"):
            parse("-c", str(path), "--data.reader.init_args.root", str(root))
        return
    data = parse("-c", str(path), f"--data.reader.init_args.{place}", str(root))
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert batch.features.shape[:2] == (min(data.batch_size, 3), data.in_channels)


def test_released_data_passes_every_check(shared_data: Path) -> None:
    root = str(shared_data / "lea")
    for name, splits, classes in [("gtea_lea", [1, 2, 3, 4], 11), ("50salads_mid_lea", [1], 18)]:
        config = str(REPOSITORY / "configs" / "data" / f"{name}.yaml")
        data = parse("-c", config, "--data.reader.init_args.root", root, "--data.standardize", "true")
        assert isinstance(data.reader, LeaReader)
        assert (data.reader.splits, data.num_classes, data.in_channels, data.background) == (splits, classes, 128, 0)
        data.setup("fit")
        data.setup("test")
        statistics = data.feature_statistics()
        assert statistics[1].min() > 0
        wide = parse("-c", config, "--data.reader.init_args.root", root, "--data.reader.init_args.features", "[A, X]")
        assert wide.in_channels == 128 + classes


def test_a_rate_that_contradicts_the_card_is_noted(make: Make, tmp_path: Path, recwarn) -> None:
    card = tmp_path / "README.md"
    card.write_text("---\nfps: 15.001\n---\n")
    make(card=str(card)).setup("fit")
    card.write_text("---\nname: Tea\n---\n")
    make(card=str(card)).setup("fit")
    assert not [str(warning.message) for warning in recwarn]
    card.write_text("---\nfps: 30\n---\n")
    with pytest.warns(
        UserWarning, match=r"README\.md says 30 frames a second, and the data are read at 15, by which seconds"
    ):
        make(card=str(card)).setup("fit")
