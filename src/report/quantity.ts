/**
 * Numbers as people read them: three digits that matter, and never so long that a table could not
 * hold them.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";

/** What stands where there is no number. */
const NONE = "-";

/**
 * How many there were: exactly, up to ten million.
 */
export function formatCount(count: number): string {
  return count < 1e7 ? formatExact(count) : scaled(count, ["", "K", "M", "G", "T", "P"]);
}

/** How many there were, exactly, however long that is. */
export function formatExact(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** How many of something there were, exactly: `1 user`, `2,000 users`. */
export function formatAmount(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatExact(count)} ${count === 1 ? noun : plural}`;
}

/**
 * A rate, without its unit.
 */
export function formatRate(rate: number | null): string {
  if (rate === null) return NONE;
  if (rate === 0) return "0";
  return rate < 999.95 ? rate.toFixed(rate < 9.995 ? 2 : 1) : formatCount(Math.round(rate));
}

/**
 * Milliseconds without their unit; from 1,000 seconds on as seconds or hours, with it.
 */
export function formatLatency(ms: number | null): string {
  if (ms === null) return NONE;
  if (ms === 0) return "0";
  if (Math.round(ms) >= 1e8) return `${Math.round(ms / 3_600_000)}h`;
  if (Math.round(ms) >= 1e6) return `${Math.round(ms / 1000)}s`;
  return threeDigits(ms, 3);
}

/**
 * A share of 0 to 1 as a percentage; only none is 0%, and only all is 100%.
 */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent}%`;
  if (percent < 0.01) return "<0.01%";
  if (percent > 99.9) return ">99.9%";
  return `${percent.toFixed(percent < 9.995 ? 2 : 1)}%`;
}

/**
 * Bytes; 1 KB is 1,000 of them.
 */
export function formatBytes(bytes: number): string {
  return scaled(bytes, [" B", " KB", " MB", " GB", " TB", " PB"]);
}

/**
 * Seconds that something took, with a tenth of a second as long as that is worth reading.
 */
export function formatElapsed(seconds: number): string {
  return seconds < 59.95 ? `${seconds.toFixed(1)}s` : formatDuration(Math.round(seconds));
}

function scaled(value: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  // What would be rounded up to 1000 is 1 of the next unit.
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? rest : threeDigits(rest, 2)}${units[unit]}`;
}

/** At least three digits, and no more behind the point than three digits need. */
function threeDigits(value: number, maxDecimals: number): string {
  for (let decimals = maxDecimals; decimals > 0; decimals -= 1) {
    const text = value.toFixed(decimals);
    // Judged after rounding, so that 9.996 is 10.0 and not 10.00.
    if (Number(text) < 10 ** (3 - decimals)) return text;
  }
  return value.toFixed(0);
}
