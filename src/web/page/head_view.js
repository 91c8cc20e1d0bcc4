// @ts-check
/// <reference lib="dom" />
/**
 * The top of the page: what is being done, for how long, how it looks, and the tiles.
 *
 * @module
 */

import { setAttribute, setText } from "./dom.js";
import { progressOf, stateBadge, timeText, verdictBadge } from "./headline.js";
import { byId } from "./page_parts.js";
import { tiles } from "./tiles.js";
import { TilesView } from "./tiles_view.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */

/** Shows the headline of a run. */
export class HeadView {
  #tiles = new TilesView(byId("tiles"));

  /**
   * @param {LiveView} view
   * @returns {void}
   */
  update(view) {
    const state = stateBadge(view);
    const verdict = verdictBadge(view);
    byId("run-head").hidden = false;
    showBadge(byId("state"), state);
    showBadge(byId("verdict"), verdict);
    // Only what a run does now is announced, and its end with the verdict.
    setText(
      byId("state-announced"),
      view.exitCode === null ? state.text : `${state.text}. ${verdict.text}`,
    );
    setText(byId("time"), timeText(view));
    setText(byId("run-id"), `Run ${view.runId}, ${view.mode}`);
    const progress = progressOf(view);
    const bar = byId("progress", HTMLProgressElement);
    bar.hidden = progress === null;
    bar.value = progress ?? 0;
    setText(bar, timeText(view));
    const time = timeText(view);
    document.title = `${state.text} ${time} · aiotest`;
    this.#tiles.update(tiles(view));
  }
}

/**
 * @param {Element} target
 * @param {import("./headline.js").Badge} badge
 */
function showBadge(target, { text, tone }) {
  setText(target, text);
  setAttribute(target, "class", `badge ${tone}`);
}
