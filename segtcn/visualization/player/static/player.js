"use strict";

// What the player shows and what it can do. Every part of the page reads this and is told what changed.
{
  const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2, 4, 8];
  const NOT_ANNOTATED = { name: "not annotated", color: "transparent", text: "inherit", hatched: true };
  // frames that a clip without any known rate passes in a second
  const NOMINAL_RATE = 30;
  const LEAST_FRAMES = 8;
  // presentation times may be rounded to milliseconds
  const SHOWN_TOLERANCE = 1e-3;

  /**
   * State of the page. Parts call `on(names, action)` to be told of changes: "video" (another one), "tracks" (labels,
   * order, the chosen one), "view" (visible time), "time", "play" (running or not, speed), "filter" (classes), "theme",
   * "size", "correct" (mode, undo steps).
   */
  class Player {
    /** @param {object} index payload of data/index.js */
    constructor(index) {
      this.index = index;
      this.classes = index.classes;
      /** Classes beyond these were made on this page. */
      this.numKnown = index.classes.length;
      this.recording = null;
      this.tracks = [];
      this.viewport = new segtcn.Viewport(1, 1);
      this.clock = new segtcn.PlainClock(0, 1);
      /** Classes that are not dimmed; empty: none is. */
      this.filter = new Set();
      this.follow = true;
      this.speed = 1;
      this.activeTrack = 0;
      /** Differences from the reference, by track. */
      this.differences = new Map();
      this.listeners = [];
      this.changes = new Set();
      this.says = () => {};
    }

    /**
     * Call `action` when anything of `names` has changed, in the order in which the parts asked.
     * @param {string} names with blanks between them
     * @param {function(Set<string>): void} action gets all that changed since the last redraw
     */
    on(names, action) {
      this.listeners.push({ names: names.split(" "), action });
    }

    /** However many events ask: one redraw in an animation frame. */
    changed(...names) {
      if (!this.changes.size) requestAnimationFrame(() => this.redraw());
      for (const name of names) this.changes.add(name);
    }

    redraw() {
      if (this.clock.playing && this.follow && this.viewport.reveal(this.clock.time)) this.changes.add("view");
      const changes = new Set(this.changes);
      this.changes.clear();
      if (!this.recording) return;
      for (const { names, action } of this.listeners) if (names.some((name) => changes.has(name))) action(changes);
      if (this.clock.playing) this.changed("time");
    }

    /** Class with this index; -1 stands for frames that nobody annotated. */
    classOf(label) {
      return this.classes[label] ?? NOT_ANNOTATED;
    }

    /** Names of the classes that were made on this page. */
    get newNames() {
      return this.classes.slice(this.numKnown).map(({ name }) => name);
    }

    /**
     * Index of the class with this name, which is made if there is none.
     * @throws {UserError} if no file could hold the name
     */
    addClass(name) {
      const index = this.classes.findIndex((item) => item.name === name);
      if (index >= 0) return index;
      segtcn.checkName(name);
      const spare = this.index.spare_colors;
      const colors = spare[(this.classes.length - this.numKnown) % spare.length];
      return this.classes.push({ name, background: false, ...colors }) - 1;
    }

    /**
     * Labels of another visit, with the indexes of this page.
     * @param {{starts: number[], classes: number[]}} labels
     * @param {string[]} names of the classes from `first` on
     * @param {number} first class whose index may be another one here
     */
    adopt({ starts, classes }, names, first = this.numKnown) {
      const indexes = names.map((name) => this.addClass(name)); // all, in their order
      return { starts, classes: classes.map((label) => (label < first ? label : indexes[label - first])) };
    }

    /** @param {Recording} recording whose payload has been loaded */
    open(recording) {
      this.recording = recording;
      // the clip before must have let go of its element before the next one takes it
      this.setClock(this.plainClock());
      this.tracks = [...recording.tracks];
      this.activeTrack = Math.max(0, this.tracks.findIndex((track) => !track.truth));
      this.viewport = new segtcn.Viewport(recording.duration, LEAST_FRAMES / recording.base.rate);
      this.differences.clear();
      for (const track of this.tracks) {
        if (track.reference && track !== track.reference) {
          this.differences.set(track, segtcn.disagreements(track.reference, track));
        }
      }
      this.changed("video", "tracks", "view", "time", "play", "correct");
    }

    /** Use another clock from now on; it takes over time and speed. */
    setClock(clock) {
      this.clock.dispose();
      this.clock = clock;
      clock.onChange = () => this.changed("time", "play");
      clock.setSpeed(this.speed);
      this.changed("time", "play");
    }

    plainClock() {
      const { duration, unit } = this.recording;
      return new segtcn.PlainClock(duration, unit === "s" ? 1 : NOMINAL_RATE);
    }

    get unit() {
      return this.recording.unit;
    }

    get time() {
      return this.clock.time;
    }

    /** Frame of the clip (without one: of the first track) at the cursor; while playing, the one on the screen. */
    get frame() {
      const { base } = this.recording;
      const shown = this.clock.playing ? this.clock.shownTime : null;
      return base.frameAt(shown === null ? this.time : shown + SHOWN_TOLERANCE);
    }

    get active() {
      return this.tracks[this.activeTrack];
    }

    /** Send the cursor to the middle of the frame at `time`. */
    seek(time) {
      const { base, duration } = this.recording;
      const within = Math.max(0, Math.min(duration, time));
      const isPastFrames = within >= base.timeOf(base.numFrames);
      this.#moveTo(isPastFrames && within < duration ? within : base.middleOf(base.frameAt(within)));
    }

    seekFrame(frame) {
      const { base } = this.recording;
      this.#moveTo(base.middleOf(Math.max(0, Math.min(base.numFrames - 1, frame))));
    }

    #moveTo(time) {
      this.clock.seek(time);
      if (this.viewport.reveal(time)) this.changed("view");
      this.changed("time");
    }

    stepFrames(frames) {
      this.clock.pause();
      this.seekFrame(this.frame + frames);
    }

    stepSeconds(seconds) {
      this.seek(this.time + seconds * (this.unit === "s" ? 1 : NOMINAL_RATE));
    }

    togglePlay() {
      if (this.clock.playing) {
        this.clock.pause();
      } else {
        if (this.frame >= this.recording.base.numFrames - 1) this.seekFrame(0);
        this.clock.play();
      }
      this.changed("play", "time");
    }

    setSpeed(speed) {
      this.speed = speed;
      this.clock.setSpeed(speed);
      this.changed("play");
    }

    /** Next (1) or previous (-1) of the usual speeds. */
    changeSpeed(direction) {
      const here = SPEEDS.indexOf(this.speed);
      this.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, here + direction))]);
      this.says(`Speed ${this.speed}`);
    }

    /** First frame that lies after `time`, by its middle: there the cursor is inside of what starts at `time`. */
    #landing(time) {
      const { base } = this.recording;
      const frame = base.frameAt(time);
      const middle = base.middleOf(frame);
      return middle >= time || frame + 1 >= base.numFrames ? middle : base.middleOf(frame + 1);
    }

    /** Go to the first frame that lies after `time`, the start of a segment. */
    goTo(time) {
      this.#moveTo(this.#landing(time));
    }

    /**
     * Go to the next (1) or previous (-1) of some times.
     * @param {ArrayLike<number>} times in increasing order
     * @returns {number} index of the time, or -1 where there is none in this direction
     */
    #jump(times, length, direction) {
      const near = 1e-6;
      let index = segtcn.bisect(times, this.time, length);
      if (direction > 0) {
        index += 1;
        while (index < length && this.#landing(times[index]) <= this.time + near) index += 1;
      } else {
        while (index >= 0 && this.#landing(times[index]) >= this.time - near) index -= 1;
      }
      if (index < 0 || index >= length) return -1;
      this.#moveTo(this.#landing(times[index]));
      return index;
    }

    /** Go to the start of the next (1) segment of the chosen track, or back (-1) to that of this or the previous one. */
    jumpSegment(direction) {
      const track = this.active;
      const index = this.#jump(track.times, track.length, direction);
      if (index < 0) {
        this.says(`No ${direction > 0 ? "next" : "previous"} segment`);
        return;
      }
      const { label, startTime, stopTime } = track.segment(index);
      this.says(`${this.classOf(label).name}, ${this.position(startTime)} to ${this.position(stopTime)}`);
    }

    /** Go to the next (1) or previous (-1) disagreement of the chosen track; of all tracks if it is the reference. */
    jumpDisagreement(direction) {
      const { starts } = this.chosenDifferences();
      const index = this.#jump(starts, starts.length, direction);
      if (index < 0) {
        const none = starts.length ? `No ${direction > 0 ? "next" : "previous"} disagreement` : "No disagreement";
        this.says(this.recording.reference ? none : "There is no truth to compare with");
        return;
      }
      this.says(`Disagreement ${index + 1} of ${starts.length}: ${this.describe()}`);
    }

    chosenDifferences() {
      const differences = this.differences.get(this.active);
      if (differences) return differences;
      const starts = [...this.differences.values()].flatMap((intervals) => intervals.starts);
      return { starts: [...new Set(starts)].sort((a, b) => a - b) };
    }

    /** Position as text, "01:23.5". */
    position(time) {
      return segtcn.format.position(time, this.unit);
    }

    /** The cursor in words: "12.3 s, frame 370: truth pour, ED-TCN take". */
    describe() {
      const { oneLine } = segtcn.format;
      const short = (text) => oneLine(text).slice(0, 60);
      const seconds = this.unit === "s" ? `${this.time.toFixed(1)} s, ` : "";
      const labels = this.tracks.map((track) => {
        const label = track.classAt(this.time);
        return `${short(track.title)} ${label === undefined ? "nothing" : short(this.classOf(label).name)}`;
      });
      return `${seconds}frame ${this.frame}: ${labels.join(", ")}`;
    }

    chooseTrack(number) {
      if (!this.tracks[number]) return;
      this.activeTrack = number;
      this.says(`Track ${segtcn.format.oneLine(this.active.title).slice(0, 60)}`);
      this.changed("tracks");
    }

    /** Factor below 1: show less. Around the cursor if it is in sight. */
    zoom(factor, time = this.time) {
      const { start, span } = this.viewport;
      this.viewport.zoomAt(this.viewport.contains(time) ? time : start + span / 2, factor);
      this.changed("view");
    }

    fit() {
      this.viewport.fit();
      this.changed("view");
    }

    pan(time) {
      this.viewport.panBy(time);
      this.changed("view");
    }

    showPart(start, stop) {
      this.viewport.show(start, stop);
      this.changed("view");
    }

    toggleFollow() {
      this.follow = !this.follow;
      this.changed("play");
    }

    /** Show a class among those that are not dimmed, or no longer. */
    toggleClass(label) {
      if (!this.filter.delete(label)) this.filter.add(label);
      this.changed("filter");
    }

    /** Dim all classes but one. */
    onlyClass(label) {
      this.filter = new Set([label]);
      this.changed("filter");
    }

    showAllClasses() {
      this.filter.clear();
      this.changed("filter");
    }

    isDimmed(label) {
      return this.filter.size > 0 && !this.filter.has(label);
    }
  }

  Object.assign(segtcn, { Player, SPEEDS });
}
