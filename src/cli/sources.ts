/**
 * Where an option's value comes from: flags win over the environment, and that over the file.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { type ConfigFile, kebabCase } from "./config_file.ts";
import type { FlagTexts } from "./flag_parser.ts";
import { type RawType, rawTypeOf, type ValueKind } from "./value_kind.ts";

/** Options as they were given, wherever that was. */
export class Sources {
  readonly #flags: FlagTexts;
  readonly #host: Pick<Host, "env">;
  readonly #file: ConfigFile | null;

  constructor(
    flags: FlagTexts,
    host: Pick<Host, "env">,
    file: ConfigFile | null,
  ) {
    this.#flags = flags;
    this.#host = host;
    this.#file = file;
  }

  /**
   * An option's value; undefined where it was given nowhere.
   *
   * @param name the flag without its dashes.
   * @throws UsageError that says where the value stands, what it is, and what is accepted.
   */
  find<Value>(name: string, kind: ValueKind<Value>): Value | undefined {
    return this.#fromFlags(name, kind) ?? this.#fromEnvironment(name, kind) ??
      this.#fromFile(name, kind);
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

  #fromFlags<Value>(name: string, kind: ValueKind<Value>): Value | undefined {
    const texts = this.#flags.get(name);
    const last = texts?.at(-1);
    if (texts === undefined || last === undefined) return undefined;
    if (last === null) return kind.bare;
    const text = kind.join === undefined ? last : texts.join(kind.join);
    return read(`--${name} ${quoted(text)}`, text, kind);
  }

  #fromEnvironment<Value>(name: string, kind: ValueKind<Value>): Value | undefined {
    const variable = environmentName(name);
    const text = this.#host.env(variable);
    // Compose files and CI systems set variables to nothing when they mean that they are not set.
    if (text === undefined || text === "") return undefined;
    return read(`${variable}=${quoted(text)}`, text, kind);
  }

  #fromFile<Value>(name: string, kind: ValueKind<Value>): Value | undefined {
    const entry = this.#file?.entries.get(kebabCase(name));
    if (entry === undefined) return undefined;
    const { key, value } = entry;
    const place = `${this.#file!.path}: ${key} = ${JSON.stringify(value)}`;
    const type = rawTypeOf(value);
    if (type === null || !kind.types.includes(type)) throw refusal(place, kind);
    return read(place, textOf(value, type), kind);
  }
}

/** The environment variable of an option. */
function environmentName(name: string): string {
  return `AIOTEST_${kebabCase(name).toUpperCase().replaceAll("-", "_")}`;
}

function read<Value>(place: string, text: string, kind: ValueKind<Value>): Value {
  const value = kind.parse(text);
  if (value === null) throw refusal(place, kind);
  return value;
}

function refusal(place: string, kind: ValueKind<unknown>): UsageError {
  return new UsageError(`${place}: ${kind.needed}`, kind.hint);
}

function textOf(value: unknown, type: RawType): string {
  return type === "list" ? (value as string[]).join(",") : String(value);
}

function quoted(text: string): string {
  return text === "" || /\s/.test(text) ? JSON.stringify(text) : text;
}
