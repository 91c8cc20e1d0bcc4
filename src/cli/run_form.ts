/**
 * The fields with which a further run of a process can be started, as options of the command line.
 *
 * @module
 */

import type { FormFlag, RunFields } from "../web/control.ts";
import type { CustomFlag } from "./custom_flags.ts";
import type { Options, OtherTexts } from "./options.ts";
import { looksSecret } from "./run_metadata.ts";

export type { OtherTexts } from "./options.ts";

/** The values of the form. */
export function formValues(options: Options): RunFields {
  return {
    host: options.host,
    users: options.users,
    rate: options.rate,
    arrivalRate: options.arrivalRate,
    maxUsers: options.maxUsers,
    runTime: options.runTime,
    iterations: options.iterations,
    userClasses: options.userClasses,
    tags: options.tags,
    excludeTags: options.excludeTags,
    name: options.name,
    labels: options.label,
  };
}

/** The flags of the test file, with their present values. */
export function formFlags(flags: readonly CustomFlag[], { extra }: Options): FormFlag[] {
  return shownFlags(flags).map(({ option, default: fallback, choices }) => {
    const name = option.attributeName();
    const isSecret = looksSecret(name);
    return {
      name,
      flag: option.long ?? option.short!,
      help: isSecret
        ? option.description.replace(/(?: \(|; )default: .*\)$/s, "")
        : option.description,
      kind: option.variadic
        ? "list"
        : option.required
        ? "text"
        : option.optional
        ? "optional"
        : "switch",
      default: isSecret ? null : fallback ?? null,
      value: isSecret ? null : extra[name] ?? null,
      isSecret,
      choices,
    };
  });
}

/** One flag for each value: of `--tenant` and `--no-tenant`, the first. */
function shownFlags(flags: readonly CustomFlag[]): CustomFlag[] {
  const byName = new Map<string, CustomFlag>();
  for (const flag of flags) {
    const name = flag.option.attributeName();
    if (!byName.has(name) || byName.get(name)!.option.negate) byName.set(name, flag);
  }
  return [...byName.values()];
}

/** How the value of a field is written on the command line; a text says what is expected instead. */
type Field = readonly [flag: string, texts: (value: unknown) => readonly string[] | null | string];

const NUMBER = (value: unknown): readonly string[] | string =>
  typeof value === "number" ? [String(value)] : "a number";

const NUMBER_OR_NONE = (value: unknown): readonly string[] | null | string =>
  value === null ? null : typeof value === "number" ? [String(value)] : "a number or null";

const TEXT_OR_NONE = (value: unknown): readonly string[] | null | string =>
  value === null ? null : typeof value === "string" ? [value] : "a text or null";

const TIME_OR_NONE = (value: unknown): readonly string[] | null | string =>
  value === null
    ? null
    : typeof value === "number" || typeof value === "string"
    ? [String(value)]
    : "seconds, a text like 3m, or null";

const NAMES = (value: unknown): readonly string[] | null | string => {
  const isList = Array.isArray(value) && value.every((one) => typeof one === "string");
  if (!isList) return "a list of names";
  return value.length === 0 ? null : [value.join(",")];
};

const LABELS = (value: unknown): readonly string[] | null | string => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "an object of texts";
  }
  const entries = Object.entries(value);
  if (!entries.every(([, text]) => typeof text === "string")) return "an object of texts";
  return entries.length === 0 ? null : entries.map(([key, text]) => `${key}=${text}`);
};

const FIELDS: Readonly<Record<keyof RunFields, Field>> = {
  host: ["host", TEXT_OR_NONE],
  users: ["users", NUMBER],
  rate: ["rate", NUMBER],
  arrivalRate: ["arrival-rate", NUMBER_OR_NONE],
  maxUsers: ["max-users", NUMBER],
  runTime: ["run-time", TIME_OR_NONE],
  iterations: ["iterations", NUMBER_OR_NONE],
  userClasses: ["user-classes", NAMES],
  tags: ["tags", NAMES],
  excludeTags: ["exclude-tags", NAMES],
  name: ["name", TEXT_OR_NONE],
  labels: ["label", LABELS],
};

/** What belongs to the other load model is not given any more. */
const RIVALS: Readonly<Record<string, readonly string[]>> = {
  users: ["arrivalRate", "maxUsers"],
  rate: ["arrivalRate", "maxUsers"],
  arrivalRate: ["users", "rate"],
};

/**
 * The texts of the options that fields ask for. Returns a sentence if one of them is unknown, or of a wrong type.
 *
 * @param fields as JSON.
 * @param flags those of the test file, which the field `options` can have.
 */
export function othersOf(
  fields: Readonly<Record<string, unknown>>,
  flags: readonly CustomFlag[],
): OtherTexts | string {
  const others = new Map<string, readonly string[] | null>();
  for (const [name, value] of Object.entries(fields)) {
    if (name === "options") {
      const problem = addFlags(others, value, flags);
      if (problem !== null) return problem;
      continue;
    }
    if (!isField(name)) {
      return `Unknown field ${JSON.stringify(name)}; expected ${
        [...Object.keys(FIELDS), "options"].join(", ")
      }.`;
    }
    const [flag, textsOf] = FIELDS[name];
    const texts = textsOf(value);
    if (typeof texts === "string") return `${name} is ${shown(value)}; expected ${texts}.`;
    if (texts !== null) {
      for (const rival of RIVALS[name] ?? []) {
        if (!Object.hasOwn(fields, rival) || fields[rival] === null) {
          others.set(FIELDS[rival as keyof RunFields][0], null);
        }
      }
    }
    others.set(flag, texts);
  }
  return others;
}

function isField(name: string): name is keyof RunFields {
  return Object.hasOwn(FIELDS, name);
}

/** Returns a sentence if a flag is unknown, or its value is of a wrong type. */
function addFlags(
  others: Map<string, readonly string[] | null>,
  value: unknown,
  flags: readonly CustomFlag[],
): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `options is ${shown(value)}; expected an object.`;
  }
  const known = shownFlags(flags);
  for (const [name, one] of Object.entries(value)) {
    const flag = known.find(({ option }) => option.attributeName() === name);
    if (flag === undefined) {
      const names = known.map(({ option }) => option.attributeName()).join(", ");
      return `Unknown option ${JSON.stringify(name)}; expected ${
        names || "none: the test file adds no flags"
      }.`;
    }
    const texts = textsOfFlag(flag, one);
    if (texts === undefined) {
      return `options.${name} is ${
        shown(one)
      }; expected a text, a number, true or false, a list of texts, or null.`;
    }
    others.set(flag.option.name(), texts);
  }
  return null;
}

function textsOfFlag({ option }: CustomFlag, value: unknown): readonly string[] | null | undefined {
  if (value === null) return null;
  if (typeof value === "boolean") return [String(option.negate ? !value : value)];
  if (typeof value === "string" || typeof value === "number") return [String(value)];
  const isList = Array.isArray(value) && value.every((one) => typeof one === "string");
  return isList ? value.length === 0 ? null : [value.join(",")] : undefined;
}

/** The field that a message names at its beginning, itself or its flag; `null`: it names none. */
export function fieldOf(message: string, flags: readonly CustomFlag[]): string | null {
  const [, name = ""] = /^([\w.]+) is /.exec(message) ?? [];
  if (isField(name) || name.startsWith("options.")) return name;
  const [, flag = ""] = /^(--?[\w-]+)/.exec(message) ?? [];
  const own = Object.entries(FIELDS).find(([, [one]]) => flag === `--${one}`);
  if (own !== undefined) return own[0];
  const added = flags.find(({ option: { long, short } }) => flag === long || flag === short);
  return added === undefined ? null : `options.${added.option.attributeName()}`;
}

/** Limits how much of an invalid value an error message repeats. */
const MAX_SHOWN = 40;

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
