import type { MetricKind } from "./threshold_metric.ts";

/**
 * The number that a value stands for, in the unit of its kind: milliseconds, a share of 0 to 1, a number
 * a second, a number. Where it is none, what is needed, as the end of a sentence.
 *
 * ```ts
 * import { valueOf } from "./threshold_value.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(valueOf("0.5s", "time"), 500);
 * assert.equal(valueOf("1%", "share"), 0.01);
 * assert.equal(valueOf("200ms", "share"), "a share like 1% or 0.01 is needed");
 * ```
 */
export function valueOf(text: string, kind: MetricKind): number | string {
  const { units, most, needed } = KINDS[kind];
  const [, digits, unit = ""] = /^(\d+(?:\.\d*)?|\.\d+)\s*(\D*)$/.exec(text) ?? [];
  const factor = units.get(unit.toLowerCase());
  if (digits === undefined || factor === undefined) return needed;
  // Dividing is exact where multiplying by 0.01 or 0.001 is not.
  const value = factor < 1 ? Number(digits) / Math.round(1 / factor) : Number(digits) * factor;
  return value <= most ? value : needed;
}

interface Kind {
  /** What a number is multiplied by, for each unit; an empty one is none. */
  readonly units: ReadonlyMap<string, number>;
  readonly most: number;
  readonly needed: string;
}

const KINDS: Readonly<Record<MetricKind, Kind>> = {
  time: {
    units: new Map([
      ["", 1],
      ["ms", 1],
      ["s", 1000],
      ["m", 60_000],
      ["us", 0.001],
      // The micro sign and the Greek letter look the same.
      ["\u00b5s", 0.001],
      ["\u03bcs", 0.001],
    ]),
    most: Number.MAX_SAFE_INTEGER,
    needed: "a time like 200ms, 0.5s, 800us or 1m is needed",
  },
  share: {
    units: new Map([["", 1], ["%", 0.01]]),
    most: 1,
    needed: "a share like 1% or 0.01 is needed",
  },
  rate: {
    units: new Map([["", 1], ["/s", 1]]),
    most: Number.MAX_SAFE_INTEGER,
    needed: "a number a second, like 1000, is needed",
  },
  count: {
    units: new Map([["", 1]]),
    most: Number.MAX_SAFE_INTEGER,
    needed: "a number like 100 is needed",
  },
};
