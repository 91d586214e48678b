"use strict";

// The keyboard: one table, which the buttons and the help use, too.
{
  const { byId, element } = segtcn;

  /**
   * @param {Player} player
   * @param {CorrectionTools} tools
   * @returns {object[]} groups of keys: `keys` as events name them (with "Shift+", "Ctrl+"), `shown` as the help does
   */
  function keyTable(player, tools) {
    const correct = (action) => () => tools.attempt(action);
    return [
      {
        title: "Play and move",
        rows: [
          { keys: [" ", "k"], shown: "Space", does: "Play or pause", run: () => player.togglePlay() },
          { keys: ["ArrowLeft"], shown: "←", does: "One frame back", run: () => player.stepFrames(-1) },
          { keys: ["ArrowRight"], shown: "→", does: "One frame forward", run: () => player.stepFrames(1) },
          { keys: ["Shift+ArrowLeft"], shown: "Shift ←", does: "One second back", run: () => player.stepSeconds(-1) },
          { keys: ["Shift+ArrowRight"], shown: "Shift →", does: "One second forward", run: () => player.stepSeconds(1) },
          { keys: ["n"], shown: "N", does: "Next segment", run: () => player.jumpSegment(1) },
          { keys: ["p"], shown: "P", does: "Previous segment", run: () => player.jumpSegment(-1) },
          { keys: ["d"], shown: "D", does: "Next disagreement", run: () => player.jumpDisagreement(1) },
          { keys: ["Shift+d"], shown: "Shift D", does: "Previous disagreement", run: () => player.jumpDisagreement(-1) },
          { keys: ["Home"], shown: "Home", does: "First frame", run: () => player.seekFrame(0) },
          { keys: ["End"], shown: "End", does: "Last frame", run: () => player.seekFrame(Infinity) },
          { keys: [">", "Shift+>"], shown: ">", does: "Faster", run: () => player.changeSpeed(1) },
          { keys: ["<", "Shift+<"], shown: "<", does: "Slower", run: () => player.changeSpeed(-1) },
          { keys: ["m"], shown: "M", does: "Sound on or off", run: () => byId("mute").click() },
        ],
      },
      {
        title: "View",
        rows: [
          { keys: ["+", "Shift++", "="], shown: "+", does: "Zoom in", run: () => player.zoom(0.5) },
          { keys: ["-"], shown: "-", does: "Zoom out", run: () => player.zoom(2) },
          { keys: ["0"], shown: "0", does: "Show all", run: () => player.fit() },
          { keys: ["f"], shown: "F", does: "Follow the cursor", run: () => player.toggleFollow() },
          ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => ({
            keys: [String(number)],
            shown: number === 1 ? "1 … 9" : null,
            does: "Choose a track",
            run: () => player.chooseTrack(number - 1),
          })),
          { keys: ["?", "Shift+?"], shown: "?", does: "This list", run: () => byId("help").showModal() },
        ],
      },
      {
        title: "Correct labels",
        rows: [
          { keys: ["c"], shown: "C", does: "Correct mode on or off", run: () => tools.toggle() },
          { keys: ["s"], shown: "S", does: "Split at the cursor", run: correct(() => tools.split()) },
          { keys: ["j"], shown: "J", does: "Join with the next", run: correct(() => tools.join(1)) },
          { keys: ["Shift+j"], shown: "Shift J", does: "Join with the previous", run: correct(() => tools.join(-1)) },
          { keys: ["r"], shown: "R", does: "Relabel", run: correct(() => tools.relabel()) },
          { keys: ["i"], shown: "I", does: "Nobody annotated this", run: correct(() => tools.setLabel(tools.segment, -1)) },
          { keys: ["b"], shown: "B", does: "Nearest boundary to the cursor", run: correct(() => tools.moveNearestBoundary()) },
          { keys: ["Ctrl+z"], shown: "Ctrl Z", does: "Undo", run: correct(() => tools.step("undo")) },
          { keys: ["Ctrl+Shift+z", "Ctrl+y"], shown: "Ctrl Shift Z", does: "Redo", run: correct(() => tools.step("redo")) },
        ],
      },
    ];
  }

  function nameOf(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.shiftKey ? "Shift+" : ""}${key}`;
  }

  /** Whether the focused element has its own use for this key; a button does not if a pointer put the focus there. */
  function isTaken(target, key, isByPointer) {
    if (target.closest("input, textarea, [contenteditable]")) return true;
    if (target.closest("select")) return key !== "Escape";
    return !isByPointer && Boolean(target.closest("button, a")) && (key === " " || key === "Enter");
  }

  /** Listen to the keyboard and to the buttons that do what a key does (`data-key`), and fill the help. */
  function listenToKeys(player, tools) {
    const groups = keyTable(player, tools);
    const actions = new Map(groups.flatMap(({ rows }) => rows.flatMap(({ keys, run }) => keys.map((key) => [key, run]))));
    // what was chosen by a pointer keeps the focus, but keys that follow are meant for the clip
    let isByPointer = false;
    window.addEventListener("pointerdown", () => (isByPointer = true), { capture: true });
    document.addEventListener("change", (event) => {
      if (isByPointer && event.target.matches("select")) event.target.blur();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Tab") isByPointer = false;
      if (!player.recording || event.altKey || document.querySelector("dialog[open]")) return;
      const action = actions.get(nameOf(event));
      if (!action || isTaken(event.target, event.key, isByPointer)) return;
      event.preventDefault();
      if (isByPointer && event.target.matches("button, a")) event.target.blur(); // or it would be pressed, too, when the key comes up
      action();
    });
    for (const button of document.querySelectorAll("[data-key]")) button.addEventListener("click", actions.get(button.dataset.key));
    byId("help-keys").replaceChildren(...groups.flatMap(helpGroup));
  }

  function helpGroup({ title, rows }) {
    const shown = rows.filter((row) => row.shown);
    return [
      element("div", { class: "help-group" }, element("dt", {}, title)),
      ...shown.map(({ shown: key, does }) =>
        element("div", {}, element("dt", {}, ...key.split(" ").map((part) => element("kbd", {}, part))), element("dd", {}, does)),
      ),
    ];
  }

  segtcn.listenToKeys = listenToKeys;
}
