"use strict";

// The list of classes from which a segment gets another label: typing narrows it, a number picks.
{
  const { byId, element, nameElement, swatch } = segtcn;

  class RelabelDialog {
    /** @param {{name: string, color: string}[]} classes */
    constructor(classes) {
      this.classes = classes;
      this.dialog = byId("relabel-dialog");
      this.search = byId("relabel-search");
      this.list = byId("relabel-list");
      this.search.addEventListener("input", () => this.build(0));
      this.dialog.addEventListener("keydown", (event) => this.press(event));
      this.dialog.addEventListener("click", (event) => {
        if (event.target === this.dialog) this.dialog.close();
      });
    }

    /**
     * @param {number} label the class now
     * @param {function(number): void} choose gets the new class; not called if the dialog is left
     */
    open(label, choose) {
      this.choose = choose;
      this.search.value = "";
      this.build(Math.max(0, label));
      this.dialog.showModal();
      this.search.focus();
      this.mark(this.marked);
    }

    build(marked) {
      const part = this.search.value.trim().toLocaleLowerCase();
      const labels = this.classes.map((_, label) => label);
      this.labels = labels.filter((label) => this.classes[label].name.toLocaleLowerCase().includes(part));
      this.list.replaceChildren(
        ...this.labels.map((label, place) => {
          const item = this.classes[label];
          const key = element("kbd", { aria: { hidden: "true" } }, place < 9 ? String(place + 1) : "");
          const option = element("li", { id: `relabel-${place}`, role: "option" }, key, swatch(item), nameElement(item.name));
          option.addEventListener("click", () => this.pick(place));
          return option;
        }),
      );
      if (!this.labels.length) this.list.append(element("li", { class: "muted", role: "presentation" }, "No class has this in its name."));
      this.mark(Math.min(marked, this.labels.length - 1));
    }

    mark(place) {
      this.marked = place;
      this.labels.forEach((_, i) => this.list.children[i].setAttribute("aria-selected", String(i === place)));
      if (place < 0) {
        this.search.removeAttribute("aria-activedescendant");
        return;
      }
      this.search.setAttribute("aria-activedescendant", `relabel-${place}`);
      this.list.children[place].scrollIntoView({ block: "nearest" });
    }

    press(event) {
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key in steps && this.labels.length) {
        const count = this.labels.length;
        this.mark((this.marked + steps[event.key] + count) % count);
      } else if (event.key === "Enter") {
        this.pick(this.marked);
      } else if (/^[1-9]$/.test(event.key) && !this.search.value && event.key <= this.labels.length) {
        this.pick(Number(event.key) - 1);
      } else {
        return;
      }
      event.preventDefault();
    }

    pick(place) {
      const label = this.labels[place];
      if (label === undefined) return;
      this.dialog.close();
      this.choose(label);
    }
  }

  segtcn.RelabelDialog = RelabelDialog;
}
