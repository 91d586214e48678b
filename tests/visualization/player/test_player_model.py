"""The parts of the player that touch no page, against Python: segments, times, columns, corrections, files."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from segtcn.labels import IGNORE_NAME, Classes, Labels, read_labels, write_labels
from segtcn.structures import frames_to_segments
from tests.visualization.player.payloads import (
    CLASS_NAMES,
    STATIC,
    TRUTH,
    class_payload,
    scores_payload,
    softmax_scores,
    track_payload,
)

TRACK = """const track = (t, rate = t.fps) =>
  new segtcn.Track(t, new segtcn.Timebase({numFrames: t.num_frames, rate}));"""


@pytest.fixture(scope="module")
def js(browser, tmp_path_factory):
    """Function that runs JavaScript in a page that has the player's scripts and no data."""
    page = browser.new_page()
    page.set_content("<p></p>")
    names = ["loading", "elements", "model", "viewport", "corrections", "files"]
    page.add_script_tag(content="\n".join((STATIC / f"{name}.js").read_text() for name in names))
    yield lambda code, argument=None: page.evaluate(f"(input) => {{ {TRACK} {code} }}", argument)
    page.close()


def random_labels(rng, num_frames=120, num_classes=4, longest=12):
    lengths = rng.integers(1, longest, size=num_frames)
    return np.repeat(rng.integers(0, num_classes, size=num_frames), lengths)[:num_frames]


def payload_of(labels, title="track", **more):
    segments = frames_to_segments(torch.as_tensor(labels))
    return track_payload(title, [(segment.label, segment.stop - segment.start) for segment in segments], **more)


def test_every_time_finds_the_segment_that_holds_it(js):
    labels = random_labels(np.random.default_rng(0))
    found = js(
        """const t = track(input); const {timebase} = t;
        return Array.from({length: t.numFrames}, (_, n) => [timebase.timeOf(n), timebase.middleOf(n)].map((time) =>
          [timebase.frameAt(time), t.classAt(time)]));""",
        payload_of(labels, fps=29.97),
    )
    assert found == [[[frame, label]] * 2 for frame, label in enumerate(labels.tolist())]


def test_times_of_a_variable_rate_are_those_of_its_frames(js):
    times = np.cumsum([0.0, *np.random.default_rng(0).uniform(0.01, 0.1, 40)])
    found = js(
        """const base = new segtcn.Timebase({numFrames: 45, rate: 20, times: input, end: input.at(-1) + 0.05});
        return Array.from({length: 45}, (_, n) => [base.timeOf(n), base.frameAt(base.middleOf(n))]);""",
        times.tolist(),
    )
    assert [frame for _, frame in found] == list(range(45))
    assert [time for time, _ in found[:41]] == times.tolist()
    later = [time for time, _ in found[41:]]
    assert later == pytest.approx(times[-1] + 0.05 * np.arange(1, 5))


def test_disagreements_are_the_frames_that_differ(js):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth, other = random_labels(rng), random_labels(rng, num_frames=int(rng.integers(60, 180)))
        differences = js(
            "return segtcn.disagreements(track(input[0]), track(input[1]));", [payload_of(truth), payload_of(other)]
        )
        common = min(len(truth), len(other))
        expected = [s for s in frames_to_segments(torch.as_tensor(truth[:common] != other[:common]).long()) if s.label]
        assert differences["starts"] == pytest.approx([segment.start / 30 for segment in expected])
        assert differences["stops"] == pytest.approx([segment.stop / 30 for segment in expected])


def test_tracks_of_two_rates_are_compared_in_time(js):
    slow = payload_of([0, 0, 1, 1, 1], fps=15)
    fast = payload_of(np.repeat([0, 0, 1, 1, 1], 2), fps=30)
    assert js("return segtcn.disagreements(track(input[0]), track(input[1])).starts;", [slow, fast]) == []


def test_a_column_gets_the_class_that_fills_most_of_it(js):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        labels = random_labels(rng, num_frames=600, longest=int(rng.integers(2, 40)))
        start, stop = sorted(rng.uniform(0, 20, 2))
        width = int(rng.integers(20, 300))
        runs = js(
            """const view = new segtcn.Viewport(20, 0.01); view.show(input.start, input.stop);
            const runs = []; segtcn.forEachRun(track(input.track), view, input.width, (...run) => runs.push(run));
            return [runs, view.start, view.stop];""",
            {"track": payload_of(labels), "start": start, "stop": stop, "width": width},
        )
        runs, start, stop = runs
        assert all(before[1] <= after[0] for before, after in pairwise(runs))
        drawn = {column: label for left, right, label in runs for column in range(left, right)}
        assert sorted(drawn) == list(range(width))
        edges = np.linspace(start, stop, width + 1)
        for column, (left, right) in enumerate(pairwise(edges)):
            frames = np.arange(600) / 30
            overlap = np.clip(np.minimum(right, frames + 1 / 30) - np.maximum(left, frames), 0, None)
            share = np.bincount(labels, overlap, minlength=4)
            assert share[drawn[column]] >= share.max() - 1e-9


def test_levels_of_scores_hold_the_extremes_of_their_blocks(js):
    scores = softmax_scores([(0, 400), (1, 300), (2, 333)], 3)
    payload = scores_payload(scores)
    levels = js(
        """const scores = new segtcn.ClassScores(input);
        return scores.levels.map(({length, low, high}) => ({length, low: [...low], high: [...high]}));""",
        payload,
    )
    values = np.rint(255 * scores).astype(int)
    assert len(levels) == 5
    for number, level in enumerate(levels):
        blocks = [values[:, i : i + 4**number] for i in range(0, values.shape[1], 4**number)]
        assert np.reshape(level["high"], (3, -1)).tolist() == np.stack([b.max(1) for b in blocks], 1).tolist()
        assert np.reshape(level["low"], (3, -1)).tolist() == np.stack([b.min(1) for b in blocks], 1).tolist()


def test_scores_of_another_size_are_refused(js):
    payload = scores_payload(np.ones((3, 8))) | {"num_samples": 9}
    message = js("try { new segtcn.ClassScores(input); } catch (error) { return error.message; }", payload)
    assert message == "expected 3 x 9 class scores, got 24: export the video again"


class PlainCorrection:
    """A slow, obvious version: the label of every frame, and where segments begin."""

    def __init__(self, labels):
        self.labels = list(labels)
        self.starts = {0} | {i for i in range(1, len(labels)) if labels[i] != labels[i - 1]}

    def bounds(self, frame):
        starts = [*sorted(self.starts), len(self.labels)]
        return next((a, b) for a, b in pairwise(starts) if a <= frame < b)

    def split(self, frame):
        self.starts.add(frame)

    def join(self, frame, direction):
        start, stop = self.bounds(frame)
        other = self.bounds(stop if direction > 0 else start - 1)
        self.labels[other[0] : other[1]] = [self.labels[frame]] * (other[1] - other[0])
        self.starts.discard(stop if direction > 0 else start)

    def relabel(self, frame, label):
        start, stop = self.bounds(frame)
        self.labels[start:stop] = [label] * (stop - start)
        if start and self.labels[start - 1] == label:
            self.starts.discard(start)
        if stop < len(self.labels) and self.labels[stop] == label:
            self.starts.discard(stop)

    def move(self, frame, to):
        start, stop = self.bounds(frame)
        before = self.bounds(start - 1)[0]
        to = max(before + 1, min(stop - 1, to))
        left, right = self.labels[start - 1], self.labels[start]
        self.labels[before:stop] = [left] * (to - before) + [right] * (stop - to)
        self.starts = (self.starts - {start}) | {to}

    @property
    def state(self):
        starts = sorted(self.starts)
        return {"starts": starts, "classes": [self.labels[start] for start in starts]}


def test_random_edits_equal_those_of_a_list_of_frames_and_undo_to_the_start(js):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        labels = random_labels(rng, num_frames=60, longest=9).tolist()
        plain, states, edits = PlainCorrection(labels), [], []
        for _ in range(30):
            frame, kind = int(rng.integers(60)), rng.choice(["split", "join", "relabel", "move"])
            start, stop = plain.bounds(frame)
            if kind == "split" and frame != start:
                plain.split(frame)
                edits.append(["split", frame])
            elif kind == "join" and stop < 60:
                plain.join(frame, 1)
                edits.append(["join", frame, 1])
            elif kind == "join" and start > 0:
                plain.join(frame, -1)
                edits.append(["join", frame, -1])
            elif kind == "relabel":
                label = int(rng.integers(4))
                plain.relabel(frame, label)
                edits.append(["relabel", frame, label])
            elif kind == "move" and start > 0:
                to = int(rng.integers(60))
                plain.move(frame, to)
                edits.append(["moveBoundary", frame, to])
            else:
                continue
            changed = int((np.array(labels) != plain.labels).sum())
            states.append([plain.state, changed])
        found, undone, redone = js(
            """const correction = new segtcn.Correction(track(input.track));
            const states = input.edits.map(([kind, frame, more]) => {
              if (kind === "split") correction.split(frame);
              else correction[kind](correction.indexAt(frame), more);
              return [correction.state, correction.changedFrames];
            });
            while (correction.undo());
            const undone = [correction.state, correction.unsaved];
            while (correction.redo());
            return [states, undone, correction.state];""",
            {"track": payload_of(labels), "edits": edits},
        )
        assert found == states
        original = payload_of(labels)
        assert undone == [{"starts": original["starts"], "classes": original["classes"]}, False]
        assert redone == states[-1][0]


def test_a_drag_is_one_step_and_can_be_taken_back(js):
    states = js(
        """const correction = new segtcn.Correction(track(input));
        const starts = () => [...correction.state.starts];
        const result = [];
        correction.beginDrag();
        for (const frame of [40, 41, 500, 44]) correction.dragBoundary(1, frame);
        correction.endDrag(); result.push(starts());
        correction.beginDrag(); correction.dragBoundary(1, -9); result.push(starts());
        correction.endDrag(false); result.push(starts());
        correction.undo(); result.push(starts(), correction.undo());
        return result;""",
        track_payload("truth", TRUTH),
    )
    assert states == [[0, 44, 75, 135], [0, 1, 75, 135], [0, 44, 75, 135], [0, 30, 75, 135], False]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("correction.split(30)", "a segment starts at frame 30 already: move the cursor into a segment to split it"),
        ("correction.join(0, -1)", "there is no previous segment to join with"),
        ("correction.join(3, 1)", "there is no next segment to join with"),
    ],
)
def test_edits_that_cannot_be_made_say_why(js, edit, message):
    code = f"""const correction = new segtcn.Correction(track(input));
        try {{ {edit}; }} catch (error) {{ return [error instanceof segtcn.UserError, error.message]; }}"""
    assert js(code, track_payload("truth", TRUTH)) == [True, message]


NAMES = ["background", 'say "hi", twice', "кошка 🐈", "<b>&amp;"]


def test_files_equal_those_of_the_library(js, tmp_path):
    for seed, fps in enumerate([None, 15.0, 29.97, 30.0]):
        labels = random_labels(np.random.default_rng(seed), num_frames=90)
        text, table = js(
            """const {starts, classes} = input.track; const labels = {starts, classes};
            return [segtcn.labelsAsText(labels, 90, input.classes),
                    segtcn.labelsAsTable(labels, 90, input.classes, input.fps)];""",
            {"track": payload_of(labels), "classes": class_payload(NAMES), "fps": fps},
        )
        for name in ("a.txt", "a.csv"):
            write_labels(tmp_path / name, Labels(labels, Classes(tuple(NAMES)), fps))
        assert text == (tmp_path / "a.txt").read_text("utf-8")
        assert table == (tmp_path / "a.csv").read_text("utf-8")


def test_files_are_read_back_as_the_library_reads_them(js, tmp_path):
    for seed in range(5):
        labels = random_labels(np.random.default_rng(seed), num_frames=90)
        expected = payload_of(labels)
        for path in (tmp_path / "a.txt", tmp_path / "a.csv"):
            write_labels(path, Labels(labels, Classes(tuple(NAMES)), 30.0))
            assert read_labels(path).names() == [NAMES[label] for label in labels]
            for text in (path.read_text("utf-8"), "\ufeff" + path.read_text("utf-8").replace("\n", "\r\n")):
                found = js(
                    "return segtcn.readLabels(input.text, 90, input.classes);",
                    {"text": text, "classes": class_payload(NAMES)},
                )
                assert found == {"starts": expected["starts"], "classes": expected["classes"]}


HEADER = "label,start,stop,start_s,stop_s,confidence\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "the file is empty: expected one label a line, or a table of segments"),
        ("take\n" * 3, "expected labels of 5 frames, the file has 3: 2 too few"),
        (HEADER + "take,0,9,,,\n", "expected labels of 5 frames, the file has 9: 4 too many"),
        (
            "take\n" * 4 + "tak\n",
            'line 5: no class is named "tak"; the classes are background, take, pour milk, stir',
        ),
        ("take\n\ntake\n", "line 2 is empty: expected one label a line"),
        ("### Frame level recognition: ###\nstir stir", "expected labels of 5 frames, the file has 2: 3 too few"),
        ("### Frame level recognition\n", "the file has no labels in line 2, where recognition files have all of them"),
        (HEADER, "the file has a header and no segments: expected at least one"),
        (HEADER + "take,0,x,,,\n", "line 2: expected a label and two frame numbers, got take,0,x,,,"),
        (
            HEADER + "take,0,2,,,\nstir,3,5,,,\n",
            "line 3: expected a segment that starts at frame 2 and is not empty, got 3 to 5",
        ),
        (HEADER + '"take,0,5,,,\n', "line 2: a quoted field does not end as it should"),
        (HEADER + '"ta"ke,0,5,,,\n', "line 2: a quoted field does not end as it should"),
    ],
)
def test_wrong_files_are_refused_with_what_was_expected(js, text, message):
    code = """try { segtcn.readLabels(input[0], 5, input[1]); }
        catch (error) { return [error instanceof segtcn.UserError, error.message]; }"""
    assert js(code, [text, class_payload(CLASS_NAMES)]) == [True, message]


def test_frames_that_nobody_annotated_come_back_and_differ_from_nothing(js, tmp_path):
    labels = {"starts": [0, 2], "classes": [1, -1]}
    classes = class_payload(CLASS_NAMES)
    text = js("return segtcn.labelsAsText(input[0], 3, input[1]);", [labels, classes])
    (tmp_path / "labels.txt").write_text(text)
    assert read_labels(tmp_path / "labels.txt").names() == ["take", "take", IGNORE_NAME]
    assert js("return segtcn.readLabels(input[0], 3, input[1]);", [text, classes]) == labels
    tracks = [payload_of([1, 1, -1, -1, 2]), payload_of([1, -1, 2, -1, 1])]
    for pair in (tracks, tracks[::-1]):
        assert js("return segtcn.disagreements(track(input[0]), track(input[1])).starts;", pair) == [4 / 30]


@pytest.mark.parametrize("name", ["two\nlines", " outer", "", "outer ", "NaN", "_Ignore", "x" * 1001])
def test_names_that_would_not_be_read_back_are_not_written(js, name):
    code = (
        """try { segtcn.labelsAsTable({starts: [0], classes: [0]}, 3, input, 30); } catch (e) { return e.message; }"""
    )
    assert "a label must be one line without outer white space" in js(code, class_payload([name], None))


def test_names_of_files_suit_every_system(js):
    names = ["S1_Tea", "a/b\\c:d", "..", "\u202egnp.exe", "é🐈", "x" * 300]
    expected = ["S1_Tea", "a_b_c_d", "labels", "_gnp.exe", "é🐈", "x" * 100]
    assert js("return input.map(segtcn.safeFileName);", names) == expected


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [(0, 0, "00:00"), (83.46, 1, "01:23.5"), (59.96, 1, "01:00.0"), (3723.5, 2, "1:02:03.50"), (3599.6, 0, "1:00:00")],
)
def test_times_are_written_as_clocks_do(js, seconds, decimals, text):
    assert js("return segtcn.format.clockTime(...input);", [seconds, decimals]) == text


def test_each_track_is_compared_with_its_own_truth(js):
    places = {"left: truth": 0, "left: A": 0, "right: truth": 2, "right: A": 2, "notes": None}
    labels = random_labels(np.random.default_rng(0))
    rows = [
        payload_of(labels, title, truth=title.endswith("truth"), reference=place) for title, place in places.items()
    ]
    code = """const recording = new segtcn.Recording({id: "0001", clip: null, tracks: input});
        return recording.tracks.map((track) => track.reference && track.reference.title);"""
    assert js(code, rows) == ["left: truth", "left: truth", "right: truth", "right: truth", None]
    unnamed = [{key: value for key, value in row.items() if key != "reference"} for row in rows]  # by an older version
    assert js(code, unnamed) == ["left: truth"] * 5
