"""What the page reads: segments, times, notes on what does not fit, scores in 8 bits, and no way out of the script."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from segtcn.labels import Classes, Labels
from segtcn.structures import IGNORE
from segtcn.visualization.palette import class_color
from segtcn.visualization.player import PlayerVideo
from segtcn.visualization.player.payload import (
    MAX_SAMPLES,
    clip_payload,
    index_payload,
    scores_payload,
    script,
    track_payload,
    video_payload,
)
from tests.clips import write_clip
from tests.visualization.player.players import CLASSES, HOSTILE, content, player, run, truth


def test_no_text_ends_the_script_or_the_line():
    payload = {"name": HOSTILE, "list": [HOSTILE]}
    body = script("receiveVideo", payload)
    assert content(body) == payload
    for character in "<>&\u2028\u2029\n":
        assert character not in body.decode("utf-8").removesuffix(");\n")
    with pytest.raises(ValueError, match="not JSON compliant"):
        script("receiveVideo", {"x": float("nan")})


def test_a_track_is_its_segments_with_their_mean_confidence():
    labels = Labels([1, 1, 2, 1, IGNORE], CLASSES, 5.0, confidence=np.float32([0.5, 1.0, 0.25, 1.0, np.nan]))
    assert track_payload("net", labels, 5.0, by_frame=False) == {
        **{"title": "net", "fps": 5.0, "num_frames": 5, "by_frame": False},
        **{"starts": [0, 2, 3, 4], "classes": [1, 2, 1, -1], "confidence": [0.75, 0.25, 1.0, None], "scores": None},
    }


def test_a_label_that_is_not_a_class_is_named_with_its_file():
    shown = PlayerVideo("tea", {"truth": Labels.from_names(["take", "fly"], source="truth.txt")})
    with pytest.raises(ValueError, match=r"truth\.txt: .*'fly' .*is not a known class.* background, take, pour"):
        video_payload("0001", shown, CLASSES)


@pytest.mark.parametrize("num_frames", [1, MAX_SAMPLES, MAX_SAMPLES + 1, 3 * MAX_SAMPLES - 1])
def test_scores_are_means_over_equal_parts_and_classes_keep_their_index(num_frames):
    values = np.random.default_rng(0).random((2, num_frames), dtype=np.float32)
    payload = scores_payload(np.stack([np.zeros(num_frames, np.float32), *values]))
    step, num_samples = payload["frames_per_sample"], payload["num_samples"]
    assert payload["classes"] == [1, 2]
    assert num_samples <= MAX_SAMPLES
    assert (num_samples - 1) * step < num_frames <= num_samples * step
    data = np.frombuffer(base64.b64decode(payload["data"]), np.uint8).reshape(2, num_samples)
    for sample in (0, num_samples - 1):
        part = values[:, sample * step : (sample + 1) * step]
        assert data[:, sample] / 255 == pytest.approx(part.mean(1), abs=0.5 / 255 + 1e-6)


def test_the_index_tells_of_all_videos_without_reading_tracks_that_say_their_length():
    def unread() -> dict[str, Labels]:
        raise AssertionError("read")

    scores = {"ED-TCN": {"accuracy": 81.2345, "edit": float("nan")}}
    videos = [
        PlayerVideo("tea", unread, scores=scores, num_frames=900, fps=30.0),
        PlayerVideo("soup", {"truth": truth(fps=None)}),
    ]
    payload = index_payload(player(*videos), {"0001": "clips/0001.mp4"}, "secret")
    assert payload["save"] == {"token": "secret"}
    assert (payload["runs"], payload["score_names"], payload["protocol"]) == (["ED-TCN"], ["accuracy", "edit"], "lea")
    tea, soup = payload["videos"]
    assert tea == {
        **{"id": "0001", "name": "tea", "num_frames": 900, "fps": 30.0, "duration_s": 30.0, "clip": "clips/0001.mp4"},
        "scores": {"ED-TCN": {"accuracy": 81.23}},
    }
    assert (soup["id"], soup["num_frames"], soup["duration_s"], soup["clip"]) == ("0002", 50, None, None)
    red, green, blue = class_color(1)
    assert payload["classes"][1] == {
        **{"name": "take", "color": f"#{red:02x}{green:02x}{blue:02x}", "text": "#000000", "background": False}
    }
    assert payload["classes"][0]["background"]


def test_a_clip_of_constant_rate_needs_no_times_one_of_varying_rate_has_them(tmp_path):
    clip = write_clip(tmp_path / "constant.mp4", 50, size=(160, 120))
    assert clip_payload(clip) == {
        **{"fps": 25.0, "num_frames": 50, "width": 160, "height": 120, "duration_s": 2.0, "times_ms": None}
    }
    times_s = [0.0, 0.1, 0.15, 0.4, 0.5]
    payload = clip_payload(write_clip(tmp_path / "varying.mp4", 5, times_s=times_s))
    assert payload["times_ms"] == pytest.approx([1000 * time_s for time_s in times_s], abs=0.1)
    assert payload["duration_s"] > 0.5


@pytest.mark.parametrize(
    ("fps", "num_labels", "by_frame", "note"),
    [
        (None, 50, True, None),
        (None, 38, True, "truth has 12 labels fewer than the clip has frames (38 and 50): label n is shown with frame"),
        (None, 51, True, "truth has 1 label more than the clip has frames (51 and 50)"),
        (25.0, 50, True, None),
        (5.0, 10, False, None),
        (5.0, 11, False, None),  # a matter of rounding
        (5.0, 15, False, "truth is 1.00 s longer than the clip: 15 labels at 5 a second, 2.00 s of clip"),
        (25.0, 30, False, "truth is 0.80 s shorter than the clip"),
        (25.05, 50, True, None),  # as many labels as frames, the rate is nominal
        (15.0, 50, False, "truth is 1.33 s longer than the clip"),
    ],
)
def test_labels_meet_the_clip_in_time_if_a_rate_is_known_and_notes_say_by_how_much_not(
    tmp_path, fps, num_labels, by_frame, note
):
    shown = PlayerVideo("tea", {"truth": truth(["take"] * num_labels, fps)}, write_clip(tmp_path / "tea.mp4", 50))
    payload = video_payload("0001", shown, CLASSES)
    assert payload["tracks"][0]["by_frame"] is by_frame
    assert len(payload["notes"]) == (note is not None)
    assert note is None or note in payload["notes"][0]


def test_without_a_clip_tracks_of_different_length_and_rate_are_noted():
    tracks = {"truth": truth(["take"] * 10, None), "ED-TCN": run(["take"] * 12, None), "rated": run(["take"] * 4, 5.0)}
    payload = video_payload("0001", PlayerVideo("tea", tracks), CLASSES)
    assert [track["fps"] for track in payload["tracks"]] == [5.0] * 3
    assert payload["notes"] == [
        "the rate of truth is unknown: it is shown at 5 labels a second, like the others",
        "the rate of ED-TCN is unknown: it is shown at 5 labels a second, like the others",
        "ED-TCN has 2 labels more than truth",
        "rated has 6 labels fewer than truth",
    ]


@pytest.mark.parametrize(("content", "expected"), [(b"", "cannot be decoded as video"), (None, "no video file")])
def test_a_bad_clip_is_left_out_and_a_note_says_why(tmp_path, content, expected):
    clip = tmp_path / "tea.mp4"
    if content is not None:
        clip.write_bytes(content)
    payload = video_payload("0001", PlayerVideo("tea", {"truth": truth()}, clip), CLASSES)
    assert (payload["clip"], payload["tracks"][0]["num_frames"]) == (None, 50)
    assert re.match(f"the clip cannot be shown: .*{expected}", *payload["notes"])


def test_a_video_without_tracks_is_refused():
    with pytest.raises(ValueError, match="tea needs at least one track, got none"):
        PlayerVideo("tea", {}).read()


def test_three_hours_of_four_tracks_with_scores_stay_small():
    rng = np.random.default_rng(0)
    classes = Classes(tuple(f"class {i}" for i in range(48)))
    lengths = rng.multinomial(3 * 3600 * 30 - 5000, np.ones(5000) / 5000) + 1
    indexes = np.repeat(rng.integers(0, 48, 5000), lengths)
    labels = Labels(indexes, classes, 30.0, np.full((48, len(indexes)), 1 / 48, np.float32))
    shown = PlayerVideo("long", {f"net {i}": labels for i in range(4)})
    payload = video_payload("0001", shown, classes)
    assert len(json.dumps(payload)) < 1_500_000
    assert len(payload["tracks"][0]["starts"]) > 4800
