"use strict";

// The page's colours and those of classes on it; canvases that are sharp on every screen, and text that is cut off where it
// does not fit.
{
  /** Thin lines are hardly seen below it (contrast ratio of WCAG 2); the colours of classes are made for areas. */
  const LEAST_CONTRAST = 2.4;

  const COLORS = ["text", "muted", "line", "surface", "track", "accent", "alarm", "changed", "quiet", "hatch"];
  const TRANSPARENT = "rgba(0, 0, 0, 0)";
  // device pixels from line to line
  const HATCH_STEP = 8;
  const probe = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  let colors = null;
  let hatch = null;
  const lines = new Map();

  /** Colours of the page as it is now, by the name of the CSS variable. */
  function themeColors() {
    if (!colors) {
      // the browser chooses between light and dark when a colour is used
      const span = document.body.appendChild(document.createElement("span"));
      const read = (name) => {
        span.style.color = `var(--${name})`;
        return getComputedStyle(span).color;
      };
      colors = Object.fromEntries(COLORS.map((name) => [name, read(name)]));
      span.remove();
    }
    return colors;
  }

  /** Colours of a class: its own, but a background does not glare on a dark page. */
  function paintOf(item) {
    const { quiet, text } = themeColors();
    return item.background && quiet !== TRANSPARENT ? { color: quiet, text } : item;
  }

  /** Fill a rectangle in the colour of a class; frames that nobody annotated are hatched. */
  function paint(context, item, left, top, width, height) {
    context.fillStyle = item.hatched ? hatchOf(context) : paintOf(item).color;
    context.fillRect(left, top, width, height);
  }

  function hatchOf(context) {
    if (!hatch) {
      const tile = new OffscreenCanvas(HATCH_STEP, HATCH_STEP);
      const pen = tile.getContext("2d");
      pen.strokeStyle = themeColors().hatch;
      pen.lineWidth = 1.6;
      pen.beginPath();
      for (const shift of [-HATCH_STEP, 0, HATCH_STEP]) {
        pen.moveTo(shift - 1, HATCH_STEP + 1);
        pen.lineTo(shift + HATCH_STEP + 1, -1);
      }
      pen.stroke();
      hatch = context.createPattern(tile, "repeat");
    }
    return hatch;
  }

  /** Colour of a class's line: its own, mixed with that of text until it can be told from the page. */
  function lineColorOf(item) {
    const { color } = paintOf(item);
    if (!lines.has(color)) {
      const { surface, text } = themeColors();
      const [line, page, ink] = [color, surface, text].map((name) => [...bytesOf(name)].slice(0, 3));
      let share = 0;
      while (share < 1 && contrast(mixed(line, ink, share), page) < LEAST_CONTRAST) share += 0.05;
      lines.set(color, `rgb(${mixed(line, ink, share).map(Math.round).join(", ")})`);
    }
    return lines.get(color);
  }

  /** Red, green, blue and opacity of a colour, as image data holds them; an invalid one is black. */
  function bytesOf(color) {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = "black";
    probe.fillStyle = color;
    probe.fillRect(0, 0, 1, 1);
    return probe.getImageData(0, 0, 1, 1).data;
  }

  const mixed = (one, other, share) => one.map((value, i) => value + share * (other[i] - value));

  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  function luminance(color) {
    const [red, green, blue] = color.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function forgetThemeColors() {
    colors = hatch = null;
    lines.clear();
  }

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

  Object.assign(segtcn, { bytesOf, paint, paintOf, lineColorOf, themeColors, forgetThemeColors, Surface, Lettering });
}
