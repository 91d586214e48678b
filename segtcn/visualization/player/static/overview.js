"use strict";

// The whole video in a thin strip, with a frame around the visible part.
{
  const { byId } = segtcn;
  const LEAST_ROW = 6;
  const LEAST_HEIGHT = 18;

  class Overview {
    constructor(player) {
      this.player = player;
      this.root = byId("overview");
      this.window = byId("overview-window");
      this.cursor = byId("overview-cursor");
      this.surface = new segtcn.Surface(byId("overview-canvas"));
      player.on("video tracks filter theme size", () => this.draw());
      player.on("video view time size", () => this.place());
      this.listen();
    }

    draw() {
      const { player, surface } = this;
      const tracks = player.tracks;
      const row = Math.max(LEAST_ROW, LEAST_HEIGHT / tracks.length);
      const whole = new segtcn.Viewport(player.recording.duration, 0);
      this.root.style.height = `${tracks.length * row}px`;
      surface.begin(tracks.length * row);
      surface.inDevicePixels((device, width, ratio) => {
        tracks.forEach((track, number) => {
          const [top, height] = [number * row, row - 1].map((pixels) => Math.round(pixels * ratio));
          segtcn.paintTrack(device, player, track, whole, { top, height, width });
        });
      });
    }

    place() {
      const { viewport, time } = this.player;
      const { width } = this.surface;
      const left = (viewport.start / viewport.duration) * width;
      this.window.style.transform = `translateX(${left}px)`;
      this.window.style.width = `${Math.max(6, (viewport.span / viewport.duration) * width)}px`;
      this.cursor.style.transform = `translateX(${(time / viewport.duration) * width}px)`;
    }

    listen() {
      const { root, player } = this;
      let grabbed = null;
      root.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        const time = this.timeAt(event);
        const { viewport } = player;
        if (!viewport.contains(time)) player.showPart(time - viewport.span / 2, time + viewport.span / 2);
        grabbed = time - viewport.start;
        root.setPointerCapture(event.pointerId);
      });
      root.addEventListener("pointermove", (event) => {
        if (grabbed === null) return;
        const start = this.timeAt(event) - grabbed;
        player.showPart(start, start + player.viewport.span);
      });
      for (const name of ["pointerup", "pointercancel"]) root.addEventListener(name, () => (grabbed = null));
    }

    timeAt(event) {
      const box = this.root.getBoundingClientRect();
      return ((event.clientX - box.left) / box.width) * this.player.viewport.duration;
    }
  }

  segtcn.Overview = Overview;
}
