// @ts-check
/// <reference lib="dom" />
/**
 * The page of a report: shows what lies in it as data.
 *
 * @module
 */

import uPlot from "uplot";
import { RunCharts } from "../page/charts.js";
import { element, setAttribute } from "../page/dom.js";
import { byId } from "../page/page_parts.js";
import {
  failuresTable,
  finishedWorkersTable,
  requestsTable,
  thresholdsTable,
  totalLine,
  userErrorsTable,
} from "../page/tables.js";
import { tiles } from "../page/tiles.js";
import { TilesView } from "../page/tiles_view.js";
import { latencyChart } from "./latency_chart.js";
import { iterationRows, iterationsTable } from "./report_tables.js";
import {
  iterationsSentence,
  machineFacts,
  runFacts,
  titleOf,
  verdictSentence,
} from "./report_words.js";

/** @typedef {import("../report_content.ts").ReportContent} ReportContent */

/**
 * @param {ReportContent} content
 * @returns {void}
 */
function show(content) {
  const { view, facts, breakingPoint, distribution } = content;
  document.title = titleOf(content);
  showVerdict(content);
  new TilesView(byId("tiles")).update(tiles(view));
  byId("run-facts").append(...factElements(runFacts(content)));
  byId("machine-facts").append(...factElements(machineFacts(content)));
  byId("option-facts").append(
    ...factElements(facts.options.map(({ flag, value }) => [flag, value])),
  );
  byId("no-options").hidden = facts.options.length > 0;
  byId("warnings").hidden = view.warnings.length === 0;
  byId("warning-list").append(...view.warnings.map((text) => element("li", { text })));
  byId("breaking").hidden = breakingPoint === null;
  byId("breaking-text").textContent = breakingPoint;
  byId("distribution").hidden = distribution.length === 0;
  byId("distribution-bars").append(latencyChart(distribution));
  const charts = new RunCharts(uPlot);
  byId("charts").append(charts.element);
  charts.update(view.timeline);
  const tables = showTables(content);
  watchTheme(charts);
  watchPrinting(charts, tables);
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
  const passes = iterationsTable();
  const requests = requestsTable();
  const failures = failuresTable();
  const userErrors = userErrorsTable();
  const workers = finishedWorkersTable();
  thresholds.update(view.thresholds);
  passes.update(iterationRows(view));
  requests.update(view.requests, view.requests.length === 0 ? null : totalLine(view.totals));
  failures.update(view.failures);
  userErrors.update(view.userErrors);
  workers.update(view.workers);
  passes.element.append(
    ...[iterationsSentence(view), iterationNote].filter((text) => text !== null)
      .map((text) => element("p", { class: "quiet table-note", text })),
  );
  byId("thresholds").replaceWith(thresholds.element);
  byId("passes").replaceWith(passes.element);
  requests.element.classList.add("wide");
  byId("tables").append(requests.element, failures.element, userErrors.element);
  byId("workers").replaceWith(workers.element);
  return [thresholds, passes, requests, failures, userErrors, workers];
}

/** @param {readonly import("./report_words.js").Fact[]} facts */
function factElements(facts) {
  return facts.map(([name, value]) =>
    element("div", {}, [element("dt", { text: name }), element("dd", { text: value })])
  );
}

/** @param {RunCharts} charts */
function watchTheme(charts) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.redraw());
}

/**
 * On paper, charts are as wide as it is and have light colours, and tables have all rows.
 *
 * @param {RunCharts} charts
 * @param {readonly { showAll(): void }[]} tables
 */
function watchPrinting(charts, tables) {
  const print = (/** @type {boolean} */ begins) => {
    document.documentElement.classList.toggle("printing", begins);
    if (begins) { for (const table of tables) table.showAll(); }
    charts.resize();
    charts.redraw();
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}

show(JSON.parse(byId("data").textContent ?? ""));
