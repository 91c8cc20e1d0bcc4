/**
 * Types of option values. Flags and environment variables give text; a configuration file gives text,
 * numbers, booleans or lists, which are read by the same rules.
 *
 * @module
 */

import { isIPv6 } from "node:net";
import { isSourceAddress } from "../http/local_addresses.ts";
import { CONNECT_TO_FORM, parseConnectTo } from "../http/connect_to.ts";
import { MAX_USERS, metricLabel } from "../core/run_info.ts";
import { isVisible } from "../core/text.ts";
import { hostPattern } from "../web/allowed_hosts.ts";
import { basePath } from "../web/base_path.ts";
import { proxyNetwork } from "../web/forwarded.ts";
import { DURATION_FORMS, parseDuration } from "../core/duration.ts";
import {
  SAMPLE_FILE_FORMS,
  SAMPLE_SELECTIONS,
  sampleFileKind,
  sampleFilter,
} from "../report/sample_files.ts";

/** A value as a configuration file may give it. */
export type RawType = "text" | "number" | "boolean" | "list" | "numbers" | "table";

/** A part of a JSON Schema. It avoids what draft 4 lacks, which some editors of TOML do not know. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What editors can check of a value, by the type in which a configuration file writes it. */
export interface ValueSchemas {
  /** A text, or each text of a list. */
  readonly text?: JsonSchema;
  /** A number, or each number of a list. */
  readonly number?: JsonSchema;
  readonly table?: JsonSchema;
}

/** One type of value. */
export interface OptionType<Value> {
  /** What is accepted; completes the message `--users 0: expected …`. */
  readonly expected: string;
  /** How to write it, as a sentence. */
  readonly hint?: string;
  /** Which types a configuration file may write it in. */
  readonly types: readonly RawType[];
  /**
   * For editors. It accepts all that {@link parse} accepts, and refuses as much of the rest as a pattern can: what an
   * address may be, for instance, takes more than that.
   */
  readonly schema?: ValueSchemas;
  /** The unit of a number, if it has one. */
  readonly unit?: "s";
  /** Combines several values of the same option; without it, the last one counts. */
  add?(earlier: Value, later: Value): Value;
  /** Why two values cannot be combined; `null` if they can. */
  clash?(earlier: Value, later: Value): string | null;
  /** The value of a flag without one; without this, the flag needs a value. */
  readonly bare?: Value;
  /** The value, or `null` if the text is invalid. */
  parse(text: string): Value | null;
  /** What a message shows of an invalid text that may contain a secret; without this, all of it. */
  shown?(text: string): string;
}

/** What a configuration file can have for an option. Flags and variables are texts, so they know more words. */
export function inFiles({ types, expected }: OptionType<unknown>): string {
  return types.every((type) => type === "boolean") ? "true or false" : expected;
}

/** The type of a configuration file's value; `null` if it is none of them. */
export function rawTypeOf(raw: unknown): RawType | null {
  if (typeof raw === "string") return "text";
  if (typeof raw === "number" || typeof raw === "boolean") return typeof raw as RawType;
  if (typeof raw === "object" && raw !== null && !Array.isArray(raw)) return tableType(raw);
  if (!Array.isArray(raw)) return null;
  if (raw.every((item) => typeof item === "string")) return "list";
  return raw.every((item) => typeof item === "number") ? "numbers" : null;
}

function tableType(raw: object): RawType | null {
  const types = ["string", "number", "boolean"];
  return Object.values(raw).every((value) => types.includes(typeof value)) ? "table" : null;
}

/** Numbers below would be written with an exponent, which no option takes. */
const LEAST = 0.000001;

/** As {@link LEAST}, for large numbers. */
const MOST = 1e20;

const NOT_BLANK = { pattern: "\\S" };

/** A pattern of texts that fit a pattern as a whole. */
function whole(pattern: string): JsonSchema {
  return { pattern: `^(${pattern})$` };
}

/** A pattern of parts that are separated by commas, with blanks around them. */
function separated(part: string): JsonSchema {
  return whole(`\\s*(${part})\\s*(,\\s*(${part})\\s*)*`);
}

/** A part that is not blank. */
const ANY_PART = "[^,]*[^,\\s][^,]*";

/** A pattern of a word in any case. */
function anyCase(word: string): string {
  return word.replaceAll(/[a-z]/gi, (one) => `[${one.toLowerCase()}${one.toUpperCase()}]`);
}

/** A whole number within bounds; without `max`, up to the largest that can be counted exactly. */
export function wholeNumber(
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): OptionType<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return {
    expected: `a whole number ${range}`,
    types: ["number"],
    schema: { number: { type: "integer", minimum: min, maximum: max } },
    parse(text): number | null {
      const value = /^\d+$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : null;
    },
  };
}

/** As many users as can be distributed exactly. */
export const userNumber: OptionType<number> = {
  ...wholeNumber(1, MAX_USERS),
  expected: `a whole number from 1 to ${MAX_USERS.toLocaleString("en")}`,
};

/** A number of processes; -1 means one per core. */
export const processCount: OptionType<number> = {
  ...wholeNumber(1),
  expected: "a whole number of at least 1, or -1 for one per core",
  schema: {
    number: {
      type: "integer",
      minimum: -1,
      maximum: Number.MAX_SAFE_INTEGER,
      not: { enum: [0] },
    },
  },
  parse: (text) => text === "-1" ? -1 : wholeNumber(1).parse(text),
};

/** A number above 0 and up to `max`, fractions included; `expected` describes it. */
export function numberAboveZero(max: number, expected: string): OptionType<number> {
  return {
    expected,
    types: ["number"],
    schema: { number: { minimum: LEAST, maximum: Math.min(max, MOST) } },
    parse(text): number | null {
      const value = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : NaN;
      return value > 0 && value <= max ? value : null;
    },
  };
}

/** A number above 0, fractions included. */
export const positiveNumber: OptionType<number> = numberAboveZero(
  Number.MAX_VALUE,
  "a number above 0",
);

/** The runtime's timers count milliseconds in 31 bits: a longer one would fire at once. */
const MAX_DURATION_S = 24 * 86_400;

/** What `parseDuration` accepts. */
const DURATION = "\\d+(\\.\\d+)?|(?=\\d)(\\d+h)?(\\d+m)?(\\d+(\\.\\d+)?s)?";

/** Seconds above 0; with `orNone`, 0 as well. */
export function duration({ orNone }: { readonly orNone: boolean }): OptionType<number> {
  return {
    expected: `a duration ${orNone ? "of 0 s or more" : "above 0 s"}, up to 24 days`,
    hint: `Durations are written as ${DURATION_FORMS}.`,
    types: ["number", "text"],
    schema: {
      number: { minimum: orNone ? 0 : LEAST, maximum: MAX_DURATION_S },
      text: whole(orNone ? DURATION : `(?=.*[1-9])(${DURATION})`),
    },
    unit: "s",
    parse(text): number | null {
      const seconds = parseDuration(text);
      if (seconds === null || seconds > MAX_DURATION_S) return null;
      return seconds > 0 || orNone ? seconds : null;
    },
  };
}

/** Seconds of 0 or more, or `Infinity`. */
export const endlessDuration: OptionType<number> = {
  expected: "a duration of 0 s or more, or inf",
  hint: `Durations are written as ${DURATION_FORMS}.`,
  types: ["number", "text"],
  schema: {
    number: { minimum: 0 },
    text: whole(`${DURATION}|${anyCase("inf")}(${anyCase("inity")})?`),
  },
  unit: "s",
  parse: (text) => /^inf(inity)?$/i.test(text) ? Infinity : parseDuration(text),
};

/** A share, written as a percentage. */
export const percentage: OptionType<number> = {
  expected: "a percentage like 5%",
  types: ["text"],
  schema: { text: whole("(\\d+(\\.\\d*)?|\\.\\d+)%") },
  parse(text): number | null {
    const digits = /^(\d+(?:\.\d*)?|\.\d+)%$/.exec(text)?.[1];
    const share = Number(digits ?? NaN) / 100;
    return Number.isFinite(share) ? share : null;
  },
};

/** A share over 0 % and up to 100 %, as it was written; the flag alone means all. */
export const traceShare: OptionType<string> = {
  expected: "a percentage over 0% and up to 100%, like 1%",
  types: ["text"],
  schema: { text: whole("(?=.*[1-9])0*(100(\\.0*)?|\\d{1,2}(\\.\\d*)?|\\.\\d+)%") },
  bare: "100%",
  parse(text): string | null {
    const share = percentage.parse(text) ?? 0;
    return share > 0 && share <= 1 ? text : null;
  },
};

/** Any text that is not blank; `expected` describes it. */
export function textOf(expected: string): OptionType<string> {
  return {
    expected,
    types: ["text"],
    schema: { text: NOT_BLANK },
    parse: (text) => text.trim() === "" ? null : text,
  };
}

export const fileName: OptionType<string> = textOf("a file name");

export const directoryName: OptionType<string> = textOf("a directory");

/** A file of samples, whose name says what it contains. */
export const sampleFile: OptionType<string> = {
  expected: SAMPLE_FILE_FORMS,
  types: ["text"],
  schema: {
    text: whole(
      `(?!([\\s\\S]*[/\\\\])?\\.[^/\\\\]*$)[\\s\\S]*\\.(${anyCase("jsonl")}|${anyCase("csv")})(\\.${
        anyCase("gz")
      })?`,
    ),
  },
  parse: (text) => sampleFileKind(text) === null ? null : text,
};

/** Which samples are written, as it was given. */
export const sampleSelection: OptionType<string> = {
  expected: SAMPLE_SELECTIONS,
  types: ["text", "list"],
  schema: {
    text: separated(
      `${anyCase("failed")}|${anyCase("slow")}:\\d+(\\.\\d+)?[mM]?[sS]`,
    ),
  },
  add: (earlier, later) => `${earlier},${later}`,
  parse: (text) => sampleFilter(text) === null ? null : text,
};

/** A host name or an IP address, without a scheme, port and path. */
export const hostAddress: OptionType<string> = {
  expected: "a host name or an address, without a scheme and a port",
  types: ["text"],
  schema: { text: whole("[^/\\s@:]+|\\[?[0-9a-fA-F:.]+(%[^/\\s@\\]]*)?\\]?") },
  parse(text): string | null {
    if (/^\s*$|[/\s@]/.test(text)) return null;
    return text.includes(":") && !isIPv6(text.replace(/^\[(.*)\]$/, "$1")) ? null : text;
  },
};

/** A file in PEM, or the text itself: CI systems give secrets in the environment. */
export const pemFile: OptionType<string> = textOf("a file in PEM");

/** Files in PEM, separated by commas, or the text of one. */
export const pemFiles: OptionType<readonly string[]> = {
  expected: "files in PEM, separated by commas",
  types: ["text", "list"],
  schema: { text: whole(`${ANY_PART}(,${ANY_PART})*|[\\s\\S]*-----BEGIN [\\s\\S]*`) },
  add: (earlier, later) => [...earlier, ...later],
  parse(text): readonly string[] | null {
    const files = isPem(text) ? [text] : text.split(",").map((file) => file.trim());
    return files.includes("") ? null : files;
  },
};

/** Whether a text is PEM, and not the name of a file. */
export function isPem(text: string): boolean {
  return text.includes("-----BEGIN ");
}

/** A name without control characters or line breaks. */
export function visibleName(maxLength: number): OptionType<string> {
  return {
    expected: `a name of at most ${maxLength} visible characters`,
    types: ["text"],
    schema: { text: { ...whole("(?=.*\\S)[^\\p{C}\\p{Zl}\\p{Zp}]+"), maxLength } },
    parse: (text) => text.length <= maxLength && isVisible(text) ? text : null,
  };
}

/** Names, separated by commas. */
export const nameList: OptionType<readonly string[]> = {
  expected: "names separated by commas",
  types: ["text", "list"],
  schema: { text: separated(ANY_PART) },
  add: (earlier, later) => [...earlier, ...later],
  parse(text): readonly string[] | null {
    const names = text.split(",").map((name) => name.trim());
    return names.includes("") ? null : names;
  },
};

/** Values by key. */
type Labels = Readonly<Record<string, string>>;

/** Each is a label of metrics as well, and the storage of those needs its bounds. */
const MAX_LABELS = 20;
const MAX_LABEL_KEY = 50;
const MAX_LABEL_VALUE = 200;

const LABEL_KEY = `[a-zA-Z][\\w.-]{0,${MAX_LABEL_KEY - 1}}`;

/** Labels of a run, separated by commas: `env=staging,team=shop`. */
export const labelList: OptionType<Labels> = {
  expected: "labels like env=staging, separated by commas",
  hint:
    `A key has letters, digits, _, - and ., and starts with a letter; at most ${MAX_LABEL_KEY}. ` +
    `A value is visible text without a comma, of at most ${MAX_LABEL_VALUE} characters. ` +
    "Each key is given once.",
  types: ["text", "list", "table"],
  schema: {
    text: separated(`${LABEL_KEY}\\s*=${ANY_PART}`),
    table: {
      patternProperties: {
        [`^\\s*${LABEL_KEY}\\s*$`]: { type: ["string", "number", "boolean"], ...whole(ANY_PART) },
      },
      additionalProperties: false,
      minProperties: 1,
      maxProperties: MAX_LABELS,
    },
  },
  add: (earlier, later) => ({ ...earlier, ...later }),
  clash(earlier, later): string | null {
    const keys = [...Object.keys(earlier), ...Object.keys(later)];
    const twice = keys.find((key, index) =>
      keys.slice(0, index).some((one) => isSameKey(one, key))
    );
    if (twice !== undefined) return `the label ${twice} is given more than once`;
    return keys.length > MAX_LABELS ? `a run has at most ${MAX_LABELS} labels` : null;
  },
  parse(text): Labels | null {
    let labels: Labels = {};
    for (const part of text.split(",")) {
      const [, key, value] = /^\s*([a-z][\w.-]*)\s*=(.*)$/is.exec(part) ?? [];
      if (key === undefined || key.length > MAX_LABEL_KEY) return null;
      const label = { [key]: value!.trim() };
      if (!isVisible(label[key]!) || label[key]!.length > MAX_LABEL_VALUE) return null;
      if (labelList.clash!(labels, label) !== null) return null;
      labels = { ...labels, ...label };
    }
    return labels;
  },
};

/** Metrics have `_` in place of what their labels cannot contain. */
function isSameKey(one: string, other: string): boolean {
  return metricLabel(one) === metricLabel(other);
}

/** Texts that are not blank, one per flag; `expected` describes one. */
export function textList(expected: string): OptionType<readonly string[]> {
  return {
    expected,
    types: ["text", "list"],
    schema: { text: NOT_BLANK },
    add: (earlier, later) => [...earlier, ...later],
    parse: (text) => text.trim() === "" ? null : [text.trim()],
  };
}

/** Milliseconds above 0, in ascending order; separated by commas or given one by one. */
export const millisecondList: OptionType<readonly number[]> = {
  expected: "milliseconds above 0",
  hint: "Write several as -b 50 100 200, or as 50,100,200.",
  types: ["number", "text", "list", "numbers"],
  schema: {
    text: separated("(?=[^,]*[1-9])(\\d+(\\.\\d*)?|\\.\\d+)"),
    number: { minimum: LEAST, maximum: MOST },
  },
  add: (earlier, later) => [...new Set([...earlier, ...later])].sort((a, b) => a - b),
  parse(text): readonly number[] | null {
    const bounds = text.split(",").map((part) => positiveNumber.parse(part.trim()));
    if (bounds.includes(null)) return null;
    return [...new Set(bounds as number[])].sort((a, b) => a - b);
  },
};

/** One of a few words, in upper or lower case. */
export function choice<const Word extends string>(words: readonly Word[]): OptionType<Word> {
  return {
    expected: `one of ${words.join(", ")}`,
    types: ["text"],
    // An editor proposes the words; the pattern is for other cases of letters.
    schema: { text: { anyOf: [{ enum: words }, whole(words.map(anyCase).join("|"))] } },
    parse: (text) => words.find((word) => word.toLowerCase() === text.toLowerCase()) ?? null,
  };
}

/** On or off; the flag alone means on. */
export const toggle: OptionType<boolean> = {
  expected: "true or false (or 1 or 0, or yes or no)",
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

/** One header line. */
export type HeaderLine = readonly [name: string, value: string];

/** HTTP's `token`: the form of methods and of header names. */
const TOKEN_PATTERN = "[\\w!#$%&'*+.^`|~-]+";
const TOKEN = new RegExp(`^${TOKEN_PATTERN}$`);

/** Visible text and blanks; bytes above 127 go over the wire as they are. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export const httpMethod: OptionType<string> = {
  expected: "an HTTP method like PUT",
  types: ["text"],
  schema: { text: whole(TOKEN_PATTERN) },
  parse: (text) => TOKEN.test(text) ? text.toUpperCase() : null,
};

/** A text, or `@` and a file name. */
export const requestBody: OptionType<string> = {
  expected: "a string, or @ and a file name",
  types: ["text"],
  schema: { text: { not: { enum: ["@"] } } },
  parse: (text) => text === "@" ? null : text,
};

export const headerLines: OptionType<readonly HeaderLine[]> = {
  expected: 'a header line like "Accept: text/html"',
  types: ["text", "list"],
  schema: { text: whole(`${TOKEN_PATTERN}:\\s*[\\t\\x20-\\x7e\\x80-\\xff]*\\s*`) },
  add: (earlier, later) => [...earlier, ...later],
  parse(text): readonly HeaderLine[] | null {
    const colon = text.indexOf(":");
    const name = text.slice(0, Math.max(0, colon));
    const value = text.slice(colon + 1).trim();
    return TOKEN.test(name) && FIELD_VALUE.test(value) ? [[name, value]] : null;
  },
  shown: (text) => text.replace(/[:\s][^]*$/, " …"),
};

const RULE_HOST = "\\[[^\\[\\],]*\\]|[^:\\[\\],]*";

/** Rules for where connections lead, separated by commas, as they were written. */
export const connectToRules: OptionType<readonly string[]> = {
  expected: CONNECT_TO_FORM,
  hint:
    "An empty HOST or PORT matches every one; an empty ADDRESS or PORT keeps that of the URL. " +
    "IPv6 addresses are in brackets.",
  types: ["text", "list"],
  schema: { text: separated(`(${RULE_HOST}):\\d*:(${RULE_HOST}):\\d*`) },
  add: (earlier, later) => [...earlier, ...later],
  parse(text): readonly string[] | null {
    const rules = text.split(",").map((rule) => rule.trim());
    return rules.some((rule) => parseConnectTo(rule) === null) ? null : rules;
  },
};

/** Names in URLs of the dashboard, separated by commas. */
export const hostPatterns: OptionType<readonly string[]> = {
  expected: "the name in the dashboard's URL like load.example.com, or *.example.com",
  hint: "Write it without https://, path and port: every port is accepted.",
  types: ["text", "list"],
  schema: { text: separated("(\\*\\.)?[^,\\s/*]+") },
  add: (earlier, later) => [...earlier, ...later],
  parse(text): readonly string[] | null {
    const patterns = text.split(",").map((name) => hostPattern(name.trim()));
    return patterns.includes(null) ? null : patterns as string[];
  },
};

/** The path of the dashboard. */
export const webPath: OptionType<string> = {
  expected: "the path in the dashboard's URL like /aiotest or /tools/aiotest",
  hint: "It starts with a slash, and has only letters, digits and -, ., _, ~ between slashes. " +
    "Write it without https:// and a host.",
  types: ["text"],
  schema: { text: whole("(?=.)(?!(.*/)?\\.\\.?(/|$))(/[\\w.~-]+)*/?") },
  parse: basePath,
};

/** Networks of proxies, separated by commas. */
export const proxyNetworks: OptionType<readonly string[]> = {
  expected: "the IP address of a proxy like 10.1.2.3, or a network like 10.1.0.0/16 or fd00::/8",
  hint: "A network has at least 8 BITS, because every machine in it can pretend to be any client.",
  types: ["text", "list"],
  schema: { text: separated("\\[?[0-9a-fA-F:.]+\\]?(/\\d{1,3})?") },
  add: (earlier, later) => [...earlier, ...later],
  parse(text): readonly string[] | null {
    const networks = text.split(",").map((network) => proxyNetwork(network.trim()));
    return networks.includes(null) ? null : networks as string[];
  },
};

/** IP addresses that connections can leave from, separated by commas. */
export const addressList: OptionType<readonly string[]> = {
  expected: "IP addresses of this machine, separated by commas",
  types: ["text", "list"],
  schema: { text: separated("[0-9a-fA-F:.]+(%[^,\\s]+)?") },
  add: (earlier, later) => [...earlier, ...later],
  parse(text): readonly string[] | null {
    const addresses = text.split(",").map((address) => address.trim());
    return addresses.every(isSourceAddress) ? addresses : null;
  },
};
