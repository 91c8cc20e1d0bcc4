/**
 * Numbers for people: with three significant digits, and short enough for a column of a table.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";

/** The text for unknown values. */
const NONE = "-";

/** A count, exact up to ten million. */
export function formatCount(count: number): string {
  return count < 1e7 ? formatExact(count) : scaled(count, ["", "K", "M", "G", "T", "P"]);
}

/** An exact count with commas between thousands. */
export function formatExact(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** An exact count with a noun: `1 user`, `2,000 users`. */
export function formatAmount(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatExact(count)} ${count === 1 ? noun : plural}`;
}

/** Any number: a whole one exactly up to ten million, another one with three digits. */
export function formatNumber(value: number | null): string {
  if (value === null) return NONE;
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const sign = value < 0 ? "-" : "";
  if (size >= 1e7) return `${sign}${largeText(size)}`;
  if (Number.isInteger(size)) return `${sign}${formatExact(size)}`;
  if (size < 0.001) return `${sign}${size.toExponential(1)}`;
  return `${sign}${size < 999.5 ? threeDigits(size, 3) : formatExact(Math.round(size))}`;
}

function largeText(size: number): string {
  return size < 1e18 ? scaled(size, ["", "K", "M", "G", "T", "P"]) : size.toExponential(2);
}

/** A rate, without its unit. */
export function formatRate(rate: number | null): string {
  if (rate === null) return NONE;
  if (rate === 0) return "0";
  return rate < 999.95 ? rate.toFixed(rate < 9.995 ? 2 : 1) : formatCount(Math.round(rate));
}

/** Milliseconds without their unit; from 1,000 seconds, seconds or hours with their unit. */
export function formatLatency(ms: number | null): string {
  if (ms === null) return NONE;
  if (ms === 0) return "0";
  if (Math.round(ms) >= 1e8) return `${Math.round(ms / 3_600_000)}h`;
  if (Math.round(ms) >= 1e6) return `${Math.round(ms / 1000)}s`;
  return threeDigits(ms, 3);
}

/** A time in milliseconds with its unit: `850 ms`, `11.0 s`, `1m30s`. */
export function formatAge(ms: number): string {
  if (ms < 999.5) return `${formatLatency(ms)} ms`;
  return ms < 59_950 ? `${threeDigits(ms / 1000, 2)} s` : formatDuration(Math.round(ms / 1000));
}

/** A figure that may be a lower bound. */
export function formatBound(text: string, isLowerBound: boolean): string {
  return isLowerBound ? `≥${text}` : text;
}

/** A share, 0 to 1, as a percentage. Only 0 is 0%, and only 1 is 100%. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent}%`;
  if (percent < 0.01) return "<0.01%";
  if (percent > 99.9) return ">99.9%";
  return `${percent.toFixed(percent < 9.995 ? 2 : 1)}%`;
}

/** A number of bytes; 1 KB is 1,000 bytes. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, [" B", " KB", " MB", " GB", " TB", " PB"]);
}

/** Elapsed seconds, with tenths below one minute. */
export function formatElapsed(seconds: number): string {
  return seconds < 59.95 ? `${seconds.toFixed(1)}s` : formatDuration(Math.round(seconds));
}

function scaled(value: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  // What would be rounded to 1000 becomes 1 of the next unit.
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? rest : threeDigits(rest, 2)}${units[unit]}`;
}

/** At least three digits, with no more decimals than that takes. */
function threeDigits(value: number, maxDecimals: number): string {
  for (let decimals = maxDecimals; decimals > 0; decimals -= 1) {
    const text = value.toFixed(decimals);
    // Compared after rounding, so that 9.996 becomes 10.0 and not 10.00.
    if (Number(text) < 10 ** (3 - decimals)) return text;
  }
  return value.toFixed(0);
}
