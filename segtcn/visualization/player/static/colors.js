"use strict";

// The page's colours, light or dark, and those of classes on it.
{
  /** Thin lines are hardly seen below it (contrast ratio of WCAG 2); the colours of classes are made for areas. */
  const LEAST_CONTRAST = 2.4;

  const COLORS = ["text", "muted", "line", "surface", "track", "accent", "alarm", "changed", "quiet"];
  let colors = null;
  const lines = new Map();

  /** Colours of the page as it is now, by the name of the CSS variable. */
  function themeColors() {
    if (!colors) {
      const style = getComputedStyle(document.documentElement);
      colors = Object.fromEntries(COLORS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    }
    return colors;
  }

  /** Colours of a class: its own, but a background does not glare on a dark page. */
  function paintOf(item) {
    const { quiet, text } = themeColors();
    return item.background && quiet ? { color: quiet, text } : item;
  }

  /** Colour of a class's line: its own, mixed with that of text until it can be told from the page. */
  function lineColorOf(item) {
    const { color } = paintOf(item);
    if (!lines.has(color)) {
      const { surface, text } = themeColors();
      const [own, page, ink] = [color, surface, text].map(parseColor);
      let share = 0;
      while (share < 1 && contrast(mixed(own, ink, share), page) < LEAST_CONTRAST) share += 0.05;
      lines.set(color, `rgb(${mixed(own, ink, share).map(Math.round).join(", ")})`);
    }
    return lines.get(color);
  }

  /** @param {string} color `#rrggbb` @returns {number[]} red, green, blue */
  const parseColor = (color) => [1, 3, 5].map((i) => Number.parseInt(color.slice(i, i + 2), 16));

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
    colors = null;
    lines.clear();
  }

  Object.assign(segtcn, { paintOf, lineColorOf, themeColors, forgetThemeColors });
}
