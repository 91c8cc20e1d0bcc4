/**
 * The requests of the bare loops, and what they do with the responses.
 *
 * @module
 */

import { ORDER } from "../support/order.ts";
import type { Exchange } from "../support/scenario.ts";

/** What a loop sends, and how it reads what comes back. */
export interface Workload {
  /** The bytes of the next request. */
  request(): Uint8Array<ArrayBuffer>;
  /** Handles a complete response, the first `length` of `bytes`. Returns whether it is a success. */
  response(bytes: Uint8Array, length: number): boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const DIGIT_2 = 0x32;

/** The position of the first digit of the status in "HTTP/1.1 200 OK". */
const STATUS_AT = 9;

/** The workload of an exchange with a URL. A POST is stringified, and its response parsed, each time. */
export function workloadOf(exchange: Exchange, url: URL): Workload {
  const path = `${url.pathname}${url.search}`;
  if (exchange === "post") {
    const head = `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\n` +
      "content-type: application/json\r\ncontent-length: ";
    return {
      request: () => {
        const body = JSON.stringify(ORDER);
        return encoder.encode(`${head}${body.length}\r\n\r\n${body}`);
      },
      response: (bytes, length) => {
        JSON.parse(decoder.decode(bytes.subarray(headLength(bytes), length)));
        return bytes[STATUS_AT] === DIGIT_2;
      },
    };
  }
  const request = encoder.encode(`GET ${path} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`);
  return { request: () => request, response: (bytes) => bytes[STATUS_AT] === DIGIT_2 };
}

/** The length of a head with its empty line; that of all bytes if it is not complete. */
function headLength(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(0x0d); at >= 0; at = bytes.indexOf(0x0d, at + 1)) {
    if (bytes[at + 1] === 0x0a && bytes[at + 2] === 0x0d && bytes[at + 3] === 0x0a) return at + 4;
  }
  return bytes.length;
}

/** Assembles the responses of one connection. */
export class ResponseReader {
  readonly #workload: Workload;
  #parts = new Uint8Array(0);
  #received = 0;
  /** The target always sends the same, so only the first response is scanned. */
  #expected = 0;

  constructor(workload: Workload) {
    this.#workload = workload;
  }

  /**
   * Takes the bytes of a read. Returns `null` if the response is not complete yet; otherwise whether it is
   * a success.
   */
  take(bytes: Uint8Array, length: number): boolean | null {
    if (this.#received === 0 && length === this.#expected) {
      return this.#workload.response(bytes, length);
    }
    return this.#takePart(bytes.subarray(0, length));
  }

  #takePart(part: Uint8Array): boolean | null {
    const all = new Uint8Array(this.#received + part.length);
    all.set(this.#parts);
    all.set(part, this.#received);
    this.#parts = all;
    this.#received = all.length;
    if (this.#expected === 0) this.#expected = messageLength(all);
    if (this.#expected === 0 || this.#received < this.#expected) return null;
    this.#received = 0;
    this.#parts = new Uint8Array(0);
    return this.#workload.response(all, all.length);
  }
}

/** The length of a response according to its head; 0 if that is not complete. */
function messageLength(bytes: Uint8Array): number {
  const end = headLength(bytes);
  const head = decoder.decode(bytes.subarray(0, end));
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
  return head.endsWith("\r\n\r\n") && length !== null ? end + Number(length[1]) : 0;
}
