"use strict";

// Scores of every class over time, with coarser and coarser summaries: a redraw then reads a few numbers a pixel.
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

  segtcn.ClassScores = ClassScores;
}
