"use strict";

// The classes: colour, name, share of the video's time; those that no track of the video has come last. A click dims the others.
{
  const { View, element, nameElement, swatch } = segtcn;

  class Legend extends View {
    constructor(player) {
      super(player, { root: "legend", reset: "legend-reset" });
      this.reset.addEventListener("click", () => player.showAllClasses());
      player.on("video tracks correct", (changes) => this.build(changes.has("correct")));
      player.on("video tracks correct filter", () => this.mark());
    }

    build(isCorrected) {
      const { player } = this;
      const track = player.active;
      const key = player.tracks.map(({ length }) => length).join();
      if (key === this.built && track === this.track && !isCorrected) return;
      [this.built, this.track] = [key, track];
      const focused = document.activeElement?.dataset?.label;
      const shares = segtcn.classShares(track, player.classes.length);
      const used = new Set(player.tracks.flatMap(({ classes }) => [...new Set(classes)]));
      const [present, absent] = [true, false].map((is) => [...player.classes.keys()].filter((label) => used.has(label) === is));
      const entries = present.map((label) => this.entry(label, shares[label]));
      if (used.has(-1)) entries.push(this.unchosen(player.classOf(-1), 1 - shares.reduce((sum, share) => sum + share, 0)));
      this.root.replaceChildren(...entries, ...absent.map((label) => this.unchosen(player.classOf(label), 0)));
      if (focused) this.root.querySelector(`[data-label="${Number(focused)}"]`)?.focus();
    }

    entry(label, share) {
      const { player } = this;
      const item = player.classOf(label);
      const title = `Show only the chosen classes; double-click: only this one. ${segtcn.format.oneLine(item.name).slice(0, 300)}`;
      const button = element(
        "button",
        { type: "button", class: "legend-entry", title, data: { label }, aria: { pressed: "false" } },
        swatch(item),
        nameElement(item.name),
        element("span", { class: "number" }, segtcn.format.percent(share)),
      );
      button.addEventListener("click", (event) => {
        // the second click of a double-click: the first one may have chosen it or taken it back
        if (event.detail === 2) player.onlyClass(label);
        else if (event.detail < 2) player.toggleClass(label);
      });
      return element("li", {}, button);
    }

    /** Cannot be chosen: it is not a class, or no track has it. */
    unchosen(item, share) {
      const number = element("span", { class: "number" }, segtcn.format.percent(Math.max(0, share)));
      return element("li", { class: `legend-entry${share ? "" : " muted"}` }, swatch(item), nameElement(item.name), number);
    }

    mark() {
      const { player } = this;
      for (const button of this.root.querySelectorAll("button")) {
        const label = Number(button.dataset.label);
        button.setAttribute("aria-pressed", String(player.filter.has(label)));
        button.classList.toggle("dimmed", player.isDimmed(label));
      }
      this.reset.hidden = !player.filter.size;
    }
  }

  segtcn.Legend = Legend;
}
