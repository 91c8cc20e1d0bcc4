/**
 * Kinds of values that options take. Flags and environment variables give text; a configuration file
 * gives text, numbers, booleans or lists, which are read by the same rules.
 *
 * @module
 */

import { DURATION_FORMS, parseDuration } from "../core/duration.ts";

/** A value as a configuration file may give it. */
export type RawType = "text" | "number" | "boolean" | "list";

/** One kind of value. */
export interface ValueKind<Value> {
  /** What is accepted: `a whole number of 1 or more`. */
  readonly accepts: string;
  /** Which types a configuration file may write it in. */
  readonly types: readonly RawType[];
  /** How several flags of the same name go together; without it, the last one counts. */
  readonly join?: string;
  /** The value, or null where the text is none. */
  parse(text: string): Value | null;
}

/** Whether a value is text, a number, a boolean or a list of text; null where it is none of them. */
export function rawTypeOf(raw: unknown): RawType | null {
  if (typeof raw === "string") return "text";
  if (typeof raw === "number" || typeof raw === "boolean") return typeof raw as RawType;
  return Array.isArray(raw) && raw.every((item) => typeof item === "string") ? "list" : null;
}

/** A whole number between two bounds; without `max`, as large as can be counted exactly. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): ValueKind<number> {
  return {
    accepts: max === Number.MAX_SAFE_INTEGER
      ? `a whole number of ${min} or more`
      : `a whole number from ${min} to ${max}`,
    types: ["number"],
    parse(text) {
      const value = /^\d+$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : null;
    },
  };
}

/** A number over 0, fractions included. */
export const positiveNumber: ValueKind<number> = {
  accepts: "a number over 0",
  types: ["number"],
  parse(text) {
    const value = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : NaN;
    return value > 0 && Number.isFinite(value) ? value : null;
  },
};

/** Timers of the runtime count milliseconds in 31 bits, and a longer one would end at once. */
const LONGEST_DURATION_S = 24 * 86_400;

/** Seconds; with `orNone`, 0 as well. */
export function duration({ orNone }: { readonly orNone: boolean }): ValueKind<number> {
  return {
    accepts: `${orNone ? "0 or more" : "over 0"}, at most 24 days, as ${DURATION_FORMS}`,
    types: ["number", "text"],
    parse(text) {
      const seconds = parseDuration(text);
      if (seconds === null || seconds > LONGEST_DURATION_S) return null;
      return seconds > 0 || orNone ? seconds : null;
    },
  };
}

/** Any text that is not empty; `what` says what it is. */
export function text(what: string): ValueKind<string> {
  return { accepts: what, types: ["text"], parse: (text) => text.trim() === "" ? null : text };
}

/** Names, separated by commas. */
export const nameList: ValueKind<readonly string[]> = {
  accepts: "names separated by commas",
  types: ["text", "list"],
  join: ",",
  parse(text) {
    const names = text.split(",").map((name) => name.trim());
    return names.includes("") ? null : names;
  },
};

/** One of a few words, whatever the case of its letters. */
export function choice<Word extends string>(words: readonly Word[]): ValueKind<Word> {
  return {
    accepts: `one of ${words.join(", ")}`,
    types: ["text"],
    parse: (text) => words.find((word) => word.toLowerCase() === text.toLowerCase()) ?? null,
  };
}

const ON = ["true", "1", "yes"];
const OFF = ["false", "0", "no"];

/** On or off; the flag alone means on. */
export const toggle: ValueKind<boolean> = {
  accepts: "true or false (also 1 or 0, yes or no)",
  types: ["boolean"],
  parse(text) {
    const word = text.toLowerCase();
    if (ON.includes(word)) return true;
    return OFF.includes(word) ? false : null;
  },
};
