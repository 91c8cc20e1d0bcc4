// @ts-check
/// <reference lib="dom" />
/**
 * The charts of a run, drawn by uPlot: one below the other on one time axis, with one cursor. Colours
 * come from the style sheet's variables whenever a chart is drawn, so both themes need nothing here.
 *
 * @module
 */

import { element, setText } from "./dom.js";
import { formatClock } from "./format.js";
import { axisNumber, chartColumns, RUN_CHARTS } from "./timeline.js";

/** @typedef {import("uplot")} Plot */
/** @typedef {typeof import("uplot")} PlotClass */
/** @typedef {import("./timeline.js").ChartSpec} ChartSpec */
/** @typedef {import("./timeline.js").Second} Second */

/**
 * A chart on the page.
 *
 * @typedef {object} Chart
 * @property {ChartSpec} spec
 * @property {Plot} plot
 * @property {HTMLElement[]} values What the legend says of each line.
 * @property {HTMLElement} summary
 */

/** Steps that a time axis may have, in seconds: what a clock's reader expects. */
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 14_400, 21_600, 43_200, 86_400],
];

/** Columns that an axis of values takes; the same for all, so that the charts' times align. */
const AXIS_WIDTH = 58;

/** A run that has just begun has this many seconds on its axis, not one that fills it. */
const LEAST_SECONDS = 10;

/** The charts of one run. */
export class RunCharts {
  /** What goes onto the page. */
  element = element("div", { class: "charts" });
  /** @type {readonly Second[]} */
  #timeline = [];
  /** @type {{ min: number, max: number } | null} */
  #zoom = null;
  /** @type {Chart[]} */
  #charts;
  #observer;
  #reset = element("button", { type: "button", class: "small", text: "Show the whole run" });
  #hint = element("p", { class: "quiet chart-hint" });

  /** @param {PlotClass} plotClass uPlot's constructor */
  constructor(plotClass) {
    const sync = plotClass.sync("run").key;
    this.#reset.hidden = true;
    this.#reset.addEventListener("click", () => this.#show(null));
    this.#charts = RUN_CHARTS.map((spec) => this.#add(plotClass, spec, sync));
    this.#hint.append(
      "Drag over a chart to enlarge a part of it; a chart that has the focus obeys the arrow keys. ",
      this.#reset,
    );
    this.element.append(this.#hint);
    this.#observer = new ResizeObserver(() => this.resize());
    this.#observer.observe(this.element);
  }

  /**
   * Shows the run's seconds, in ascending order.
   *
   * @param {readonly Second[]} timeline
   * @returns {void}
   */
  update(timeline) {
    this.#timeline = timeline;
    for (const { spec, plot, summary } of this.#charts) {
      plot.setData(chartColumns(spec, timeline), false);
      plot.setScale("x", this.#zoom ?? this.#whole());
      setText(summary, spec.describe(timeline));
    }
    this.#tellValues();
  }

  /** Draws everything anew, as when the colours have changed. */
  redraw() {
    for (const { plot } of this.#charts) plot.redraw(false);
  }

  /**
   * @param {PlotClass} plotClass
   * @param {ChartSpec} spec
   * @param {string} sync
   * @returns {Chart}
   */
  #add(plotClass, spec, sync) {
    const titleId = `chart-${spec.id}`;
    const values = spec.lines.map(() => element("span", { class: "legend-value" }));
    const legend = element(
      "ul",
      { class: "legend", "aria-hidden": "true" },
      spec.lines.map(({ label, color }, index) => {
        const mark = element("span", { class: `legend-mark ${color.slice("--".length)}` });
        const name = element("span", { class: "legend-name", text: label });
        return element("li", {}, [mark, name, values[index] ?? ""]);
      }),
    );
    const summary = element("p", { class: "unseen", id: `${titleId}-summary` });
    const canvas = element("div", {
      class: "plot",
      role: "img",
      tabindex: 0,
      "aria-labelledby": titleId,
      "aria-describedby": summary.id,
    });
    const title = element("h3", { id: titleId, text: spec.title });
    const head = element("div", { class: "chart-head" }, [title, legend]);
    this.element.append(
      element("figure", { class: "chart", id: `figure-${spec.id}` }, [head, canvas, summary]),
    );
    const bars = plotClass.paths.bars?.({ size: [0.8, 24, 1], align: -1 });
    const options = this.#options(spec, sync, canvas, bars);
    const plot = new plotClass(options, chartColumns(spec, []), canvas);
    canvas.addEventListener("keydown", (event) => this.#obey(plot, event));
    canvas.addEventListener("blur", () => {
      for (const chart of this.#charts) chart.plot.setCursor({ left: -10, top: -10 });
    });
    return { spec, plot, values, summary };
  }

  /**
   * @param {ChartSpec} spec
   * @param {string} sync
   * @param {HTMLElement} canvas
   * @param {import("uplot").Series.PathBuilder} [bars]
   * @returns {import("uplot").Options}
   */
  #options(spec, sync, canvas, bars) {
    const color = (/** @type {string} */ name) => () =>
      getComputedStyle(canvas).getPropertyValue(name);
    const axis = {
      stroke: color("--chart-text"),
      grid: { stroke: color("--chart-grid"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    return {
      width: 400,
      height: plotHeight(canvas),
      padding: [10, 22, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        sync: { key: sync, scales: ["x", null] },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
        bind: { dblclick: () => () => (this.#show(null), null) },
      },
      scales: {
        x: { time: false, auto: false, range: (_plot, min, max) => [min, max] },
        y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
      },
      axes: [
        {
          ...axis,
          size: 30,
          gap: 8,
          space: 64,
          incrs: TIME_STEPS,
          values: (_plot, splits) => splits.map(formatClock),
        },
        {
          ...axis,
          size: AXIS_WIDTH,
          gap: 6,
          space: 34,
          incrs: spec.axis === axisNumber ? wholeSteps() : undefined,
          values: (_plot, splits) => splits.map(spec.axis),
        },
      ],
      series: [
        {},
        ...spec.lines.map((line) => ({
          label: line.label,
          stroke: color(line.color),
          fill: line.style === "line" ? undefined : color(`${line.color}-area`),
          width: 1.5,
          paths: line.style === "bars" ? bars : undefined,
          points: { show: pointsShow, size: 5, fill: color(line.color) },
        })),
      ],
      hooks: {
        setCursor: [() => this.#tellValues()],
        setSelect: [(plot) => this.#select(plot)],
      },
    };
  }

  /** @param {Plot} plot */
  #select(plot) {
    const { left, width } = plot.select;
    // The other charts hear of a selection as well; the first is enough.
    if (width < 8) return;
    const min = Math.max(0, plot.posToVal(left, "x"));
    const max = plot.posToVal(left + width, "x");
    for (const chart of this.#charts) {
      chart.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    }
    if (max - min >= 1) this.#show({ min, max });
  }

  /** @param {{ min: number, max: number } | null} zoom */
  #show(zoom) {
    this.#zoom = zoom;
    this.#reset.hidden = zoom === null;
    for (const { plot } of this.#charts) plot.setScale("x", zoom ?? this.#whole());
  }

  #whole() {
    const last = this.#timeline.at(-1);
    return { min: 0, max: Math.max(LEAST_SECONDS, last === undefined ? 0 : last.second + 1) };
  }

  /** What the legends say: the values under the cursor, or else the last ones. */
  #tellValues() {
    for (const { spec, plot, values } of this.#charts) {
      const pointed = (plot.cursor.left ?? -1) >= 0 ? plot.cursor.idx : null;
      const second = this.#timeline[pointed ?? this.#timeline.length - 1];
      spec.lines.forEach(({ value, format }, index) => {
        const known = second === undefined ? null : value(second);
        const text = known === null ? "-" : format(known);
        const at = pointed === null || second === undefined
          ? ""
          : ` at ${formatClock(second.second + 1)}`;
        const target = values[index];
        if (target !== undefined) setText(target, index === 0 ? `${text}${at}` : text);
      });
    }
  }

  /**
   * @param {Plot} plot
   * @param {KeyboardEvent} event
   */
  #obey(plot, event) {
    if (event.key === "Escape") this.#show(null);
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -60, PageDown: 60 }[event.key];
    const { length } = this.#timeline;
    if (steps === undefined || length === 0) return;
    event.preventDefault();
    const pointed = (plot.cursor.left ?? -1) >= 0 ? plot.cursor.idx : null;
    const index = Math.min(length - 1, Math.max(0, (pointed ?? length) + steps));
    const second = this.#timeline[index];
    if (second === undefined) return;
    const left = Math.max(0, plot.valToPos(second.second + 1, "x"));
    for (const chart of this.#charts) chart.plot.setCursor({ left, top: 10 });
  }

  /** Draws everything as large as there is room for. */
  resize() {
    for (const { plot } of this.#charts) {
      const canvas = plot.root.parentElement;
      if (canvas === null || canvas.clientWidth === 0) continue;
      plot.setSize({ width: canvas.clientWidth, height: plotHeight(canvas) });
    }
  }
}

/**
 * @param {HTMLElement} canvas
 * @returns {number}
 */
function plotHeight(canvas) {
  return Number.parseInt(getComputedStyle(canvas).getPropertyValue("--plot-height")) || 180;
}

/**
 * A point that has no neighbour would be no line.
 *
 * @param {Plot} plot
 * @param {number} index
 * @returns {boolean}
 */
function pointsShow(plot, index) {
  const values = plot.data[index] ?? [];
  return values.length < 3;
}

/** Steps of an axis of counts: 1, 2, 5, 10 and so on, but no halves. */
function wholeSteps() {
  return Array.from({ length: 10 }, (_, power) => [1, 2, 2.5, 5].map((n) => n * 10 ** power))
    .flat().filter(Number.isInteger);
}
