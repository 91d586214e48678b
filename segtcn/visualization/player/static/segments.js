"use strict";

// Segments of the chosen track as a table: what the canvas shows, for keyboard and screen reader. Of thousands of
// segments, those around the cursor.
{
  const { View, element, nameElement, swatch, tableElement } = segtcn;
  const AROUND = 8;
  const TIME_COLUMNS = ["Start", "Stop", "Seconds"];

  class Segments extends View {
    constructor(player) {
      super(player, { root: "segments", title: "segments-title" });
      this.root.addEventListener("keydown", (event) => this.walk(event));
      player.on("video tracks correct", () => this.build());
      player.on("time", () => player.active.indexAt(player.time) === this.here || this.build());
    }

    build() {
      const { player } = this;
      const track = player.active;
      const here = track.indexAt(player.time);
      this.here = here;
      const hadFocus = this.root.contains(document.activeElement);
      this.title.replaceChildren("Segments of ", nameElement(track.title));
      const first = Math.max(0, Math.min(here < 0 ? track.length : here - AROUND, track.length - 2 * AROUND - 1));
      const last = Math.min(track.length - 1, first + 2 * AROUND);
      const columns = ["", "Label", ...(player.unit === "s" ? TIME_COLUMNS : []), "Frames", "Length"];
      if (track.confidence) columns.push("Confidence");
      const rows = [];
      for (let index = first; index <= last; index += 1) rows.push(this.row(track, index));
      const head = columns.map((name) => element("th", { scope: "col" }, name || element("span", { class: "unseen" }, "Number")));
      const table = tableElement(player.unit === "s" ? "segments timed" : "segments", "segments-title", head, rows);
      table.setAttribute("aria-rowcount", track.length + 1);
      table.tHead.rows[0].setAttribute("aria-rowindex", 1);
      this.root.replaceChildren(table);
      const part = element("p", { class: "muted" }, `${first + 1} to ${last + 1} of ${segtcn.format.count(track.length)}`);
      if (last - first + 1 < track.length) this.root.append(part);
      if (hadFocus) this.root.querySelector("[tabindex='0']")?.focus({ preventScroll: true });
    }

    row(track, index) {
      const { player, here } = this;
      const { clockTime, count, seconds } = segtcn.format;
      const { label, start, stop, startTime, stopTime, confidence } = track.segment(index);
      const item = player.classOf(label);
      const cells = [`${count(start)} – ${count(stop)}`, count(stop - start)];
      if (player.unit === "s") cells.unshift(clockTime(startTime, 2), clockTime(stopTime, 2), seconds(stopTime - startTime));
      if (track.confidence) cells.push(confidence === null ? "–" : confidence.toFixed(2));
      const isHere = index === here;
      const row = element(
        "tr",
        { tabIndex: isHere || (here < 0 && index === track.length - 1) ? 0 : -1, aria: { rowindex: index + 2 } },
        element("td", { class: "number muted" }, count(index + 1)),
        element("th", { scope: "row" }, element("span", { class: "label" }, swatch(item), nameElement(item.name))),
        ...cells.map((text) => element("td", { class: "number" }, text)),
      );
      if (isHere) row.setAttribute("aria-current", "true");
      row.addEventListener("click", () => this.go(index));
      return row;
    }

    go(index) {
      const { player } = this;
      const { times, length } = player.active;
      player.goTo(times[Math.max(0, Math.min(length - 1, index))]);
    }

    /** Arrows and pages walk through the segments, and take the cursor along. */
    walk(event) {
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity, Enter: 0 };
      if (!(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      // behind the end, the last segment is before the cursor
      const here = this.here < 0 ? this.player.active.length : this.here;
      this.go(here + steps[event.key]);
    }
  }

  segtcn.Segments = Segments;
}
