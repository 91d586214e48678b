"use strict";

// Scores of every class over time, of one track, and the highest ones at the cursor as a list.
{
  const { byId, element, nameElement, swatch } = segtcn;
  const HEIGHT = 132;
  const PADDING = 6;
  const MOST_LISTED = 4;
  // a class that stays below this in the whole visible part would only thicken the base line
  const LEAST_SHOWN = 0.02;

  class Curves {
    constructor(player) {
      this.player = player;
      this.plot = byId("curves-plot");
      this.side = byId("curves-side");
      this.select = byId("curves-track");
      this.list = byId("curves-top");
      this.surface = new segtcn.Surface(byId("curves-canvas"));
      this.labels = new segtcn.Lettering("10px");
      this.select.addEventListener("change", () => {
        this.track = this.tracks[this.select.selectedIndex];
        player.changed("filter");
      });
      player.onChange((changes) => this.update(changes));
    }

    update(changes) {
      if (!this.player.recording) return;
      if (changes.has("video")) this.chooseTracks();
      else if (changes.has("tracks") && this.tracks.includes(this.player.active)) this.choose(this.player.active);
      if (!this.track) return;
      if (["video", "tracks", "view", "filter", "theme", "size"].some((name) => changes.has(name))) this.draw();
      if (["video", "tracks", "time", "filter"].some((name) => changes.has(name))) this.listHighest();
    }

    chooseTracks() {
      const { player } = this;
      this.tracks = player.recording.tracks.filter((track) => track.scores);
      this.plot.hidden = this.side.hidden = !this.tracks.length;
      this.select.replaceChildren(
        ...this.tracks.map((track) => element("option", {}, segtcn.format.oneLine(track.title).slice(0, 80))),
      );
      this.track = null;
      if (this.tracks.length) this.choose(this.tracks.includes(player.active) ? player.active : this.tracks[0]);
    }

    choose(track) {
      this.track = track;
      this.select.selectedIndex = this.tracks.indexOf(track);
    }

    draw() {
      const { surface, track, player } = this;
      const colors = segtcn.themeColors();
      const context = surface.begin(HEIGHT);
      context.fillStyle = colors.line;
      for (const value of [0, 0.5, 1]) context.fillRect(0, Math.round(yOf(value)), surface.width, 1);
      const level = this.visibleLevel();
      context.lineJoin = "round";
      track.scores.classes.forEach((label, row) => {
        if (player.isDimmed(label)) return;
        context.strokeStyle = segtcn.paintOf(player.classOf(label)).color;
        context.lineWidth = player.filter.size ? 2 : 1.4;
        this.drawCurve(context, level, row);
      });
      context.fillStyle = colors.muted;
      for (const value of [0.5, 1]) this.labels.write(context, String(value), 3, yOf(value) + 8, 40);
    }

    /** The blocks of samples that are visible, not finer than a CSS pixel, and where they lie. */
    visibleLevel() {
      const { track, surface } = this;
      const { viewport } = this.player;
      const { scores, timebase } = track;
      const first = scores.sampleOf(timebase.frameAt(viewport.start));
      const last = scores.sampleOf(timebase.frameAt(viewport.stop));
      const level = scores.levelFor((last - first + 1) / surface.width);
      const blocks = [Math.floor(first / level.size) - 1, Math.floor(last / level.size) + 1];
      const [from, to] = [Math.max(0, blocks[0]), Math.min(level.length - 1, blocks[1])];
      const xs = new Float64Array(to - from + 1);
      for (let block = from; block <= to; block += 1) {
        const sample = Math.min(scores.numSamples, (block + 0.5) * level.size);
        const frame = Math.min(track.numFrames, sample * scores.framesPerSample);
        const whole = Math.floor(frame);
        const begins = timebase.timeOf(whole);
        const time = begins + (frame - whole) * (timebase.timeOf(whole + 1) - begins);
        xs[block - from] = viewport.xOf(time, surface.width);
      }
      return { ...level, from, xs };
    }

    /** One line through all samples; where several share a pixel, from the lowest to the highest of them. */
    drawCurve(context, { size, length, low, high, from, xs }, row) {
      const offset = row * length + from;
      let highest = 0;
      for (let i = 0; i < xs.length; i += 1) if (high[offset + i] > highest) highest = high[offset + i];
      if (highest < LEAST_SHOWN * 255) return;
      context.beginPath();
      let pixel = -Infinity;
      let [bottom, top] = [255, 0];
      const flush = () => {
        context.lineTo(pixel, yOf(bottom / 255));
        if (top !== bottom) context.lineTo(pixel, yOf(top / 255));
      };
      if (size === 1 && xs.length < 2 * this.surface.width) {
        for (let i = 0; i < xs.length; i += 1) context.lineTo(xs[i], yOf(high[offset + i] / 255));
      } else {
        for (let i = 0; i < xs.length; i += 1) {
          const x = Math.round(xs[i]);
          if (x !== pixel) {
            if (pixel > -Infinity) flush();
            pixel = x;
            [bottom, top] = [low[offset + i], high[offset + i]];
          } else {
            bottom = Math.min(bottom, low[offset + i]);
            top = Math.max(top, high[offset + i]);
          }
        }
        flush();
      }
      context.stroke();
    }

    listHighest() {
      const { scores, timebase } = this.track;
      const { player } = this;
      const sample = scores.sampleOf(timebase.frameAt(player.time));
      const key = `${player.tracks.indexOf(this.track)} ${sample} ${[...player.filter]}`;
      if (key === this.listed) return;
      this.listed = key;
      const values = scores.classes.map((label, row) => ({ label, value: scores.at(row, sample) }));
      const highest = values
        .filter(({ label }) => !player.isDimmed(label))
        .sort((a, b) => b.value - a.value)
        .slice(0, MOST_LISTED);
      this.list.replaceChildren(
        ...highest.map(({ label, value }) => {
          const item = player.classOf(label);
          const text = element("span", { class: "number" }, value.toFixed(2));
          return element("li", {}, swatch(item), nameElement(item.name), text);
        }),
      );
    }
  }

  function yOf(value) {
    return PADDING + (1 - value) * (HEIGHT - 2 * PADDING);
  }

  segtcn.Curves = Curves;
}
