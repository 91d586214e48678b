"use strict";

// Correct mode: a copy of a track below the original, the tools that change it, and the list of labels to choose from.
{
  const { View, byId, element, nameElement, swatch } = segtcn;

  class RelabelDialog extends View {
    /** @param {Player} player */
    constructor(player) {
      super(player, { dialog: "relabel-dialog", search: "relabel-search", list: "relabel-list" });
      this.search.addEventListener("input", () => this.build(0));
      this.dialog.addEventListener("keydown", (event) => this.press(event));
      this.dialog.addEventListener("click", (event) => {
        if (event.target === this.dialog) this.dialog.close();
      });
    }

    /**
     * @param {number} label the class now
     * @param {function(number|string): void} choose gets the new class, a name if it is to be made; not called if the
     *     dialog is left
     */
    open(label, choose) {
      this.choose = choose;
      this.search.value = "";
      this.build(label < 0 ? Infinity : label);
      this.dialog.showModal();
      this.search.focus();
      this.mark(this.marked);
    }

    build(marked) {
      const { player } = this;
      const name = this.search.value.trim();
      const part = name.toLocaleLowerCase();
      // frames that nobody annotated come last
      this.labels = [...player.classes.keys(), -1].filter((label) => player.classOf(label).name.toLocaleLowerCase().includes(part));
      if (name && !player.classes.some((item) => item.name === name)) this.labels.push(name);
      this.list.replaceChildren(...this.labels.map((label, place) => this.option(label, place)));
      const whole = this.labels.findIndex((label) => typeof label === "number" && player.classOf(label).name === name);
      this.mark(whole < 0 ? Math.min(marked, this.labels.length - 1) : whole);
    }

    option(label, place) {
      const key = element("kbd", { aria: { hidden: "true" } }, place < 9 ? String(place + 1) : "");
      const isNew = typeof label === "string";
      const item = this.player.classOf(label);
      const content = isNew ? [element("span", {}, "New class ", nameElement(label))] : [swatch(item), nameElement(item.name)];
      const option = element("li", { id: `relabel-${place}`, role: "option" }, key, ...content);
      option.addEventListener("click", () => this.pick(place));
      return option;
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

  class CorrectionTools extends View {
    /** @param {Player} player */
    constructor(player) {
      super(player, { panel: "correcting", select: "correct-track", state: "correct-state" });
      /** The copy that is corrected, its labels with what undo needs, and where it differs from `source`; or null. */
      this.track = this.correction = this.differences = this.source = null;
      this.dialog = new segtcn.RelabelDialog(player);
      this.drafts = new segtcn.Drafts(player);
      /** Corrections begun since the page was opened, by video and number of the track. */
      this.begun = new Map();
      this.failed = "";
      this.select.addEventListener("change", () => this.start(this.player.recording.tracks[this.select.selectedIndex]));
      player.on("video", () => segtcn.fillSelect(this.select, player.recording.tracks.map(({ title }) => title)));
      player.on("correct", () => this.update());
      window.addEventListener("beforeunload", (event) => {
        if ([...this.begun.values()].some((correction) => correction.unsaved)) event.preventDefault();
      });
    }

    get isOn() {
      return Boolean(this.correction);
    }

    toggle() {
      if (this.correction?.beforeDrag) return; // the boundary is dropped first
      if (this.isOn) this.stop();
      else this.start(this.player.recording.correctable);
    }

    /** Copy `source`, or continue with the copy begun before. */
    start(source) {
      const { player } = this;
      this.removeCopy();
      this.source = source;
      const key = JSON.stringify([player.recording.id, player.recording.tracks.indexOf(source)]);
      const isNew = !this.begun.has(key);
      if (isNew) this.begun.set(key, new segtcn.Correction(source));
      this.correction = this.begun.get(key);
      const saved = isNew && source === player.recording.correctable ? player.recording.saved : null;
      if (saved) {
        this.correction.replace(player.adopt(saved, saved.new_classes));
        this.correction.markSaved();
      }
      this.saved = saved && `Saved as ${saved.file}`;
      const title = `corrected ${source.title}`;
      const { starts, classes } = this.correction.original;
      const payload = { title, fps: source.fps, num_frames: source.numFrames, starts, classes };
      this.track = new segtcn.Track(payload, source.timebase);
      player.tracks.splice(player.tracks.indexOf(source) + 1, 0, this.track);
      player.activeTrack = player.tracks.indexOf(this.track);
      this.failed = "";
      const hasDraft = isNew && this.drafts.restore(this.correction, source);
      this.show();
      if (hasDraft) this.player.says("Your unsaved changes of the last visit are back; undo removes them");
      else this.player.says(saved ? `The labels of ${saved.file} are back; undo removes them` : "Correct mode on");
    }

    stop() {
      this.removeCopy();
      this.correction = null;
      this.player.changed("tracks", "correct", "time");
      this.player.says("Correct mode off");
    }

    removeCopy() {
      const { player } = this;
      const place = player.tracks.indexOf(this.track);
      if (place >= 0) {
        player.tracks.splice(place, 1);
        if (player.activeTrack >= place) player.activeTrack -= 1;
      }
      this.track = null;
    }

    /** Take the labels of the correction over to its track. */
    show() {
      const { starts, classes } = this.correction.state;
      this.track.setSegments(starts, classes);
      // also where nobody annotated the source
      this.differences = segtcn.disagreements(this.source, this.track, -1);
      this.player.changed("tracks", "correct", "time");
    }

    /** Do what the user asked for; if it cannot be done, say why. */
    attempt(action) {
      if (!this.isOn || this.correction.beforeDrag) return;
      this.failed = "";
      try {
        action();
      } catch (error) {
        if (!(error instanceof segtcn.UserError)) throw error;
        this.fail(error.message);
      }
    }

    fail(message) {
      this.failed = message;
      this.player.changed("correct");
    }

    changedTo(text) {
      this.show();
      this.drafts.keep(this.correction, this.source);
      this.player.says(text);
    }

    /** Frame of the corrected track at the cursor. */
    get frame() {
      const { time } = this.player;
      if (this.track.indexAt(time) < 0) {
        throw new segtcn.UserError("the cursor is past the last frame of this track: move it to the left");
      }
      return this.track.timebase.frameAt(time);
    }

    get segment() {
      return this.correction.indexAt(this.frame);
    }

    split() {
      const { frame } = this;
      this.correction.split(frame);
      this.changedTo(`Split at frame ${frame}`);
    }

    join(direction) {
      this.correction.join(this.segment, direction);
      this.changedTo(`Joined with the ${direction > 0 ? "next" : "previous"} segment`);
    }

    relabel() {
      const { segment } = this;
      const { correction } = this;
      this.dialog.open(correction.state.classes[segment], (label) =>
        this.attempt(() => this.setLabel(segment, typeof label === "string" ? this.player.addClass(label) : label)),
      );
    }

    setLabel(segment, label) {
      this.correction.relabel(segment, label);
      this.changedTo(`Label ${this.player.classOf(label).name}`);
    }

    /** For the keyboard, what dragging is for the mouse. */
    moveNearestBoundary() {
      const { correction } = this;
      const { frame, segment } = this;
      const [start, stop] = correction.bounds(segment);
      const [hasLeft, hasRight] = [segment > 0, segment + 1 < correction.length];
      if (!hasLeft && !hasRight) throw new segtcn.UserError("there is no boundary to move: this track is one segment");
      const isLeft = hasLeft && (!hasRight || frame - start <= stop - frame);
      const moved = correction.moveBoundary(isLeft ? segment : segment + 1, frame);
      this.changedTo(`Boundary at frame ${moved}`);
    }

    /** @param {string} direction "undo" or "redo" */
    step(direction) {
      const [success, failure] = direction === "undo" ? ["Undone", "Nothing to undo"] : ["Done again", "Nothing to do again"];
      if (this.correction[direction]()) this.changedTo(success);
      else this.player.says(failure);
    }

    /** @param {number} index of the segment that starts at the boundary */
    beginDrag(index) {
      this.dragged = index;
      this.failed = "";
      this.correction.beginDrag();
    }

    /** The boundary follows to the nearest start of a frame, and the clip shows the first frame after it. */
    drag(time) {
      const { correction } = this;
      const { timebase } = this.track;
      const frame = timebase.frameAt(time);
      const nearest = time > timebase.middleOf(frame) ? frame + 1 : frame;
      const moved = correction.dragBoundary(this.dragged, nearest);
      this.show();
      this.player.seek(timebase.middleOf(moved));
    }

    endDrag(keep) {
      const { correction } = this;
      correction.endDrag(keep);
      const moved = correction.state.starts[this.dragged];
      if (keep) this.changedTo(`Boundary at frame ${moved}`);
      else this.show();
    }

    /** Another video was opened. */
    leave() {
      this.track = this.correction = null;
    }

    /** Take over labels from a file. */
    replace(labels, name) {
      this.correction.replace(labels);
      this.changedTo(`Labels of ${name} loaded`);
    }

    markSaved(message) {
      this.correction.markSaved();
      this.drafts.forget(this.source);
      this.saved = message;
      this.player.says(message);
      this.player.changed("correct");
    }

    update() {
      byId("correct").setAttribute("aria-pressed", String(this.isOn));
      this.panel.hidden = !this.isOn;
      if (!this.isOn) return;
      const { correction } = this;
      this.select.selectedIndex = this.player.recording.tracks.indexOf(this.source);
      byId("undo").disabled = !correction.past.length;
      byId("redo").disabled = !correction.future.length;
      this.state.classList.toggle("failed", Boolean(this.failed));
      this.state.textContent = this.failed ? sentence(this.failed) : this.summary(correction);
    }

    summary(correction) {
      if (!correction.changed && !correction.unsaved) return "No changes yet. Drag a boundary, or use the buttons at the cursor.";
      const changed = `${segtcn.format.frames(correction.changedFrames)} changed`;
      return correction.unsaved ? `${changed}, not saved.` : `${changed}. ${this.saved ?? "Saved"}.`;
    }
  }

  function sentence(text) {
    return `${text[0].toUpperCase()}${text.slice(1)}.`;
  }

  Object.assign(segtcn, { RelabelDialog, CorrectionTools });
}
