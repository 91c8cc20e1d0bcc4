/**
 * What `setup` of a test file has returned, on its way from the master to a worker. The first part comes
 * with the announcement, and the worker asks for the others one by one, so that the master holds at most one
 * part for each of its workers.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type Message, ProtocolError } from "./protocol.ts";

/** How long the JSON text may be, in bytes. */
export const MAX_SETUP_DATA = 1024 * 1024;

/** Bytes of one part. Thousands of workers may ask for one at the same time. */
const PART_BYTES = 64 * 1024;

/** The data on the master. */
export class SetupData {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  /** @param json at most {@link MAX_SETUP_DATA} bytes. */
  constructor(json: string) {
    this.#bytes = new TextEncoder().encode(json);
  }

  /** The message that announces the data, with its first part. */
  get announcement(): Message<"DATA"> {
    return { type: "DATA", size: this.#bytes.length, first: this.#part(0) };
  }

  /** The part from an offset on; `null` if there is none. */
  chunk(offset: number): Message<"CHUNK"> | null {
    const data = this.#part(offset);
    return data.length === 0 ? null : { type: "CHUNK", offset, data };
  }

  #part(offset: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(offset, offset + PART_BYTES);
  }
}

/** The data on a worker, of which parts may be missing. */
export class PartialSetupData {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that have arrived. */
  #received = 0;

  /** @throws ProtocolError if the announcement is not possible. */
  constructor({ size, first }: Message<"DATA">) {
    if (size > MAX_SETUP_DATA) refuse(`DATA of ${size} bytes`);
    this.#bytes = new Uint8Array(size);
    this.add(0, first);
  }

  /** Where the next part begins; `null` if nothing is missing. */
  get missingFrom(): number | null {
    return this.#received === this.#bytes.length ? null : this.#received;
  }

  /**
   * Adds the next part. Any other, such as one that was sent twice, is ignored.
   *
   * @throws ProtocolError if there are more bytes than were announced.
   */
  add(offset: number, part: Uint8Array): void {
    if (offset !== this.#received) return;
    if (part.length > this.#bytes.length - offset) refuse("more DATA than announced");
    this.#bytes.set(part, offset);
    this.#received += part.length;
  }

  /** The JSON text, once nothing is missing. */
  get json(): string {
    return Buffer.from(this.#bytes).toString();
  }
}

function refuse(what: string): never {
  throw new ProtocolError("protocol", `the master sent ${what}`);
}
