"use strict";

// Scores of every class over time, of one track, and the highest ones at the cursor as a list. Dense curves are drawn pixel
// by pixel: a path of ten thousand points takes Chromium longer than a frame may take.
{
  const { View, byId, element, nameElement, swatch } = segtcn;

  class Raster {
    constructor() {
      this.image = null;
      /** Of every line: its colour, and in each column the highest and lowest place that it touches. */
      this.lines = [];
    }

    /**
     * Begin a picture. Its memory is that of the one before: while the wheel turns there is one in every frame.
     * @param {CanvasRenderingContext2D} context all of its canvas is replaced
     * @param {number} thickness of lines, in device pixels
     * @param {function(number): number} yOf place of a value from 0 to 255, in device pixels from the top
     * @param {number} least value below which a line is not drawn
     */
    begin(context, thickness, yOf, least) {
      const { width, height } = context.canvas;
      if (this.image?.width !== width || this.image.height !== height) {
        this.image = context.createImageData(width, height);
        this.pixels = new Uint32Array(this.image.data.buffer);
        this.lines = [];
      } else {
        this.pixels.fill(0);
      }
      this.context = context;
      this.half = thickness / 2;
      this.ys = Float64Array.from({ length: 256 }, (_, value) => yOf(value));
      this.lowest = yOf(least);
      this.numLines = 0;
    }

    /**
     * Draw a line through points; where a point stands for many samples, from the lowest to the highest of them.
     * @param {Float64Array} xs places of the points, increasing, in device pixels
     * @param {Uint8Array} low lowest value of each point, from `offset` on
     * @param {Uint8Array} high highest value
     * @param {string} color any that CSS knows
     */
    line(xs, low, high, offset, color) {
      const { ys } = this;
      const { width } = this.image;
      this.lines[this.numLines] ??= { top: new Float64Array(width), bottom: new Float64Array(width) };
      const line = this.lines[this.numLines];
      this.numLines += 1;
      line.color = new Uint32Array(segtcn.bytesOf(color).buffer)[0];
      this.top = line.top.fill(Infinity);
      this.bottom = line.bottom.fill(-Infinity);
      for (let i = 0; i < xs.length; i += 1) {
        const [upper, lower] = [ys[high[offset + i]], ys[low[offset + i]]];
        const column = Math.floor(xs[i]);
        if (column >= 0 && column < width) this.#extend(column, upper, lower);
        if (i > 0) this.#connect(xs[i - 1], (ys[high[offset + i - 1]] + ys[low[offset + i - 1]]) / 2, xs[i], (upper + lower) / 2);
      }
    }

    /** Paint all lines. In each column the lower ones come later, so that none hides the others. */
    show() {
      const order = this.lines.slice(0, this.numLines);
      for (let column = 0; column < this.image.width; column += 1) {
        sortByTop(order, column);
        for (const line of order) this.#paint(line, column);
      }
      this.context.putImageData(this.image, 0, 0);
    }

    #extend(column, upper, lower) {
      if (upper < this.top[column]) this.top[column] = upper;
      if (lower > this.bottom[column]) this.bottom[column] = lower;
    }

    /** Straight line between two points, in all columns that it touches. */
    #connect(x0, y0, x1, y1) {
      const slope = x1 > x0 ? (y1 - y0) / (x1 - x0) : 0;
      const last = Math.min(this.image.width - 1, Math.floor(x1));
      for (let column = Math.max(0, Math.floor(x0)); column <= last; column += 1) {
        const from = y0 + (Math.max(x0, column) - x0) * slope;
        const to = y0 + (Math.min(x1, column + 1) - x0) * slope;
        if (from < to) this.#extend(column, from, to);
        else this.#extend(column, to, from);
      }
    }

    #paint({ top, bottom, color }, column) {
      if (top[column] > this.lowest) return;
      const { width, height } = this.image;
      const first = Math.max(0, Math.round(top[column] - this.half));
      const last = Math.min(height, Math.max(first + 1, Math.round(bottom[column] + this.half)));
      for (let at = first * width + column; at < last * width; at += width) this.pixels[at] = color;
    }
  }

  /** By insertion: from one column to the next the order hardly changes. */
  function sortByTop(lines, column) {
    for (let i = 1; i < lines.length; i += 1) {
      const line = lines[i];
      let place = i;
      for (; place > 0 && lines[place - 1].top[column] > line.top[column]; place -= 1) lines[place] = lines[place - 1];
      lines[place] = line;
    }
  }

  const HEIGHT = 132;
  const PADDING = 6;
  const MOST_LISTED = 4;
  // a class below this would only thicken the base line
  const LEAST_SHOWN = 0.02;
  // CSS pixels between samples from which smooth paths are drawn: with more samples they would take too long
  const LEAST_FOR_PATHS = 3;

  class Curves extends View {
    constructor(player) {
      super(player, { plot: "curves-plot", side: "curves-side", select: "curves-track", list: "curves-top" });
      this.surface = new segtcn.Surface(byId("curves-canvas"), { willReadFrequently: true });
      this.labels = new segtcn.Lettering("10px");
      this.raster = new segtcn.Raster();
      this.select.addEventListener("change", () => {
        this.track = this.tracks[this.select.selectedIndex];
        player.changed("filter");
      });
      player.on("video", () => this.chooseTracks());
      player.on("tracks", () => this.tracks.includes(player.active) && this.choose(player.active));
      player.on("video tracks view filter theme size", () => this.track && this.draw());
      player.on("video tracks time filter", () => this.track && this.listHighest());
    }

    chooseTracks() {
      const { player } = this;
      this.tracks = player.recording.tracks.filter((track) => track.scores);
      this.plot.hidden = this.side.hidden = !this.tracks.length;
      segtcn.fillSelect(this.select, this.tracks.map(({ title }) => title));
      this.track = this.listed = null;
      if (this.tracks.length) this.choose(this.tracks.includes(player.active) ? player.active : this.tracks[0]);
    }

    choose(track) {
      this.track = track;
      this.select.selectedIndex = this.tracks.indexOf(track);
    }

    draw() {
      const { surface, track, player } = this;
      const colors = segtcn.themeColors();
      const context = surface.begin(HEIGHT);
      const level = this.visibleLevel();
      const isSparse = level.size === 1 && level.xs.length * LEAST_FOR_PATHS < surface.width;
      const thickness = player.filter.size ? 2 : 1.4;
      const rows = track.scores.classes
        .map((label, row) => ({ label, offset: row * level.length + level.from }))
        .filter(({ label, offset }) => !player.isDimmed(label) && this.isSeen(level, offset));
      const color = (label) => segtcn.lineColorOf(player.classOf(label));
      if (isSparse) {
        context.lineJoin = "round";
        context.lineWidth = thickness;
        for (const { label, offset } of rows) {
          context.strokeStyle = color(label);
          context.beginPath();
          level.xs.forEach((x, i) => context.lineTo(x, yOf(level.high[offset + i] / 255)));
          context.stroke();
        }
      } else {
        surface.inDevicePixels((device) => {
          const { raster } = this;
          const place = (value) => yOf(value / 255) * surface.ratio;
          raster.begin(device, thickness * surface.ratio, place, LEAST_SHOWN * 255);
          const xs = level.xs.map((x) => x * surface.ratio);
          for (const { label, offset } of rows) raster.line(xs, level.low, level.high, offset, color(label));
          raster.show();
        });
      }
      context.globalCompositeOperation = "destination-over";
      context.fillStyle = colors.line;
      for (const value of [0, 0.5, 1]) context.fillRect(0, Math.round(yOf(value)), surface.width, 1);
      context.globalCompositeOperation = "source-over";
      context.fillStyle = colors.muted;
      for (const value of [0.5, 1]) this.labels.write(context, String(value), 3, yOf(value) + 8, 40);
    }

    /** Whether a class is high enough somewhere in sight. */
    isSeen({ high, xs }, offset) {
      return high.subarray(offset, offset + xs.length).some((value) => value > LEAST_SHOWN * 255);
    }

    /** The blocks of samples that are visible, not finer than a CSS pixel, and where they lie. */
    visibleLevel() {
      const { track, surface } = this;
      const { viewport } = this.player;
      const { scores, timebase } = track;
      const first = scores.sampleOf(timebase.frameAt(viewport.start));
      const last = scores.sampleOf(timebase.frameAt(viewport.stop));
      const level = scores.levelFor((last - first + 1) / surface.width);
      const blocks = [Math.floor(first / level.size) - 1, Math.floor(last / level.size) + 1];
      const [from, to] = [Math.max(0, blocks[0]), Math.min(level.length - 1, blocks[1])];
      const xs = new Float64Array(to - from + 1);
      for (let block = from; block <= to; block += 1) {
        const sample = Math.min(scores.numSamples, (block + 0.5) * level.size);
        const frame = Math.min(track.numFrames, sample * scores.framesPerSample);
        const whole = Math.floor(frame);
        const begins = timebase.timeOf(whole);
        const time = begins + (frame - whole) * (timebase.timeOf(whole + 1) - begins);
        xs[block - from] = viewport.xOf(time, surface.width);
      }
      return { ...level, from, xs };
    }

    listHighest() {
      const { scores, timebase } = this.track;
      const { player } = this;
      const sample = scores.sampleOf(timebase.frameAt(player.time));
      const key = `${player.tracks.indexOf(this.track)} ${sample} ${[...player.filter]}`;
      if (key === this.listed) return;
      this.listed = key;
      const values = scores.classes.map((label, row) => ({ label, value: scores.at(row, sample) }));
      const highest = values
        .filter(({ label }) => !player.isDimmed(label))
        .sort((a, b) => b.value - a.value)
        .slice(0, MOST_LISTED);
      this.list.replaceChildren(
        ...highest.map(({ label, value }) => {
          const item = player.classOf(label);
          const text = element("span", { class: "number" }, value.toFixed(2));
          return element("li", {}, swatch(item), nameElement(item.name), text);
        }),
      );
    }
  }

  function yOf(value) {
    return PADDING + (1 - value) * (HEIGHT - 2 * PADDING);
  }

  Object.assign(segtcn, { Raster, Curves });
}
