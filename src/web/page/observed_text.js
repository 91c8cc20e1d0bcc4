// @ts-check
import { formatCount, formatMilliseconds, formatRate, formatShare } from "./format.js";

/** Metrics whose numbers are milliseconds. */
const TIMES = /^(p[\d.]+$|min$|max$|mean$|avg$|med|service_|start_delay_)/;

/**
 * What a threshold's expression was compared with, in the metric's unit: `120 ms`, `0.3%`, `412.0/s`.
 *
 * @param {string} expression
 * @param {number | null} observed
 * @returns {string}
 */
export function observedText(expression, observed) {
  if (observed === null) return "no sample";
  const metric = /^\s*([a-z0-9_.]+)/i.exec(expression)?.[1]?.toLowerCase() ?? "";
  if (TIMES.test(metric)) return formatMilliseconds(observed);
  if (metric === "rps" || metric === "rate") return `${formatRate(observed)}/s`;
  return /_rate$/.test(metric) ? formatShare(observed) : formatCount(observed);
}
