"use strict";

// Making elements. Names and labels may hold anything, so they only ever become text nodes.
{
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

  Object.assign(segtcn, { element, nameElement, swatch, tableElement, fillSelect, byId });
}
