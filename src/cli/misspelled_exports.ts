/**
 * Finds exports of a test file that look like settings of a run, but have no effect.
 *
 * @module
 */

import { nearestWord } from "../core/spelling.ts";
import { isClass, isTestClassName, isTestName } from "../user/discovery.ts";
import { User } from "../user/user.ts";
import { flagOf } from "./setting_types.ts";

/** The exports that aiotest reads, besides classes. */
const KNOWN_VALUES = ["thresholds", "files"] as const;
const KNOWN_FUNCTIONS = ["setup", "teardown"] as const;
const KNOWN = [...KNOWN_VALUES, ...KNOWN_FUNCTIONS];

/** Options of a run that are often exported by mistake. */
const LOAD_OPTIONS = ["users", "rate", "runTime", "arrivalRate", "maxUsers", "iterations"] as const;

/** Exports may have names of their own, so only those that are very near are misspelled. */
const LETTERS_PER_MISTAKE = 5;

/** The exports of a test file that aiotest does not read, although they look like it; a sentence each. */
export function misspelledExports(exports: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(exports).flatMap(([name, value]) => {
    const advice = adviceOn(name, value);
    return advice === null ? [] : [`The test file's export ${name} has no effect. ${advice}`];
  });
}

function adviceOn(name: string, value: unknown): string | null {
  if (KNOWN.some((known) => known === name)) return null;
  if (isClass(value)) return adviceOnClass(name, value);
  if (typeof value === "function") return adviceOnFunction(name);
  if (name === "options" && isObject(value)) return adviceOnK6Options(value);
  const option = LOAD_OPTIONS.find((one) => one === name);
  if (option !== undefined && (typeof value === "number" || typeof value === "string")) {
    return `Give ${flagOf(option)} on the command line, or export a shape.`;
  }
  if (!Array.isArray(value) && typeof value !== "string") return null;
  const nearest = nearestWord(name, KNOWN_VALUES, { lettersPerMistake: LETTERS_PER_MISTAKE });
  return nearest === null ? null : `Did you mean ${nearest}?`;
}

function adviceOnClass(name: string, { prototype }: { readonly prototype: object }): string | null {
  if (prototype instanceof User || !isTestClassName(name)) return null;
  const hasTests = Object.getOwnPropertyNames(prototype).some(isTestName);
  return hasTests ? "A user class extends FastHttpUser, HttpUser or User." : null;
}

function adviceOnFunction(name: string): string | null {
  if (name === "handleSummary") return "Use --json, --html, --csv, --junit or --markdown.";
  const nearest = nearestWord(name, KNOWN_FUNCTIONS, {
    lettersPerMistake: LETTERS_PER_MISTAKE,
    otherNames: OTHER_FUNCTIONS,
  });
  return nearest === null ? null : `Did you mean ${nearest}?`;
}

/** What other programs call these functions. */
const OTHER_FUNCTIONS: ReadonlyMap<string, typeof KNOWN_FUNCTIONS[number]> = new Map([
  ["beforeall", "setup"],
  ["afterall", "teardown"],
]);

/** What replaces the members of k6's options. */
const K6_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["vus", "--users"],
  ["duration", "--run-time"],
  ["iterations", "--iterations"],
  ["stages", "a class that extends LoadUserShape"],
  ["scenarios", "user classes with static override load"],
  ["thresholds", 'export const thresholds = ["p95<200ms"]'],
  ["insecureSkipTLSVerify", "--insecure"],
  ["hosts", "--connect-to"],
]);

function adviceOnK6Options(options: object): string {
  const replaced = Object.keys(options).flatMap((name) => {
    const replacement = K6_OPTIONS.get(name);
    return replacement === undefined ? [] : [`instead of ${name}, use ${replacement}`];
  });
  if (replaced.length === 0) {
    return "Options are given on the command line or in the --config file.";
  }
  const text = replaced.join("; ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
