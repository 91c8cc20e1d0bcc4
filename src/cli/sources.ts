/**
 * Where an option's value comes from: flags win over the environment, and that over the file.
 *
 * @module
 */

import { extname, resolve } from "node:path";
import { parse as parseToml, TomlError } from "smol-toml";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { FlagTexts } from "./flag_parser.ts";
import { type OptionType, rawTypeOf, textOf } from "./option_types.ts";
import type { Setting, SettingTable } from "./settings.ts";

// The file that `--config` names: options by name, in TOML or JSON.

/** A value, and how its key is written in the file. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: unknown;
}

/** What a configuration file says. */
export interface ConfigFile {
  /** The path as it was given. */
  readonly path: string;
  /** Entries by their key in kebab case. */
  readonly entries: ReadonlyMap<string, ConfigEntry>;
}

/** `runTime` as `run-time`; kebab case stays as it is. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Reads a configuration file. Whether its keys name options is for the caller to judge.
 *
 * @param path ends in `.toml` or `.json`; relative to the working directory.
 * @throws UsageError where the file is missing, is neither kind, or is malformed.
 */
export async function readConfigFile(host: Host, path: string): Promise<ConfigFile> {
  const parse = parserOf(path);
  const table = parse(path, await readText(host, path));
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    throw new UsageError(`${path}: an object with options by name is needed`);
  }
  const entries = new Map<string, ConfigEntry>();
  for (const [key, value] of Object.entries(table)) {
    const name = kebabCase(key);
    const twin = entries.get(name);
    if (twin !== undefined) {
      throw new UsageError(`${path}: ${twin.key} and ${key} are the same option`);
    }
    entries.set(name, { key, value });
  }
  return { path, entries };
}

function parserOf(path: string): (path: string, text: string) => unknown {
  switch (extname(path).toLowerCase()) {
    case ".toml":
      return fromToml;
    case ".json":
      return fromJson;
    default:
      throw new UsageError(`--config ${path}: a file that ends in .toml or .json is needed`);
  }
}

async function readText(host: Host, path: string): Promise<string> {
  const fullPath = resolve(host.cwd, path);
  if (!await host.isFile(fullPath)) {
    throw new UsageError(`--config ${path}: there is no file ${fullPath}`);
  }
  try {
    return await host.readTextFile(fullPath);
  } catch (error) {
    throw new UsageError(`--config ${path}: cannot be read: ${errorText(error)}`, "", error);
  }
}

function fromToml(path: string, text: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = errorText(error.message).replace("Invalid TOML document: ", "");
    throw new UsageError(`${path}:${error.line}:${error.column}: not TOML: ${reason}`, "", error);
  }
}

function fromJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser quotes the text around the error, line ends included.
    const reason = (error as SyntaxError).message.replaceAll(/\s+/g, " ");
    throw new UsageError(`${path}: not JSON: ${reason}`, "", error);
  }
}

/** The values of a table of settings, and which of them were given; the others have their defaults. */
export interface SettingValues<Values> {
  readonly values: Values;
  readonly given: ReadonlySet<keyof Values>;
}

/**
 * The configuration file that is named by flag or in the environment; null where none is.
 *
 * @throws UsageError where it is missing or malformed.
 */
export async function findConfigFile(flags: FlagTexts, host: Host): Promise<ConfigFile | null> {
  const path = new Sources(flags, host, null).find("config", textOf("a file's name"));
  return path === undefined ? null : await readConfigFile(host, path);
}

/** Texts of options by environment variable, as a master hands them on to its workers. */
export type ForwardedOptions = Readonly<Record<string, string>>;

/** Options as they were given, wherever that was. */
export class Sources {
  readonly #flags: FlagTexts;
  readonly #host: Pick<Host, "env">;
  readonly #file: ConfigFile | null;
  readonly #handedOn: ForwardedOptions;

  /** @param handedOn holds where nothing was given here. */
  constructor(
    flags: FlagTexts,
    host: Pick<Host, "env">,
    file: ConfigFile | null,
    handedOn: ForwardedOptions = {},
  ) {
    this.#flags = flags;
    this.#host = host;
    this.#file = file;
    this.#handedOn = handedOn;
  }

  /**
   * An option's value; undefined where it was given nowhere.
   *
   * @param name the flag without its dashes.
   * @throws UsageError that says where the value stands, what it is, and what is accepted.
   */
  find<Value>(name: string, kind: OptionType<Value>): Value | undefined {
    return this.#fromFlags(name, kind) ?? this.#fromEnvironment(name, kind) ??
      this.#fromFile(name, kind) ?? this.#fromMaster(name, kind);
  }

  /**
   * The values of all settings of a table.
   *
   * @throws UsageError as {@link find} does.
   */
  readAll<Values extends object>(table: SettingTable<Values>): SettingValues<Values> {
    const given = new Set<keyof Values>();
    const read = <Name extends keyof Values & string>(name: Name): Values[Name] => {
      const setting: Setting<Values[Name]> = table[name];
      const value = this.find(kebabCase(name), setting.kind);
      if (value === undefined) return setting.default;
      given.add(name);
      return value;
    };
    const names = Object.keys(table) as (keyof Values & string)[];
    const values: object = Object.fromEntries(names.map((name) => [name, read(name)]));
    return { values: values as Values, given };
  }

  /**
   * Checks that the configuration file names nothing but options.
   *
   * @param names all flags, without their dashes.
   * @throws UsageError that names the file and the key.
   */
  checkFileKeys(names: readonly string[]): void {
    if (this.#file === null) return;
    const known = names.map(kebabCase);
    for (const [name, { key }] of this.#file.entries) {
      if (known.includes(name)) continue;
      throw new UsageError(
        `${this.#file.path}: ${key} is no option`,
        `The options: ${known.join(", ")}.`,
      );
    }
  }

  #fromFlags<Value>(name: string, kind: OptionType<Value>): Value | undefined {
    const texts = this.#flags.get(name);
    const last = texts?.at(-1);
    if (texts === undefined || last === undefined) return undefined;
    if (last === null) return kind.bare;
    const counted = kind.add === undefined ? [last] : texts.filter((text) => text !== null);
    return readEach(counted, kind, (text) => `--${name} ${quoted(text)}`);
  }

  #fromEnvironment<Value>(name: string, kind: OptionType<Value>): Value | undefined {
    const variable = environmentName(name);
    const text = this.#host.env(variable);
    // Compose files and CI systems set variables to nothing when they mean that they are not set.
    if (text === undefined || text === "") return undefined;
    return read(`${variable}=${quoted(text)}`, text, kind);
  }

  #fromMaster<Value>(name: string, kind: OptionType<Value>): Value | undefined {
    const variable = environmentName(name);
    if (!Object.hasOwn(this.#handedOn, variable)) return undefined;
    const text = this.#handedOn[variable]!;
    return read(`${variable}=${quoted(text)} of the master`, text, kind);
  }

  #fromFile<Value>(name: string, kind: OptionType<Value>): Value | undefined {
    const entry = this.#file?.entries.get(kebabCase(name));
    if (entry === undefined) return undefined;
    const { key, value } = entry;
    const place = `${this.#file!.path}: ${key} = ${JSON.stringify(value)}`;
    const type = rawTypeOf(value);
    if (type === null || !kind.types.includes(type)) throw refusal(place, kind);
    if (type !== "list" && type !== "numbers") return read(place, String(value), kind);
    const texts = (value as readonly (string | number)[]).map(String);
    if (texts.length === 0) throw refusal(place, kind);
    return readEach(texts, kind, () => place);
  }
}

/** The environment variable of an option. */
export function environmentName(name: string): string {
  return `AIOTEST_${kebabCase(name).toUpperCase().replaceAll("-", "_")}`;
}

function read<Value>(place: string, text: string, kind: OptionType<Value>): Value {
  const value = kind.parse(text);
  if (value === null) throw refusal(place, kind);
  return value;
}

/** Several texts for one option; `placeOf` says where each of them stands. */
function readEach<Value>(
  texts: readonly string[],
  kind: OptionType<Value>,
  placeOf: (text: string) => string,
): Value {
  return texts.map((text) => read(placeOf(text), text, kind))
    .reduce((earlier, later) => kind.add?.(earlier, later) ?? later);
}

function refusal(place: string, kind: OptionType<unknown>): UsageError {
  return new UsageError(`${place}: ${kind.needed}`, kind.hint);
}

function quoted(text: string): string {
  return text === "" || /\s/.test(text) ? JSON.stringify(text) : text;
}
