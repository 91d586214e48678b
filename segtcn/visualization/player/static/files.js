"use strict";

// Label files as the library reads and writes them (segtcn.labels.files): one label a line, and tables of segments.
{
  const COLUMNS = ["label", "start", "stop", "start_s", "stop_s", "confidence"];

  // -1 in files: frames that nobody annotated
  const IGNORE_NAME = "__ignore__";
  const LONGEST_NAME = 1000;

  /**
   * Segments with the names of their classes; -1 stands for frames that nobody annotated.
   * @param {{starts: number[], classes: number[]}} labels
   * @param {{name: string, background: boolean}[]} classes
   * @throws {UserError} if a name would not be read back
   */
  function namedSegments(labels, numFrames, classes) {
    return labels.classes.map((label, i) => {
      const name = label < 0 ? IGNORE_NAME : classes[label].name;
      if (label >= 0) checkName(name);
      return { name, start: labels.starts[i], stop: labels.starts[i + 1] ?? numFrames };
    });
  }

  /** @throws {UserError} if a file with the name of this class would not be read back */
  function checkName(name) {
    const isLine = name && name === name.trim() && name.length <= LONGEST_NAME && !/[\0\r\n\ufeff]/.test(name);
    if (!isLine || /^(nan|_+ignore_*)$/i.test(name)) {
      throw new segtcn.UserError(
        `the class ${JSON.stringify(shorten(name))} cannot be written: a label must be one line without outer white space, of ` +
          `at most ${LONGEST_NAME} characters; nan and ${IGNORE_NAME} stand for frames that nobody annotated`,
      );
    }
  }

  /** One label a line, one line a frame. */
  function labelsAsText(labels, numFrames, classes) {
    return namedSegments(labels, numFrames, classes).map(({ name, start, stop }) => `${name}\n`.repeat(stop - start)).join("");
  }

  /**
   * Table of segments.
   * @param {?number} fps for the columns in seconds; null leaves them empty
   */
  function labelsAsTable(labels, numFrames, classes, fps) {
    const seconds = (frame) => (fps ? (frame / fps).toFixed(6) : "");
    const rows = namedSegments(labels, numFrames, classes).map(({ name, start, stop }) =>
      [quoted(name), start, stop, seconds(start), seconds(stop), ""].join(","),
    );
    return [COLUMNS.join(","), ...rows, ""].join("\n");
  }

  function quoted(field) {
    return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  }

  /**
   * Read a label file back.
   * @param {string} text
   * @param {number} numFrames of the track that it is for
   * @param {{name: string}[]} classes the known ones
   * @returns {{starts: number[], classes: number[]}}
   * @throws {UserError} that says what was expected, what came and where
   */
  function readLabels(text, numFrames, classes) {
    const clean = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
    if (!clean.trim()) throw new segtcn.UserError("the file is empty: expected one label a line, or a table of segments");
    const header = clean.split("\n", 1)[0].trim();
    const isTable = header.split(",").slice(0, 3).join() === COLUMNS.slice(0, 3).join();
    const runs = isTable ? runsOfTable(clean) : runsOfLines(clean, header);
    const length = runs.at(-1).stop;
    if (length !== numFrames) {
      const difference = Math.abs(length - numFrames);
      throw new segtcn.UserError(
        `expected labels of ${numFrames} frames, the file has ${length}: ${difference} too ${length < numFrames ? "few" : "many"}`,
      );
    }
    return labelsOfRuns(runs, classes);
  }

  function labelsOfRuns(runs, classes) {
    const indexOf = new Map([[IGNORE_NAME, -1], ...classes.map((item, index) => [item.name, index])]);
    const labels = { starts: [], classes: [] };
    for (const { name, start, line } of runs) {
      const label = indexOf.get(name);
      if (label === undefined) {
        const known = classes.map((item) => shorten(item.name)).join(", ");
        throw new segtcn.UserError(
          `line ${line}: no class is named ${JSON.stringify(shorten(name))}; the classes are ${shorten(known, 300)}`,
        );
      }
      if (label !== labels.classes.at(-1)) {
        labels.starts.push(start);
        labels.classes.push(label);
      }
    }
    return labels;
  }

  function runsOfLines(text, header) {
    const isRecognition = header.startsWith("### Frame level recognition");
    const lines = isRecognition
      ? (text.split("\n")[1] ?? "").split(/\s+/).filter(Boolean)
      : text.trimEnd().split("\n").map((line) => line.trim());
    if (!lines.length) throw new segtcn.UserError("the file has no labels in line 2, where recognition files have all of them");
    const empty = lines.indexOf("");
    if (empty >= 0) throw new segtcn.UserError(`line ${empty + 1} is empty: expected one label a line`);
    const runs = [];
    lines.forEach((name, frame) => {
      if (runs.at(-1)?.name === name) runs.at(-1).stop = frame + 1;
      else runs.push({ name, start: frame, stop: frame + 1, line: isRecognition ? 2 : frame + 1 });
    });
    return runs;
  }

  function runsOfTable(text) {
    const runs = [];
    for (const { fields, line } of rowsOf(text).slice(1)) {
      const [name, start, stop] = [fields[0], ...fields.slice(1, 3).map(wholeNumber)];
      if (!name || Number.isNaN(start) || Number.isNaN(stop)) {
        throw new segtcn.UserError(`line ${line}: expected a label and two frame numbers, got ${shorten(fields.join(","))}`);
      }
      const expected = runs.at(-1)?.stop ?? 0;
      if (start !== expected || stop <= start) {
        throw new segtcn.UserError(
          `line ${line}: expected a segment that starts at frame ${expected} and is not empty, got ${start} to ${stop}`,
        );
      }
      runs.push({ name, start, stop, line });
    }
    if (!runs.length) throw new segtcn.UserError("the file has a header and no segments: expected at least one");
    return runs;
  }

  function wholeNumber(field) {
    return /^\s*\d{1,9}\s*$/.test(field ?? "") ? Number(field) : NaN;
  }

  /** Rows of a CSV file; quoted fields may hold commas, quotes (doubled) and line breaks. */
  function rowsOf(text) {
    const rows = [];
    const field = /("(?:[^"]|"")*"|[^",\n][^,\n]*|)(,|\n|$)/y;
    let [line, fields, first] = [1, [], 1];
    while (field.lastIndex < text.length) {
      const match = field.exec(text);
      if (!match) throw new segtcn.UserError(`line ${line}: a quoted field does not end as it should`);
      fields.push(match[1].startsWith('"') ? match[1].slice(1, -1).replaceAll('""', '"') : match[1]);
      line += match[0].split("\n").length - 1;
      if (match[2] === ",") continue;
      if (fields.length > 1 || fields[0]) rows.push({ fields, line: first });
      [fields, first] = [[], line];
    }
    return rows;
  }

  /** Name of a file that can hold `name` on any system. */
  function safeFileName(name) {
    const safe = name.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069<>:"/\\|?*]+/g, "_");
    return safe.replace(/^[.\s]+|[.\s]+$/g, "").slice(0, 100) || "labels";
  }

  function shorten(text, length = 60) {
    return text.length > length ? `${text.slice(0, length)}…` : text;
  }

  Object.assign(segtcn, { checkName, labelsAsText, labelsAsTable, readLabels, safeFileName });
}
