"use strict";

// Canvases that are sharp on every screen, and text that is cut off where it does not fit.
{
  /** A canvas that fills its parent's width. */
  class Surface {
    /**
     * @param {HTMLCanvasElement} canvas
     * @param {object} options of the context: `willReadFrequently` where pixels are read and written
     */
    constructor(canvas, options = {}) {
      this.canvas = canvas;
      this.context = canvas.getContext("2d", options);
      this.width = this.height = 0;
    }

    /**
     * Take the parent's width and this height, and clear. `width`, `height`: CSS pixels; `ratio`: device pixels in one.
     * @returns {CanvasRenderingContext2D} in CSS pixels
     */
    begin(height) {
      const { canvas, context } = this;
      const ratio = window.devicePixelRatio || 1;
      const width = canvas.parentElement.clientWidth;
      if (width !== this.width || height !== this.height || ratio !== this.ratio) {
        Object.assign(this, { width, height, ratio });
        canvas.width = Math.max(1, Math.round(width * ratio));
        canvas.height = Math.max(1, Math.round(height * ratio));
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
      }
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      return context;
    }

    /** Draw in device pixels, for edges without blur. */
    inDevicePixels(draw) {
      this.context.save();
      this.context.setTransform(1, 0, 0, 1, 0, 0);
      draw(this.context, this.canvas.width, this.ratio);
      this.context.restore();
    }
  }

  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
  const LONGEST_LABEL = 200;

  /** Texts of one font, measured once. */
  class Lettering {
    /** @param {string} font without the family, "600 12px" */
    constructor(font) {
      this.font = `${font} ${FONT}`;
      this.widths = new Map();
    }

    width(context, text) {
      let width = this.widths.get(text);
      if (width === undefined) {
        context.font = this.font;
        width = context.measureText(text).width;
        if (this.widths.size > 5000) this.widths.clear();
        this.widths.set(text, width);
      }
      return width;
    }

    /** The text, its beginning with an ellipsis, or "" if not even three letters fit in `room` pixels. */
    fit(context, text, room) {
      const whole = segtcn.format.oneLine(text).slice(0, LONGEST_LABEL);
      const width = this.width(context, whole);
      if (width <= room) return whole;
      const letters = Array.from(whole);
      let length = Math.min(letters.length - 1, Math.floor((letters.length * room) / width));
      while (length >= 3) {
        const cut = `${letters.slice(0, length).join("").trimEnd()}…`;
        if (this.width(context, cut) <= room) return cut;
        length -= 1;
      }
      return "";
    }

    /** Write within [left, right], aligned to the left; isolated, so that its direction changes nothing beside it. */
    write(context, text, left, middle, room) {
      const cut = this.fit(context, text, room);
      if (!cut) return;
      context.font = this.font;
      context.textBaseline = "middle";
      context.fillText(`\u2068${cut}\u2069`, left, middle);
    }
  }

  Object.assign(segtcn, { Surface, Lettering });
}
