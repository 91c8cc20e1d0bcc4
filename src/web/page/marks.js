// @ts-check
/// <reference lib="dom" />
/**
 * What is marked in charts: what happened and when, and the bounds of thresholds.
 *
 * @module
 */

import { element, setAttribute, setText } from "./dom.js";
import { formatClock } from "./format.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../../stats/snapshot.ts").History} History */

/**
 * A moment or a time of the run.
 *
 * @typedef {object} Mark
 * @property {LiveView["annotations"][number]["kind"] | "pause"} kind
 * @property {number} from In seconds of the run.
 * @property {number | null} to The end of a time; null for a moment.
 * @property {string} text
 */

/**
 * What happened, in order.
 *
 * @param {Pick<LiveView, "annotations" | "pauses" | "live">} view
 * @returns {readonly Mark[]}
 */
export function marksOf({ annotations, pauses, live }) {
  return [
    ...annotations.map(({ kind, atSeconds, text, node }) => ({
      kind,
      from: atSeconds,
      to: null,
      text: node === null || node === "local" ? text : `${text} (${node})`,
    })),
    ...pauses.map(({ from, to }) => ({
      kind: /** @type {const} */ ("pause"),
      from,
      to: to ?? live.elapsedSeconds,
      text: to === null ? "Paused since then" : `Paused until ${formatClock(to)}`,
    })),
  ].sort((a, b) => a.from - b.from);
}

/**
 * The bound of a threshold in a chart.
 *
 * @typedef {object} BoundLine
 * @property {number} value
 * @property {string} text
 * @property {boolean} passed
 */

/**
 * The bounds that a chart of the run or of a part of it has.
 *
 * @param {Pick<LiveView, "thresholds" | "histories">} view
 * @param {string} chart Its id.
 * @param {History | undefined} history Undefined for the run.
 * @returns {readonly BoundLine[]}
 */
export function boundLines({ thresholds, histories }, chart, history) {
  const isSplit = histories.some(({ kind }) => kind === "class");
  return thresholds.flatMap(({ expression, passed, line }) => {
    if (line === null || !line.charts.includes(chart)) return [];
    // The only class of a run is the run.
    const kind = line.kind === "class" && !isSplit ? "run" : line.kind;
    const isShown = history === undefined ? kind === "run" : kind === history.kind &&
      (line.subject === history.name || line.subject === `${history.method} ${history.name}`);
    return isShown ? [{ value: line.value, text: expression, passed: passed ?? true }] : [];
  });
}

/**
 * How many pixels of a canvas are one of the page: in reports more than on the screen, for paper.
 *
 * @param {import("uplot")} plot
 * @returns {number}
 */
function pixelRatio({ ctx, width }) {
  return ctx.canvas.width / width;
}

/** A bound that is so much higher than all values is not part of the axis, which it would flatten. */
const FARTHEST = 2.5;

/**
 * The end of an axis that starts at 0.
 *
 * @param {number} highest The highest value.
 * @param {readonly BoundLine[]} lines
 * @returns {number}
 */
export function axisEnd(highest, lines) {
  const near = lines.filter(({ value }) => value <= highest * FARTHEST).map(({ value }) => value);
  const most = Math.max(highest, ...near);
  return most > 0 ? most * 1.08 : 1;
}

/**
 * Draws the bounds of thresholds.
 *
 * @param {import("uplot")} plot
 * @param {readonly BoundLine[]} lines Their values are those of the axis.
 * @param {(name: string) => string} color The value of a CSS variable.
 * @returns {void}
 */
export function drawBounds(plot, lines, color) {
  const { ctx, bbox } = plot;
  const scale = pixelRatio(plot);
  ctx.save();
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  ctx.lineWidth = scale;
  ctx.setLineDash([5 * scale, 4 * scale]);
  const { min, max } = plot.scales.y ?? {};
  let above = 0;
  for (const { value, text, passed } of lines) {
    ctx.strokeStyle = ctx.fillStyle = color(passed ? "--good" : "--bad");
    if (value > (max ?? 0)) {
      above += 1;
      ctx.textBaseline = "top";
      const top = bbox.top + (2 + 13 * (above - 1)) * scale;
      outlined(ctx, `↑ ${text}`, bbox.left + bbox.width - 4 * scale, top, color);
      continue;
    }
    if (value < (min ?? 0)) continue;
    const y = Math.round(plot.valToPos(value, "y", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.textBaseline = "bottom";
    outlined(ctx, text, bbox.left + bbox.width - 4 * scale, y - 2 * scale, color);
  }
  ctx.restore();
}

/**
 * Writes a text that is legible on whatever is behind it.
 *
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {(name: string) => string} color
 */
function outlined(ctx, text, x, y, color) {
  const { strokeStyle, lineWidth } = ctx;
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineJoin = "round";
  ctx.strokeStyle = color("--surface");
  ctx.lineWidth = 3 * lineWidth;
  ctx.strokeText(text, x, y);
  ctx.restore();
  ctx.strokeStyle = strokeStyle;
  ctx.fillText(text, x, y);
}

/** Numbers of marks need this much space, in pixels. */
const NUMBER_WIDTH = 16;

/**
 * Draws marks: times are shaded, and moments are lines with the number that they have in the list.
 *
 * @param {import("uplot")} plot
 * @param {readonly Mark[]} marks
 * @param {(name: string) => string} color The value of a CSS variable.
 * @returns {void}
 */
export function drawMarks(plot, marks, color) {
  const { ctx, bbox } = plot;
  const scale = pixelRatio(plot);
  const { min, max } = plot.scales.x ?? {};
  let free = -Infinity;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, 0, bbox.width + NUMBER_WIDTH * scale, bbox.top + bbox.height);
  ctx.clip();
  ctx.font = `600 ${10 * scale}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  marks.forEach(({ kind, from, to }, index) => {
    if ((to ?? from) < (min ?? 0) || from > (max ?? 0)) return;
    const left = Math.round(plot.valToPos(from, "x", true));
    const mark = color(kind === "threshold" || kind === "worker" ? "--bad" : "--accent");
    if (to !== null) {
      ctx.fillStyle = color("--chart-pause");
      const right = Math.max(left + 2, plot.valToPos(to, "x", true));
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    } else {
      ctx.strokeStyle = mark;
      ctx.lineWidth = scale;
      ctx.setLineDash([3 * scale, 3 * scale]);
      ctx.beginPath();
      ctx.moveTo(left + 0.5, bbox.top);
      ctx.lineTo(left + 0.5, bbox.top + bbox.height);
      ctx.stroke();
    }
    if (left < free) return;
    free = left + NUMBER_WIDTH * scale;
    ctx.fillStyle = mark;
    const size = 7 * scale;
    ctx.beginPath();
    ctx.arc(left, bbox.top, size, 0, 2 * Math.PI);
    ctx.fill();
    ctx.fillStyle = color("--surface");
    ctx.fillText(String(index + 1), left, bbox.top + 0.5 * scale);
  });
  ctx.restore();
}

/** The list of marks below the charts. Hidden if there are none. */
export class MarksList {
  #list = element("ol", {
    class: "marks",
    tabindex: 0,
    "aria-label": "What happened during the run",
  });
  /** To be added to the page. */
  element = this.#list;

  constructor() {
    this.#list.hidden = true;
  }

  /**
   * @param {readonly Mark[]} marks
   * @returns {void}
   */
  update(marks) {
    this.#list.hidden = marks.length === 0;
    while (this.#list.children.length > marks.length) this.#list.lastElementChild?.remove();
    marks.forEach(({ kind, from, text }, index) => {
      const item = this.#list.children[index] ?? this.#add(index);
      const [number, time, label] = item.children;
      setAttribute(item, "class", `mark-${kind}`);
      if (number !== undefined) setText(number, String(index + 1));
      if (time !== undefined) setText(time, formatClock(from));
      if (label !== undefined) setText(label, text);
    });
  }

  /** @param {number} index */
  #add(index) {
    const item = element("li", {}, [
      element("span", { class: "mark-number", text: index + 1, "aria-hidden": "true" }),
      element("span", { class: "mark-time" }),
      element("span", { class: "mark-text" }),
    ]);
    this.#list.append(item);
    return item;
  }
}
