/**
 * Metadata of calls: what headers are in HTTP.
 *
 * @module
 */

import { shown } from "../core/text.ts";
import type { HeaderPairs } from "../http/transport.ts";

/** A value of metadata: a text, or bytes if its name ends in `-bin`. */
export type MetadataValue = string | Uint8Array;

/** Metadata by name; a list sends a name several times. */
export type MetadataInit =
  | Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>
  | GrpcMetadata;

/**
 * Metadata, by names in small letters. Names that end in `-bin` have bytes as values, all others texts of printable
 * ASCII characters.
 */
export class GrpcMetadata {
  readonly #values = new Map<string, MetadataValue[]>();
  #changes = 0;

  /**
   * Metadata with these names and values.
   *
   * @throws TypeError if a name or a value is invalid.
   */
  constructor(init: MetadataInit = {}) {
    for (const [name, values] of entriesOf(init)) {
      for (const value of values) this.append(name, value);
    }
  }

  /** @internal The metadata that a response has among its headers. */
  static received(...lists: readonly HeaderPairs[]): GrpcMetadata {
    const metadata = new GrpcMetadata();
    for (const [name, value] of lists.flat()) {
      if (isOfProtocol(name)) continue;
      if (!isBinary(name)) metadata.#add(name, value);
      else for (const one of value.split(",")) metadata.#add(name, fromBase64(one.trim()));
    }
    return metadata;
  }

  /** @internal How often it was changed. */
  get changes(): number {
    return this.#changes;
  }

  /** The first text of a name; `undefined` if there is none. */
  get(name: string): string | undefined {
    const value = this.#values.get(name.toLowerCase())?.[0];
    return typeof value === "string" ? value : undefined;
  }

  /** The first bytes of a name that ends in `-bin`; `undefined` if there are none. */
  getBytes(name: string): Uint8Array | undefined {
    const value = this.#values.get(name.toLowerCase())?.[0];
    return value instanceof Uint8Array ? value : undefined;
  }

  /** All values of a name, in order. */
  getAll(name: string): readonly MetadataValue[] {
    return this.#values.get(name.toLowerCase()) ?? [];
  }

  /** Whether there is a value of a name. */
  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  /**
   * Replaces the values of a name.
   *
   * @throws TypeError if name or value is invalid.
   */
  set(name: string, value: MetadataValue): void {
    const key = checkedName(name);
    const checked = checkedValue(key, value);
    this.#values.delete(key);
    this.#add(key, checked);
  }

  /**
   * Adds a value.
   *
   * @throws TypeError if name or value is invalid.
   */
  append(name: string, value: MetadataValue): void {
    const key = checkedName(name);
    this.#add(key, checkedValue(key, value));
  }

  /** Removes the values of a name. */
  delete(name: string): void {
    this.#changes++;
    this.#values.delete(name.toLowerCase());
  }

  /** Names and values, in the order in which names were added. */
  *[Symbol.iterator](): Generator<[name: string, value: MetadataValue]> {
    for (const [name, values] of this.#values) for (const value of values) yield [name, value];
  }

  /** @internal As headers of HTTP. */
  get pairs(): HeaderPairs {
    return Array.from(
      this,
      ([name, value]) => [name, typeof value === "string" ? value : toBase64(value)],
    );
  }

  #add(name: string, value: MetadataValue): void {
    this.#changes++;
    const values = this.#values.get(name);
    if (values === undefined) this.#values.set(name, [value]);
    else values.push(value);
  }
}

/** What is wrong with metadata; `null` if it can be sent. */
export function metadataProblem(init: unknown): string | null {
  try {
    new GrpcMetadata(init as MetadataInit);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function* entriesOf(init: MetadataInit): Generator<[string, readonly MetadataValue[]]> {
  if (init instanceof GrpcMetadata) {
    for (const [name, value] of init) yield [name, [value]];
    return;
  }
  const isObject = typeof init === "object" && init !== null && !Array.isArray(init);
  if (!isObject || Symbol.iterator in init) {
    throw new TypeError(`metadata: ${shown(init)}, expected an object like { "x-tenant": "a" }`);
  }
  for (const [name, value] of Object.entries(init)) {
    yield [name, Array.isArray(value) ? value : [value as MetadataValue]];
  }
}

/** Headers of HTTP and of gRPC itself, which are no metadata. */
function isOfProtocol(name: string): boolean {
  return name.startsWith(":") || (name.startsWith("grpc-") && !name.endsWith("-bin")) ||
    OF_PROTOCOL.has(name);
}

const OF_PROTOCOL: ReadonlySet<string> = new Set(["content-type", "te", "content-length"]);

/** Names that calls set themselves, or that HTTP/2 does not have. */
const RESERVED: ReadonlySet<string> = new Set([
  ...OF_PROTOCOL,
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "expect",
]);

function checkedName(name: unknown): string {
  const key = typeof name === "string" ? name.toLowerCase() : "";
  if (!/^[\w.-]+$/.test(key)) {
    throw new TypeError(
      `metadata: the name is ${shown(name)}, expected letters, digits, _, - and .`,
    );
  }
  if (key.startsWith("grpc-") || RESERVED.has(key)) {
    throw new TypeError(`metadata: ${key} is not a name for metadata; gRPC sets it itself`);
  }
  return key;
}

function checkedValue(name: string, value: unknown): MetadataValue {
  if (isBinary(name)) {
    if (value instanceof Uint8Array) return value;
    throw new TypeError(
      `metadata: ${name} is ${shown(value)}, expected a Uint8Array, because its name ends in -bin`,
    );
  }
  if (typeof value === "string" && /^[\x20-\x7e]*$/.test(value)) return value.trim();
  const hint = value instanceof Uint8Array || typeof value === "string"
    ? "; for anything else, use bytes and a name that ends in -bin"
    : "";
  throw new TypeError(
    `metadata: ${name} is ${shown(value)}, expected a string of printable ASCII characters${hint}`,
  );
}

function isBinary(name: string): boolean {
  return name.endsWith("-bin");
}

function toBase64(bytes: Uint8Array): string {
  return bytes.toBase64({ omitPadding: true });
}

/** The bytes; what is not base64 is taken as it is. */
function fromBase64(text: string): MetadataValue {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return text;
  }
}
