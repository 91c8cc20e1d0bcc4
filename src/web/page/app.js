// @ts-check
/// <reference lib="dom" />
/**
 * The dashboard's entry point: connects to the server and shows what it sends.
 *
 * @module
 */

import uPlot from "uplot";
import { RunCharts } from "./charts.js";
import { getJson, LiveConnection, openStream, sendCommand, startRun } from "./connection.js";
import { ControlView } from "./control_view.js";
import { byId, element, setAttribute, setText } from "./dom.js";
import { FailureSamples } from "./failure_samples.js";
import { HeadView } from "./headline.js";
import { LogView } from "./log_view.js";
import { LoginView } from "./login_view.js";
import { PhasesView } from "./phases.js";
import { SeriesView } from "./series_view.js";
import {
  checksTable,
  classesTable,
  classLines,
  failuresTable,
  groupsTable,
  metricsTable,
  requestsTable,
  thresholdsTable,
  totalLine,
  tracedTable,
  userErrorsTable,
  workersTable,
} from "./tables.js";
import { updatedView, viewWithLog } from "./view_state.js";
import { WorkerDetails } from "./worker_details.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("./connection.js").ConnectionState} ConnectionState */

/** The page. It outlives the server, and shows each run that it connects to. */
class Dashboard {
  /** @type {LiveView | null} */
  #view = null;
  #drawn = false;
  #logLines = setting("log-lines");
  #head = new HeadView();
  #log = new LogView();
  #charts;
  #requests = requestsTable({ isLive: true });
  #classes = classesTable({ isLive: true });
  #groups = groupsTable();
  #metrics = metricsTable();
  #checks = checksTable();
  #phases = new PhasesView();
  #traced = tracedTable();
  #failureSamples = new FailureSamples();
  #failures = failuresTable(this.#failureSamples);
  #userErrors = userErrorsTable();
  #workerDetails = new WorkerDetails(sendCommand);
  #workers = workersTable(this.#workerDetails);
  #thresholds = thresholdsTable();
  #control = new ControlView(sendCommand);
  #series = new SeriesView({
    form: () => getJson("api/form"),
    start: startRun,
    quit: () => sendCommand("quit"),
    runs: async () => (await getJson("api/runs")).runs,
  });
  #connection = new LiveConnection({
    open: openStream,
    // Allows for one lost heartbeat.
    timeoutMs: 2.5 * setting("heartbeat-ms"),
    setTimer: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    onEvent: (event) => this.#take(event),
    onState: (state, reason) => this.#showConnection(state, reason),
  });
  #login = new LoginView({
    send: sendCommand,
    onLogin: () => this.#connection.retry(),
    onLogout: () => location.reload(),
  });

  /** @param {import("./charts.js").PlotClass} plotClass */
  constructor(plotClass) {
    this.#charts = new RunCharts(plotClass);
    byId("charts").append(this.#charts.element);
    byId("thresholds").replaceWith(this.#thresholds.element);
    const wide = [
      this.#requests,
      this.#classes,
      this.#groups,
      this.#metrics,
      this.#traced,
      this.#failures,
      this.#workers,
    ];
    for (const { element } of wide) element.classList.add("wide");
    byId("tables").append(
      this.#requests.element,
      this.#classes.element,
      this.#groups.element,
      this.#metrics.element,
      this.#checks.element,
      this.#phases.element,
      this.#traced.element,
      this.#failures.element,
      this.#userErrors.element,
      this.#workers.element,
    );
    matchMedia("(prefers-color-scheme: dark)").addEventListener(
      "change",
      () => this.#charts.redraw(),
    );
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.#connection.retry();
      this.#draw();
    });
    globalThis.addEventListener("online", () => this.#connection.retry());
  }

  run() {
    byId("unloaded").remove();
    showPlace();
    return this.#connection.run();
  }

  /** @param {import("./connection.js").StreamEvent} event */
  #take({ name, data }) {
    const content = JSON.parse(data);
    if (name === "view") {
      if (this.#view !== null && this.#view.runId !== content.runId) this.#charts.startAnew();
      this.#view = content;
    } else if (this.#view === null) return;
    else if (name === "update") this.#view = updatedView(this.#view, content);
    else if (name === "log") this.#view = viewWithLog(this.#view, content.lines, this.#logLines);
    else return;
    this.#drawn = false;
    // A hidden page is drawn when it becomes visible.
    if (!document.hidden) this.#draw();
  }

  #draw() {
    const view = this.#view;
    if (view === null || this.#drawn) return;
    this.#drawn = true;
    byId("main").hidden = false;
    this.#head.update(view);
    this.#control.update(view);
    this.#series.update(view);
    this.#charts.update(view);
    this.#requests.update(
      view.requests,
      view.requests.length === 0 ? null : totalLine(view),
    );
    this.#classes.update(classLines(view));
    this.#groups.update(view.groups);
    this.#metrics.update(view.metrics);
    this.#checks.update(view.checks);
    this.#traced.update(view.tracedRequests);
    this.#phases.update(view);
    this.#failureSamples.update(view.failureSamples);
    this.#failures.update(view.failures);
    this.#userErrors.update(view.userErrors);
    this.#workerDetails.update(view);
    this.#workers.update(view.live.workers);
    this.#thresholds.update(view.thresholds);
    this.#log.update(view.live.log);
    showWarnings(view.warnings);
  }

  /**
   * @param {ConnectionState} state
   * @param {string} reason
   */
  #showConnection(state, reason) {
    const ended = this.#view?.live.state === "stopped";
    this.#control.setConnected(state === "live");
    this.#series.setConnected(state === "live");
    this.#login.show(state === "denied");
    if (state === "denied") {
      this.#view = null;
      byId("main").hidden = true;
      byId("run-head").hidden = true;
      byId("progress").hidden = true;
    }
    const texts = {
      connecting: "Connecting …",
      live: "Live",
      away: ended
        ? "aiotest has exited; these are the final results"
        : "The server does not respond; reconnecting …",
      denied: "Log in to see the run",
      refused: reason,
    };
    const message = byId("connection");
    setText(message, texts[state]);
    setAttribute(message, "class", `connection ${state === "away" && ended ? "over" : state}`);
  }
}

/**
 * A number that the server has written into `index.html`.
 *
 * @param {string} name
 * @returns {number}
 */
function setting(name) {
  const value = document.querySelector(`meta[name="${name}"]`)?.getAttribute("content");
  return Number(value);
}

/** Says so if the page is not where the server expects it: its cookies are for that path only. */
function showPlace() {
  const base = document.querySelector('meta[name="base-path"]')?.getAttribute("content") ?? "";
  const expected = `${base}/`;
  if (base === "" || location.pathname.startsWith(expected)) return;
  setText(
    byId("wrong-place"),
    `This page was opened at ${location.pathname}, but aiotest expects it at ${expected} ` +
      "(--web-base-path), so logging in cannot work here.",
  );
  byId("wrong-place").hidden = false;
}

/** @param {readonly string[]} warnings */
function showWarnings(warnings) {
  const list = byId("warning-list");
  byId("warnings").hidden = warnings.length === 0;
  const shown = [...list.children].map(({ textContent }) => textContent);
  if (JSON.stringify(shown) === JSON.stringify(warnings)) return;
  list.replaceChildren(...warnings.map((text) => element("li", { text })));
}

await new Dashboard(uPlot).run();
