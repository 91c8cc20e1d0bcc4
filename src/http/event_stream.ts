/**
 * Server-sent events: the format `text/event-stream` of the HTML standard.
 *
 * @module
 */

import { WireError } from "./request_error.ts";

/** A server-sent event. */
export interface ServerSentEvent {
  /** What its lines `event` say; `message` without one. */
  readonly type: string;
  /** What its lines `data` say, one below the other. */
  readonly data: string;
  /** The id that the server gave last, with this event or before; empty without one. */
  readonly id: string;
  /** When its last byte arrived, in milliseconds from the start of the request. */
  readonly atMs: number;
}

/** The largest event, in UTF-16 units. */
const MAX_EVENT_SIZE = 16 * 1024 * 1024;

const NO_EVENTS: readonly ServerSentEvent[] = [];
const STREAMED = { stream: true };

/** Parses the bytes of one stream, which can be cut anywhere. An event that is not complete at the end is none. */
export class EventStreamParser {
  /** The time after which a client should connect again, in milliseconds, as the server has said; `null` if it has not. */
  retryMs: number | null = null;
  readonly #maxSize: number;
  // The runtime would drop a byte order mark at the beginning of each piece.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #hasBegun = false;
  /** The beginning of a line whose end has not arrived. */
  #partial = "";
  /** Whether the last character was a CR, after which an LF belongs to the same end of a line. */
  #endedWithCr = false;
  #type = "";
  /** `null` without a line `data`. */
  #data: string | null = null;
  #id = "";

  /** @param maxSize the largest event in UTF-16 units. */
  constructor(maxSize: number = MAX_EVENT_SIZE) {
    this.#maxSize = maxSize;
  }

  /**
   * The events that these bytes complete.
   *
   * @param atMs of these events.
   * @throws WireError `TOO_LARGE` if an event is too large.
   */
  push(bytes: Uint8Array, atMs: number): readonly ServerSentEvent[] {
    const text = this.#decoder.decode(bytes, STREAMED);
    if (text === "") return NO_EVENTS;
    const skipped = this.#hasBegun ? this.#endedWithCr ? "\n" : null : "\uFEFF";
    let from = skipped !== null && text.startsWith(skipped) ? 1 : 0;
    this.#hasBegun = true;
    this.#endedWithCr = text.endsWith("\r");
    let events: ServerSentEvent[] | null = null;
    let cr = text.indexOf("\r", from);
    let lf = text.indexOf("\n", from);
    while (cr >= 0 || lf >= 0) {
      const isCr = cr >= 0 && (lf < 0 || cr < lf);
      const end = isCr ? cr : lf;
      const line = this.#partial + text.slice(from, end);
      this.#partial = "";
      from = end + 1;
      if (isCr) {
        if (lf === from) from++;
        cr = text.indexOf("\r", from);
      }
      if (lf >= 0 && lf < from) lf = text.indexOf("\n", from);
      if (line !== "") this.#field(line);
      else {
        const event = this.#complete(atMs);
        if (event !== null) (events ??= []).push(event);
      }
    }
    if (from < text.length) {
      this.#partial += text.slice(from);
      this.#checkSize();
    }
    return events ?? NO_EVENTS;
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    // A comment.
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    switch (name) {
      case "data":
        this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
        return this.#checkSize();
      case "event":
        this.#type = value;
        return;
      case "id":
        if (!value.includes("\0")) this.#id = value;
        return;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.retryMs = Number(value);
    }
  }

  /** An empty line ends an event. Without data, it is none. */
  #complete(atMs: number): ServerSentEvent | null {
    const data = this.#data;
    const type = this.#type || "message";
    this.#type = "";
    this.#data = null;
    return data === null ? null : { type, data, id: this.#id, atMs };
  }

  #checkSize(): void {
    const size = this.#partial.length + (this.#data?.length ?? 0);
    if (size <= this.#maxSize) return;
    throw new WireError("TOO_LARGE", `a server-sent event of over ${this.#maxSize} characters`);
  }
}
