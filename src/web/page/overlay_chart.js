// @ts-check
/// <reference lib="dom" />
/**
 * A chart that shows several series over one axis: two runs over their time, or a figure of several runs.
 *
 * @module
 */

import { element, setText } from "./dom.js";
import { NO_NUMBER } from "./format.js";

/** @typedef {import("uplot")} Plot */
/** @typedef {typeof import("uplot")} PlotClass */

/**
 * @typedef {object} OverlaySeries
 * @property {string} label
 * @property {string} color The name of a CSS variable.
 * @property {"line" | "area"} [style]
 */

/**
 * @typedef {object} OverlaySpec
 * @property {string} id Unique on the page.
 * @property {string} title
 * @property {readonly OverlaySeries[]} series
 * @property {(value: number) => string} axis Formats a tick of the value axis.
 * @property {(value: number) => string} format Formats a value in the legend.
 * @property {(x: number) => string} xAxis Formats a tick of the horizontal axis.
 * @property {readonly number[]} xSteps The distances of its ticks.
 * @property {(x: number) => string} at Says where a value is, in the legend.
 * @property {string} [sync] Charts with the same key have a common cursor.
 * @property {boolean} [hasPoints] Whether each value is marked.
 * @property {(x: number) => void} [onChoose] Called when a value is clicked, or chosen with Enter.
 */

/** In pixels; the same for all charts, so that their axes align. */
const AXIS_WIDTH = 58;

/** A chart with its title and legend. */
export class OverlayChart {
  /** @type {OverlaySpec} */
  #spec;
  /** @type {Plot} */
  #plot;
  /** @type {[readonly number[], ...(readonly (number | null | undefined)[])[]]} */
  #columns;
  #canvas;
  #summary;
  #values;
  #observer;
  /** To be added to the page. */
  element;

  /**
   * @param {PlotClass} plotClass uPlot's constructor
   * @param {OverlaySpec} spec
   */
  constructor(plotClass, spec) {
    this.#spec = spec;
    this.#columns = /** @type {any} */ ([[], ...spec.series.map(() => [])]);
    const titleId = `chart-${spec.id}`;
    this.#values = spec.series.map(() => element("span", { class: "legend-value" }));
    const legend = element(
      "ul",
      { class: "legend", "aria-hidden": "true" },
      spec.series.map(({ color, label }, index) =>
        element("li", {}, [
          element("span", { class: `legend-mark ${color.slice("--".length)}` }),
          element("span", { class: "legend-name", text: label }),
          this.#values[index] ?? "",
        ])
      ),
    );
    this.#summary = element("p", { class: "unseen", id: `${titleId}-summary` });
    this.#canvas = element("div", {
      class: "plot",
      role: "img",
      tabindex: 0,
      "aria-labelledby": titleId,
      "aria-describedby": this.#summary.id,
    });
    this.element = element("figure", { class: "chart", id: `figure-${spec.id}` }, [
      element("div", { class: "chart-head" }, [
        element("h3", { id: titleId, text: spec.title }),
        legend,
      ]),
      this.#canvas,
      this.#summary,
    ]);
    this.#plot = new plotClass(this.#options(), /** @type {any} */ (this.#columns), this.#canvas);
    this.#canvas.addEventListener("keydown", (event) => this.#handleKey(event));
    this.#canvas.addEventListener("blur", () => this.#plot.setCursor({ left: -10, top: -10 }));
    this.#canvas.addEventListener("click", () => {
      const { idx } = this.#plot.cursor;
      if (typeof idx === "number") this.#choose(idx);
    });
    if (spec.onChoose !== undefined) this.#canvas.classList.add("choosable");
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.#canvas);
  }

  /**
   * Shows data.
   *
   * @param {[readonly number[], ...(readonly (number | null | undefined)[])[]]} columns The places, then the values
   * of each series. Null is a gap.
   * @param {{ min: number, max: number }} range Of the horizontal axis.
   * @param {string} summary In words.
   * @returns {void}
   */
  update(columns, range, summary) {
    this.#columns = columns;
    this.#plot.setData(/** @type {any} */ (columns), false);
    this.#plot.setScale("x", range);
    setText(this.#summary, summary);
    this.#showValues();
  }

  /** Redraws it, after the colours have changed. */
  redraw() {
    this.#plot.redraw(false);
  }

  /** Frees it. */
  destroy() {
    this.#observer.disconnect();
    this.#plot.destroy();
    this.element.remove();
  }

  /** @returns {import("uplot").Options} */
  #options() {
    const { series, axis, xAxis, xSteps, sync, hasPoints = false } = this.#spec;
    const color = (/** @type {string} */ name) => () =>
      getComputedStyle(this.#canvas).getPropertyValue(name);
    const shared = {
      stroke: color("--chart-text"),
      grid: { stroke: color("--chart-grid"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    return {
      width: 400,
      height: this.#height(),
      padding: [10, 22, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        ...(sync === undefined ? {} : { sync: { key: sync, scales: ["x", null] } }),
        drag: { x: false, y: false },
        points: { size: 7 },
      },
      scales: {
        x: { time: false, auto: false, range: (_plot, min, max) => [min, max] },
        y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
      },
      axes: [
        {
          ...shared,
          size: 30,
          gap: 8,
          // Dates need more than times.
          space: hasPoints ? 96 : 64,
          incrs: [...xSteps],
          values: (_plot, splits) => splits.map(xAxis),
        },
        {
          ...shared,
          size: AXIS_WIDTH,
          gap: 6,
          space: 34,
          values: (_plot, splits) => splits.map(axis),
        },
      ],
      series: [
        {},
        ...series.map((line) => ({
          label: line.label,
          stroke: color(line.color),
          fill: line.style === "area" ? color(`${line.color}-area`) : undefined,
          width: 1.5,
          points: {
            show: (/** @type {Plot} */ plot) => hasPoints || (plot.data[0]?.length ?? 0) < 3,
            size: 6,
            fill: color(line.color),
          },
        })),
      ],
      hooks: { setCursor: [() => this.#showValues()] },
    };
  }

  /** Shows the values under the cursor, or the last ones, in the legend. */
  #showValues() {
    const [places, ...columns] = this.#columns;
    const cursor = this.#plot?.cursor;
    const isHovered = (cursor?.left ?? -1) >= 0 && typeof cursor?.idx === "number";
    columns.forEach((column, index) => {
      const at = isHovered ? cursor?.idx ?? 0 : lastValue(column);
      const value = column[at] ?? null;
      const text = value === null ? NO_NUMBER : this.#spec.format(value);
      const place = places[at];
      const where = isHovered && index === 0 && place !== undefined
        ? ` ${this.#spec.at(place)}`
        : "";
      const target = this.#values[index];
      if (target !== undefined) setText(target, `${text}${where}`);
    });
  }

  /** @param {KeyboardEvent} event */
  #handleKey(event) {
    const places = this.#columns[0];
    const { length } = places;
    const { left = -1, idx } = this.#plot.cursor;
    const current = left >= 0 && typeof idx === "number" ? idx : null;
    if (event.key === "Enter" && current !== null) return this.#choose(current);
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -60, PageDown: 60 }[event.key];
    if (steps === undefined || length === 0) return;
    event.preventDefault();
    const at = Math.min(length - 1, Math.max(0, (current ?? length) + steps));
    const place = places[at] ?? 0;
    this.#plot.setCursor({ left: Math.max(0, this.#plot.valToPos(place, "x")), top: 10 });
  }

  /** @param {number} index */
  #choose(index) {
    const place = this.#columns[0][index];
    if (place !== undefined) this.#spec.onChoose?.(place);
  }

  #height() {
    return Number.parseInt(getComputedStyle(this.#canvas).getPropertyValue("--plot-height")) || 180;
  }

  #fit() {
    const { clientWidth } = this.#canvas;
    if (clientWidth > 0) this.#plot.setSize({ width: clientWidth, height: this.#height() });
  }
}

/**
 * The index of the last value of a column.
 *
 * @param {readonly (number | null | undefined)[]} column
 */
function lastValue(column) {
  return column.findLastIndex((value) => value !== null && value !== undefined);
}
