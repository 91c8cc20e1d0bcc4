// @ts-check
/// <reference lib="dom" />
/**
 * Draws the charts of a run with uPlot, one below the other, with a common time axis and cursor.
 * Colours are read from CSS variables at every draw, so themes need no code here.
 *
 * @module
 */

import { axisNumber, chartColumns, RUN_CHARTS } from "./chart_specs.js";
import { element, place, setText } from "./dom.js";
import { formatClock, NO_NUMBER } from "./format.js";
import { drawHeat, HeatColumns, rowOf, rowTicks } from "./heat_map.js";
import { axisEnd, boundLines, drawBounds, drawMarks, MarksList, marksOf } from "./marks.js";
import { ALL, historyKey, historySeconds, subjectGroups } from "./subjects.js";
import { chartedSeconds, standstillNote, standstills, stepNote } from "./timeline.js";

/** @typedef {import("uplot")} Plot */
/** @typedef {typeof import("uplot")} PlotClass */
/** @typedef {import("./chart_specs.js").ChartSpec} ChartSpec */
/** @typedef {import("./timeline.js").Second} Second */
/** @typedef {import("./timeline.js").Reading} Reading */

/**
 * What charts need of a run.
 *
 * @typedef {Pick<import("../live_view.ts").LiveView, "timeline" | "durationSeconds" | "pausedSeconds" | "live" | "histories" | "heatMap" | "thresholds" | "annotations" | "pauses">} ChartedView
 */

/**
 * A chart on the page.
 *
 * @typedef {object} Chart
 * @property {ChartSpec} spec
 * @property {Plot} plot
 * @property {HTMLElement} figure
 * @property {HTMLElement} title
 * @property {HTMLElement[]} labels The name of each line, in the legend.
 * @property {HTMLElement[]} values The current value of each line, in the legend.
 * @property {HTMLElement} summary
 * @property {ChartBounds} bounds
 */

/**
 * The bounds of thresholds that a chart has now.
 *
 * @typedef {{ lines: readonly import("./marks.js").BoundLine[] }} ChartBounds
 */

/** The tick intervals of a time axis, in seconds. */
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 14_400, 21_600, 43_200, 86_400],
];

/** In pixels; the same for all charts, so that their time axes align. */
const AXIS_WIDTH = 58;

/** Between the ticks of the heat map, in pixels. */
const MIN_TICK_DISTANCE = 34;

/** The time axis of a new run covers at least this much. */
const MIN_AXIS_SECONDS = 10;

/** The charts of one run. */
export class RunCharts {
  /** To be added to the page. */
  element = element("div", { class: "charts" });
  /** @type {readonly Second[]} */
  #timeline = [];
  #heat = new HeatColumns();
  /** @type {readonly import("./timeline.js").Standstill[]} */
  #standstills = [];
  /** @type {readonly import("./marks.js").Mark[]} */
  #marks = [];
  #marksList = new MarksList();
  /** @type {{ min: number, max: number } | null} */
  #zoom = null;
  /** @type {Chart[]} */
  #charts = [];
  /** @type {(isOpen: boolean) => void} */
  #addAll;
  #observer;
  #reset = element("button", { type: "button", class: "small", text: "Show the whole run" });
  #choice = new SubjectChoice(() => {
    if (this.#view !== null) this.update(this.#view);
  });
  /** @type {ChartedView | null} */
  #view = null;
  #note = element("p", { class: "chart-note", hidden: true });
  #stepNote = element("p", { class: "quiet chart-step", hidden: true });
  #hint = element("p", { class: "quiet chart-hint" });

  /** @param {PlotClass} plotClass uPlot's constructor */
  constructor(plotClass) {
    const sync = plotClass.sync("run").key;
    this.#reset.hidden = true;
    this.#reset.addEventListener("click", () => this.#zoomTo(null));
    this.element.append(
      this.#choice.element,
      this.#note,
      this.#stepNote,
      this.#marksList.element,
      this.#hint,
    );
    this.#addAll = (isOpen) => {
      const specs = RUN_CHARTS.filter((spec) => (spec.isOpen ?? false) === isOpen);
      this.#charts.push(...specs.map((spec) => this.#add(plotClass, spec, sync)));
    };
    this.#addAll(false);
    this.#hint.append(
      "Drag to zoom in. Use the arrow keys to move the cursor of a focused chart. ",
      this.#reset,
    );
    this.#observer = new ResizeObserver(() => this.resize());
    this.#observer.observe(this.element);
  }

  /**
   * Shows a run, or the part of it that the user has chosen.
   *
   * @param {ChartedView} view
   * @returns {void}
   */
  update(view) {
    const { live: { model }, histories } = view;
    if (model !== "closed" && !this.#charts.some(({ spec }) => spec.isOpen)) this.#addAll(true);
    this.#view = view;
    this.#choice.update(view);
    const history = histories.find((history) => historyKey(history) === this.#choice.key);
    /** @type {Reading} */
    const reading = history === undefined ? { kind: "run", stepSeconds: 1 } : history;
    const timeline = history === undefined ? chartedSeconds(view) : historySeconds(history, view);
    this.#timeline = timeline;
    this.#heat.update(view.heatMap, (view.timeline.at(-1)?.second ?? -1) + 1);
    this.#standstills = standstills(timeline);
    this.#marks = marksOf(view);
    this.#marksList.update(this.#marks);
    for (const { spec, bounds } of this.#charts) bounds.lines = boundLines(view, spec.id, history);
    this.#note.hidden = this.#standstills.length === 0;
    setText(this.#note, standstillNote(timeline));
    setText(this.#stepNote, stepNote(reading));
    this.#stepNote.hidden = reading.stepSeconds === 1;
    for (const chart of this.#charts) this.#show(chart, reading);
    this.#showValues();
  }

  /**
   * @param {Chart} chart
   * @param {Reading} reading
   */
  #show({ spec, plot, figure, title, labels, summary }, reading) {
    const wasHidden = figure.hidden;
    figure.hidden = !(spec.kinds?.includes(reading.kind) ?? true) ||
      !(spec.isUseful?.(this.#timeline, this.#heat) ?? true);
    if (figure.hidden) return;
    const isGroup = reading.kind === "group";
    setText(title, isGroup ? spec.groupTitle ?? spec.title : spec.title);
    spec.lines.forEach(({ label, groupLabel }, index) => {
      const target = labels[index];
      if (target !== undefined) setText(target, isGroup ? groupLabel ?? label : label);
    });
    plot.setData(chartColumns(spec, this.#timeline, this.#heat), false);
    plot.setScale("x", this.#zoom ?? this.#whole());
    setText(summary, spec.describe(this.#timeline, reading, this.#heat));
    if (wasHidden) fit(plot);
  }

  /** Shows the whole of another run. */
  startAnew() {
    this.#zoomTo(null);
  }

  /** Redraws all charts, after the colours have changed. */
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
    const labels = spec.lines.map(({ label }) =>
      element("span", { class: "legend-name", text: label })
    );
    const values = spec.lines.map(() => element("span", { class: "legend-value" }));
    const legend = element(
      "ul",
      { class: "legend", "aria-hidden": "true" },
      spec.lines.map(({ color }, index) => {
        const mark = element("span", { class: `legend-mark ${color.slice("--".length)}` });
        return element("li", {}, [mark, labels[index] ?? "", values[index] ?? ""]);
      }),
    );
    if (spec.isHeat) {
      const key = element("span", { class: "heat-key" });
      legend.append(element("li", { class: "legend-name" }, ["few ", key, " many"]));
    }
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
    const figure = element("figure", {
      class: spec.isHalf ? "chart half" : "chart",
      id: `figure-${spec.id}`,
    }, [
      head,
      canvas,
      summary,
    ]);
    this.#note.before(figure);
    const bars = plotClass.paths.bars?.({ size: [0.8, 24, 1], align: -1 });
    /** @type {ChartBounds} */
    const bounds = { lines: [] };
    const options = this.#options(spec, sync, canvas, bounds, bars);
    const plot = new plotClass(options, chartColumns(spec, [], this.#heat), canvas);
    canvas.addEventListener("keydown", (event) => this.#handleKey(plot, event));
    canvas.addEventListener("blur", () => {
      for (const chart of this.#charts) chart.plot.setCursor({ left: -10, top: -10 });
    });
    return { spec, plot, figure, title, labels, values, summary, bounds };
  }

  /**
   * @param {ChartSpec} spec
   * @param {string} sync
   * @param {HTMLElement} canvas
   * @param {ChartBounds} bounds
   * @param {import("uplot").Series.PathBuilder} [bars]
   * @returns {import("uplot").Options}
   */
  #options(spec, sync, canvas, bounds, bars) {
    const color = (/** @type {string} */ name) => () =>
      getComputedStyle(canvas).getPropertyValue(name);
    const axis = {
      stroke: color("--chart-text"),
      // It would hide cells.
      grid: { show: !spec.isHeat, stroke: color("--chart-grid"), width: 1 },
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
        bind: { dblclick: () => () => (this.#zoomTo(null), null) },
      },
      scales: {
        x: { time: false, auto: false, range: (_plot, min, max) => [min, max] },
        y: {
          range: (plot, _min, max) =>
            spec.isHeat ? this.#heatRange(plot) : [0, axisEnd(max ?? 0, bounds.lines)],
        },
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
          splits: spec.isHeat
            ? (plot, _axis, min, max) => rowTicks(min, max, plot.height / MIN_TICK_DISTANCE)
            : undefined,
          values: (_plot, splits) => splits.map(spec.axis),
        },
      ],
      series: [
        {},
        ...spec.lines.map((line) => ({
          label: line.label,
          stroke: color(line.color),
          fill: line.style === "area" || line.style === "bars"
            ? color(`${line.color}-area`)
            : undefined,
          width: line.band === undefined ? 1.5 : 1,
          paths: line.style === "bars" ? bars : undefined,
          points: { show: pointsShow, size: 5, fill: color(line.color) },
        })),
      ],
      bands: spec.lines.flatMap(({ band }, index) =>
        band === undefined ? [] : [{ series: [index + 1, index], fill: color(band) }]
      ),
      hooks: {
        drawClear: [
          (plot) => {
            if (spec.isHeat) drawHeat(plot, this.#heat, color("--heat")().trim().split(/\s+/));
            this.#shade(plot, color("--chart-standstill")());
          },
        ],
        draw: [
          (plot) => {
            const valueOf = (/** @type {string} */ name) => color(name)().trim();
            const { lines } = bounds;
            drawBounds(
              plot,
              spec.isHeat ? lines.map((line) => ({ ...line, value: rowOf(line.value) })) : lines,
              valueOf,
            );
            drawMarks(plot, this.#marks, valueOf);
          },
        ],
        setCursor: [() => this.#showValues()],
        setSelect: [(plot) => this.#select(plot)],
      },
    };
  }

  /**
   * Marks the times in which a load generator did not run, behind the lines.
   *
   * @param {Plot} plot
   * @param {string} color
   */
  #shade(plot, color) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = color;
    for (const { from, to } of this.#standstills) {
      const left = plot.valToPos(from, "x", true);
      // In a long run, a second is narrower than a pixel.
      const width = Math.max(2, plot.valToPos(to, "x", true) - left);
      ctx.fillRect(left, bbox.top, width, bbox.height);
    }
    ctx.restore();
  }

  /**
   * The vertical range of the heat map: that of the latencies in the times that are shown.
   *
   * @param {Plot} plot
   * @returns {[number, number]}
   */
  #heatRange(plot) {
    const { min, max } = plot.scales.x ?? {};
    return this.#heat.rowsBetween(min ?? 0, max ?? Infinity);
  }

  /** @param {Plot} plot */
  #select(plot) {
    const { left, width } = plot.select;
    // Synchronized charts report an empty selection.
    if (width < 8) return;
    const min = Math.max(0, plot.posToVal(left, "x"));
    const max = plot.posToVal(left + width, "x");
    for (const chart of this.#charts) {
      chart.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    }
    if (max - min >= 1) this.#zoomTo({ min, max });
  }

  /** @param {{ min: number, max: number } | null} zoom */
  #zoomTo(zoom) {
    this.#zoom = zoom;
    this.#reset.hidden = zoom === null;
    for (const { plot } of this.#charts) plot.setScale("x", zoom ?? this.#whole());
  }

  #whole() {
    const last = this.#timeline.at(-1);
    return { min: 0, max: Math.max(MIN_AXIS_SECONDS, last === undefined ? 0 : last.second + 1) };
  }

  /** Shows the values under the cursor, or the last ones, in the legends. */
  #showValues() {
    for (const { spec, plot, values } of this.#charts) {
      const hovered = (plot.cursor.left ?? -1) >= 0 ? plot.cursor.idx : null;
      const second = this.#timeline[hovered ?? this.#timeline.length - 1];
      spec.lines.forEach(({ value, format }, index) => {
        const current = second === undefined ? null : value(second, this.#heat);
        const text = current === null ? NO_NUMBER : format(current);
        const at = hovered === null || second === undefined
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
  #handleKey(plot, event) {
    if (event.key === "Escape") this.#zoomTo(null);
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -60, PageDown: 60 }[event.key];
    const { length } = this.#timeline;
    if (steps === undefined || length === 0) return;
    event.preventDefault();
    const hovered = (plot.cursor.left ?? -1) >= 0 ? plot.cursor.idx : null;
    const index = Math.min(length - 1, Math.max(0, (hovered ?? length) + steps));
    const second = this.#timeline[index];
    if (second === undefined) return;
    // Not all charts are equally wide.
    for (const { plot } of this.#charts) {
      plot.setCursor({ left: Math.max(0, plot.valToPos(second.second + 1, "x")), top: 10 });
    }
  }

  /** Fits all charts to the available width. */
  resize() {
    for (const { plot } of this.#charts) fit(plot);
  }
}

/** The choice of what charts show. Hidden if there is only one. */
class SubjectChoice {
  #select = element("select");
  /** What the list contains, to leave it alone while it is open. */
  #shown = "[]";
  element = element("label", { class: "chart-choice", hidden: true }, [
    element("span", { text: "Charts of" }),
    this.#select,
  ]);

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#select.addEventListener("change", onChange);
  }

  /** The key of the chosen subject. */
  get key() {
    return this.#select.value;
  }

  /** @param {ChartedView} view */
  update(view) {
    const groups = subjectGroups(view);
    this.element.hidden = groups.length === 0;
    const shown = JSON.stringify(groups);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const { key } = this;
    place(this.#select, [
      element("option", { value: ALL, text: "All requests" }),
      ...groups.map(({ title, subjects }) =>
        element(
          "optgroup",
          { label: title },
          subjects.map(({ key, text }) => element("option", { value: key, text })),
        )
      ),
    ]);
    // A name that is no longer among the busiest has no history.
    const isKnown = groups.some(({ subjects }) => subjects.some((subject) => subject.key === key));
    this.#select.value = isKnown ? key : ALL;
  }
}

/**
 * Fits a chart to the available width.
 *
 * @param {Plot} plot
 */
function fit(plot) {
  const canvas = plot.root.parentElement;
  if (canvas === null || canvas.clientWidth === 0) return;
  plot.setSize({ width: canvas.clientWidth, height: plotHeight(canvas) });
}

/**
 * @param {HTMLElement} canvas
 * @returns {number}
 */
function plotHeight(canvas) {
  return Number.parseInt(getComputedStyle(canvas).getPropertyValue("--plot-height")) || 180;
}

/**
 * Draws points while there are too few of them to form a visible line.
 *
 * @param {Plot} plot
 * @param {number} index
 * @returns {boolean}
 */
function pointsShow(plot, index) {
  const values = plot.data[index] ?? [];
  return values.length < 3;
}

/** The tick intervals of an axis of counts: whole numbers only. */
function wholeSteps() {
  return Array.from({ length: 10 }, (_, power) => [1, 2, 2.5, 5].map((n) => n * 10 ** power))
    .flat().filter(Number.isInteger);
}
