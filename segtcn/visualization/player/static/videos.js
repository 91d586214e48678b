"use strict";

// Scores: of this video by run, and of all videos by any score, worst first.
{
  const { View, byId, element, nameElement, tableElement } = segtcn;

  class Videos extends View {
    /**
     * @param {Player} player
     * @param {function(string): void} choose gets the id of the video to load
     */
    constructor(player, choose) {
      super(player, { root: "videos", filter: "videos-filter", runs: "videos-run" });
      this.choose = choose;
      const { score_names: scores, runs, videos } = player.index;
      segtcn.fillSelect(this.runs, runs);
      byId("videos-run-field").hidden = runs.length < 2 || !scores.length;
      byId("videos-panel").hidden = videos.length < 2;
      byId("scores-panel").hidden = !scores.length || !runs.length;
      const scored = scores.length && runs.length;
      /** Column and direction: 1 has the lowest first. */
      this.order = scored ? { column: scores.at(-1), direction: 1 } : { column: "name", direction: 1 };
      this.filter.addEventListener("input", () => this.build());
      this.runs.addEventListener("change", () => this.build());
      player.on("video", () => this.update());
    }

    get run() {
      return this.player.index.runs[this.runs.selectedIndex];
    }

    update() {
      this.listScores();
      this.build();
      const row = this.root.querySelector(".current");
      if (row) this.root.scrollTop = row.offsetTop - this.root.clientHeight / 2;
    }

    listScores() {
      const { score_names: names, runs, videos } = this.player.index;
      const { scores } = videos.find((video) => video.id === this.player.recording.id);
      const head = ["Run", ...names].map((name, i) =>
        element("th", { scope: "col", class: i ? "number" : "", title: name }, brief(name)),
      );
      const rows = runs.map((run) => scoreRow(nameElement(run), names, scores?.[run]));
      byId("scores").replaceChildren(tableElement("scores", "scores-title", head, rows));
    }

    /** Videos that match the search, in the chosen order; those without the score come last. */
    listed() {
      const { column, direction } = this.order;
      const part = this.filter.value.trim().toLocaleLowerCase();
      const videos = this.player.index.videos.filter((video) => video.name.toLocaleLowerCase().includes(part));
      const byName = (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true });
      if (column === "name") return videos.sort((a, b) => direction * byName(a, b));
      const valueOf = (video) => video.scores?.[this.run]?.[column];
      return videos.sort((a, b) => {
        const [first, second] = [valueOf(a), valueOf(b)];
        if (!Number.isFinite(first) || !Number.isFinite(second)) return Number.isFinite(second) - Number.isFinite(first) || byName(a, b);
        return direction * (first - second) || byName(a, b);
      });
    }

    build() {
      const { score_names: names, runs } = this.player.index;
      const columns = runs.length ? names : [];
      const videos = this.listed();
      const head = [this.heading("name", "Video"), ...columns.map((name) => this.heading(name, name))];
      const table = tableElement("scores", "videos-title", head, videos.map((video) => this.row(video, columns)));
      const focused = this.root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      this.root.replaceChildren(table);
      if (!videos.length) this.root.append(element("p", { class: "muted empty" }, "No video has this in its name."));
      if (focused) [...this.root.querySelectorAll("button")].find((button) => button.dataset.key === focused)?.focus();
    }

    heading(column, text) {
      const isSorted = this.order.column === column;
      const isUp = this.order.direction > 0;
      const button = element("button", { type: "button", class: "sort", data: { key: `column ${column}` } }, brief(text));
      if (brief(text) !== text) button.setAttribute("aria-label", `${brief(text)}, ${text}`);
      button.title = column === "name" ? "Sort by name" : `Sort by ${column}, worst first; again: best first`;
      if (isSorted) button.append(element("span", { class: "arrow", aria: { hidden: "true" } }, isUp ? "▲" : "▼"));
      button.addEventListener("click", () => {
        this.order = { column, direction: isSorted ? -this.order.direction : 1 };
        this.build();
      });
      const heading = element("th", { scope: "col", class: column === "name" ? "" : "number" }, button);
      heading.setAttribute("aria-sort", isSorted ? (isUp ? "ascending" : "descending") : "none");
      return heading;
    }

    row(video, columns) {
      const button = element("button", { type: "button", class: "video", data: { key: `video ${video.id}` } }, nameElement(video.name));
      button.addEventListener("click", () => this.choose(video.id));
      const row = scoreRow(button, columns, video.scores?.[this.run]);
      if (video.id === this.player.recording?.id) {
        row.classList.add("current");
        button.setAttribute("aria-current", "true");
      }
      return row;
    }
  }

  function scoreRow(heading, names, scores) {
    const cells = names.map((name) => element("td", { class: "number" }, segtcn.format.score(scores?.[name])));
    return element("tr", {}, element("th", { scope: "row" }, heading), ...cells);
  }

  /** Heading of a narrow column. */
  function brief(name) {
    return name === "accuracy" ? "acc" : name;
  }

  segtcn.Videos = Videos;
}
