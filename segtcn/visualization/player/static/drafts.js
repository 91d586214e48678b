"use strict";

// Unsaved corrections, kept so that they outlive the page.
{
  /** In the browser's storage. Without one (a private window) nothing is stored. */
  class Drafts {
    constructor(player) {
      this.player = player;
    }

    /** Differs where the labels differ: a draft must not return on labels that were made anew. */
    keyOf(track) {
      const { index, recording } = this.player;
      const original = [...track.starts, ...track.classes].reduce((hash, value) => (hash * 31 + value) | 0, 7);
      return `segtcn ${JSON.stringify([location.pathname, index.title, recording.id, track.title, original])}`;
    }

    keep(correction, track) {
      if (!correction.unsaved) this.forget(track);
      else stored((storage) => storage.setItem(this.keyOf(track), JSON.stringify(correction.state)));
    }

    forget(track) {
      stored((storage) => storage.removeItem(this.keyOf(track)));
    }

    /** @returns {boolean} whether there was a draft */
    restore(correction, track) {
      const draft = stored((storage) => JSON.parse(storage.getItem(this.keyOf(track))));
      if (draft) correction.replace(draft);
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

  Object.assign(segtcn, { Drafts, stored });
}
