"use strict";

// What moves the cursor: a clip, or, where there is none, a clock of the same interface:
//   time, playing, setSpeed(speed), play(), pause(), seek(time), dispose(), and `onChange`, called after all that nobody asked for.
{
  /** Time that passes by itself, for tracks without a clip. */
  class PlainClock {
    /**
     * @param {number} duration in units of the axis
     * @param {number} perSecond units that pass in one second at speed 1
     */
    constructor(duration, perSecond) {
      this.duration = duration;
      this.perSecond = perSecond;
      this.speed = 1;
      this.onChange = () => {};
      this.began = null;
      this.from = 0;
    }

    get playing() {
      return this.began !== null;
    }

    get time() {
      if (!this.playing) return this.from;
      const time = this.from + ((performance.now() - this.began) / 1000) * this.speed * this.perSecond;
      if (time < this.duration) return time;
      this.from = this.duration;
      this.began = null;
      this.onChange();
      return this.duration;
    }

    play() {
      if (this.from >= this.duration) this.from = 0;
      this.began = performance.now();
      this.onChange();
    }

    pause() {
      this.from = this.time;
      this.began = null;
      this.onChange();
    }

    seek(time) {
      this.from = Math.max(0, Math.min(this.duration, time));
      if (this.playing) this.began = performance.now();
    }

    setSpeed(speed) {
      this.seek(this.time);
      this.speed = speed;
    }

    /** Time of the frame on the screen: there is none. */
    get shownTime() {
      return null;
    }

    dispose() {
      this.onChange = () => {};
      this.began = null;
    }
  }

  /** A clip in a video element. */
  class ClipClock {
    /**
     * @param {HTMLVideoElement} video
     * @param {string} source address of the clip
     * @param {function(string): void} onProblem gets a sentence if the clip cannot be shown
     */
    constructor(video, source, onProblem) {
      this.video = video;
      this.onChange = () => {};
      /** Where the cursor was sent; null while the clip runs. Tracks may be longer than the clip. */
      this.target = 0;
      /** Presentation time of the frame on the screen, where the browser knows it. */
      this.shownTime = null;
      this.listeners = new AbortController();
      const on = (name, listener) => video.addEventListener(name, listener, { signal: this.listeners.signal });
      on("play", () => this.onChange());
      on("pause", () => this.#stopped());
      on("ended", () => this.#stopped());
      on("seeked", () => this.#continueSeek());
      on("loadedmetadata", () => this.#startSeek());
      on("error", () => onProblem(problemOf(video.error, source)));
      this.#watchFrames();
      video.src = source;
      video.load();
    }

    get playing() {
      return !this.video.paused && !this.video.ended;
    }

    get time() {
      return this.target ?? this.video.currentTime;
    }

    setSpeed(speed) {
      this.video.playbackRate = speed;
    }

    play() {
      // at the end, `play` starts from 0 by itself
      this.target = null;
      this.video.play().catch(() => this.onChange());
    }

    pause() {
      this.video.pause();
    }

    /** While a seek is under way, only the latest request is kept: holding a key must not pile them up. */
    seek(time) {
      this.target = Math.max(0, time);
      if (!this.video.seeking) this.#startSeek();
    }

    dispose() {
      this.listeners.abort();
      this.onChange = () => {};
      this.video.pause();
      this.video.removeAttribute("src");
      this.video.load();
    }

    #startSeek() {
      if (this.target === null || this.video.readyState < HTMLMediaElement.HAVE_METADATA) return;
      this.sent = this.target;
      this.video.currentTime = Math.min(this.target, this.video.duration || this.target);
    }

    #continueSeek() {
      if (this.target !== null && this.target !== this.sent) this.#startSeek();
      else if (this.playing) this.target = null;
      this.onChange();
    }

    #stopped() {
      this.target ??= this.video.currentTime;
      this.onChange();
    }

    #watchFrames() {
      const { video, listeners } = this;
      if (!video.requestVideoFrameCallback) return;
      const shown = (_, metadata) => {
        if (listeners.signal.aborted) return;
        this.shownTime = metadata.mediaTime;
        this.onChange();
        video.requestVideoFrameCallback(shown);
      };
      video.requestVideoFrameCallback(shown);
    }
  }

  function problemOf(error, source) {
    if (error?.code === MediaError.MEDIA_ERR_DECODE) {
      return `The clip ${source} is damaged: it could be played only up to here. The tracks still work.`;
    }
    return `The clip ${source} cannot be played: it is missing, damaged, or has a codec that this browser lacks. The tracks still work.`;
  }

  Object.assign(segtcn, { PlainClock, ClipClock });
}
