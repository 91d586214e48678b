"""Assembly101: features in LMDB and coarse actions, on a tiny release made on the spot."""

from __future__ import annotations

import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segtcn.data.readers.assembly101 import Assembly101Reader
from segtcn.structures import IGNORE

lmdb = pytest.importorskip("lmdb", reason="Assembly101 needs the extra `lmdb`")

DIM = 6
VIEWS = ["C10095_rgb", "HMC_21176875_mono10bit"]
RECORDINGS = ["nusar-2021_action_both_9011-a01", "nusar-2021_action_both_9011-b06b"]
LAST = 40  # frames 1 to 40 of each recording are stored


def feature(recording: int, view: int, frame: int) -> np.ndarray:
    return np.arange(DIM, dtype=np.float32) + 100 * frame + 10 * view + 5000 * recording


def put(root: Path, view: str, values: dict[str, bytes | None]) -> None:
    """Write or, where there is no value, delete keys."""
    folder = root / "TSM_features" / view
    folder.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=2**22) as environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            if value is None:
                transaction.delete(key.encode())
            else:
                transaction.put(key.encode(), value)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two recordings, assembled and taken apart, in two views; the second was not filmed by the second camera."""
    root = tmp_path / "assembly101"
    for v, view in enumerate(VIEWS):
        values = {}
        for r, recording in enumerate(RECORDINGS[: 2 - v]):
            for frame in range(1, LAST + 1):
                values[f"{recording}/{view}/{view}_{frame:010d}.jpg"] = feature(r, v, frame).tobytes()
        put(root, view, values)
    notes = root / "coarse-annotations"
    for folder in ("coarse_labels", "coarse_splits"):
        (notes / folder).mkdir(parents=True)
    (notes / "actions.csv").write_text(
        "action_id,verb_id,noun_id,action_cls,verb_cls,noun_cls\n"
        '1,0,1,attach wheel,attach,wheel\n0,0,0,"attach arm, left",attach,arm\n2,1,0,remove arm,remove,arm\n'
    )
    lines = {
        f"assembly_{RECORDINGS[0]}": "000000003\t000000007\tattach wheel\t1\n7\t12\tattach arm, left\t1\n",
        f"disassembly_{RECORDINGS[0]}": "000000020\t000000030\tremove arm\n",
        f"assembly_{RECORDINGS[1]}": "000000001\t000000041\tattach wheel\n",
        f"disassembly_{RECORDINGS[1]}": "000000010\t000000020\n",  # withheld
    }
    for sequence, text in lines.items():
        (notes / "coarse_labels" / f"{sequence}.txt").write_text(text)
    (notes / "coarse_seq_views.txt").write_text(
        "".join(f"{s}/{v}.mp4\n" for s in lines for v in (VIEWS[:1] if RECORDINGS[1] in s else VIEWS))
    )
    splits = {
        "train_coarse_assembly": f"assembly_{RECORDINGS[0]}.txt\tshared\ta01\tsuv\n",
        "train_coarse_disassembly": f"disassembly_{RECORDINGS[0]}.txt\tshared\ta01\tsuv\n",
        "val_coarse_assembly": f"assembly_{RECORDINGS[1]}.txt\tnotshared\tb06b\ttruck\n",
        "val_coarse_disassembly": f"disassembly_{RECORDINGS[1]}.txt\tnotshared\tb06b\ttruck\n",
        "test_coarse_assembly": f"assembly_{RECORDINGS[1]}.txt\tnotshared\n",
        "test_coarse_disassembly": f"disassembly_{RECORDINGS[1]}.txt\tnotshared\n",
    }
    for name, text in splits.items():
        (notes / "coarse_splits" / f"{name}.txt").write_text(text)
    return root


def reader(root: Path, **arguments: Any) -> Assembly101Reader:
    return Assembly101Reader(str(root), **{"views": VIEWS, **arguments})


def test_a_video_is_one_phase_of_a_recording_in_one_view(root: Path) -> None:
    data = reader(root)
    assert data.class_names == ["attach arm, left", "attach wheel", "remove arm"]
    assert (data.feature_dim, data.fps, data.background, data.splits) == (DIM, 30, None, [1])
    assert data.videos(1, "train") == [f"{p}_{RECORDINGS[0]}_{v}" for p in ("assembly", "disassembly") for v in VIEWS]
    assert data.videos(1, "test") == [f"{p}_{RECORDINGS[1]}_{VIEWS[0]}" for p in ("assembly", "disassembly")]
    video = data.read(f"assembly_{RECORDINGS[0]}_{VIEWS[1]}", split=1)
    expected = np.stack([feature(0, 1, frame) for frame in range(3, 12)], axis=1)
    assert torch.equal(video.features, torch.from_numpy(expected))
    assert video.features.is_contiguous()
    assert video.labels.tolist() == [1] * 4 + [0] * 5
    assert video.source.startswith(str(root / "TSM_features" / VIEWS[1]))


def test_withheld_actions_can_be_predicted_only(root: Path) -> None:
    data = reader(root, test="test")
    assert len(data.videos(1, "train")) == 6  # training and validation
    name = f"disassembly_{RECORDINGS[1]}_{VIEWS[0]}"
    assert name in data.videos(1, "test")
    assert data.read(name, labels=False).features.shape == (DIM, 10)
    with pytest.raises(FileNotFoundError, match=rf"no actions of video '{name}' in .*: .* are withheld; .* predicted"):
        data.read(name)
    (root / "coarse-annotations/coarse_labels" / f"disassembly_{RECORDINGS[1]}.txt").unlink()
    assert data.read(name, labels=False).features.shape == (DIM, LAST)  # all that is stored
    with pytest.raises(FileNotFoundError, match="no actions of video"):
        data.read(name)


def test_fewer_stored_frames_than_labels_are_left_to_the_data_set(root: Path) -> None:
    key = f"{RECORDINGS[1]}/{VIEWS[0]}/{VIEWS[0]}_{LAST:010d}.jpg"
    put(root, VIEWS[0], {key: None})
    video = reader(root).read(f"assembly_{RECORDINGS[1]}_{VIEWS[0]}")
    assert (video.features.shape[1], len(video.labels)) == (LAST - 1, LAST)


@pytest.mark.parametrize(
    ("frame", "value", "message"),
    [
        (5, None, r"lacks frame 5 of video .*, but has frame 6"),
        (3, None, r"lacks frame 3 of video .*, but has frame 4"),
        (8, b"\0" * 8, r"frame 8 of video .* has 8 bytes, expected 24 for 6 float32"),
    ],
)
def test_missing_and_damaged_frames_are_named(root: Path, frame: int, value: bytes | None, message: str) -> None:
    put(root, VIEWS[0], {f"{RECORDINGS[0]}/{VIEWS[0]}/{VIEWS[0]}_{frame:010d}.jpg": value})
    with pytest.raises(ValueError, match=message):
        reader(root).read(f"assembly_{RECORDINGS[0]}_{VIEWS[0]}")


def test_video_without_features_or_of_another_view_is_named(root: Path) -> None:
    put(
        root,
        VIEWS[1],
        {f"{RECORDINGS[0]}/{VIEWS[1]}/{VIEWS[1]}_{frame:010d}.jpg": None for frame in range(2, LAST + 1)},
    )
    with pytest.raises(FileNotFoundError, match=r"no features of video 'assembly_.*' in .*mono10bit: fetch it again"):
        reader(root).read(f"assembly_{RECORDINGS[0]}_{VIEWS[1]}")
    with pytest.raises(FileNotFoundError, match=r"no video '\.\./secret' in the views that are read"):
        reader(root).read("../secret")
    with pytest.raises(FileNotFoundError, match="no video 'assembly_"):
        reader(root, views=VIEWS[:1]).read(f"assembly_{RECORDINGS[0]}_{VIEWS[1]}")


def test_by_default_the_fixed_views_are_read(root: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"no folder .*TSM_features/C10115_rgb: put .*, or choose other `views`"
    ):
        Assembly101Reader(str(root))


@pytest.mark.parametrize("part", ["actions.csv", "coarse_seq_views.txt", "coarse_splits/val_coarse_assembly.txt"])
def test_missing_annotations_are_named(root: Path, part: str) -> None:
    (root / "coarse-annotations" / part).unlink()
    with pytest.raises(FileNotFoundError, match=rf"no .*coarse-annotations/{part}: put the coarse annotations"):
        reader(root).videos(1, "test")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("actions.csv", "id\n0,0,0,a\n2,0,0,b\n", r"actions\.csv must list different actions 0 to C-1 as ID,VERB_ID"),
        ("actions.csv", "id\n0,0\n", r"actions\.csv must list different actions"),
        ("actions.csv", "id\n0,0,0,a\n1,0,0,a\n", r"actions\.csv must list different actions"),
        ("coarse_seq_views.txt", "../x/C10095_rgb.mp4\n", r"line 1 of .*coarse_seq_views\.txt must be assembly_SEQ"),
        ("coarse_seq_views.txt", "assembly_x/v.mp4\n", r"coarse_seq_views\.txt lists no video from C10095_rgb, HMC_"),
    ],
)
def test_wrong_lists_are_refused_by_the_constructor(root: Path, file: str, text: str, message: str) -> None:
    (root / "coarse-annotations" / file).write_text(text)
    with pytest.raises(ValueError, match=message):
        reader(root)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1\t4\tattach wheel\n5\t8\tremove arm\n",
            r"line 2 of .*: expected a segment that .* starts at frame 4, got 5 to 8",
        ),
        ("4\t4\tattach wheel\n", r"line 1 of .*: expected a segment that is not empty, got 4 to 4"),
        ("1 4 attach\n", r"line 1 of .* must be START, STOP and ACTION between tabs, got '1 4 attach'"),
        (
            "1\t4\tglue wheel\n",
            r"unknown action 'glue wheel' from frame 1 in .*: correct it or add it to .*actions\.csv",
        ),
    ],
)
def test_wrong_segments_are_named_with_their_line(root: Path, text: str, message: str) -> None:
    (root / "coarse-annotations/coarse_labels" / f"assembly_{RECORDINGS[0]}.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        reader(root).read(f"assembly_{RECORDINGS[0]}_{VIEWS[0]}")


def test_arguments_are_checked(root: Path) -> None:
    with pytest.raises(ValueError, match=r"`test` must be 'val' or 'test', got 'train'"):
        reader(root, test="train")
    with pytest.raises(ValueError, match=r"lists no video from"):
        reader(root, views=[])
    with pytest.raises(ValueError, match=r"`views` lists '\.\./x': a name must not lead out"):
        reader(root, views=["../x"])
    with pytest.raises(ValueError, match=r"`fps` must be positive, got 0"):
        reader(root, fps=0)
    with pytest.raises(ValueError, match=r"split 2 does not exist in .*: choose from 1"):
        reader(root).videos(2, "train")


def test_missing_database_is_named(root: Path) -> None:
    (root / "TSM_features" / VIEWS[0] / "data.mdb").unlink()
    with pytest.raises(FileNotFoundError, match=r"no .*C10095_rgb/data\.mdb: put the LMDB database"):
        reader(root)


def length_of(data: Assembly101Reader, name: str) -> int:
    return data.read(name).features.shape[1]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_every_process_opens_its_own_database(root: Path, method: str) -> None:
    data = reader(root)
    name = data.videos(1, "train")[0]
    assert length_of(pickle.loads(pickle.dumps(data)), name) == 9
    # one thread, as in a loader's workers: a forked process cannot use the threads that PyTorch had before the fork
    with multiprocessing.get_context(method).Pool(1, torch.set_num_threads, (1,)) as pool:
        assert pool.apply(length_of, (data, name)) == 9
    assert length_of(data, name) == 9


def test_nothing_is_written_beside_the_features(root: Path) -> None:
    lock = root / "TSM_features" / VIEWS[0] / "lock.mdb"
    lock.unlink()
    before = (lock.parent / "data.mdb").read_bytes()
    length_of(reader(root), f"assembly_{RECORDINGS[0]}_{VIEWS[0]}")
    assert not lock.exists()
    assert (lock.parent / "data.mdb").read_bytes() == before


def test_ignored_action_is_no_class_and_its_frames_are_not_annotated(root: Path) -> None:
    data = reader(root, ignore=["attach arm, left"])
    assert data.class_names == ["attach wheel", "remove arm"]
    assert data.read(f"assembly_{RECORDINGS[0]}_{VIEWS[1]}").labels.tolist() == [0] * 4 + [IGNORE] * 5
