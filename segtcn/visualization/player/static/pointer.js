"use strict";

// What mouse, pen and finger do on the plots: seek, move, zoom, drag a boundary, and the tooltip.
{
  const { View, element, nameElement, swatch } = segtcn;
  const REACH = 6;
  const STILL = 4;

  class Pointer extends View {
    /**
     * @param {Player} player
     * @param {Timeline} timeline
     * @param {CorrectionTools} tools
     */
    constructor(player, timeline, tools) {
      super(player, { plots: "plots", tooltip: "tooltip" });
      this.timeline = timeline;
      this.tools = tools;
      /** What the pressed pointer does: "seek", "pan", "boundary"; null: nothing is pressed. */
      this.gesture = null;
      const on = (name, listener, options) => this.plots.addEventListener(name, listener, options);
      on("pointerdown", (event) => this.press(event));
      on("pointermove", (event) => this.move(event));
      on("pointerup", (event) => this.release(event, true));
      on("pointercancel", (event) => this.release(event, false));
      on("pointerleave", () => this.hideTooltip());
      on("wheel", (event) => this.turn(event), { passive: false });
      window.addEventListener("scroll", () => this.hideTooltip(), { passive: true });
      window.addEventListener("keydown", (event) => {
        if (event.key === "Escape") this.cancel();
      });
    }

    /** Pointer in CSS pixels from the left upper corner of the plots, and the time there. */
    locate(event) {
      const box = this.plots.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      return { x, y, time: this.player.viewport.timeAt(x, box.width) };
    }

    press(event) {
      if (event.button !== 0 || !this.player.recording) return;
      const { player, timeline } = this;
      const { x, y, time } = this.locate(event);
      this.plots.setPointerCapture(event.pointerId);
      this.hideTooltip();
      timeline.plot.focus({ preventScroll: true, focusVisible: false });
      event.preventDefault();
      const boundary = timeline.boundaryAt(x, y, event.pointerType === "touch" ? 3 * REACH : REACH);
      if (boundary > 0) {
        this.gesture = "boundary";
        this.tools.beginDrag(boundary);
      } else if (y < segtcn.AXIS_HEIGHT) {
        this.gesture = "pan";
        this.grabbed = { x, start: player.viewport.start, moved: false };
      } else {
        this.gesture = "seek";
        const track = timeline.trackAt(y);
        if (track >= 0 && track !== player.activeTrack) player.chooseTrack(track);
        player.seek(time);
      }
    }

    move(event) {
      const { player } = this;
      if (!player.recording) return;
      const { x, y, time } = this.locate(event);
      const { viewport } = player;
      if (this.gesture === "boundary") {
        this.tools.drag(time);
      } else if (this.gesture === "seek") {
        player.seek(Math.max(viewport.start, Math.min(viewport.stop - viewport.span * 1e-6, time)));
      } else if (this.gesture === "pan") {
        if (Math.abs(x - this.grabbed.x) > STILL) this.grabbed.moved = true;
        const start = this.grabbed.start - ((x - this.grabbed.x) / this.plots.clientWidth) * viewport.span;
        if (this.grabbed.moved) player.showPart(start, start + viewport.span);
      } else {
        this.plots.classList.toggle("at-boundary", this.timeline.boundaryAt(x, y, REACH) > 0);
        this.plots.classList.toggle("at-axis", y < segtcn.AXIS_HEIGHT);
        if (event.pointerType !== "touch") this.showTooltip(event, y, time);
      }
    }

    release(event, keep) {
      const { player, gesture } = this;
      this.gesture = null;
      if (gesture === "boundary") this.tools.endDrag(keep);
      if (gesture === "pan" && keep && !this.grabbed.moved) player.seek(this.locate(event).time);
    }

    /** Escape takes back a drag under way. */
    cancel() {
      if (this.gesture === "boundary") this.tools.endDrag(false);
      this.gesture = null;
      this.hideTooltip();
    }

    turn(event) {
      const { player } = this;
      if (!player.recording) return;
      event.preventDefault();
      this.hideTooltip();
      // lines and pages of a wheel, in pixels
      const unit = [1, 16, 400][event.deltaMode] ?? 1;
      const sideways = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        player.pan(((sideways * unit) / this.plots.clientWidth) * player.viewport.span);
      } else {
        player.zoom(Math.exp(Math.max(-300, Math.min(300, event.deltaY * unit)) * 0.002), this.locate(event).time);
      }
    }

    showTooltip(event, y, time) {
      const { player, tooltip } = this;
      const track = player.tracks[this.timeline.trackAt(y)];
      const segment = track?.segment(track.indexAt(time));
      if (!segment) {
        this.hideTooltip();
        return;
      }
      const key = `${track.title}\n${segment.index}\n${segment.start}\n${segment.stop}\n${segment.label}`;
      if (key !== this.described) {
        this.described = key;
        tooltip.replaceChildren(...this.tooltipContent(track, segment));
      }
      tooltip.hidden = false;
      const [left, top] = [event.clientX + 14, event.clientY + 18];
      const { offsetWidth, offsetHeight } = tooltip;
      tooltip.style.left = `${Math.max(8, Math.min(left, document.documentElement.clientWidth - offsetWidth - 8))}px`;
      tooltip.style.top = `${top + offsetHeight > window.innerHeight - 8 ? event.clientY - offsetHeight - 12 : top}px`;
    }

    tooltipContent(track, segment) {
      const { player } = this;
      const { frames, seconds, count } = segtcn.format;
      const item = player.classOf(segment.label);
      const rows = [["Frames", `${count(segment.start)} – ${count(segment.stop)} (${frames(segment.stop - segment.start)})`]];
      if (player.unit === "s") {
        const clock = (value) => segtcn.format.clockTime(value, 2);
        const length = seconds(segment.stopTime - segment.startTime);
        rows.unshift(["Time", `${clock(segment.startTime)} – ${clock(segment.stopTime)} (${length})`]);
      }
      if (segment.confidence !== null) rows.push(["Confidence", segment.confidence.toFixed(2)]);
      return [
        element("p", { class: "tooltip-track" }, nameElement(track.title)),
        element("p", { class: "tooltip-label" }, swatch(item), nameElement(item.name)),
        element("dl", {}, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
      ];
    }

    hideTooltip() {
      this.tooltip.hidden = true;
      this.described = null;
    }
  }

  segtcn.Pointer = Pointer;
}
