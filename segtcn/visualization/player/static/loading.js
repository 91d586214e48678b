"use strict";

/** Namespace of the player: every file of it adds what other files need. */
const segtcn = {};

segtcn.NO_SERVER = "the server does not answer: start `segtcn view` again";

/** What a user asked for cannot be done: the message is shown as it is. */
segtcn.UserError = class extends Error {};

// The data come as scripts that call `receiveIndex` and `receiveVideo`: from disk (file://), a page may not fetch.
{
  const received = { index: null, videos: new Map() };

  segtcn.receiveIndex = (payload) => {
    received.index = payload;
  };

  segtcn.receiveVideo = (payload) => {
    received.videos.set(payload.id, payload);
  };

  /**
   * Run a script of the player's folder.
   * @param {string} path relative to the page
   * @returns {Promise<void>} rejected if the file is missing
   */
  function runScript(path) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = path;
      script.addEventListener("load", () => {
        script.remove();
        resolve();
      });
      script.addEventListener("error", async () => {
        script.remove();
        reject(new Error(await reasonOf(path)));
      });
      document.head.append(script);
    });
  }

  /** Why a script cannot be loaded; the player's own server knows. */
  async function reasonOf(path) {
    if (location.protocol !== "file:") {
      const response = await fetch(path).catch(() => null);
      if (!response) return segtcn.NO_SERVER;
      if (response.status === 500) return (await response.text()).trim();
    }
    return `${path} cannot be read: it must lie beside index.html, so copy or unpack the whole folder`;
  }

  /** @returns {Promise<object>} payload of data/index.js */
  segtcn.loadIndex = async () => {
    await runScript("data/index.js");
    if (received.index?.version !== 1) {
      throw new Error("data/index.js holds no data of this version of the player: export the videos again");
    }
    return received.index;
  };

  /**
   * @param {string} id of a video in the index
   * @returns {Promise<object>} payload of data/video-ID.js, handed over once: a long video takes many megabytes
   */
  segtcn.loadVideo = async (id) => {
    const path = `data/video-${encodeURIComponent(id)}.js`;
    await runScript(path);
    const payload = received.videos.get(id);
    if (!payload) throw new Error(`${path} holds no data of this video: export the videos again`);
    received.videos.delete(id);
    return payload;
  };
}
