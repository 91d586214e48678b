"use strict";

// The visible part of the time axis, and segments as its columns of pixels. A column that several segments share gets the
// class that fills most of it.
{
  class Viewport {
    /**
     * @param {number} duration of the axis, in its unit
     * @param {number} leastSpan that can be shown
     */
    constructor(duration, leastSpan) {
      this.duration = Math.max(duration, 1e-6);
      this.leastSpan = Math.min(leastSpan, this.duration);
      this.fit();
    }

    get span() {
      return this.stop - this.start;
    }

    /** Show everything. */
    fit() {
      this.start = 0;
      this.stop = this.duration;
    }

    /** Show [start, stop], moved and widened where it would leave the axis or be too narrow. */
    show(start, stop) {
      const span = Math.min(this.duration, Math.max(this.leastSpan, stop - start));
      this.start = Math.max(0, Math.min(this.duration - span, start));
      this.stop = this.start + span;
    }

    /** Zoom so that `time` stays where it is; a factor below 1 shows less time. */
    zoomAt(time, factor) {
      const span = Math.min(this.duration, Math.max(this.leastSpan, this.span * factor));
      const share = (time - this.start) / this.span;
      this.show(time - share * span, time + (1 - share) * span);
    }

    panBy(time) {
      this.show(this.start + time, this.stop + time);
    }

    contains(time) {
      return time >= this.start && time <= this.stop;
    }

    /**
     * Turn the page if `time` is out of sight.
     * @returns {boolean} whether the visible part changed
     */
    reveal(time) {
      if (this.contains(time)) return false;
      const start = time - (time > this.stop ? 0.1 : 0.9) * this.span;
      const before = this.start;
      this.show(start, start + this.span);
      return this.start !== before;
    }

    /** Pixels from the left edge of a plot that is `width` wide. */
    xOf(time, width) {
      return ((time - this.start) / this.span) * width;
    }

    timeAt(x, width) {
      return this.start + (x / width) * this.span;
    }
  }

  const DIMMED = 0.16;

  /**
   * @param {{times: ArrayLike<number>, classes: ArrayLike<number>, length: number}} track
   * @param {Viewport} viewport
   * @param {number} width of the plot, in device pixels
   * @param {function(number, number, number): void} emit gets the left column, the right one (exclusive) and the class
   *     of each run; runs are disjoint, from left to right, and neighbours differ
   */
  function forEachRun(track, viewport, width, emit) {
    const { times, classes, length } = track;
    const { start } = viewport;
    const scale = width / viewport.span;
    const covered = new Map();
    let segment = Math.max(0, segtcn.bisect(times, start, length));
    let column = 0;
    let [runLeft, runClass] = [0, null];

    const add = (left, right, label) => {
      if (label === runClass && left === column) return;
      if (runClass !== null) emit(runLeft, column, runClass);
      [runLeft, runClass] = [left, label];
    };

    while (column < width && segment < length) {
      const left = (times[segment] - start) * scale;
      const right = (times[segment + 1] - start) * scale;
      if (right <= column) {
        segment += 1;
      } else if (left <= column && right >= column + 1) {
        const stop = Math.min(width, Math.floor(right));
        add(column, stop, classes[segment]);
        column = stop;
      } else {
        covered.clear();
        let next = segment;
        while (next < length) {
          const from = (times[next] - start) * scale;
          if (from >= column + 1) break;
          const to = (times[next + 1] - start) * scale;
          const share = Math.min(to, column + 1) - Math.max(from, column);
          covered.set(classes[next], (covered.get(classes[next]) ?? 0) + share);
          if (to > column + 1) break;
          next += 1;
        }
        segment = next;
        const label = largest(covered);
        if (label !== null) add(column, column + 1, label);
        column += 1;
      }
    }
    if (runClass !== null) emit(runLeft, column, runClass);
  }

  function largest(covered) {
    let [best, most] = [null, 0];
    for (const [label, share] of covered) if (share > most) [best, most] = [label, share];
    return best;
  }

  /** Draw the bar of a track in device pixels; classes that are not chosen are pale. */
  function paintTrack(device, player, track, viewport, { top, height, width }) {
    device.fillStyle = segtcn.themeColors().track;
    device.fillRect(0, top, width, height);
    forEachRun(track, viewport, width, (left, right, label) => {
      device.globalAlpha = player.isDimmed(label) ? DIMMED : 1;
      segtcn.paint(device, player.classOf(label), left, top, right - left, height);
    });
    device.globalAlpha = 1;
  }

  Object.assign(segtcn, { Viewport, forEachRun, paintTrack });
}
