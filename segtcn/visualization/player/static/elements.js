"use strict";

// Times and numbers as text, and making elements. Names and labels may hold anything, so they only ever become text nodes.
{
  /**
   * @param {number} seconds
   * @param {number} decimals of the seconds
   * @returns {string} "01:23.5", with hours "1:02:03.5"
   */
  function clockTime(seconds, decimals = 1) {
    const scale = 10 ** decimals;
    const rounded = Math.round(Math.max(0, seconds) * scale) / scale;
    const hours = Math.floor(rounded / 3600);
    const minutes = Math.floor((rounded % 3600) / 60);
    const rest = (rounded % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
    return `${hours ? `${hours}:` : ""}${String(minutes).padStart(2, "0")}:${rest}`;
  }

  /** Whole number with thin spaces between thousands: 324 000. */
  function count(number) {
    return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  }

  /** "1 frame", "2 frames". */
  function frames(number) {
    return `${count(number)} ${number === 1 ? "frame" : "frames"}`;
  }

  /** Length of time: "0.43 s", "12.3 s", and from a minute on as on the axis, "03:05.0". */
  function seconds(value) {
    return value < 60 ? `${value.toFixed(value < 10 ? 2 : 1)} s` : clockTime(value);
  }

  /**
   * @param {number} time position on the axis
   * @param {"s"|"frames"} unit of the axis
   */
  function position(time, unit, decimals = 1) {
    return unit === "s" ? clockTime(time, decimals) : count(Math.floor(time));
  }

  /** Score in percent with one decimal; a dash where there is none. */
  function score(value) {
    return Number.isFinite(value) ? value.toFixed(1) : "–";
  }

  /** Share, 0 to 1, in percent: "12 %", "0.4 %". */
  function percent(share) {
    const value = 100 * share;
    return `${value.toFixed(value > 0 && value < 9.95 ? 1 : 0)}\u202f%`;
  }

  // CSS pixels that a label of the axis needs
  const LABEL_ROOM = 80;
  const SECOND_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

  /**
   * Distance of the axis' ticks.
   * @param {number} span visible length, in units of the axis
   * @param {number} width of the axis in CSS pixels
   * @param {"s"|"frames"} unit
   * @returns {{step: number, parts: number, decimals: number}} `parts`: minor intervals in one step
   */
  function ticks(span, width, unit) {
    const least = (span / width) * LABEL_ROOM;
    if (unit === "s") {
      const step = SECOND_STEPS.find((value) => value >= least) ?? Math.ceil(least / 3600) * 3600;
      const parts = [15, 30, 900, 1800].includes(step) ? 3 : [60, 120, 3600, 7200].includes(step) ? 4 : 5;
      return { step, parts, decimals: step >= 1 ? 0 : step >= 0.1 ? 1 : 2 };
    }
    const power = 10 ** Math.max(0, Math.floor(Math.log10(least)));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= least) ?? 10 * power;
    return { step, parts: step === 1 ? 1 : 5, decimals: 0 };
  }

  /** One line, for places that show one: line breaks and other control characters become spaces. */
  function oneLine(text) {
    return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
  }

  const format = { clockTime, count, frames, seconds, position, score, percent, ticks, oneLine };

  /**
   * @param {string} tag
   * @param {object} properties of the element; `data` and `aria` hold attributes of these kinds, `class` is the class
   * @param {...(Node|string)} children strings become text
   * @returns {HTMLElement}
   */
  function element(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "data") Object.assign(node.dataset, value);
      else if (name === "aria") for (const [key, text] of Object.entries(value)) node.setAttribute(`aria-${key}`, text);
      else if (name === "class") node.className = value;
      else if (name === "role") node.setAttribute("role", value);
      else node[name] = value;
    }
    node.append(...children);
    return node;
  }

  const LONGEST_TITLE = 500;

  /**
   * A name in its own direction of writing, cut off by CSS where it is too long, whole in the tooltip.
   * @param {string} text
   */
  function nameElement(text) {
    const line = segtcn.format.oneLine(text);
    return element("bdi", { class: "name", dir: "auto", title: line.slice(0, LONGEST_TITLE) }, line);
  }

  /** Square in the colour of a class; an invalid colour leaves it empty. */
  function swatch({ color, background, hatched }) {
    const kind = `${background ? " background" : ""}${hatched ? " hatched" : ""}`;
    const node = element("span", { class: `swatch${kind}`, aria: { hidden: "true" } });
    node.style.backgroundColor = color;
    return node;
  }

  /**
   * @param {string} kind class of the table
   * @param {string} title id of the element that names it
   * @param {Node[]} head cells of the first row
   * @param {Node[]} rows
   */
  function tableElement(kind, title, head, rows) {
    const body = [element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)];
    return element("table", { class: kind, aria: { labelledby: title } }, ...body);
  }

  /** Fill a list to choose from. */
  function fillSelect(select, names) {
    select.replaceChildren(...names.map((name) => element("option", {}, segtcn.format.oneLine(name).slice(0, 80))));
  }

  /** Element of the page with this id. */
  const byId = (id) => document.getElementById(id);

  /** A part of the page, which draws what the player has. */
  class View {
    /**
     * @param {Player} player
     * @param {object} ids of the elements of the page that it keeps, by the properties that keep them
     */
    constructor(player, ids = {}) {
      this.player = player;
      for (const [name, id] of Object.entries(ids)) this[name] = byId(id);
    }
  }

  Object.assign(segtcn, { format, element, nameElement, swatch, tableElement, fillSelect, byId, View });
}
