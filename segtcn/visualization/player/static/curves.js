"use strict";

// Scores of every class over time, of one track, and the highest ones at the cursor as a list.
{
  const { byId, element, nameElement, swatch } = segtcn;
  const HEIGHT = 132;
  const PADDING = 6;
  const MOST_LISTED = 4;
  // a class below this would only thicken the base line
  const LEAST_SHOWN = 0.02;
  // CSS pixels between samples from which smooth paths are drawn: with more samples they would take too long
  const LEAST_FOR_PATHS = 3;

  class Curves {
    constructor(player) {
      this.player = player;
      this.plot = byId("curves-plot");
      this.side = byId("curves-side");
      this.select = byId("curves-track");
      this.list = byId("curves-top");
      this.surface = new segtcn.Surface(byId("curves-canvas"), { willReadFrequently: true });
      this.labels = new segtcn.Lettering("10px");
      this.raster = new segtcn.Raster();
      this.select.addEventListener("change", () => {
        this.track = this.tracks[this.select.selectedIndex];
        player.changed("filter");
      });
      player.on("video", () => this.chooseTracks());
      player.on("tracks", () => this.tracks.includes(player.active) && this.choose(player.active));
      player.on("video tracks view filter theme size", () => this.track && this.draw());
      player.on("video tracks time filter", () => this.track && this.listHighest());
    }

    chooseTracks() {
      const { player } = this;
      this.tracks = player.recording.tracks.filter((track) => track.scores);
      this.plot.hidden = this.side.hidden = !this.tracks.length;
      segtcn.fillSelect(this.select, this.tracks.map(({ title }) => title));
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
      const level = this.visibleLevel();
      const isSparse = level.size === 1 && level.xs.length * LEAST_FOR_PATHS < surface.width;
      const thickness = player.filter.size ? 2 : 1.4;
      const rows = track.scores.classes
        .map((label, row) => ({ label, offset: row * level.length + level.from }))
        .filter(({ label, offset }) => !player.isDimmed(label) && this.isSeen(level, offset));
      const color = (label) => segtcn.lineColorOf(player.classOf(label));
      if (isSparse) {
        context.lineJoin = "round";
        context.lineWidth = thickness;
        for (const { label, offset } of rows) {
          context.strokeStyle = color(label);
          context.beginPath();
          level.xs.forEach((x, i) => context.lineTo(x, yOf(level.high[offset + i] / 255)));
          context.stroke();
        }
      } else {
        surface.inDevicePixels((device) => {
          const { raster } = this;
          const place = (value) => yOf(value / 255) * surface.ratio;
          raster.begin(device, thickness * surface.ratio, place, LEAST_SHOWN * 255);
          const xs = level.xs.map((x) => x * surface.ratio);
          for (const { label, offset } of rows) raster.line(xs, level.low, level.high, offset, color(label));
          raster.show();
        });
      }
      context.globalCompositeOperation = "destination-over";
      context.fillStyle = colors.line;
      for (const value of [0, 0.5, 1]) context.fillRect(0, Math.round(yOf(value)), surface.width, 1);
      context.globalCompositeOperation = "source-over";
      context.fillStyle = colors.muted;
      for (const value of [0.5, 1]) this.labels.write(context, String(value), 3, yOf(value) + 8, 40);
    }

    /** Whether a class is high enough somewhere in sight. */
    isSeen({ high, xs }, offset) {
      for (let i = 0; i < xs.length; i += 1) if (high[offset + i] > LEAST_SHOWN * 255) return true;
      return false;
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
