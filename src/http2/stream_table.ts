/**
 * The streams of an HTTP/2 connection, by their ids.
 *
 * A `Map` would allocate a table again and again while streams come and go, and the old tables would keep all
 * that the streams refer to until the whole heap is collected.
 *
 * @module
 */

import type { Http2Stream } from "./http2_stream.ts";

/** Streams in a hash table, whose chains go through the streams themselves. */
export class StreamTable {
  size = 0;
  /** A power of two of them. Ids are odd numbers in a row, so they are spread evenly. */
  #chains = new Array<Http2Stream | null>(4).fill(null);

  get(id: number): Http2Stream | null {
    let stream: Http2Stream | null = this.#chains[(id >>> 1) & (this.#chains.length - 1)]!;
    while (stream !== null && stream.id !== id) stream = stream.next;
    return stream;
  }

  has(stream: Http2Stream): boolean {
    return this.get(stream.id) === stream;
  }

  /** Adds a stream. It must be in no table. */
  add(stream: Http2Stream): void {
    if (this.size === this.#chains.length) this.#grow();
    this.size++;
    this.#insert(stream);
  }

  /** Returns whether it was there. */
  delete(stream: Http2Stream): boolean {
    const index = (stream.id >>> 1) & (this.#chains.length - 1);
    let previous: Http2Stream | null = null;
    let one: Http2Stream | null = this.#chains[index]!;
    while (one !== null && one !== stream) {
      previous = one;
      one = one.next;
    }
    if (one === null) return false;
    if (previous === null) this.#chains[index] = stream.next;
    else previous.next = stream.next;
    stream.next = null;
    this.size--;
    return true;
  }

  /** All of them, in the order in which they were started. */
  all(): Http2Stream[] {
    const streams: Http2Stream[] = [];
    for (const first of this.#chains) {
      for (let one = first; one !== null; one = one.next) streams.push(one);
    }
    return streams.sort((a, b) => a.id - b.id);
  }

  #insert(stream: Http2Stream): void {
    const index = (stream.id >>> 1) & (this.#chains.length - 1);
    stream.next = this.#chains[index]!;
    this.#chains[index] = stream;
  }

  #grow(): void {
    const streams = this.all();
    this.#chains = new Array<Http2Stream | null>(streams.length * 2).fill(null);
    for (const stream of streams) this.#insert(stream);
  }
}
