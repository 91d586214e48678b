"use strict";

// Dense curves, pixel by pixel: a path of ten thousand points takes Chromium longer than a frame may take.
{
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

  segtcn.Raster = Raster;
}
