// @ts-check
/**
 * Formats numbers with three significant digits. The formats are those of `src/report/quantity.ts`,
 * which browsers cannot import; a property test checks that both agree.
 *
 * @module
 */

/** Shown in place of a missing number. */
export const NO_NUMBER = "-";

/**
 * A count: exact up to ten million.
 *
 * @param {number} count
 * @returns {string}
 */
export function formatCount(count) {
  return count < 1e7 ? formatExact(count) : scaled(count, ["", "K", "M", "G", "T", "P"]);
}

/**
 * A count with all its digits.
 *
 * @param {number} count
 * @returns {string}
 */
export function formatExact(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * A count with its noun: `1 user`, `2,000 users`.
 *
 * @param {number} count
 * @param {string} noun
 * @param {string} [plural]
 * @returns {string}
 */
export function formatAmount(count, noun, plural = `${noun}s`) {
  return `${formatExact(count)} ${count === 1 ? noun : plural}`;
}

/**
 * A rate without its unit.
 *
 * @param {number | null} rate
 * @returns {string}
 */
export function formatRate(rate) {
  if (rate === null) return NO_NUMBER;
  if (rate === 0) return "0";
  return rate < 999.95 ? rate.toFixed(rate < 9.995 ? 2 : 1) : formatCount(Math.round(rate));
}

/**
 * Any number: a whole one exactly up to ten million, another one with three digits.
 *
 * @param {number | null} value
 * @returns {string}
 */
export function formatNumber(value) {
  if (value === null) return NO_NUMBER;
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const sign = value < 0 ? "-" : "";
  if (size >= 1e18) return `${sign}${size.toExponential(2)}`;
  if (size >= 1e7) return `${sign}${formatCount(size)}`;
  if (Number.isInteger(size)) return `${sign}${formatExact(size)}`;
  if (size < 0.001) return `${sign}${size.toExponential(1)}`;
  return `${sign}${size < 999.5 ? threeDigits(size, 3) : formatExact(Math.round(size))}`;
}

/**
 * Milliseconds without the unit; from 1,000 seconds, seconds or hours with the unit.
 *
 * @param {number | null} ms
 * @returns {string}
 */
export function formatLatency(ms) {
  if (ms === null) return NO_NUMBER;
  if (ms === 0) return "0";
  if (Math.round(ms) >= 1e8) return `${Math.round(ms / 3_600_000)}h`;
  if (Math.round(ms) >= 1e6) return `${Math.round(ms / 1000)}s`;
  return threeDigits(ms, 3);
}

/**
 * Milliseconds with the unit.
 *
 * @param {number | null} ms
 * @returns {string}
 */
export function formatMilliseconds(ms) {
  const text = formatLatency(ms);
  return /\d$/.test(text) ? `${text} ms` : text;
}

/**
 * A time in milliseconds with its unit: `850 ms`, `11.0 s`, `1m30s`.
 *
 * @param {number} ms
 * @returns {string}
 */
export function formatAge(ms) {
  if (ms < 999.5) return `${formatLatency(ms)} ms`;
  if (ms < 59_950) return `${threeDigits(ms / 1000, 2)} s`;
  const whole = Math.round(ms / 1000);
  const parts = [[Math.floor(whole / 3600), "h"], [Math.floor(whole / 60) % 60, "m"], [
    whole % 60,
    "s",
  ]];
  return parts.filter(([count]) => count !== 0).map(([count, unit]) => `${count}${unit}`).join("");
}

/**
 * A figure that may be a lower bound.
 *
 * @param {string} text
 * @param {boolean} isLowerBound
 * @returns {string}
 */
export function formatBound(text, isLowerBound) {
  return isLowerBound ? `≥${text}` : text;
}

/** Explains a figure that is a lower bound. */
export const LOWER_BOUND_HINT =
  "A lower bound: requests without an answer are included with the time that they had waited.";

/**
 * A share of 0 to 1 as a percentage. Only exactly 0 and 1 become 0% and 100%.
 *
 * @param {number} share
 * @returns {string}
 */
export function formatShare(share) {
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent}%`;
  if (percent < 0.01) return "<0.01%";
  if (percent > 99.9) return ">99.9%";
  return `${percent.toFixed(percent < 9.995 ? 2 : 1)}%`;
}

/**
 * Bytes with a decimal unit: 1 KB is 1,000 bytes.
 *
 * @param {number} bytes
 * @returns {string}
 */
export function formatBytes(bytes) {
  return scaled(bytes, [" B", " KB", " MB", " GB", " TB", " PB"]);
}

/**
 * Seconds as a clock time: `0:07`, `1:05`, `1:01:05`.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function formatClock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/**
 * @param {number} value
 * @param {readonly string[]} units
 * @returns {string}
 */
function scaled(value, units) {
  let rest = value;
  let unit = 0;
  // A value that would be rounded up to 1000 becomes 1 of the next unit.
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(rest) : threeDigits(rest, 2)}${units[unit]}`;
}

/**
 * Three significant digits, or all digits before the decimal point.
 *
 * @param {number} value
 * @param {number} maxDecimals
 * @returns {string}
 */
function threeDigits(value, maxDecimals) {
  for (let decimals = maxDecimals; decimals > 0; decimals -= 1) {
    const text = value.toFixed(decimals);
    // Compared after rounding, so that 9.996 becomes 10.0 and not 10.00.
    if (Number(text) < 10 ** (3 - decimals)) return text;
  }
  return value.toFixed(0);
}
