// @ts-check
/// <reference lib="dom" />
/**
 * The entry point of a report: shows the data embedded in the page.
 *
 * @module
 */

import uPlot from "uplot";
import { RunCharts } from "../page/charts.js";
import { byId, element, setAttribute } from "../page/dom.js";
import { FailureSamples } from "../page/failure_samples.js";
import { PhasesView } from "../page/phases.js";
import {
  checksTable,
  classesTable,
  classLines,
  failuresTable,
  finishedWorkersTable,
  groupsTable,
  iterationRows,
  iterationsTable,
  metricsTable,
  requestsTable,
  thresholdsTable,
  totalLine,
  tracedTable,
  userErrorsTable,
} from "../page/tables.js";
import { tiles, TilesView } from "../page/tiles.js";
import { latencyChart } from "./latency_chart.js";
import {
  iterationsSentence,
  machineFacts,
  runFacts,
  titleOf,
  verdictSentence,
} from "./report_text.js";

/** @typedef {import("../report_content.ts").ReportContent} ReportContent */

/**
 * @param {ReportContent} content
 * @returns {void}
 */
function show(content) {
  const { view, metadata, distribution } = content;
  document.title = titleOf(content);
  showVerdict(content);
  byId("run-name").hidden = view.name === null;
  byId("run-name").textContent = `: ${view.name}`;
  new TilesView(byId("tiles")).update(tiles(view));
  byId("run-facts").append(...factElements(runFacts(content)));
  byId("machine-facts").append(...factElements(machineFacts(content)));
  byId("option-facts").append(
    ...factElements(metadata.options.map(({ flag, value }) => [flag, value])),
  );
  byId("no-options").hidden = metadata.options.length > 0;
  byId("warnings").hidden = view.warnings.length === 0;
  byId("warning-list").append(...view.warnings.map((text) => element("li", { text })));
  byId("breaking").hidden = view.breakingPoint === null;
  byId("breaking-text").textContent = view.breakingPoint?.text ?? "";
  byId("distribution").hidden = distribution.length === 0;
  byId("distribution-bars").append(latencyChart(distribution));
  const charts = new RunCharts(uPlot);
  byId("charts").append(charts.element);
  charts.update(view);
  const tables = showTables(content);
  redrawOnThemeChange(charts);
  prepareForPrinting(charts, tables);
}

/** @param {ReportContent} content */
function showVerdict(content) {
  const { word, tone } = content.verdict;
  const badge = byId("verdict-word");
  badge.textContent = word;
  setAttribute(badge, "class", `verdict-word ${tone}`);
  setAttribute(byId("verdict"), "class", `card verdict ${tone}`);
  byId("verdict-facts").textContent = verdictSentence(content);
}

/**
 * @param {ReportContent} content
 * @returns {readonly { showAll(): void }[]}
 */
function showTables({ view, iterationNote }) {
  const thresholds = thresholdsTable();
  const iterations = iterationsTable();
  const requests = requestsTable({ isLive: false });
  const classes = classesTable({ isLive: false });
  const groups = groupsTable();
  const metrics = metricsTable();
  const checks = checksTable();
  const phases = new PhasesView();
  const traced = tracedTable();
  const samples = new FailureSamples();
  samples.update(view.failureSamples);
  const failures = failuresTable(samples);
  const userErrors = userErrorsTable();
  const workers = finishedWorkersTable();
  thresholds.update(view.thresholds);
  iterations.update(iterationRows(view));
  requests.update(view.requests, view.requests.length === 0 ? null : totalLine(view));
  classes.update(classLines(view));
  groups.update(view.groups);
  metrics.update(view.metrics);
  checks.update(view.checks);
  phases.update(view);
  traced.update(view.tracedRequests);
  failures.update(view.failures);
  userErrors.update(view.userErrors);
  workers.update(view.live.workers);
  iterations.element.append(
    ...[iterationsSentence(view), iterationNote].filter((text) => text !== null)
      .map((text) => element("p", { class: "quiet table-note", text })),
  );
  byId("thresholds").replaceWith(thresholds.element);
  byId("iterations").replaceWith(iterations.element);
  const wide = [requests, classes, groups, metrics, checks, phases, traced, failures];
  for (const { element } of wide) element.classList.add("wide");
  byId("tables").append(...[...wide, userErrors].map(({ element }) => element));
  byId("workers").replaceWith(workers.element);
  return [thresholds, iterations, ...wide, userErrors, workers];
}

/** @param {readonly import("./report_text.js").Fact[]} facts */
function factElements(facts) {
  return facts.map(([name, value]) =>
    element("div", {}, [element("dt", { text: name }), element("dd", { text: value })])
  );
}

/** @param {RunCharts} charts */
function redrawOnThemeChange(charts) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.redraw());
}

/**
 * For printing, charts take the width of the paper and light colours, and tables show all rows.
 *
 * @param {RunCharts} charts
 * @param {readonly { showAll(): void }[]} tables
 */
function prepareForPrinting(charts, tables) {
  const setPrinting = (/** @type {boolean} */ printing) => {
    document.documentElement.classList.toggle("printing", printing);
    if (printing) { for (const table of tables) table.showAll(); }
    charts.resize();
    charts.redraw();
  };
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
}

show(JSON.parse(byId("data").textContent ?? ""));
