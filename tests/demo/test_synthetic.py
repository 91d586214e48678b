"""The embedded data set: the grammar of its clips, the files, and that the features come from the pixels."""

from __future__ import annotations

import itertools
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
import yaml
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from segtcn.data import read_card
from segtcn.data.readers import MSTCNReader
from segtcn.demo import synthetic
from segtcn.demo.actions import ACTIONS, Step
from segtcn.demo.kitchen import film
from segtcn.demo.shapes import HEIGHT, WIDTH
from segtcn.demo.synthetic import CLIP_S, DURATIONS_S, make_synthetic, write_recipe
from segtcn.extract import descriptor
from segtcn.metrics.functional import edit_score, frame_accuracy
from segtcn.models import EDTCN
from segtcn.structures import IGNORE

FPS = 1  # clips are drawn at any rate; at a low one they have few frames
REPOSITORY = Path(__file__).resolve().parents[2]


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def assert_same_data(root: Path, other: Path) -> None:
    """Files are equal; pictures, and features with them, are so up to a few blocks that x264 quantises by chance."""
    texts, expected = contents(root), contents(other)
    assert sorted(texts) == sorted(expected)
    for name, content in texts.items():
        if name.endswith(".mp4"):
            pairs = zip(decoded(root / name), decoded(other / name), strict=True)
            assert min(cv2.PSNR(a, b) for a, b in pairs) > 40
        elif name.endswith(".npy"):
            assert np.load(root / name) == pytest.approx(np.load(other / name), abs=0.3)
        else:
            assert content == expected[name]


def make(root: Path, num_videos: int = 3, seed: int = 0) -> Path:
    return make_synthetic(root, num_videos=num_videos, seed=seed, fps=FPS, progress=False)


def names(root: Path) -> list[str]:
    return sorted(path.stem for path in (root / "videos").iterdir())


def labels(root: Path, name: str) -> list[str]:
    return (root / "groundTruth" / f"{name}.txt").read_text().split("\n")[:-1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of three cooks; tests must not write there."""
    return make(tmp_path_factory.mktemp("synthetic") / "data")


@pytest.fixture(scope="module")
def recipes() -> list[list[Step]]:
    return [write_recipe(np.random.default_rng(seed), fps=15) for seed in range(300)]


# The grammar


@pytest.mark.parametrize("fps", [1, 2.5, 15, 29.97])
def test_durations_are_within_their_bounds(fps: float) -> None:
    for seed in range(100):
        recipe = write_recipe(np.random.default_rng(seed), fps)
        assert CLIP_S[0] <= sum(step.num_frames for step in recipe) / fps <= CLIP_S[1]
        for step in recipe:
            shortest, longest = DURATIONS_S[step.action]
            assert shortest <= step.num_frames / fps <= longest


def test_recipes_vary_in_durations_orders_and_actions(recipes: list[list[Step]]) -> None:
    orders = Counter(tuple(step.action for step in recipe) for recipe in recipes)
    assert max(orders.values()) <= 3
    followers = {(a.action, b.action) for recipe in recipes for a, b in itertools.pairwise(recipe)}
    for action in ACTIONS:
        lengths = [step.num_frames for recipe in recipes for step in recipe if step.action == action]
        assert max(lengths) > 1.6 * min(lengths)
        assert sum(a == action for a, _ in followers) >= 2  # what comes next is never certain
    for action in ("peel", "shake", "put"):  # optional
        assert 0.5 < np.mean([any(step.action == action for step in recipe) for recipe in recipes]) < 1


def test_clips_begin_and_end_with_background_and_neighbours_differ(recipes: list[list[Step]]) -> None:
    for recipe in recipes:
        assert recipe[0].action == recipe[-1].action == "background"
        assert all(a.action != b.action for a, b in itertools.pairwise(recipe))


def test_every_action_is_possible_when_it_comes(recipes: list[list[Step]]) -> None:
    for recipe in recipes:
        at_hand: set[str] = set()
        cut: set[str] = set()
        bowl: set[str] = set()
        for action, _, item in recipe:
            if action == "take":
                assert item not in at_hand
                at_hand.add(item)
            elif action in {"peel", "cut", "pour", "shake", "put"}:
                assert item in at_hand
            if action == "peel":
                assert item not in cut
            elif action == "put":
                at_hand.remove(item)
                assert item not in {"vegetable0", "vegetable1"} or item in cut
            elif action == "cut":
                cut.add(item)
            elif action == "add":
                assert item in cut
                bowl.add(item)
            elif action == "pour":
                bowl.add(item)
            elif action == "stir":
                assert bowl
        assert bowl >= cut >= {"vegetable0"}


# The files


def test_the_card_says_what_is_made() -> None:
    card = read_card(REPOSITORY / "datasets" / "synthetic" / "README.md")
    config = yaml.safe_load((REPOSITORY / card["config"]).read_text())["data"]
    assert config["card"] == "datasets/synthetic/README.md"
    assert config["reader"]["class_path"] == card["layout"] == "segtcn.data.readers.MSTCNReader"
    assert config["reader"]["init_args"]["fps"] == card["fps"] == 15
    clips = synthetic._clips(24, seed=0)
    made_recipes = [clip.recipe(card["fps"]) for clip in clips]
    lengths = [sum(step.num_frames for step in recipe) for recipe in made_recipes]
    measured = {
        "videos": len(clips),
        "frames": sum(lengths),
        "shortest_video": min(lengths),
        "longest_video": max(lengths),
        "segments": sum(step.action != "background" for recipe in made_recipes for step in recipe),
        "num_classes": len({step.action for recipe in made_recipes for step in recipe}),
        "classes": list(ACTIONS),
        "background": config["reader"]["init_args"]["background"],
        "feature_dim": descriptor.FEATURE_DIM,
        "width": WIDTH,
        "height": HEIGHT,
        "splits": len({clip.cook for clip in clips}),
        "test_videos": sum(clip.cook == 0 for clip in clips),
        "train_videos": sum(clip.cook != 0 for clip in clips),
    }
    assert {key: card[key] for key in measured} == measured


def test_every_frame_of_a_clip_has_a_label_and_a_feature_vector(made: Path) -> None:
    reader = MSTCNReader(str(made), fps=FPS, background="background")
    assert (reader.class_names, reader.feature_dim, reader.background) == ([*ACTIONS], descriptor.FEATURE_DIM, 0)
    for name in reader.videos(1, "train"):
        video = reader.read(name)
        num_frames = len(decoded(made / "videos" / f"{name}.mp4"))
        assert (video.features.shape, len(video.labels)) == ((reader.feature_dim, num_frames), num_frames)
        assert video.features.isfinite().all()
        assert video.features.std() > 0


def test_stored_features_are_those_of_the_clip_whatever_its_labels_and_name(made: Path, tmp_path: Path) -> None:
    for name in names(made):
        shutil.copy(made / "videos" / f"{name}.mp4", tmp_path / "unknown.mp4")
        stored = torch.from_numpy(np.load(made / "features" / f"{name}.npy"))
        assert torch.equal(descriptor.extract_features(tmp_path / "unknown.mp4"), stored)


def test_other_labels_change_no_feature(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clips are drawn as before, and the truth about them is forged."""
    recipe = synthetic._Clip.recipe

    def forged(clip: synthetic._Clip, fps: float) -> list[Step]:
        return [step._replace(action=ACTIONS[ACTIONS.index(step.action) - 1]) for step in recipe(clip, fps)]

    def frames(clip: synthetic._Clip, fps: float) -> Iterator[np.ndarray]:
        return film(recipe(clip, fps), clip.cook, fps, np.random.default_rng((*clip.seed, 1)))

    monkeypatch.setattr(synthetic._Clip, "recipe", forged)
    monkeypatch.setattr(synthetic._Clip, "frames", frames)
    other = make(tmp_path / "forged")
    for name in names(made):
        assert labels(other, name) != labels(made, name)
        shutil.copy(made / "groundTruth" / f"{name}.txt", other / "groundTruth")
    assert_same_data(other, made)


def test_the_encoded_clip_is_the_drawing_but_for_the_codec(made: Path) -> None:
    clip = synthetic._clips(3, seed=0)[1]
    drawn = list(clip.frames(FPS))
    filmed = decoded(made / "videos" / f"{clip.name}.mp4")
    assert len(drawn) == len(filmed)
    for a, b in zip(drawn, filmed, strict=True):
        assert cv2.PSNR(a, b) > 28
        assert np.abs(a.astype(float).mean((0, 1)) - b.mean((0, 1))).max() < 4


def test_a_seed_and_only_it_decides_what_is_made(made: Path, tmp_path: Path) -> None:
    assert_same_data(make(tmp_path / "again"), made)
    other = make(tmp_path / "other", num_videos=2, seed=1)
    assert all(labels(other, name) != labels(made, name) for name in names(other))


@pytest.mark.parametrize(("num_videos", "cooks"), [(2, 2), (5, 4), (24, 4)])
def test_every_split_holds_out_one_cook(tmp_path: Path, num_videos: int, cooks: int) -> None:
    (tmp_path / "splits").mkdir()
    clips = synthetic._clips(num_videos, seed=0)
    synthetic._write_lists(tmp_path, clips)
    everyone = {f"{clip.name}.txt" for clip in clips}
    assert len(everyone) == num_videos
    held_out: list[str] = []
    for split in range(1, cooks + 1):
        train, test = (
            (tmp_path / "splits" / f"{subset}.split{split}.bundle").read_text().split() for subset in ("train", "test")
        )
        assert set(train) | set(test) == everyone
        assert not {name.split("_")[0] for name in train} & {name.split("_")[0] for name in test}
        held_out += test
    assert sorted(held_out) == sorted(everyone)
    assert not (tmp_path / "splits" / f"test.split{cooks + 1}.bundle").exists()


def test_an_interrupted_run_is_completed(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    extract = descriptor.extract_features

    def interrupted(path: Path) -> torch.Tensor:
        if path.stem == "cook2_clip01":
            raise KeyboardInterrupt
        return extract(path)

    with monkeypatch.context() as patch:
        patch.setattr(descriptor, "extract_features", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make(root)
    first = root / "features" / "cook1_clip01.npy"
    written = first.stat().st_mtime_ns
    assert not (root / "features" / "cook2_clip01.npy").exists()
    make(root)
    assert first.stat().st_mtime_ns == written
    assert_same_data(root, made)


def test_an_error_stops_the_clips_that_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    def fail(root: Path, clip: synthetic._Clip, fps: int, bar: object) -> None:
        begun.append(clip.name)
        if len(begun) == 1:
            raise OSError("the disk is full")
        time.sleep(0.05)

    monkeypatch.setattr(synthetic, "_make_clip", fail)
    with pytest.raises(OSError, match="the disk is full"):
        make(tmp_path / "data", num_videos=24)
    assert len(begun) < 12


def test_a_finished_tree_is_left_as_it_is(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    monkeypatch.setattr(synthetic, "_make_clip", None)
    assert make(made) == made
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_progress_reaches_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_synthetic(tmp_path / "data", num_videos=2, fps=1)
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"render clips: (\d+) of \1 frames \(100 %\), ", last)


# Bad input


def test_a_folder_of_other_data_is_left_alone(made: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    for folder, message in (
        (made, r'holds clips made with .*"seed": 0.* expected .*"seed": 7.*choose another'),
        (tmp_path, r"is not empty and holds no synthetic\.json: choose another folder"),
    ):
        before = contents(folder)
        with pytest.raises(ValueError, match=message):
            make(folder, seed=7)
        assert contents(folder) == before


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"num_videos": 1}, "`num_videos` must be at least 2, got 1"),
        ({"fps": 0}, "`fps` must be at least 1, got 0"),
        ({"seed": -1}, "`seed` must be at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, argument: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_synthetic(tmp_path / "data", **argument)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("below", ["", "data"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("a file, no folder")
    with pytest.raises(PermissionError, match=r"cannot write to the folder .*file.*choose another folder"):
        make(tmp_path / "file" / below)


def test_a_clip_that_loses_frames_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptor, "extract_features", lambda path: torch.zeros(4, 9))
    with pytest.raises(ValueError, match=r"cook\d_clip01\.mp4 decodes to 9 frames, expected \d\d+: is the disk full\?"):
        make(tmp_path / "data")
    assert not any((tmp_path / "data" / "features").iterdir())


# The full set


def score(net: torch.nn.Module, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return net(features, mask).logits[-1] if isinstance(net, EDTCN) else net(features)


def learn(net: torch.nn.Module, videos: list[tuple[torch.Tensor, torch.Tensor]], epochs: int) -> None:
    """Train as the demo does, four clips at a time."""
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3, alpha=0.9)
    net.train()
    for _ in range(epochs):
        for indices in torch.randperm(len(videos)).split(4):
            chosen = [videos[index] for index in indices]
            features = pad_sequence([features.T for features, _ in chosen], batch_first=True).transpose(1, 2)
            truth = pad_sequence([truth for _, truth in chosen], batch_first=True, padding_value=IGNORE)
            optimizer.zero_grad()
            cross_entropy(score(net, features, truth != IGNORE), truth, ignore_index=IGNORE).backward()
            optimizer.step()


@pytest.mark.slow
def test_the_full_set_needs_eyes_and_memory(tmp_path: Path) -> None:
    """A temporal network learns it; one that is too small, mistaught, or sees single frames does not."""
    root = make_synthetic(tmp_path / "data", progress=False)
    reader = MSTCNReader(str(root), fps=15, background="background")
    videos = {name: reader.read(name) for name in reader.videos(1, "train") + reader.videos(1, "test")}
    torch.manual_seed(0)
    frames = torch.cat([videos[name].features for name in reader.videos(1, "train")], dim=1)
    mean, std = frames.mean(1, keepdim=True), frames.std(1, keepdim=True)
    train, test = (
        [((videos[name].features - mean) / std, videos[name].labels) for name in reader.videos(1, subset)]
        for subset in ("train", "test")
    )
    size = (reader.feature_dim, len(reader.class_names))
    nets = {
        "ED-TCN": EDTCN(*size, kernel_size=15),
        "width 1": EDTCN(*size, hidden_channels=(1, 1), kernel_size=15),
        "shuffled": EDTCN(*size, kernel_size=15),
        "single frames": torch.nn.Conv1d(*size, kernel_size=1),
    }
    scores = {}
    for what, net in nets.items():
        shuffled = [(features, truth[torch.randperm(len(truth))]) for features, truth in train]
        learn(net, shuffled if what == "shuffled" else train, epochs=60)
        net.eval()
        with torch.no_grad():
            preds = [score(net, x[None], torch.ones(1, x.shape[1]).bool())[0].argmax(0) for x, _ in test]
        accuracy = float(frame_accuracy(torch.cat(preds), torch.cat([truth for _, truth in test])))
        edits = [float(edit_score(p, truth, background=0)) for p, (_, truth) in zip(preds, test, strict=True)]
        scores[what] = (accuracy, float(np.mean(edits)))
    assert scores["ED-TCN"][0] > 88, scores
    assert scores["ED-TCN"][1] > 85, scores
    assert max(scores["width 1"]) < 60, scores
    assert max(scores["shuffled"]) < 60, scores
    assert scores["single frames"][1] < 50, scores
