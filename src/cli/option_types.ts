/**
 * Kinds of values that options take. Flags and environment variables give text; a configuration file
 * gives text, numbers, booleans or lists, which are read by the same rules.
 *
 * @module
 */

import { DURATION_FORMS, parseDuration } from "../core/duration.ts";

/** A value as a configuration file may give it. */
export type RawType = "text" | "number" | "boolean" | "list" | "numbers";

/** One kind of value. */
export interface OptionType<Value> {
  /** What is accepted, to end a message: `a whole number of 1 or more is needed`. */
  readonly needed: string;
  /** How it may be written, where that takes a sentence of its own. */
  readonly hint?: string;
  /** Which types a configuration file may write it in. */
  readonly types: readonly RawType[];
  /** How several of the same name go together; without it, the last one counts. */
  add?(earlier: Value, later: Value): Value;
  /** What the flag means where no value follows it; without this, one must. */
  readonly bare?: Value;
  /** The value, or null where the text is none. */
  parse(text: string): Value | null;
}

/** Whether a value is text, a number, a boolean, or a list of text or of numbers; null: none of them. */
export function rawTypeOf(raw: unknown): RawType | null {
  if (typeof raw === "string") return "text";
  if (typeof raw === "number" || typeof raw === "boolean") return typeof raw as RawType;
  if (!Array.isArray(raw)) return null;
  if (raw.every((item) => typeof item === "string")) return "list";
  return raw.every((item) => typeof item === "number") ? "numbers" : null;
}

/** A whole number between two bounds; without `max`, as large as can be counted exactly. */
export function wholeNumber(
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): OptionType<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  return {
    needed: `a whole number ${range} is needed`,
    types: ["number"],
    parse(text): number | null {
      const value = /^\d+$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : null;
    },
  };
}

/** A number over 0, fractions included. */
export const positiveNumber: OptionType<number> = numberOverZero(
  Number.MAX_VALUE,
  "a number over 0",
);

/** As {@link positiveNumber}, and not above `max`; `what` says what that is. */
export function numberOverZero(max: number, what: string): OptionType<number> {
  return {
    needed: `${what} is needed`,
    types: ["number"],
    parse(text): number | null {
      const value = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : NaN;
      return value > 0 && value <= max ? value : null;
    },
  };
}

/** Timers of the runtime count milliseconds in 31 bits: a longer one would end at once. */
const LONGEST_DURATION_S = 24 * 86_400;

/** Seconds over 0; with `orNone`, 0 as well. */
export function duration({ orNone }: { readonly orNone: boolean }): OptionType<number> {
  return {
    needed: `a time ${orNone ? "of 0 or more" : "over 0"}, and of 24 days at most, is needed`,
    hint: `It is written as ${DURATION_FORMS}.`,
    types: ["number", "text"],
    parse(text): number | null {
      const seconds = parseDuration(text);
      if (seconds === null || seconds > LONGEST_DURATION_S) return null;
      return seconds > 0 || orNone ? seconds : null;
    },
  };
}

/** Any text that is not empty; `what` says what it is for. */
export function textOf(what: string): OptionType<string> {
  return {
    needed: `${what} is needed`,
    types: ["text"],
    parse: (text) => text.trim() === "" ? null : text,
  };
}

/** Names, separated by commas. */
export const nameList: OptionType<readonly string[]> = {
  needed: "names separated by commas are needed",
  types: ["text", "list"],
  add: (earlier, later) => [...earlier, ...later],
  parse(text): readonly string[] | null {
    const names = text.split(",").map((name) => name.trim());
    return names.includes("") ? null : names;
  },
};

/** Any texts that are not empty, one each time; `what` says what one is. */
export function textList(what: string): OptionType<readonly string[]> {
  return {
    needed: `${what} is needed`,
    types: ["text", "list"],
    add: (earlier, later) => [...earlier, ...later],
    parse: (text) => text.trim() === "" ? null : [text.trim()],
  };
}

/** Milliseconds over 0, rising; separated by commas or given one by one. */
export const millisecondList: OptionType<readonly number[]> = {
  needed: "milliseconds over 0 are needed",
  hint: "Several are written as -b 50 100 200, or as 50,100,200.",
  types: ["number", "text", "list", "numbers"],
  add: (earlier, later) => [...new Set([...earlier, ...later])].sort((a, b) => a - b),
  parse(text): readonly number[] | null {
    const bounds = text.split(",").map((part) => positiveNumber.parse(part.trim()));
    if (bounds.includes(null)) return null;
    return [...new Set(bounds as number[])].sort((a, b) => a - b);
  },
};

/** One of a few words, whatever the case of its letters. */
export function choice<Word extends string>(words: readonly Word[]): OptionType<Word> {
  return {
    needed: `one of ${words.join(", ")} is needed`,
    types: ["text"],
    parse: (text) => words.find((word) => word.toLowerCase() === text.toLowerCase()) ?? null,
  };
}

/** On or off; the flag alone means on. */
export const toggle: OptionType<boolean> = {
  needed: "true or false is needed (or 1 or 0, or yes or no)",
  types: ["boolean"],
  bare: true,
  parse(text): boolean | null {
    const word = text.toLowerCase();
    if (ON.includes(word)) return true;
    return OFF.includes(word) ? false : null;
  },
};

const ON = ["true", "1", "yes"];
const OFF = ["false", "0", "no"];
