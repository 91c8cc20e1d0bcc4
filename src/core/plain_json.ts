/**
 * Values of a test file that are sent to other nodes as JSON: what cannot be sent is named, instead of
 * vanishing on the way.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { errorText } from "./errors.ts";
import { shown } from "./text.ts";

/** Deeper values are probably a mistake, and would exhaust the stack. */
const MAX_DEPTH = 500;

/** The longest path in a message, in UTF-16 units. */
const MAX_PATH = 120;

/** A value that is not JSON. */
class NotJson extends Error {
  /** @param path of the value within the whole one; empty for that itself. */
  constructor(path: string, problem: string) {
    const where = path.length > MAX_PATH ? `…${path.slice(1 - MAX_PATH)}` : path;
    super(`${where === "" ? "it" : where} ${problem}`);
  }
}

/**
 * Encodes a value as JSON. Objects with a method `toJSON`, such as a `Date`, become what it returns, and
 * properties that are undefined are left out.
 *
 * @param maxBytes how long the text may be in UTF-8.
 * @throws Error whose message says what is wrong and where, such as `users[3].token is a function`.
 */
export function plainJson(value: unknown, maxBytes: number): string {
  try {
    const plain = new PlainCopy(maxBytes).of(value ?? null, "", 0);
    const text = JSON.stringify(plain);
    const bytes = Buffer.byteLength(text);
    if (bytes > maxBytes) throw new NotJson("", tooLong(`${bytes}`, maxBytes));
    return text;
  } catch (error) {
    // What the value's own code throws, such as a getter, says nothing about where.
    throw error instanceof NotJson ? error : new NotJson("", `cannot be read: ${errorText(error)}`);
  }
}

function tooLong(bytes: string, maxBytes: number): string {
  return `has ${bytes} bytes as JSON; at most ${maxBytes} are allowed`;
}

/** Copies a value, and checks each part of it. */
class PlainCopy {
  readonly #maxBytes: number;
  /** The objects around the one that is being copied. */
  readonly #around = new Set<object>();
  /** No more than the text will have. */
  #leastBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  of(given: unknown, path: string, depth: number): unknown {
    const value = converted(given);
    this.#count(1);
    switch (typeof value) {
      case "string":
        this.#count(value.length);
        return value;
      case "boolean":
        return value;
      case "number":
        if (Number.isFinite(value)) return value;
        throw new NotJson(path, `is ${value}`);
      case "bigint":
        throw new NotJson(path, `is a BigInt: ${shown(value)}`);
      case "object":
        return value === null ? null : this.#object(value, path, depth);
      case "undefined":
        throw new NotJson(path, "is undefined");
      default:
        throw new NotJson(path, `is a ${typeof value}`);
    }
  }

  #object(value: object, path: string, depth: number): unknown {
    if (this.#around.has(value)) {
      throw new NotJson(path, "refers to an object that contains it (a cycle)");
    }
    if (depth >= MAX_DEPTH) throw new NotJson(path, `is nested more than ${MAX_DEPTH} levels deep`);
    this.#around.add(value);
    const copy = Array.isArray(value)
      ? this.#array(value, path, depth)
      : this.#record(value, path, depth);
    this.#around.delete(value);
    return copy;
  }

  #array(value: readonly unknown[], path: string, depth: number): unknown[] {
    // Before an array of a billion empty places is copied.
    this.#count(value.length);
    return Array.from(value, (one, index) => this.of(one, `${path}[${index}]`, depth + 1));
  }

  #record(value: object, path: string, depth: number): object {
    const keys = Object.keys(value);
    const problem = strange(value, keys.length);
    if (problem !== null) throw new NotJson(path, problem);
    const entries: [string, unknown][] = [];
    for (const key of keys) {
      const part = (value as Readonly<Record<string, unknown>>)[key];
      if (part === undefined) continue;
      this.#count(key.length + 3);
      entries.push([key, this.of(part, pathTo(path, key), depth + 1)]);
    }
    return Object.fromEntries(entries);
  }

  /** Many references to the same object can make a text of any length. */
  #count(bytes: number): void {
    this.#leastBytes += bytes;
    if (this.#leastBytes > this.#maxBytes) {
      throw new NotJson("", tooLong(`more than ${this.#maxBytes}`, this.#maxBytes));
    }
  }
}

function converted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("toJSON" in value)) return value;
  return typeof value.toJSON === "function" ? value.toJSON() : value;
}

/** Says what an object is whose content JSON does not contain; `null` if it contains all of it. */
function strange(value: object, keys: number): string | null {
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (tag === "Promise") return "is a Promise: await it";
  if (tag !== "Object") return `is of the type ${tag}, not plain data`;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || keys > 0) return null;
  return `is a ${prototype.constructor?.name || "class instance"} without fields, not plain data`;
}

function pathTo(path: string, key: string): string {
  if (!/^[\p{L}$_][\p{L}\p{N}$_]*$/u.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** The value of a JSON text, frozen in its whole depth. */
export function frozenJson(text: string): unknown {
  return frozen(JSON.parse(text));
}

function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
