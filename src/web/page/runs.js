// @ts-check
/// <reference lib="dom" />
/**
 * The page of earlier runs: their list, how they have developed, and comparisons of two.
 *
 * @module
 */

import uPlot from "uplot";
import { ComparisonPage } from "./comparison.js";
import { errorOf, sendCommand } from "./connection.js";
import { byId, element, place, setAttribute, setText } from "./dom.js";
import { LoginView } from "./login_view.js";
import { OverlayChart } from "./overlay_chart.js";
import {
  describeTrend,
  fullTitle,
  runsTable,
  startText,
  TREND_CHARTS,
  trendsOf,
} from "./runs_table.js";

/** @typedef {import("./runs_table.js").Run} Run */
/** @typedef {import("./runs_table.js").Trend} Trend */
/** @typedef {import("./overlay_chart.js").PlotClass} PlotClass */

/** The list shows runs that have ended meanwhile after at most this time, in milliseconds. */
const REFRESH_MS = 15_000;

const COMPARISON = /^#compare\/([\w-]+)\/([\w-]+)$/;

/** The page. */
class RunsPage {
  /** @type {readonly Run[]} The oldest first. */
  #runs = [];
  /** @type {string[]} The ids of the runs to compare, at most two. */
  #picked = [];
  /** @type {Map<string, HTMLInputElement>} */
  #boxes = new Map();
  #table = runsTable({ pick: (run) => this.#box(run) });
  #trend;
  #plotClass;
  /** @type {ComparisonPage | null} */
  #comparison = null;
  /** The comparison that is awaited or shown. */
  #wanted = "";
  #login = new LoginView({
    send: sendCommand,
    onLogin: () => this.#load(),
    onLogout: () => location.reload(),
  });

  /** @param {PlotClass} plotClass */
  constructor(plotClass) {
    this.#plotClass = plotClass;
    this.#trend = new TrendView(plotClass);
    byId("trend").append(this.#trend.element);
    byId("runs").append(this.#table.element);
    byId("compare", HTMLButtonElement).addEventListener("click", () => {
      const [a, b] = this.#picked.toSorted();
      location.hash = `compare/${a}/${b}`;
    });
    byId("clear", HTMLButtonElement).addEventListener("click", () => this.#pick([]));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#trend.redraw();
      this.#comparison?.redraw();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#load();
    });
    globalThis.addEventListener("hashchange", () => this.#route(true));
    setInterval(() => {
      if (!document.hidden && COMPARISON.exec(location.hash) === null) this.#load();
    }, REFRESH_MS);
    this.#pick([]);
  }

  async run() {
    await this.#load();
    await this.#route(false);
  }

  async #load() {
    const answer = await this.#get("api/runs");
    if (answer === null) return;
    this.#runs = answer.runs;
    setText(byId("directory"), answer.directory);
    byId("main").hidden = false;
    byId("list").hidden = COMPARISON.exec(location.hash) !== null;
    this.#pick(this.#picked.filter((id) => this.#runs.some((run) => run.id === id)));
    this.#table.update(this.#runs);
    this.#trend.update(this.#runs);
  }

  /** @param {boolean} isMove Whether the user came from another view. */
  async #route(isMove) {
    const [, a = "", b = ""] = COMPARISON.exec(location.hash) ?? [];
    const wanted = a === "" ? "" : `api/runs/${a}/compare/${b}`;
    this.#wanted = wanted;
    this.#comparison?.destroy();
    this.#comparison = null;
    const isList = wanted === "";
    byId("list").hidden = !isList;
    byId("comparison").hidden = isList;
    document.title = isList ? "Runs – aiotest" : "Comparison of two runs – aiotest";
    if (isList) {
      if (isMove) byId("main").focus();
      return;
    }
    const state = byId("comparison-state");
    setText(state, "Comparing …");
    const view = await this.#get(wanted, state);
    // The user may have gone on.
    if (this.#wanted !== wanted || view === null) return;
    setText(state, "");
    this.#comparison = new ComparisonPage(this.#plotClass, view, { a, b });
    byId("comparison").append(this.#comparison.element);
    if (isMove) byId("comparison-title").focus();
  }

  /**
   * Requests JSON. Returns null if that fails, and shows why.
   *
   * @param {string} path
   * @param {HTMLElement} [message] Where to say so.
   */
  async #get(path, message = byId("connection")) {
    const request = { cache: /** @type {const} */ ("no-store"), headers: { "X-Aiotest": "1" } };
    const response = await fetch(path, request).catch(() => null);
    const connection = byId("connection");
    if (response === null) {
      setText(connection, "aiotest has exited, or does not respond");
      setAttribute(connection, "class", "connection over");
      if (message !== connection) setText(message, "aiotest does not respond.");
      return null;
    }
    this.#login.show(response.status === 401);
    byId("main").hidden = response.status === 401;
    setAttribute(connection, "class", response.ok ? "connection live" : "connection denied");
    if (response.ok) {
      setText(connection, "Connected");
      return await response.json();
    }
    const error = await errorOf(response);
    setText(connection, response.status === 401 ? "Log in to see the runs" : "");
    if (message !== connection) setText(message, error);
    else if (response.status !== 401) {
      byId("list").hidden = true;
      setText(byId("unavailable"), error);
    }
    return null;
  }

  /**
   * The box that chooses a run.
   *
   * @param {Run} run
   */
  #box(run) {
    const box = element("input", {
      type: "checkbox",
      "aria-label": `Compare ${fullTitle(run)}`,
      disabled: run.verdict === "unreadable",
    });
    box.addEventListener("change", () => {
      const others = this.#picked.filter((id) => id !== run.id);
      // Of three, the one that was chosen first is given up.
      this.#pick(box.checked ? [...others, run.id].slice(-2) : others);
    });
    this.#boxes.set(run.id, box);
    return box;
  }

  /** @param {string[]} ids */
  #pick(ids) {
    this.#picked = ids;
    for (const [id, box] of this.#boxes) box.checked = ids.includes(id);
    byId("compare", HTMLButtonElement).disabled = ids.length < 2;
    byId("compare-bar").hidden = ids.length === 0;
    const chosen = ids.toSorted().flatMap((id) => this.#runs.find((run) => run.id === id) ?? []);
    const [a, b] = chosen.map(fullTitle);
    setText(
      byId("chosen"),
      b === undefined ? `Chosen: ${a ?? "none"}. Choose one more.` : `A: ${a}. B: ${b}.`,
    );
  }
}

/** How the runs of one name have developed. Hidden if no name has several. */
class TrendView {
  #select = element("select", { id: "trend-name" });
  /** @type {readonly Trend[]} */
  #trends = [];
  /** @type {Trend | null} */
  #shown = null;
  #charts;
  element = element("section", { class: "card charts-card", "aria-labelledby": "trend-title" });

  /** @param {PlotClass} plotClass */
  constructor(plotClass) {
    this.#charts = TREND_CHARTS.map((spec) => ({
      spec,
      chart: new OverlayChart(plotClass, {
        ...spec,
        series: [{ label: spec.label, color: spec.color }],
        xAxis: (x) => this.#labelOf(x, 10),
        xSteps: [1, 2, 5, 10, 20],
        at: (x) => `on ${this.#labelOf(x, 16)}`,
        sync: "trend",
        hasPoints: true,
        onChoose: (x) => this.#open(x),
      }),
    }));
    this.#select.addEventListener("change", () => this.#draw());
    this.element.append(
      element("div", { class: "trend-head" }, [
        element("h2", { id: "trend-title", text: "Trend" }),
        element("label", { class: "chart-choice" }, [
          element("span", { text: "Runs of" }),
          this.#select,
        ]),
      ]),
      element("div", { class: "trend-charts" }, this.#charts.map(({ chart }) => chart.element)),
      element("p", { class: "quiet chart-hint", text: "Click a point to open the run's report." }),
    );
  }

  /** @param {readonly Run[]} runs */
  update(runs) {
    this.#trends = trendsOf(runs);
    this.element.hidden = this.#trends.length === 0;
    const { value } = this.#select;
    place(
      this.#select,
      this.#trends.map(({ title }) => element("option", { value: title, text: title })),
    );
    if (this.#trends.some(({ title }) => title === value)) this.#select.value = value;
    this.#draw();
  }

  redraw() {
    for (const { chart } of this.#charts) chart.redraw();
  }

  #draw() {
    const { value } = this.#select;
    const trend = this.#trends.find(({ title }) => title === value) ?? null;
    this.#shown = trend;
    if (trend === null) return;
    const places = trend.runs.map((_, index) => index);
    const range = { min: -0.3, max: places.length - 0.7 };
    for (const { spec, chart } of this.#charts) {
      chart.update([places, trend.runs.map(spec.value)], range, describeTrend(trend, spec));
    }
  }

  /**
   * @param {number} index
   * @param {number} length Of its start.
   */
  #labelOf(index, length) {
    const run = this.#shown?.runs[index];
    return run === undefined ? "" : startText(run).slice(0, length);
  }

  /** @param {number} index */
  #open(index) {
    const run = this.#shown?.runs[index];
    if (run !== undefined) open(`api/runs/${run.id}/report`, "_blank", "noopener");
  }
}

await new RunsPage(uPlot).run();
