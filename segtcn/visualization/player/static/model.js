"use strict";

// What is known of one video: its tracks, in frames and in time, and class scores with coarser and coarser summaries, so that
// a redraw reads a few numbers a pixel. Nothing here touches the page.
{
  const COARSER = 4;

  /** Scores of a track: one byte for each class and sample, 255 is 1.0. */
  class ClassScores {
    /** @param {object} payload `classes` (C,), `num_samples`, `frames_per_sample`, `data` (base64, (C, samples) by rows) */
    constructor(payload) {
      this.classes = payload.classes;
      this.numSamples = payload.num_samples;
      this.framesPerSample = payload.frames_per_sample;
      const values = Uint8Array.from(atob(payload.data), (byte) => byte.charCodeAt(0));
      if (values.length !== this.classes.length * this.numSamples) {
        const expected = `${this.classes.length} x ${this.numSamples}`;
        throw new segtcn.UserError(`expected ${expected} class scores, got ${values.length}: export the video again`);
      }
      /** Of each level: the lowest and highest value in blocks of 4^level samples, (C, length). */
      this.levels = [{ length: this.numSamples, low: values, high: values }];
      while (this.levels.at(-1).length > 2 * COARSER) this.levels.push(coarser(this.levels.at(-1), this.classes.length));
    }

    /** Sample that covers `frame`, or the nearest. */
    sampleOf(frame) {
      return Math.max(0, Math.min(this.numSamples - 1, Math.floor(frame / this.framesPerSample)));
    }

    /** Score of the row-th class, 0 to 1. */
    at(row, sample) {
      return this.levels[0].high[row * this.numSamples + sample] / 255;
    }

    /**
     * The level whose blocks are not longer than `samples`.
     * @returns {{size: number, length: number, low: Uint8Array, high: Uint8Array}} `size` of a block in samples
     */
    levelFor(samples) {
      const level = Math.floor(Math.log(Math.max(1, samples)) / Math.log(COARSER));
      const number = Math.min(this.levels.length - 1, level);
      return { size: COARSER ** number, ...this.levels[number] };
    }
  }

  function coarser(level, numClasses) {
    const length = Math.ceil(level.length / COARSER);
    const low = new Uint8Array(numClasses * length);
    const high = new Uint8Array(numClasses * length);
    for (let row = 0; row < numClasses; row += 1) {
      for (let block = 0; block < length; block += 1) {
        const stop = row * level.length + Math.min(level.length, (block + 1) * COARSER);
        let [lowest, highest] = [255, 0];
        for (let i = row * level.length + block * COARSER; i < stop; i += 1) {
          if (level.low[i] < lowest) lowest = level.low[i];
          if (level.high[i] > highest) highest = level.high[i];
        }
        low[row * length + block] = lowest;
        high[row * length + block] = highest;
      }
    }
    return { length, low, high };
  }

  /**
   * @param {ArrayLike<number>} values in increasing order
   * @param {number} value
   * @param {number} length of the part to search
   * @returns {number} index of the last element that is at most `value`; -1 if there is none
   */
  function bisect(values, value, length = values.length) {
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (values[middle] <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Where frames lie on the time axis. Frame n covers [timeOf(n), timeOf(n + 1)). */
  class Timebase {
    /**
     * @param {object} options
     * @param {number} options.numFrames
     * @param {number} options.rate frames per unit of the axis; of a clip with varying rate, the mean
     * @param {number} options.offset time of frame 0
     * @param {?ArrayLike<number>} options.times time of every frame, where the rate varies
     * @param {?number} options.end time at which the last of `times` ends
     */
    constructor({ numFrames, rate, offset = 0, times = null, end = null }) {
      this.numFrames = numFrames;
      this.rate = rate;
      this.offset = offset;
      this.times = times?.length ? times : null;
      if (this.times) {
        const last = this.times[this.times.length - 1];
        this.end = end > last ? end : last + 1 / rate;
      }
    }

    /** Time at which `frame` begins; frames after the last follow at the mean rate. */
    timeOf(frame) {
      if (!this.times) return this.offset + frame / this.rate;
      if (frame < this.times.length) return this.times[frame];
      return this.end + (frame - this.times.length) / this.rate;
    }

    /** Time in the middle of `frame`: where a clip is sent to show it, whichever way the browser rounds. */
    middleOf(frame) {
      return (this.timeOf(frame) + this.timeOf(frame + 1)) / 2;
    }

    /** Frame that covers `time`, or the nearest. */
    frameAt(time) {
      let frame;
      if (!this.times) frame = Math.floor((time - this.offset) * this.rate + 1e-6);
      else if (time < this.end) frame = bisect(this.times, time + 1e-9);
      else frame = this.times.length + Math.floor((time - this.end) * this.rate + 1e-6);
      return Math.max(0, Math.min(this.numFrames - 1, frame));
    }

    /** The same frames, continued or cut off after `numFrames`. */
    withLength(numFrames) {
      const { rate, offset, times, end } = this;
      return new Timebase({ numFrames, rate, offset, times, end });
    }
  }

  /** The labels of one video from one source, as segments. */
  class Track {
    /**
     * @param {object} payload `title`, `truth`, `starts`, `classes`, `num_frames`, `confidence`, `scores`
     * @param {Timebase} timebase
     */
    constructor(payload, timebase) {
      this.title = payload.title;
      this.truth = Boolean(payload.truth);
      /** The true track that it is compared with, or null; set by the recording. */
      this.reference = null;
      this.fps = payload.fps ?? null;
      this.numFrames = payload.num_frames;
      this.timebase = timebase;
      this.confidence = payload.confidence ?? null;
      this.scores = payload.scores ? new segtcn.ClassScores(payload.scores) : null;
      this.setSegments(payload.starts, payload.classes);
    }

    /**
     * @param {ArrayLike<number>} starts first frame of every segment, (N,)
     * @param {ArrayLike<number>} classes class of every segment, (N,); -1: not annotated
     */
    setSegments(starts, classes) {
      /** Number of segments. */
      this.length = classes.length;
      /** First frame of every segment and the number of frames, (N + 1,). */
      this.starts = Int32Array.from([...starts, this.numFrames]);
      this.classes = Int32Array.from(classes);
      /** The same as times, (N + 1,). */
      this.times = Float64Array.from(this.starts, (frame) => this.timebase.timeOf(frame));
    }

    get endTime() {
      return this.times[this.length];
    }

    /** Index of the segment at `time`; -1 outside of the track. */
    indexAt(time) {
      return time < this.endTime ? bisect(this.times, time, this.length) : -1;
    }

    /** Class at `time`: -1 where nobody annotated it, undefined outside of the track. */
    classAt(time) {
      return this.classes[this.indexAt(time)];
    }

    /** @returns {?object} the segment with this index: frames [start, stop), times, class and mean confidence */
    segment(index) {
      if (!(index >= 0 && index < this.length)) return null;
      return {
        index,
        label: this.classes[index],
        start: this.starts[index],
        stop: this.starts[index + 1],
        startTime: this.times[index],
        stopTime: this.times[index + 1],
        confidence: this.confidence?.[index] ?? null,
      };
    }
  }

  // two times closer than this are the same: sums of rounding errors, far below a frame
  const SAME_TIME = 1e-6;

  /**
   * Where two tracks have different labels; only where both exist.
   * @param {{times: ArrayLike<number>, classes: ArrayLike<number>, length: number}} reference
   * @param {{times: ArrayLike<number>, classes: ArrayLike<number>, length: number}} other
   * @param {number} least class that counts: frames that nobody annotated (-1) differ from nothing
   * @returns {{starts: number[], stops: number[]}} maximal intervals of time
   */
  function disagreements(reference, other, least = 0) {
    const [starts, stops] = [[], []];
    const end = Math.min(reference.times[reference.length], other.times[other.length]);
    let time = Math.max(reference.times[0], other.times[0]);
    let [i, j] = [reference, other].map(({ times, length }) => bisect(times, time, length));
    while (time < end - SAME_TIME) {
      const stop = Math.min(reference.times[i + 1], other.times[j + 1], end);
      const [one, two] = [reference.classes[i], other.classes[j]];
      if (one !== two && Math.min(one, two) >= least && stop - time > SAME_TIME) {
        if (time - stops.at(-1) < 2 * SAME_TIME) stops[stops.length - 1] = stop;
        else {
          starts.push(time);
          stops.push(stop);
        }
      }
      if (reference.times[i + 1] <= stop) i += 1;
      if (other.times[j + 1] <= stop) j += 1;
      time = stop;
    }
    return { starts, stops };
  }

  /** Share of a track's time that each class has, (numClasses,), 0 to 1. */
  function classShares(track, numClasses) {
    const shares = new Float64Array(numClasses);
    const total = track.endTime - track.times[0];
    for (let i = 0; i < track.length; i += 1) {
      if (track.classes[i] >= 0) shares[track.classes[i]] += (track.times[i + 1] - track.times[i]) / total;
    }
    return shares;
  }

  /** One video: the clip's frames if there is a clip, and all tracks on one axis. */
  class Recording {
    /** @param {object} payload of data/video-ID.js */
    constructor(payload) {
      const { clip, tracks } = payload;
      this.id = payload.id;
      this.notes = payload.notes ?? [];
      this.clip = clip;
      /** Unit of the axis: seconds, unless some track has no rate and there is no clip. */
      this.unit = clip || (tracks.length && tracks.every((track) => track.fps)) ? "s" : "frames";
      const clipBase = clip && timebaseOfClip(clip);
      this.tracks = tracks.map((track) => new Track(track, this.timebaseOf(track, clipBase)));
      const end = Math.max(...this.tracks.map((track) => track.endTime));
      /** Frames in which the cursor moves: those of the clip, else those of the first track, up to the end of all. */
      const { timebase } = this.tracks[0];
      this.base = clipBase ?? timebase.withLength(Math.ceil((end - timebase.offset) * timebase.rate - 1e-6));
      this.duration = Math.max(this.base.timeOf(this.base.numFrames), end);
      this.reference = this.tracks.find((track) => track.truth) ?? null;
      tracks.forEach(({ reference }, number) => {
        // payloads of one truth need not name it
        this.tracks[number].reference = reference === undefined ? this.reference : (this.tracks[reference] ?? null);
      });
      /** Labels that were saved to the server's folder: `starts`, `classes`, `num_frames`, `file`; or null. */
      this.saved = payload.saved ?? null;
      /** Version of the saved labels, by which the server notices that somebody else has saved meanwhile. */
      this.savedVersion = payload.saved_version;
    }

    /** The track that is corrected unless another is chosen: the truth if there is one, and if what was saved fits it. */
    get correctable() {
      const first = this.reference ?? this.tracks[0];
      return [first, ...this.tracks].find((track) => track.numFrames === this.saved?.num_frames) ?? first;
    }

    timebaseOf(track, clipBase) {
      const numFrames = track.num_frames;
      if (clipBase && (track.by_frame || !track.fps)) return clipBase.withLength(numFrames);
      const rate = this.unit === "s" ? track.fps : 1;
      return new Timebase({ numFrames, rate, offset: clipBase?.timeOf(0) ?? 0 });
    }
  }

  function timebaseOfClip(clip) {
    return new Timebase({
      numFrames: clip.num_frames,
      rate: clip.fps,
      times: clip.times_ms && Float64Array.from(clip.times_ms, (ms) => ms / 1000),
      end: clip.duration_s,
    });
  }

  Object.assign(segtcn, { ClassScores, bisect, Timebase, Track, Recording, disagreements, classShares });
}
