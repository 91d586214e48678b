"use strict";

// The visible part of the time axis.
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
    reveal(time, share = 0.1) {
      if (this.contains(time)) return false;
      const start = time > this.stop ? time - share * this.span : time - (1 - share) * this.span;
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

  segtcn.Viewport = Viewport;
}
