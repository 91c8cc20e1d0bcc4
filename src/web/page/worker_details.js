// @ts-check
/// <reference lib="dom" />
/**
 * What is below the row of a worker: the last lines of its log, and a button that stops it.
 *
 * @module
 */

import { element, place, setText } from "./dom.js";
import { lineElement } from "./log_view.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../live_view.ts").LiveWorker} LiveWorker */
/** @typedef {(command: "stop-worker", body: { worker: string }) => Promise<void>} SendCommand */

/** What is shown of a worker. */
class ShownWorker {
  /** @type {readonly import("../live_view.ts").LogLine[] | null} */
  lines = null;
  #isAsking = false;
  #isSent = false;
  #worker = "";
  #send;
  #list = element("ol");
  #empty = element("p", { class: "quiet", text: "It has logged nothing." });
  #stop = element("button", { type: "button", class: "danger small" });
  #cancel = element("button", { type: "button", class: "small", text: "Cancel" });
  #message = element("span", { class: "quiet", role: "status" });
  #actions = element("div", { class: "worker-actions" }, [this.#stop, this.#cancel, this.#message]);
  element = element("div", {}, [
    this.#actions,
    element("div", {
      class: "log worker-log",
      role: "region",
      tabindex: 0,
      "aria-label": "Log of the worker",
    }, [
      this.#empty,
      this.#list,
    ]),
  ]);

  /** @param {SendCommand} send */
  constructor(send) {
    this.#send = send;
    this.#stop.addEventListener("click", () => this.#click());
    this.#cancel.addEventListener("click", () => this.#ask(false));
  }

  /**
   * @param {LiveWorker} worker
   * @param {readonly import("../live_view.ts").LogLine[]} lines
   * @param {import("../live_view.ts").ControlState} control
   * @returns {void}
   */
  update(worker, lines, control) {
    this.#worker = worker.id;
    if (lines !== this.lines) {
      this.lines = lines;
      place(this.#list, lines.map(lineElement));
      this.#empty.hidden = lines.length > 0;
    }
    const canStop = worker.isWorking && control.canStopWorkers && !this.#isSent;
    if (!worker.isWorking) {
      this.#isSent = false;
      this.#isAsking = false;
      setText(this.#message, "");
    }
    this.#stop.disabled = !canStop;
    this.#actions.hidden = !worker.isWorking || !control.allowed;
    this.#draw();
    if (worker.isWorking && control.allowed && !control.canStopWorkers && !this.#isSent) {
      setText(this.#message, "It is the only worker that can run users, or the test does not run.");
    }
  }

  #draw() {
    setText(this.#stop, this.#isAsking ? `Stop ${this.#worker} now` : "Stop this worker");
    this.#cancel.hidden = !this.#isAsking;
  }

  /** @param {boolean} isAsking */
  #ask(isAsking) {
    this.#isAsking = isAsking;
    setText(this.#message, isAsking ? "Its users go to the other workers, and it exits." : "");
    this.#draw();
  }

  async #click() {
    if (!this.#isAsking) return this.#ask(true);
    this.#ask(false);
    this.#isSent = true;
    this.#stop.disabled = true;
    try {
      await this.#send("stop-worker", { worker: this.#worker });
      setText(this.#message, "Stopping.");
    } catch (error) {
      this.#isSent = false;
      this.#stop.disabled = false;
      setText(this.#message, error instanceof Error ? error.message : String(error));
    }
  }
}

/** What is shown of each worker. */
export class WorkerDetails {
  #send;
  /** @type {LiveView | null} */
  #view = null;
  /** @type {Map<string, ShownWorker>} */
  #shown = new Map();

  /** @param {SendCommand} send */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {LiveView} view
   * @returns {void}
   */
  update(view) {
    if (view.runId !== this.#view?.runId) this.#shown.clear();
    this.#view = view;
  }

  /**
   * Whether there is anything to show of a worker. The only process of a local run has the log of the page.
   *
   * @param {string} id
   * @returns {boolean}
   */
  has(id) {
    return this.#view?.mode === "distributed" && id !== "";
  }

  /**
   * What is shown of a worker as it is now.
   *
   * @param {LiveWorker} worker
   * @returns {HTMLElement}
   */
  of(worker) {
    const shown = this.#shown.get(worker.id) ?? new ShownWorker(this.#send);
    this.#shown.set(worker.id, shown);
    if (this.#view !== null) {
      const { workerLogs, live } = this.#view;
      shown.update(worker, workerLogs[worker.id] ?? NO_LINES, live.control);
    }
    return shown.element;
  }
}

/** @type {readonly import("../live_view.ts").LogLine[]} */
const NO_LINES = [];
