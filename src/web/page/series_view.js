// @ts-check
/// <reference lib="dom" />
/**
 * What follows a run: the process stays with `--keep`, and starts another one.
 *
 * @module
 */

import { byId, element, setText } from "./dom.js";
import { formatExact } from "./format.js";
import { NewRunDialog } from "./new_run.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../live_view.ts").LiveState} LiveState */
/** @typedef {import("./new_run.js").Fields} Fields */
/** @typedef {import("./new_run.js").Problem} Problem */
/** @typedef {import("../../report/history_table.ts").ListedRun} ListedRun */

/**
 * How the page talks to the server.
 *
 * @typedef {object} SeriesRequests
 * @property {() => Promise<import("../control.ts").RunForm>} form
 * @property {(fields: Fields) => Promise<Problem | null>} start
 * @property {() => Promise<void>} quit
 * @property {() => Promise<readonly ListedRun[]>} runs The oldest first; none if they are not kept.
 */

/** Says what can be done between two runs, and does it. */
export class SeriesView {
  #requests;
  #dialog;
  #quitDialog = byId("quit", HTMLDialogElement);
  #between = byId("between");
  #openers = [byId("new-run-open", HTMLButtonElement), byId("other-options", HTMLButtonElement)];
  #quit = byId("quit-open", HTMLButtonElement);
  /** @type {LiveView | null} */
  #view = null;
  #connected = false;
  /** What came of the last command. */
  #message = "";
  #isDrawn = false;
  /** The run to which the links lead. */
  #linked = "";

  /** @param {SeriesRequests} requests */
  constructor(requests) {
    this.#requests = requests;
    this.#dialog = new NewRunDialog((fields) => requests.start(fields));
    for (const opener of this.#openers) opener.addEventListener("click", () => this.#open());
    this.#quit.addEventListener("click", () => this.#quitDialog.showModal());
    byId("quit-cancel").addEventListener("click", () => this.#quitDialog.close());
    byId("quit-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#quitDialog.close();
      this.#try(() => requests.quit());
    });
  }

  /**
   * @param {LiveView} view
   * @returns {void}
   */
  update(view) {
    if (view.runId !== this.#view?.runId) this.#message = "";
    this.#view = view;
    this.#draw();
  }

  /**
   * @param {boolean} connected
   * @returns {void}
   */
  setConnected(connected) {
    this.#connected = connected;
    if (!connected) {
      this.#dialog.close();
      this.#quitDialog.close();
    }
    this.#draw();
  }

  #draw() {
    if (this.#view === null) return;
    const { live, runId } = this.#view;
    const { series, control, state } = live;
    const isBetween = isBetweenRuns(live);
    if (isBetween === this.#between.hidden && this.#isDrawn) keepFocus();
    this.#isDrawn = true;
    // Nothing there leads anywhere without the server.
    this.#between.hidden = !isBetween || !this.#connected;
    byId("control").hidden = isBetween;
    byId("other-options").hidden = series === null || state !== "ready";
    if (series === null) return;
    const usable = this.#connected && control.allowed;
    for (const opener of this.#openers) opener.disabled = !usable || !series.canStart;
    this.#quit.disabled = !usable;
    setText(byId("between-text"), betweenText(series));
    setText(byId("between-problem"), this.#message || problemText(series));
    setText(byId("between-reason"), control.allowed ? "" : control.reason);
    if (isBetween && series.canStart) this.#link(runId);
  }

  async #open() {
    await this.#try(async () => this.#dialog.open(await this.#requests.form()));
  }

  /** @param {() => Promise<void>} act */
  async #try(act) {
    this.#message = "";
    try {
      await act();
    } catch (error) {
      this.#message = error instanceof Error ? error.message : String(error);
    }
    this.#draw();
  }

  /**
   * Links to the report of a run, and to its comparison with the one before.
   *
   * @param {string} runId
   */
  async #link(runId) {
    if (this.#linked === runId) return;
    this.#linked = runId;
    const runs = await this.#requests.runs().catch(() => []);
    if (this.#linked !== runId) return;
    byId("between-links").replaceChildren(
      ...linksOf(runs, runId).map(({ text, href, isOwnPage }) => {
        const target = isOwnPage ? { target: "_blank", rel: "noopener" } : {};
        return element("li", {}, [element("a", { href, text, ...target })]);
      }),
    );
  }
}

/** Moves the focus from a button that goes away to the results, from where Tab continues. */
function keepFocus() {
  const { activeElement } = document;
  const isGoing = [byId("between"), byId("control")].some((part) => part.contains(activeElement));
  if (isGoing || activeElement === document.body) byId("main").focus({ preventScroll: true });
}

/**
 * Whether a run has ended, and another one can follow.
 *
 * @param {Pick<LiveState, "state" | "series">} live
 * @returns {boolean}
 */
export function isBetweenRuns({ state, series }) {
  return state === "stopped" && series !== null;
}

/**
 * What the page says between two runs.
 *
 * @param {NonNullable<LiveState["series"]>} series
 * @returns {string}
 */
export function betweenText({ reason, workers }) {
  const text = reason === "" ? "The run has ended." : reason;
  return workers === null ? text : `${text} Workers: ${formatExact(workers)} connected.`;
}

/**
 * What went wrong with the last run.
 *
 * @param {NonNullable<LiveState["series"]>} series
 * @returns {string}
 */
function problemText({ problem }) {
  return problem === "" ? "" : `The last run failed: ${problem}`;
}

/**
 * What leads from a run that has ended to its results.
 *
 * @param {readonly ListedRun[]} runs The oldest first; none if they are not kept.
 * @param {string} runId
 * @returns {readonly { readonly text: string, readonly href: string, readonly isOwnPage: boolean }[]}
 */
export function linksOf(runs, runId) {
  const readable = runs.filter(({ verdict }) => verdict !== "unreadable");
  const at = readable.findIndex((run) => run.runId === runId);
  const own = readable[at];
  if (own === undefined) {
    return [{ text: "Report of this run", href: "api/report/html", isOwnPage: false }];
  }
  const before = readable[at - 1];
  return [
    { text: "Report of this run", href: `api/runs/${own.id}/report`, isOwnPage: true },
    ...(before === undefined ? [] : [{
      text: "Compare with the run before",
      href: `runs#compare/${before.id}/${own.id}`,
      isOwnPage: false,
    }]),
    { text: "All runs", href: "runs", isOwnPage: false },
  ];
}
