"use strict";

// Labels being corrected: segments, and what undo needs. Nothing here touches the page.
{
  const MOST_STEPS = 500;

  class Correction {
    /** @param {{starts: Int32Array, classes: Int32Array, length: number, numFrames: number}} track stays as it is */
    constructor(track) {
      this.numFrames = track.numFrames;
      this.original = { starts: Array.from(track.starts.subarray(0, track.length)), classes: Array.from(track.classes) };
      /** The labels now: `starts` and `classes`, (N,) each. Never changed in place, so that steps can share them. */
      this.state = this.original;
      this.saved = this.original;
      this.past = [];
      this.future = [];
      this.beforeDrag = null;
    }

    get length() {
      return this.state.starts.length;
    }

    /** Whether something would be lost if the page were closed. */
    get unsaved() {
      return !sameLabels(this.state, this.saved);
    }

    get changed() {
      return !sameLabels(this.state, this.original);
    }

    /** Number of frames whose class is not that of the original. */
    get changedFrames() {
      const inFrames = ({ starts, classes }) => ({ times: [...starts, this.numFrames], classes, length: classes.length });
      const { starts, stops } = segtcn.disagreements(inFrames(this.state), inFrames(this.original), -1);
      return starts.reduce((sum, start, i) => sum + stops[i] - start, 0);
    }

    /** Index of the segment that holds `frame`. */
    indexAt(frame) {
      return segtcn.bisect(this.state.starts, frame);
    }

    /** First frame and, exclusive, last frame of a segment. */
    bounds(index) {
      const { starts } = this.state;
      return [starts[index], starts[index + 1] ?? this.numFrames];
    }

    /**
     * Begin a new segment, of the same class, at `frame`.
     * @throws {UserError} if a segment begins there already
     */
    split(frame) {
      const index = this.indexAt(frame);
      if (this.state.starts[index] === frame) {
        throw new segtcn.UserError(`a segment starts at frame ${frame} already: move the cursor into a segment to split it`);
      }
      const { starts, classes } = this.state;
      this.#push({ starts: starts.toSpliced(index + 1, 0, frame), classes: classes.toSpliced(index, 0, classes[index]) });
    }

    /**
     * Join a segment with the next (direction 1) or the previous (-1), which takes its class.
     * @throws {UserError} if there is none
     */
    join(index, direction) {
      const other = index + direction;
      if (other < 0 || other >= this.length) {
        throw new segtcn.UserError(`there is no ${direction > 0 ? "next" : "previous"} segment to join with`);
      }
      const { starts, classes } = this.state;
      this.#push({ starts: starts.toSpliced(Math.max(index, other), 1), classes: classes.toSpliced(other, 1) });
    }

    /** Give a segment another class; neighbours of that class become one segment with it. */
    relabel(index, label) {
      const { starts, classes } = this.state;
      const renamed = classes.with(index, label);
      const keep = starts.map((_, i) => !((i === index || i === index + 1) && i > 0 && renamed[i] === renamed[i - 1]));
      this.#push({ starts: starts.filter((_, i) => keep[i]), classes: renamed.filter((_, i) => keep[i]) });
    }

    /**
     * Move the boundary at which segment `index` starts; each side keeps at least one frame.
     * @returns {number} the frame at which it starts now
     */
    moveBoundary(index, frame) {
      const moved = this.#moved(index, frame);
      this.#push(moved);
      return moved.starts[index];
    }

    /** Begin to drag a boundary: all of `dragBoundary` until `endDrag` is one step of undo. */
    beginDrag() {
      this.beforeDrag = this.state;
    }

    dragBoundary(index, frame) {
      this.state = this.#moved(index, frame);
      return this.state.starts[index];
    }

    /** @param {boolean} keep false takes the drag back */
    endDrag(keep = true) {
      const after = this.state;
      this.state = this.beforeDrag ?? after;
      this.beforeDrag = null;
      if (keep) this.#push(after);
    }

    /** Take over other labels of the same length, as one step. */
    replace({ starts, classes }) {
      this.#push({ starts: Array.from(starts), classes: Array.from(classes) });
    }

    /** @returns {boolean} whether there was something to undo */
    undo() {
      return this.#step(this.past, this.future);
    }

    redo() {
      return this.#step(this.future, this.past);
    }

    #step(from, to) {
      if (!from.length) return false;
      to.push(this.state);
      this.state = from.pop();
      return true;
    }

    markSaved() {
      this.saved = this.state;
    }

    /** The labels as maximal segments: halves of a split that have one class are joined. */
    merged() {
      return mergeEqual(this.state);
    }

    #moved(index, frame) {
      const { starts, classes } = this.state;
      const [lowest, highest] = [starts[index - 1] + 1, this.bounds(index)[1] - 1];
      return { starts: starts.with(index, Math.max(lowest, Math.min(highest, frame))), classes };
    }

    #push(state) {
      if (sameSegments(state, this.state)) return;
      this.past.push(this.state);
      if (this.past.length > MOST_STEPS) this.past.shift();
      this.future = [];
      this.state = state;
    }
  }

  function mergeEqual({ starts, classes }) {
    const first = starts.map((_, i) => i === 0 || classes[i] !== classes[i - 1]);
    return { starts: starts.filter((_, i) => first[i]), classes: classes.filter((_, i) => first[i]) };
  }

  const sameList = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);
  const sameSegments = (a, b) => a === b || (sameList(a.starts, b.starts) && sameList(a.classes, b.classes));
  /** Whether every frame has the same class, however it is cut into segments. */
  const sameLabels = (a, b) => a === b || sameSegments(mergeEqual(a), mergeEqual(b));

  segtcn.Correction = Correction;
}
