"use strict";

// Corrected labels to files and back; unsaved ones are kept so that they outlive the page.
{
  const { byId } = segtcn;

  /** In the browser's storage. Without one (a private window) nothing is stored. */
  class Drafts {
    constructor(player) {
      this.player = player;
    }

    /** Differs where the labels differ: a draft must not return on labels that were made anew. */
    keyOf(track) {
      const { index, recording } = this.player;
      const original = [...track.starts, ...track.classes].reduce((hash, value) => (hash * 31 + value) | 0, 7);
      return `segtcn draft ${JSON.stringify([location.pathname, index.title, recording.id, track.title, original])}`;
    }

    keep(correction, track) {
      const names = this.player.classes.map(({ name }) => name); // the list of classes may be another one next time
      if (!correction.unsaved) this.forget(track);
      else stored((storage) => storage.setItem(this.keyOf(track), JSON.stringify({ ...correction.state, names })));
    }

    forget(track) {
      stored((storage) => storage.removeItem(this.keyOf(track)));
    }

    /** @returns {boolean} whether there was a draft */
    restore(correction, track) {
      const draft = stored((storage) => JSON.parse(storage.getItem(this.keyOf(track))));
      if (draft) correction.replace(this.player.adopt(draft, draft.names, 0));
      return Boolean(draft);
    }
  }

  /** What `use` gets from the browser's storage; null without one: a private window forgets when it is closed. */
  function stored(use) {
    try {
      return use(localStorage);
    } catch {
      return null;
    }
  }

  /** The buttons that save and open. */
  class Saving {
    /**
     * @param {Player} player
     * @param {CorrectionTools} tools
     */
    constructor(player, tools) {
      this.player = player;
      this.tools = tools;
      this.file = byId("file");
      byId("save").hidden = !player.index.save;
      byId("save").addEventListener("click", () => tools.attempt(() => this.send()));
      byId("save-text").addEventListener("click", () => tools.attempt(() => this.download("txt", this.asText())));
      byId("save-csv").addEventListener("click", () => tools.attempt(() => this.download("csv", this.asTable())));
      byId("open-file").addEventListener("click", () => this.file.click());
      this.file.addEventListener("change", () => this.open());
    }

    asText() {
      const { correction } = this.tools;
      return segtcn.labelsAsText(correction.merged(), correction.numFrames, this.player.classes);
    }

    asTable() {
      const { correction } = this.tools;
      return segtcn.labelsAsTable(correction.merged(), correction.numFrames, this.player.classes, this.rate);
    }

    /** Frames per second, where all seconds of the table follow from one rate. */
    get rate() {
      const { source } = this.tools;
      const { clip } = this.player.recording;
      if (source.fps) return source.fps;
      return clip && !clip.times_ms ? clip.fps : null;
    }

    download(extension, text) {
      const { index, recording } = this.player;
      const video = index.videos.find(({ id }) => id === recording.id);
      const name = `${segtcn.safeFileName(video.name)}.${extension}`;
      const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
      segtcn.element("a", { href: address, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      this.tools.markSaved(`Saved as ${name}`);
    }

    /** To the server's folder. */
    async send() {
      const { player, tools } = this;
      const { recording } = player;
      const { correction } = tools;
      this.asText(); // says what cannot be written, before anything is sent
      const sent = correction.state;
      const labels = { ...correction.merged(), num_frames: correction.numFrames };
      const { token } = player.index.save;
      const body = JSON.stringify({
        token,
        track: tools.source.title,
        labels,
        new_classes: player.newNames,
        replaces: recording.savedVersion,
      });
      const headers = { "Content-Type": "application/json" };
      try {
        const response = await fetch(`corrections/${encodeURIComponent(recording.id)}`, { method: "POST", headers, body }).catch(() => {
          throw new Error(segtcn.NO_SERVER);
        });
        const answer = await response.json();
        if (!answer.files) throw new Error(answer.error ?? `the server answered ${response.status}`);
        recording.savedVersion = answer.version;
        if (tools.correction === correction && correction.state === sent) tools.markSaved(`Saved as ${answer.files.join(" and ")}`);
      } catch (error) {
        tools.fail(`not saved: ${error.message}; the labels can still be downloaded with “Save text” or “Save CSV”`);
      }
    }

    async open() {
      const [file] = this.file.files;
      this.file.value = "";
      if (!file) return;
      const { correction } = this.tools;
      const { classes } = this.player;
      const bytes = await file.arrayBuffer();
      this.tools.attempt(() => {
        try {
          this.tools.replace(segtcn.readLabels(decoded(bytes), correction.numFrames, classes), file.name);
        } catch (error) {
          if (!(error instanceof segtcn.UserError)) throw error;
          throw new segtcn.UserError(`${file.name}: ${error.message}`);
        }
      });
    }
  }

  function decoded(bytes) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw new segtcn.UserError("this is not a text file in UTF-8: expected labels; save it as UTF-8");
    }
  }

  Object.assign(segtcn, { Drafts, stored, Saving });
}
