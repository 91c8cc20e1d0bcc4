// @ts-check
/// <reference lib="dom" />
/**
 * The comparison of two runs: charts of both on one time axis, and the tables of `aiotest compare`.
 *
 * @module
 */

import { axisMilliseconds, axisNumber } from "./chart_specs.js";
import { element } from "./dom.js";
import { formatAmount, formatClock, formatMilliseconds, formatRate } from "./format.js";
import { OverlayChart } from "./overlay_chart.js";
import { durationText, startText, titleOf } from "./runs_table.js";
import { chartedSeconds } from "./timeline.js";

/** @typedef {import("../comparison_view.ts").ComparisonView} ComparisonView */
/** @typedef {import("../comparison_view.ts").ComparedView} ComparedView */
/** @typedef {import("../comparison_view.ts").ComparedSecond} ComparedSecond */
/** @typedef {import("../../report/compare_report.ts").ComparisonTable} ComparisonTable */
/** @typedef {import("./overlay_chart.js").PlotClass} PlotClass */

/** The tick intervals of the time axis, in seconds. */
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 14_400, 21_600, 43_200, 86_400],
];

/** The colours of both runs. */
const COLORS = { a: "--series-users", b: "--series-p95" };

/**
 * @typedef {object} ComparedChart
 * @property {string} id
 * @property {string} title
 * @property {(second: ComparedSecond) => number | null} value
 * @property {(value: number) => string} format
 * @property {(value: number) => string} axis
 */

/** @type {readonly ComparedChart[]} */
export const COMPARED_CHARTS = [
  {
    id: "compared-rate",
    title: "Requests per second",
    value: ({ requests }) => requests,
    format: (value) => `${formatRate(value)}/s`,
    axis: axisNumber,
  },
  latencyChart("p50", "Median response time"),
  latencyChart("p95", "95th percentile of response times"),
  latencyChart("p99", "99th percentile of response times"),
  {
    id: "compared-failures",
    title: "Failures per second",
    value: ({ failures }) => failures,
    format: (value) => `${formatRate(value)}/s`,
    axis: axisNumber,
  },
  {
    id: "compared-users",
    title: "Users",
    value: ({ users }) => users,
    format: (value) => formatAmount(value, "user"),
    axis: axisNumber,
  },
];

/**
 * @param {"p50" | "p95" | "p99"} figure
 * @param {string} title
 * @returns {ComparedChart}
 */
function latencyChart(figure, title) {
  return {
    id: `compared-${figure}`,
    title,
    value: (second) => second[figure],
    format: formatMilliseconds,
    axis: axisMilliseconds,
  };
}

/** The view of one comparison. */
export class ComparisonPage {
  /** @type {OverlayChart[]} */
  #charts;
  /** To be added to the page. */
  element;

  /**
   * @param {PlotClass} plotClass uPlot's constructor
   * @param {ComparisonView} view
   * @param {{ a: string, b: string }} ids
   */
  constructor(plotClass, view, ids) {
    this.#charts = COMPARED_CHARTS.map((spec) => comparedChart(plotClass, spec, view));
    const { verdict, notes } = view;
    const tone = verdict.word.tone === "bad" ? "bad" : "good";
    this.element = element("div", { class: "comparison" }, [
      element("section", { class: "card part", "aria-labelledby": "comparison-title" }, [
        element("h2", { id: "comparison-title", tabindex: -1, text: "Comparison of two runs" }),
        element("p", { class: "comparison-verdict" }, [
          element("span", { class: `badge ${tone}`, text: verdict.word.text }),
          element("span", { text: ` ${capitalized(verdict.reasons)}.` }),
        ]),
        element("div", { class: "compared-runs" }, [
          comparedRun("A", view.a, ids.a),
          comparedRun("B", view.b, ids.b),
        ]),
        element("p", { class: "quiet comparison-help" }, [
          "A is the baseline. ",
          element("a", { href: `#compare/${ids.b}/${ids.a}`, text: "Swap A and B" }),
        ]),
        ...(notes.length === 0 ? [] : [
          element("ul", { class: "notes" }, notes.map((text) => element("li", { text }))),
        ]),
      ]),
      element("section", { class: "card charts-card", "aria-labelledby": "comparison-charts" }, [
        element("h2", { id: "comparison-charts", class: "unseen", text: "Charts of both runs" }),
        element(
          "div",
          { class: "overlay-charts" },
          this.#charts.map(({ element }) => element),
        ),
      ]),
      ...view.tables.map(comparedTable),
    ]);
  }

  /** Redraws the charts, after the colours have changed. */
  redraw() {
    for (const chart of this.#charts) chart.redraw();
  }

  /** Frees the charts. */
  destroy() {
    for (const chart of this.#charts) chart.destroy();
    this.element.remove();
  }
}

/**
 * @param {"A" | "B"} letter
 * @param {ComparedView} view
 * @param {string} id
 */
function comparedRun(letter, { head }, id) {
  const facts = [
    startText({ id, startedAt: head.startedAt }),
    durationText(head.durationSeconds),
    `up to ${formatAmount(head.peakUsers, "user")}`,
    ...Object.entries(head.labels).map(([key, value]) => `${key}=${value}`),
  ];
  const mark = letter === "A" ? COLORS.a : COLORS.b;
  return element("div", { class: "compared-run" }, [
    element("span", { class: `run-letter ${mark.slice("--".length)}`, text: letter }),
    element("div", {}, [
      element("a", {
        href: `api/runs/${id}/report`,
        target: "_blank",
        rel: "noopener",
        text: titleOf({ ...head, id, verdict: "passed", problem: null }),
      }),
      element("p", { class: "quiet", text: facts.join(", ") }),
    ]),
  ]);
}

/**
 * @param {PlotClass} plotClass
 * @param {ComparedChart} spec
 * @param {ComparisonView} view
 */
function comparedChart(plotClass, { id, title, value, format, axis }, view) {
  const chart = new OverlayChart(plotClass, {
    ...{ id, title, format, axis },
    series: [{ label: "A", color: COLORS.a }, { label: "B", color: COLORS.b }],
    xAxis: formatClock,
    xSteps: TIME_STEPS,
    at: (second) => `at ${formatClock(second)}`,
    sync: "compared",
  });
  const columns = comparedColumns(view, value);
  const last = Math.max(10, columns[0].at(-1) ?? 0);
  chart.update(columns, { min: 0, max: last }, describe(columns, format));
  return chart;
}

/**
 * The data of one chart: the ends of all seconds of both runs, counted from their starts, and the values of A and
 * of B. Undefined is a second that only the other run has, null one without a value.
 *
 * @param {Pick<ComparisonView, "a" | "b">} view
 * @param {ComparedChart["value"]} value
 * @returns {[number[], ...(number | null | undefined)[][]]}
 */
export function comparedColumns({ a, b }, value) {
  const runs = [a, b].map((view) =>
    new Map(secondsOf(view).map((second) => [second.second + 1, value(second)]))
  );
  const places = [...new Set(runs.flatMap((run) => [...run.keys()]))].sort((x, y) => x - y);
  return [places, ...runs.map((run) => places.map((place) => run.get(place)))];
}

/**
 * @param {ComparedView} view
 * @returns {readonly ComparedSecond[]}
 */
function secondsOf({ timeline, elapsedSeconds, pausedSeconds, head: { durationSeconds } }) {
  // Only the state, and how long the run took, are needed of a live view.
  const live = /** @type {import("../live_view.ts").LiveState} */ ({
    state: "stopped",
    elapsedSeconds,
  });
  const seconds = /** @type {import("./timeline.js").Second[]} */ (timeline);
  return chartedSeconds({ timeline: seconds, durationSeconds, pausedSeconds, live });
}

/**
 * @param {[number[], ...(number | null | undefined)[][]]} columns
 * @param {(value: number) => string} format
 */
function describe([, ...runs], format) {
  return ["A", "B"].map((letter, index) => {
    const values = (runs[index] ?? []).filter((value) => typeof value === "number");
    if (values.length === 0) return `${letter} has no values.`;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const most = values.reduce((most, value) => Math.max(most, value), 0);
    return `${letter}: ${format(round(mean))} on average, at most ${format(round(most))}.`;
  }).join(" ");
}

/** @param {number} value */
function round(value) {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

const JUDGED_COLUMNS = ["Figure", "A", "B", "Change", "Interval", "Finding"];
const PLAIN_COLUMNS = ["Name", "A", "B", "Change"];

/**
 * A table as `aiotest compare` prints it.
 *
 * @param {ComparisonTable} table
 * @param {number} index
 */
function comparedTable({ title, isJudged, parts }, index) {
  const id = `compared-table-${index}`;
  const titles = isJudged ? JUDGED_COLUMNS : PLAIN_COLUMNS;
  const kindOf = (/** @type {number} */ at) => at === 0 || at > 3 ? "label" : "number";
  const head = element(
    "tr",
    {},
    titles.map((text, at) => element("th", { scope: "col", class: kindOf(at), text })),
  );
  const bodies = parts.map((part) =>
    element("tbody", {}, [
      ...(part.title === "" ? [] : [
        element("tr", { class: "part-title" }, [
          element("th", { scope: "rowgroup", colspan: titles.length, text: part.title }),
        ]),
      ]),
      ...part.rows.map((cells) =>
        element(
          "tr",
          {},
          cells.map(({ text, tone }, at) =>
            element(at === 0 ? "th" : "td", {
              class: [kindOf(at), ...toneClass(tone)].join(" "),
              ...(at === 0 ? { scope: "row" } : {}),
              text: text.trim(),
            })
          ),
        )
      ),
    ])
  );
  return element("section", { class: "card table-card", "aria-labelledby": id }, [
    element("div", { class: "table-head" }, [element("h2", { id, text: title })]),
    element(
      "div",
      { class: "table-scroll", role: "region", tabindex: 0, "aria-labelledby": id },
      [element("table", { class: "compared-table", "aria-labelledby": id }, [
        element("thead", {}, [head]),
        ...bodies,
      ])],
    ),
  ]);
}

/**
 * @param {string} tone
 * @returns {string[]}
 */
function toneClass(tone) {
  return ["good", "bad", "warning", "quiet"].includes(tone) ? [tone] : [];
}

/** @param {string} text */
function capitalized(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
