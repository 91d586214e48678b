"use strict";

// Starts the page: loads the data, joins the parts, keeps the address in step.
{
  const { byId, element, format } = segtcn;
  const THEME = "segtcn theme";
  // browsers refuse more than some two hundred changes of the address in half a minute
  const ADDRESS_DELAY_MS = 400;

  /** Light or dark: the system's choice unless the reader made one. */
  function listenToTheme(player) {
    const select = byId("theme");
    const apply = () => {
      document.documentElement.dataset.theme = select.value;
      segtcn.forgetThemeColors();
      player.changed("theme");
    };
    select.addEventListener("change", () => {
      segtcn.stored((storage) => storage.setItem(THEME, select.value));
      apply();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
    select.value = segtcn.stored((storage) => storage.getItem(THEME)) ?? "auto";
    if (select.selectedIndex < 0) select.value = "auto";
    apply();
  }

  /** Sound and speed, and what the buttons under the clip show. */
  function listenToButtons(player) {
    const clip = byId("clip");
    byId("mute").addEventListener("click", () => {
      clip.muted = !clip.muted;
      byId("mute").setAttribute("aria-pressed", String(clip.muted));
      byId("mute-icon").setAttribute("href", clip.muted ? "#icon-silent" : "#icon-sound");
    });
    const speed = byId("speed");
    speed.replaceChildren(...segtcn.SPEEDS.map((value) => element("option", { value }, `${value}×`)));
    speed.addEventListener("change", () => player.setSpeed(Number(speed.value)));
    player.on("play video", () => showState(player));
    player.on("time play video", () => showPosition(player));
  }

  function showState(player) {
    const { playing } = player.clock;
    const play = byId("play");
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    play.title = `${playing ? "Pause" : "Play"} (Space)`;
    byId("play-icon").setAttribute("href", playing ? "#icon-pause" : "#icon-play");
    byId("speed").value = String(player.speed);
    byId("follow").setAttribute("aria-pressed", String(player.follow));
    const hasDifferences = player.differences.size > 0;
    byId("previous-differ").disabled = byId("next-differ").disabled = !hasDifferences;
  }

  function showPosition(player) {
    const { recording, unit, frame, time } = player;
    const isTimed = unit === "s";
    byId("readout-time").textContent = isTimed ? `${format.clockTime(time, 2)} / ${format.clockTime(recording.duration, 2)}` : "";
    byId("readout-frame").textContent = `frame ${format.count(frame)} / ${format.count(recording.base.numFrames)}`;
  }

  function showProblem(error) {
    byId("problem").textContent = `${error.message}.`;
    byId("problem").hidden = false;
  }

  /** Loads videos, and keeps video, time and visible part in the address, so that it can be passed on. */
  class Loader {
    constructor(player, tools) {
      this.player = player;
      this.tools = tools;
      this.awaited = null;
      window.addEventListener("hashchange", () => this.follow());
      player.on("time view video", () => player.clock.playing || this.keepAddress());
    }

    /** Go to what the address says: another video, or another part of this one. */
    async follow() {
      const { player } = this;
      const address = new URLSearchParams(location.hash.slice(1));
      const { videos } = player.index;
      const id = videos.find((video) => video.id === address.get("video"))?.id ?? player.recording?.id ?? videos[0].id;
      if (id !== player.recording?.id && !(await this.load(id))) return;
      const [start, stop] = (address.get("zoom") ?? "").split("-").map(Number);
      if (stop > start) player.showPart(start, stop);
      const time = Number.parseFloat(address.get("t"));
      if (Number.isFinite(time)) player.seek(time);
    }

    /** @returns {Promise<boolean>} false if it failed, or another one was chosen meanwhile */
    async load(id) {
      const { player } = this;
      this.awaited = id;
      document.body.setAttribute("aria-busy", "true");
      try {
        const recording = new segtcn.Recording(await segtcn.loadVideo(id));
        if (this.awaited !== id) return false;
        byId("problem").hidden = true;
        this.show(recording);
        return true;
      } catch (error) {
        if (this.awaited === id) showProblem(error);
        return false;
      } finally {
        document.body.removeAttribute("aria-busy");
      }
    }

    show(recording) {
      const { player } = this;
      const video = player.index.videos.find(({ id }) => id === recording.id);
      byId("main").hidden = false;
      this.tools.leave();
      player.open(recording);
      // of one video, the page has its name already
      const names = video.name === player.index.title ? [] : [segtcn.nameElement(video.name)];
      byId("video-name").replaceChildren(...names);
      document.title = `${format.oneLine(video.name).slice(0, 100)} – ${format.oneLine(player.index.title).slice(0, 100)}`;
      const notes = byId("notes");
      notes.hidden = !recording.notes.length;
      notes.replaceChildren(...recording.notes.map((note) => element("li", { dir: "auto" }, note)));
      this.showClip(recording, video.clip);
      player.seekFrame(0);
    }

    showClip(recording, source) {
      const { player } = this;
      const hasClip = Boolean(recording.clip && source);
      byId("screen").classList.toggle("without-clip", !hasClip);
      byId("clip-frame").hidden = byId("mute").hidden = !hasClip;
      byId("clip-problem").hidden = true;
      byId("clip").hidden = false;
      if (!hasClip) return;
      const { width, height } = recording.clip;
      byId("clip").style.aspectRatio = width && height ? `${width} / ${height}` : "";
      const address = source.split("/").map(encodeURIComponent).join("/");
      player.setClock(new segtcn.ClipClock(byId("clip"), address, (problem) => this.giveUpClip(problem)));
    }

    /** The tracks work without the clip. */
    giveUpClip(problem) {
      const { player } = this;
      const { time } = player;
      byId("clip-problem").textContent = problem;
      byId("clip-problem").hidden = false;
      byId("clip").hidden = byId("mute").hidden = true;
      player.setClock(player.plainClock());
      player.clock.seek(time);
      player.says(problem);
    }

    keepAddress() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        const { recording, viewport, time } = this.player;
        const parts = [`video=${encodeURIComponent(recording.id)}`, `t=${time.toFixed(3)}`];
        if (viewport.span < viewport.duration) parts.push(`zoom=${viewport.start.toFixed(3)}-${viewport.stop.toFixed(3)}`);
        history.replaceState(null, "", `#${parts.join("&")}`);
      }, ADDRESS_DELAY_MS);
    }
  }

  async function start() {
    const index = await segtcn.loadIndex();
    if (!index.videos.length) throw new Error("there is no video in data/index.js: export at least one");
    const player = new segtcn.Player(index);
    segtcn.player = player;
    player.says = (text) => {
      byId("live").textContent = format.oneLine(text).slice(0, 300);
    };
    const name = segtcn.nameElement(index.title);
    byId("title").replaceChildren(name);
    if (index.protocol) name.title = `${name.title} (protocol ${index.protocol})`;
    const tools = new segtcn.CorrectionTools(player);
    const timeline = new segtcn.Timeline(player, tools);
    const loader = new Loader(player, tools);
    segtcn.parts = {
      timeline,
      tools,
      loader,
      overview: new segtcn.Overview(player),
      curves: new segtcn.Curves(player),
      pointer: new segtcn.Pointer(player, timeline, tools),
      now: new segtcn.Now(player),
      legend: new segtcn.Legend(player),
      segments: new segtcn.Segments(player),
      saving: new segtcn.Saving(player, tools),
    };
    segtcn.parts.videos = new segtcn.Videos(player, async (id) => {
      if (id === player.recording?.id) return;
      if (await loader.load(id)) player.says(`Video ${player.index.videos.find((video) => video.id === id).name}`);
    });
    listenToTheme(player);
    listenToButtons(player);
    segtcn.listenToKeys(player, tools);
    new ResizeObserver(() => player.changed("size")).observe(byId("plots"));
    await loader.follow();
  }

  start().catch((error) => {
    showProblem(error);
    throw error;
  });
}
