"use strict";

// Labels at the cursor, of all tracks: beside the clip, or in its place.
{
  const { View, element, nameElement, swatch } = segtcn;

  class Now extends View {
    constructor(player) {
      super(player, { root: "now" });
      this.rows = [];
      player.on("video tracks correct", () => this.build());
      player.on("video tracks correct time", () => this.rows.forEach((row) => this.fill(row)));
      player.on("video tracks size", () => this.allowScrolling());
    }

    build() {
      const { player } = this;
      this.rows = player.tracks.map((track, number) => {
        const label = element("p", { class: "now-label" });
        const rest = element("p", { class: "now-rest" });
        const root = element("div", { class: "now-row" }, element("p", { class: "now-track" }, nameElement(track.title)), label, rest);
        root.classList.toggle("active", number === player.activeTrack);
        return { track, root, label, rest, shown: null };
      });
      this.root.replaceChildren(...this.rows.map((row) => row.root));
    }

    /** With the keyboard, too, if there is more than fits. */
    allowScrolling() {
      this.root.tabIndex = this.root.scrollHeight > this.root.clientHeight ? 0 : -1;
    }

    fill(row) {
      const { player } = this;
      const segment = row.track.segment(row.track.indexAt(player.time));
      const label = segment?.label;
      const truth = row.track.reference?.classAt(player.time);
      const differs = !row.track.truth && label >= 0 && truth >= 0 && truth !== label;
      if (row.shown !== label) {
        row.shown = label;
        const item = player.classOf(label);
        const name = segment ? [swatch(item), nameElement(item.name)] : [element("span", { class: "muted" }, "ends before")];
        row.label.replaceChildren(...name);
      }
      row.root.classList.toggle("differs", differs);
      row.rest.textContent = segment ? this.restOf(segment, differs) : "";
    }

    restOf(segment, differs) {
      const { player } = this;
      const left = segment.stopTime - player.time;
      const rest = player.unit === "s" ? `${left < 60 ? `${left.toFixed(1)} s` : segtcn.format.clockTime(left)} left` : `${segtcn.format.frames(Math.ceil(left))} left`;
      const confidence = segment.confidence === null ? "" : ` · confidence ${segment.confidence.toFixed(2)}`;
      return `${rest}${confidence}${differs ? " · differs" : ""}`;
    }
  }

  segtcn.Now = Now;
}
