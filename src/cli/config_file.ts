/**
 * The file that `--config` names: options by name, in TOML or JSON.
 *
 * @module
 */

import { extname, resolve } from "node:path";
import { parse as parseToml, TomlError } from "smol-toml";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

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
