"""Cards: the format, and that the numbers of the committed ones are those of the data."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from segtcn.data import read_card
from segtcn.data.readers import LeaReader
from segtcn.structures import frames_to_segments

REPOSITORY = Path(__file__).resolve().parents[2]
CARDS = sorted((REPOSITORY / "datasets").glob("*/README.md"))
FIELDS = {"name", "videos", "frames", "num_classes", "classes", "background", "feature_dim", "fps", "splits", "layout"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no data set card"),
        ("# Tea\n", "no front matter"),
        ("---\nname: Tea\n", "no front matter"),
        ("prose\n---\nname: Tea\n---\n", "no front matter"),
        ("", "no front matter"),
        ("---\nname: [Tea\n---\n", "is not YAML"),
        ("---\n- Tea\n---\n", "must be `name: value` lines, got list"),
        ("---\ngroups: 5\n---\n", "`groups` must be a regular expression, got 5"),
        ("---\ngroups: no\n---\n", "`groups` must be a regular expression, got False"),
        ("---\ngroups: []\n---\n", r"`groups` must be a regular expression, got \[\]"),
        ("---\ngroups: !!binary XlM=\n---\n", r"`groups` must be a regular expression, got b'\^S'"),
        ("---\ngroups: [a]\n---\n", r"`groups` must be a regular expression, got \['a'\]"),
        ("---\ngroups: ^(S\n---\n", r"`groups` must be a regular expression, got '\^\(S'"),
        ("---\nname: Tea\nclasses: [a, b]\n---\n# Tea\n---\nvideos: 4\n", ""),
    ],
)
def test_front_matter_is_read_and_everything_else_refused(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "README.md"
    if text is not None:
        path.write_text(text)
    if not message:
        assert read_card(path) == {"name": "Tea", "classes": ["a", "b"]}
        return
    with pytest.raises((FileNotFoundError, ValueError), match=message) as error:
        read_card(path)
    assert str(path) in str(error.value)


def test_cards_of_shipped_configs_are_found_from_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_card("datasets/gtea/README.md")["name"] == "GTEA"
    card = tmp_path / "datasets/gtea/README.md"
    card.parent.mkdir(parents=True)
    card.write_text("---\nname: Mine\n---\n")
    assert read_card("datasets/gtea/README.md")["name"] == "Mine"


def test_there_are_cards() -> None:
    by_name = {path.parent.name for path in CARDS}
    assert by_name >= {"gtea", "50salads", "50salads_eval", "50salads_ms_tcn", "gtea_ms_tcn", "breakfast", "merl"}
    assert by_name >= {"jigsaws", "assembly101", "synthetic"}


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_card_states_source_licence_and_citation(path: Path) -> None:
    card = read_card(path)
    unknown = set(card.get("unknown", []))  # what neither files at hand nor publications tell is left out
    assert set(card) >= (FIELDS - unknown) | {"source", "licence", "citation"}
    assert not unknown & set(card)
    assert set(card["unchecked"]) <= set(card)
    assert (REPOSITORY / card["config"]).is_file()


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_card_agrees_with_itself_and_its_config(path: Path) -> None:
    card = read_card(path)
    config = yaml.safe_load((REPOSITORY / card["config"]).read_text())["data"]
    init_args = config["reader"]["init_args"]
    assert (REPOSITORY / config["card"]).resolve() == path
    assert (config["reader"]["class_path"], init_args["fps"]) == (card["layout"], card["fps"])
    if "classes" in card:
        assert len(set(card["classes"])) == card["num_classes"]
        assert card["background"] is None or card["background"] in card["classes"]
        assert init_args.get("class_names", card["classes"]) == card["classes"]
        background = init_args["background"]
        assert (card["classes"][background] if isinstance(background, int) else background) == card["background"]
    if "train_videos" in card:  # `videos` are those that a list names, as `segtcn check` counts them
        assert card["train_videos"] + card["test_videos"] == card["videos"]
    if "frames" in card:
        assert card["shortest_video"] * card["videos"] <= card["frames"] <= card["longest_video"] * card["videos"]


@pytest.mark.parametrize("folder", ["gtea", "50salads"])
def test_card_and_config_say_what_the_files_hold(folder: str, shared_data: Path) -> None:
    card = read_card(REPOSITORY / "datasets" / folder / "README.md")
    config = yaml.safe_load((REPOSITORY / card["config"]).read_text())["data"]
    assert (REPOSITORY / config["card"]).resolve() == REPOSITORY / "datasets" / folder / "README.md"
    init_args = {**config["reader"]["init_args"], "root": str(shared_data / "lea")}
    assert config["reader"]["class_path"] == card["layout"] == "segtcn.data.readers.LeaReader"
    reader = LeaReader(**init_args)
    train, test = reader.videos(1, "train"), reader.videos(1, "test")
    videos = [reader.read(name, split=1) for name in train + test]
    labels = [video.labels for video in videos if video.labels is not None]
    lists = (shared_data / "lea" / "splits" / init_args["dataset"]).glob("Split_*")
    measured = {
        "videos": len(videos),
        "train_videos": len(train),
        "test_videos": len(test),
        "frames": sum(len(frames) for frames in labels),
        "shortest_video": min(len(frames) for frames in labels),
        "longest_video": max(len(frames) for frames in labels),
        "segments": sum(s.label != reader.background for frames in labels for s in frames_to_segments(frames)),
        "num_classes": len({int(label) for frames in labels for label in frames.unique()}),
        "classes": reader.class_names,
        "background": reader.class_names[reader.background or 0],
        "feature_dim": reader.feature_dim,
        "fps": reader.fps,
        "splits": sum(1 for _ in lists),
    }
    assert {key: card[key] for key in measured} == measured
    assert len(labels) == len(videos)
    assert len(card["classes"]) == card["num_classes"]
    if "sensor_dim" in card:
        assert LeaReader(**{**init_args, "features": "S"}).feature_dim == card["sensor_dim"]


@pytest.mark.parametrize(("folder", "file"), [("50salads", "mid_level"), ("50salads_eval", "eval")])
def test_classes_of_50salads_are_those_of_the_raw_annotations(folder: str, file: str, shared_data: Path) -> None:
    listed = (shared_data / "lea/labels_50salads" / f"{file}_actions.txt").read_text().split()
    assert read_card(REPOSITORY / "datasets" / folder / "README.md")["classes"] == ["background", *listed]


def test_rate_of_50salads_follows_from_the_raw_annotations(shared_data: Path) -> None:
    reader = LeaReader(str(shared_data / "lea"), dataset="50Salads", feature_folder="SpatialCNN_mid", fps=3)
    rates = []
    for name in reader.videos(1, "train"):
        rows = (
            (shared_data / "lea/labels_50salads/sequences" / f"{name}-activityAnnotation.txt").read_text().split("\n")
        )
        microseconds = [int(value) for row in rows if row.strip() for value in row.split()[:2]]
        rates.append(reader.read(name).features.shape[1] / (max(microseconds) - min(microseconds)) * 1e6)
    assert sorted(rates)[len(rates) // 2] == pytest.approx(reader.fps, rel=1e-3)
    assert rates == pytest.approx([reader.fps] * len(rates), rel=0.01)
