"use strict";

// The whole video in a thin strip, and the tracks under their time axis: one canvas, drawn again when labels, the visible
// time or the size change. The cursor is an element above it, so that playing only moves that.
{
  const { View, byId, element, nameElement } = segtcn;

  const LEAST_ROW = 6;
  const LEAST_HEIGHT = 18;

  class Overview extends View {
    constructor(player) {
      super(player, { root: "overview", window: "overview-window", cursor: "overview-cursor" });
      this.surface = new segtcn.Surface(byId("overview-canvas"));
      player.on("video tracks filter theme size", () => this.draw());
      player.on("video view time size", () => this.place());
      this.listen();
    }

    draw() {
      const { player, surface } = this;
      const tracks = player.tracks;
      const row = Math.max(LEAST_ROW, LEAST_HEIGHT / tracks.length);
      const whole = new segtcn.Viewport(player.recording.duration, 0);
      this.root.style.height = `${tracks.length * row}px`;
      surface.begin(tracks.length * row);
      surface.inDevicePixels((device, width, ratio) => {
        tracks.forEach((track, number) => {
          const [top, height] = [number * row, row - 1].map((pixels) => Math.round(pixels * ratio));
          segtcn.paintTrack(device, player, track, whole, { top, height, width });
        });
      });
    }

    place() {
      const { viewport, time } = this.player;
      const { width } = this.surface;
      const left = (viewport.start / viewport.duration) * width;
      this.window.style.transform = `translateX(${left}px)`;
      this.window.style.width = `${Math.max(6, (viewport.span / viewport.duration) * width)}px`;
      this.cursor.style.transform = `translateX(${(time / viewport.duration) * width}px)`;
    }

    listen() {
      const { root, player } = this;
      let grabbed = null;
      root.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        const time = this.timeAt(event);
        const { viewport } = player;
        if (!viewport.contains(time)) player.showPart(time - viewport.span / 2, time + viewport.span / 2);
        grabbed = time - viewport.start;
        root.setPointerCapture(event.pointerId);
      });
      root.addEventListener("pointermove", (event) => {
        if (grabbed === null) return;
        const start = this.timeAt(event) - grabbed;
        player.showPart(start, start + player.viewport.span);
      });
      for (const name of ["pointerup", "pointercancel"]) root.addEventListener(name, () => (grabbed = null));
    }

    timeAt(event) {
      const box = this.root.getBoundingClientRect();
      return ((event.clientX - box.left) / box.width) * this.player.viewport.duration;
    }
  }

  const AXIS = 36;
  // as in the style sheet, which has no room beside the tracks then
  const NARROW = matchMedia("(max-width: 720px)");
  const TITLE = 24;
  const STRIP = 6;
  // CSS pixels from which a segment gets a line at its start, and its name
  const LEAST_FOR_EDGE = 8;
  const LEAST_FOR_NAME = 26;
  const FAINTEST = 0.4;

  class Timeline extends View {
    /**
     * @param {Player} player
     * @param {CorrectionTools} tools
     */
    constructor(player, tools) {
      super(player, { plot: "timeline", cursor: "cursor", gutter: "gutter" });
      this.tools = tools;
      this.surface = new segtcn.Surface(byId("tracks-canvas"));
      this.names = new segtcn.Lettering("500 12px");
      this.small = new segtcn.Lettering("11px");
      /** Place of every track, in CSS pixels: `top` and `height` of its bar, `stripTop`, `titleTop`. */
      this.rows = [];
      player.on("tracks size theme", () => this.placeRows());
      player.on("video tracks view filter theme size correct", () => this.draw());
      player.on("video time view size tracks", () => this.moveCursor());
      player.on("video time play tracks correct", () => this.describe());
    }

    get isNarrow() {
      return NARROW.matches;
    }

    placeRows() {
      const barHeight = this.isNarrow ? 26 : 32;
      let top = AXIS;
      this.rows = this.player.tracks.map((track) => {
        const titleTop = top;
        if (this.isNarrow) top += TITLE;
        const stripTop = top;
        if (this.stripOf(track)) top += STRIP + 2;
        const row = { titleTop, stripTop, top, height: barHeight };
        top += barHeight + 8;
        return row;
      });
      this.height = top;
      this.placeTitles();
    }

    /** What the thin strip above a track shows: its differences from the reference, or what was corrected. */
    stripOf(track) {
      if (track === this.tools.track) return { intervals: this.tools.differences, color: "changed" };
      const intervals = this.player.differences.get(track);
      return intervals ? { intervals, color: "alarm" } : null;
    }

    placeTitles() {
      const { player } = this;
      const focused = [...this.gutter.children].indexOf(document.activeElement);
      this.gutter.replaceChildren(
        ...player.tracks.map((track, number) => {
          const row = this.rows[number];
          const isActive = number === player.activeTrack;
          const button = element(
            "button",
            { type: "button", class: "track-title", aria: { pressed: String(isActive) } },
            element("kbd", { aria: { hidden: "true" } }, number < 9 ? String(number + 1) : ""),
            nameElement(track.title),
          );
          button.title = `Choose this track${number < 9 ? ` (${number + 1})` : ""}: ${segtcn.format.oneLine(track.title).slice(0, 300)}`;
          button.style.top = `${this.isNarrow ? row.titleTop : row.top}px`;
          button.style.height = `${this.isNarrow ? TITLE : row.height}px`;
          button.addEventListener("click", () => player.chooseTrack(number));
          return button;
        }),
      );
      this.gutter.children[focused]?.focus();
      this.gutter.style.height = `${this.height}px`;
    }

    draw() {
      const context = this.surface.begin(this.height);
      this.drawAxis(context);
      this.player.tracks.forEach((track, number) => this.drawTrack(context, track, number));
    }

    drawAxis(context) {
      const { player, surface } = this;
      const { viewport, unit, recording } = player;
      const colors = segtcn.themeColors();
      const { step, parts, decimals } = segtcn.format.ticks(viewport.span, surface.width, unit);
      const minor = step / parts;
      const last = Math.floor(viewport.stop / minor + 1e-9);
      for (let i = Math.ceil(viewport.start / minor - 1e-9); i <= last; i += 1) {
        const isMajor = i % parts === 0;
        const time = i * minor;
        const x = Math.round(viewport.xOf(time, surface.width));
        context.fillStyle = isMajor ? colors.muted : colors.line;
        context.fillRect(x, AXIS - (isMajor ? 9 : 6), 1, isMajor ? 6 : 3);
        if (!isMajor) continue;
        const label = segtcn.format.position(time, unit, decimals);
        const left = Math.max(0, Math.min(surface.width - this.small.width(context, label), x + 4));
        context.fillStyle = colors.text;
        this.small.write(context, label, left, unit === "s" ? 8 : 15, 200);
        if (unit !== "s" || time > recording.base.timeOf(recording.base.numFrames)) continue;
        context.fillStyle = colors.muted;
        const frame = segtcn.format.count(recording.base.frameAt(time));
        this.small.write(context, frame, Math.min(left, surface.width - this.small.width(context, frame)), 21, 200);
      }
    }

    drawTrack(context, track, number) {
      const { top, height, stripTop } = this.rows[number];
      const { player, surface } = this;
      surface.inDevicePixels((device, width, ratio) => {
        const place = { top: Math.round(top * ratio), height: Math.round(height * ratio), width };
        segtcn.paintTrack(device, player, track, player.viewport, place);
        const strip = this.stripOf(track);
        if (strip) this.drawStrip(device, strip, Math.round(stripTop * ratio), Math.round(STRIP * ratio), width);
      });
      this.drawNames(context, track, top, height);
      if (number === player.activeTrack) {
        context.fillStyle = segtcn.themeColors().accent;
        context.fillRect(0, top, 2, height);
      }
    }

    /** Lines between segments, and names where there is room for them. */
    drawNames(context, track, top, height) {
      const { viewport, time } = this.player;
      const { width } = this.surface;
      const colors = segtcn.themeColors();
      const scale = width / viewport.span;
      const first = Math.max(0, segtcn.bisect(track.times, viewport.start, track.length));
      for (let i = first; i < track.length && track.times[i] < viewport.stop; i += 1) {
        const length = (track.times[i + 1] - track.times[i]) * scale;
        if (length < LEAST_FOR_EDGE) continue;
        const left = (track.times[i] - viewport.start) * scale;
        if (left > 0) {
          context.fillStyle = colors.surface;
          context.fillRect(Math.round(left), top, 1, height);
        }
        const shownLeft = Math.max(0, left);
        const shown = Math.min(width, left + length) - shownLeft;
        const label = track.classes[i];
        if (shown < LEAST_FOR_NAME || label < 0 || this.player.isDimmed(label)) continue;
        const item = this.player.classOf(label);
        context.fillStyle = segtcn.paintOf(item).text;
        this.names.write(context, item.name, shownLeft + 7, top + height / 2 + 0.5, shown - 12);
      }
      if (track === this.tools.track && track.indexAt(time) >= 0) {
        const { startTime, stopTime } = track.segment(track.indexAt(time));
        const left = Math.max(-4, (startTime - viewport.start) * scale);
        context.strokeStyle = colors.text;
        context.lineWidth = 2;
        context.strokeRect(left + 1, top + 1, Math.min(width + 4, (stopTime - viewport.start) * scale) - left - 2, height - 2);
      }
    }

    /** Columns of pixels in which the tracks differ; fainter the smaller their share, but never out of sight. */
    drawStrip(device, { intervals, color }, top, height, width) {
      const { starts, stops } = intervals;
      const { viewport } = this.player;
      const scale = width / viewport.span;
      device.fillStyle = segtcn.themeColors().track;
      device.fillRect(0, top, width, height);
      device.fillStyle = segtcn.themeColors()[color];
      const shares = new Float32Array(width);
      const first = Math.max(0, segtcn.bisect(starts, viewport.start));
      for (let i = first; i < starts.length && starts[i] < viewport.stop; i += 1) {
        const left = Math.max(0, (starts[i] - viewport.start) * scale);
        const right = Math.min(width, (stops[i] - viewport.start) * scale);
        for (let x = Math.floor(left); x < right; x += 1) shares[x] += Math.min(right, x + 1) - Math.max(left, x);
      }
      const opacity = (x) => (shares[x] ? FAINTEST + (1 - FAINTEST) * Math.round(shares[x] * 4) * 0.25 : 0);
      for (let x = 0; x < width; ) {
        const left = x;
        const alpha = opacity(x);
        while (x < width && opacity(x) === alpha) x += 1;
        if (!alpha) continue;
        device.globalAlpha = alpha;
        device.fillRect(left, top, x - left, height);
      }
      device.globalAlpha = 1;
    }

    moveCursor() {
      const { viewport, time } = this.player;
      this.cursor.hidden = !viewport.contains(time);
      this.cursor.style.transform = `translateX(${viewport.xOf(time, this.surface.width)}px)`;
      const { track } = this.tools;
      const selected = track?.indexAt(time);
      if (track && selected !== this.selected) this.draw();
      this.selected = selected;
    }

    /** For screen readers; while playing only once a second, as each change is read aloud. */
    describe() {
      const { player, plot } = this;
      const now = performance.now();
      if (player.clock.playing && now - (this.described ?? 0) < 1000) return;
      this.described = now;
      plot.setAttribute("aria-valuemax", player.recording.duration.toFixed(3));
      plot.setAttribute("aria-valuenow", player.time.toFixed(3));
      plot.setAttribute("aria-valuetext", player.describe());
    }

    /** Number of the track whose bar is at `y` (CSS pixels from the top of the plot), -1 if there is none. */
    trackAt(y) {
      return this.rows.findIndex(({ top, height }) => y >= top && y < top + height);
    }

    /** Index of the segment of the corrected track whose start is within `reach` pixels of `x`; -1: none. */
    boundaryAt(x, y, reach) {
      const { viewport, tracks } = this.player;
      const { track } = this.tools;
      if (!track || tracks[this.trackAt(y)] !== track) return -1;
      const { width } = this.surface;
      const near = track.indexAt(viewport.timeAt(x, width));
      let [best, distance] = [-1, reach];
      for (const index of [near, near + 1]) {
        if (index < 1 || index >= track.length) continue;
        const gap = Math.abs(viewport.xOf(track.times[index], width) - x);
        if (gap <= distance) [best, distance] = [index, gap];
      }
      return best;
    }
  }

  Object.assign(segtcn, { Overview, Timeline, AXIS_HEIGHT: AXIS });
}
