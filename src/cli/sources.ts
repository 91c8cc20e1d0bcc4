/**
 * Reads option values from flags, environment variables, the configuration file, and what the master
 * forwards. Each of these overrides the next.
 *
 * @module
 */

import { extname, resolve } from "node:path";
import type { Option } from "commander";
import { parse as parseToml, TomlError } from "smol-toml";
import { isInstance, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { didYouMean, nearestWord } from "../core/spelling.ts";
import { hideCredentials } from "../core/text.ts";
import { type FlagTexts, suggestion } from "./flag_parser.ts";
import { foreignOption } from "./foreign_options.ts";
import { readOptionFile } from "./option_files.ts";
import { inFiles, type OptionType, rawTypeOf, textOf } from "./option_types.ts";
import type { OtherFile } from "./report_files.ts";
import {
  environmentName,
  kebabCase,
  PREFIX,
  type Setting,
  type SettingTable,
} from "./setting_types.ts";

/** A value of a configuration file, and its key as written in the file. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: unknown;
}

/** A configuration file: options by name, in TOML, YAML or JSON. */
export interface ConfigFile {
  /** The path as it was given. */
  readonly path: string;
  /** Entries by their key in kebab case. */
  readonly entries: ReadonlyMap<string, ConfigEntry>;
}

/**
 * Reads a configuration file. The caller checks whether its keys are options.
 *
 * @param path ends in `.toml`, `.yaml`, `.yml` or `.json`; relative to the working directory.
 * @throws UsageError if the file is missing, of another type, or malformed.
 */
export async function readConfigFile(host: Host, path: string): Promise<ConfigFile> {
  const parse = parserOf(path);
  const table = await parse(path, await readText(host, path));
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    throw new UsageError(`${path}: expected an object of options by name`);
  }
  const entries = new Map<string, ConfigEntry>();
  for (const [key, value] of Object.entries(table)) {
    // It tells editors where the schema is.
    if (key === "$schema") continue;
    const name = kebabCase(key);
    const twin = entries.get(name);
    if (twin !== undefined) {
      throw new UsageError(`${path}: ${twin.key} and ${key} are the same option`);
    }
    entries.set(name, { key, value });
  }
  return { path, entries };
}

function parserOf(path: string): (path: string, text: string) => unknown | Promise<unknown> {
  switch (extname(path).toLowerCase()) {
    case ".toml":
      return fromToml;
    case ".yaml":
    case ".yml":
      return fromYaml;
    case ".json":
      return fromJson;
    default:
      throw new UsageError(`--config ${path}: expected a .toml, .yaml or .json file`);
  }
}

async function readText(host: Host, path: string): Promise<string> {
  try {
    return await readOptionFile(host, "config", path);
  } catch (error) {
    const isMissing = isInstance(error, UsageError) && error.cause instanceof Deno.errors.NotFound;
    if (!isMissing) throw error;
    throw new UsageError(`--config ${path}: file not found: ${resolve(host.cwd, path)}`);
  }
}

function fromToml(path: string, text: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Below its first line, the message shows the part of the file.
    const [line] = error.message.split("\n", 1);
    const reason = line!.replace("Invalid TOML document: ", "");
    throw new UsageError(
      `${path}:${error.line}:${error.column}: invalid TOML: ${reason}`,
      "",
      error,
    );
  }
}

/** The parser is imported when it is needed: it is larger than all others. */
async function fromYaml(path: string, text: string): Promise<unknown> {
  const { parseYaml } = await import("../convert/document.ts");
  return await parseYaml(text, path);
}

function fromJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser quotes the text around the error, including line breaks.
    const reason = (error as SyntaxError).message.replaceAll(/\s+/g, " ");
    throw new UsageError(`${path}: invalid JSON: ${reason}`, "", error);
  }
}

/** The values of a table of settings; those that were not given have their defaults. */
export interface SettingValues<Values> {
  readonly values: Values;
  readonly given: ReadonlySet<keyof Values>;
}

/**
 * The configuration file that a flag or the environment names; `null` if there is none.
 *
 * @throws UsageError if it is missing or malformed.
 */
export async function findConfigFile(flags: FlagTexts, host: Host): Promise<ConfigFile | null> {
  const path = new Sources(flags, host, null).find("config", textOf("a file name"));
  return path === undefined ? null : await readConfigFile(host, path);
}

/** The configuration file, as a file that no output may replace. */
export function configFiles(file: ConfigFile | null): OtherFile[] {
  return file === null ? [] : [{ what: "the configuration file", path: file.path }];
}

/** Option values by environment variable, as a master forwards them to its workers. */
export type ForwardedOptions = Readonly<Record<string, string>>;

/** Variables of aiotest's own tests, whose environment the tested programs share. */
const TEST_VARIABLES = [
  "AIOTEST_REQUIRE",
  "AIOTEST_NIGHTLY",
  "AIOTEST_CUT_SEED",
  "AIOTEST_FUZZ_SEED",
];

/** Variables that Kubernetes and Docker set for a service whose name starts with `aiotest`. */
const SERVICE_NAMES = /_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/;
const SERVICE_URL = /^(tcp|udp|sctp):\/\//;

/** All places that may give an option's value. */
export class Sources {
  readonly #flags: FlagTexts;
  readonly #host: Pick<Host, "env">;
  readonly #file: ConfigFile | null;
  readonly #forwarded: ForwardedOptions;

  /** @param forwarded applies to options that were not given here. */
  constructor(
    flags: FlagTexts,
    host: Pick<Host, "env">,
    file: ConfigFile | null,
    forwarded: ForwardedOptions = {},
  ) {
    this.#flags = flags;
    this.#host = host;
    this.#file = file;
    this.#forwarded = forwarded;
  }

  /**
   * An option's value; undefined if it was not given.
   *
   * @param name the flag without its dashes.
   * @throws UsageError that names the source, the value, and what is accepted.
   */
  find<Value>(name: string, type: OptionType<Value>): Value | undefined {
    return this.#fromFlags(name, type) ?? this.#fromEnvironment(name, type) ??
      this.#fromFile(name, type) ?? this.#fromMaster(name, type);
  }

  /**
   * The values of all settings of a table.
   *
   * @throws UsageError like {@link find}.
   */
  readAll<Values extends object>(table: SettingTable<Values>): SettingValues<Values> {
    const given = new Set<keyof Values>();
    const read = <Name extends keyof Values & string>(name: Name): Values[Name] => {
      const setting: Setting<Values[Name]> = table[name];
      const value = this.find(kebabCase(name), setting.type);
      if (value === undefined) return setting.default;
      given.add(name);
      return value;
    };
    const names = Object.keys(table) as (keyof Values & string)[];
    const values: object = Object.fromEntries(names.map((name) => [name, read(name)]));
    return { values: values as Values, given };
  }

  /**
   * Checks that all keys of the configuration file are options.
   *
   * @param names all flags, without their dashes.
   * @throws UsageError that names the file and the key.
   */
  checkFileKeys(names: readonly string[]): void {
    if (this.#file === null) return;
    const known = names.map(kebabCase);
    for (const [name, { key, value }] of this.#file.entries) {
      if (known.includes(name)) continue;
      const isSection = typeof value === "object" && value !== null && !Array.isArray(value);
      throw new UsageError(
        `${this.#file.path}: unknown option ${key}`,
        isSection
          ? "Options are not divided into sections: write all of them at the top level."
          : adviceOnKey(name, known),
      );
    }
  }

  /**
   * Checks that all variables named `AIOTEST_…` are options.
   *
   * @param names the names of all options in kebab or camel case, without dashes.
   * @param flags from which the nearest name is chosen.
   * @param mayBeOthers whether variables that resemble no option may belong to a test file.
   * @throws UsageError that names the variable, and the nearest option.
   */
  checkVariables(
    variables: readonly string[],
    names: readonly string[],
    flags: readonly Option[],
    mayBeOthers: boolean,
  ): void {
    const known = new Set([...names.map(environmentName), ...TEST_VARIABLES]);
    for (const variable of variables.toSorted()) {
      const text = this.#host.env(variable) ?? "";
      this.#checkCapitals(variable, text, known);
      if (!variable.startsWith(PREFIX) || known.has(variable) || text === "") continue;
      if (SERVICE_NAMES.test(variable) || SERVICE_URL.test(text)) continue;
      const flag = `--${variable.slice(PREFIX.length).toLowerCase().replaceAll("_", "-")}`;
      const nearest = suggestion(flag, flags);
      if (nearest === null && mayBeOthers) continue;
      throw new UsageError(
        `${variable}: unknown environment variable`,
        nearest?.replaceAll(/--([\w-]+)/g, (_, name: string) => environmentName(name)) ??
          "Options are AIOTEST_ and the name of a flag. For all flags, run aiotest --help.",
      );
    }
  }

  /** Where the system tells capital letters from small ones, it would be ignored. */
  #checkCapitals(variable: string, text: string, known: ReadonlySet<string>): void {
    const capitals = variable.toUpperCase();
    const isOption = capitals !== variable && known.has(capitals) && text !== "";
    if (!isOption || this.#host.env(capitals) === text) return;
    throw new UsageError(
      `${variable}: unknown environment variable`,
      `Did you mean ${capitals}?`,
    );
  }

  #fromFlags<Value>(name: string, type: OptionType<Value>): Value | undefined {
    const texts = this.#flags.get(name);
    const last = texts?.at(-1);
    if (texts === undefined || last === undefined) return undefined;
    if (last === null) return type.bare;
    const counted = type.add === undefined ? [last] : texts.filter((text) => text !== null);
    return readEach(counted, type, (text) => `--${name} ${quoted(text, type)}`);
  }

  #fromEnvironment<Value>(name: string, type: OptionType<Value>): Value | undefined {
    const variable = environmentName(name);
    const text = this.#host.env(variable);
    // Compose files and CI systems set a variable to an empty string to leave it unset.
    if (text === undefined || text === "") return undefined;
    return read(`${variable}=${quoted(text, type)}`, text, type);
  }

  #fromMaster<Value>(name: string, type: OptionType<Value>): Value | undefined {
    const variable = environmentName(name);
    if (!Object.hasOwn(this.#forwarded, variable)) return undefined;
    const text = this.#forwarded[variable]!;
    return read(`${variable}=${quoted(text, type)} from the master`, text, type);
  }

  #fromFile<Value>(name: string, type: OptionType<Value>): Value | undefined {
    const entry = this.#file?.entries.get(kebabCase(name));
    if (entry === undefined) return undefined;
    const { key, value } = entry;
    const place = `${this.#file!.path}: ${key} = ${written(value, type)}`;
    const raw = rawTypeOf(value);
    if (raw === null || !type.types.includes(raw)) throw refusal(place, type, inFiles(type));
    if (raw !== "list" && raw !== "numbers" && raw !== "table") {
      return read(place, String(value), type);
    }
    const texts = raw === "table"
      ? Object.entries(value as object).map(([key, one]) => `${key}=${one}`)
      : (value as readonly (string | number)[]).map(String);
    // A value must not become more than one.
    const isCut = raw === "table" && texts.some((text) => text.includes(","));
    if (texts.length === 0 || isCut) throw refusal(place, type);
    return readEach(texts, type, () => place);
  }
}

function read<Value>(place: string, text: string, type: OptionType<Value>): Value {
  const value = type.parse(text);
  if (value === null) throw refusal(place, type);
  return value;
}

/** Several strings for one option; `placeOf` says where each of them was given. */
function readEach<Value>(
  texts: readonly string[],
  type: OptionType<Value>,
  placeOf: (text: string) => string,
): Value {
  return texts.map((text) => ({ place: placeOf(text), value: read(placeOf(text), text, type) }))
    .reduce((earlier, later) => {
      const problem = type.clash?.(earlier.value, later.value) ?? null;
      if (problem !== null) throw new UsageError(`${later.place}: ${problem}`);
      return { ...later, value: type.add?.(earlier.value, later.value) ?? later.value };
    }).value;
}

function refusal(
  place: string,
  type: OptionType<unknown>,
  expected: string = type.expected,
): UsageError {
  return new UsageError(`${place}: expected ${expected}`, type.hint);
}

/** A value of a configuration file, without its secrets. */
function written(value: unknown, type: OptionType<unknown>): string {
  return JSON.stringify(
    value,
    (_, part) => typeof part === "string" ? withoutSecrets(part, type) : part,
  );
}

function withoutSecrets(text: string, type: OptionType<unknown>): string {
  if (type.shown !== undefined) return type.shown(text);
  return /:[\\/]/.test(text) ? hideCredentials(text) : text;
}

function quoted(secret: string, type: OptionType<unknown>): string {
  const text = withoutSecrets(secret, type);
  return text === "" || /\s/.test(text) ? JSON.stringify(text) : text;
}

function adviceOnKey(name: string, known: readonly string[]): string {
  const foreign = foreignOption(name, known);
  if (foreign !== null && "advice" in foreign) return foreign.advice;
  const nearest = foreign?.name ?? nearestWord(name, known);
  return didYouMean(nearest, `Known options: ${known.join(", ")}.`);
}
