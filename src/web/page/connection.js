// @ts-check
/// <reference lib="dom" />
/**
 * The page's connection to its server: reads the stream of events, and comes back by itself when the
 * server was away. A plain request rather than an `EventSource`, which tells neither why a stream was
 * refused nor that a connection has gone silent.
 *
 * @module
 */

import { EventStreamReader } from "./event_stream.js";

/** @typedef {import("./event_stream.js").StreamEvent} StreamEvent */

/**
 * How it stands: `live` while events come, `away` while the server does not answer, `denied` when it
 * asks for a token, `refused` when it answers with something else, which `reason` says.
 *
 * @typedef {"connecting" | "live" | "away" | "denied" | "refused"} ConnectionState
 */

/**
 * What it needs of the world.
 *
 * @typedef {object} ConnectionPort
 * @property {(signal: AbortSignal) => Promise<Response>} open Asks for the stream.
 * @property {(ms: number, act: () => void) => () => void} later Does something later, unless the
 * function that it returns is called first.
 * @property {(event: StreamEvent) => void} onEvent
 * @property {(state: ConnectionState, reason: string) => void} onState Called when it has changed.
 */

/** Milliseconds until it tries again, the more often it has failed. */
const PAUSES = [500, 1000, 2000, 3000, 5000];

/** The server says something every 10 s; after this many milliseconds without, it is gone. */
const SILENCE = 25_000;

/** Reads the stream until it is closed. */
export class LiveConnection {
  #port;
  /** @type {ConnectionState | null} */
  #state = null;
  #failures = 0;
  #closed = false;
  /** Wakes it from a pause. */
  #wake = () => {};
  #aborter = new AbortController();

  /** @param {ConnectionPort} port */
  constructor(port) {
    this.#port = port;
  }

  /**
   * Connects, and again whenever the connection ends; resolves once it was closed.
   *
   * @returns {Promise<void>}
   */
  async run() {
    this.#tell("connecting", "");
    while (!this.#closed) {
      await this.#attempt();
      if (this.#closed) return;
      const pause = PAUSES[Math.min(this.#failures, PAUSES.length - 1)] ?? 0;
      this.#failures += 1;
      // Who has no token is asked for one, and tries when it was given.
      await this.#pause(this.#state === "denied" ? null : pause);
    }
  }

  /** Tries at once, if it is waiting. */
  retry() {
    this.#failures = 0;
    this.#wake();
  }

  /** Ends it for good. */
  close() {
    this.#closed = true;
    this.#aborter.abort();
    this.#wake();
  }

  async #attempt() {
    this.#aborter = new AbortController();
    try {
      const response = await this.#watched(this.#port.open(this.#aborter.signal));
      if (!response.ok || response.body === null) {
        this.#tell(response.status === 401 ? "denied" : "refused", await reasonOf(response));
        return;
      }
      await this.#read(response.body);
      this.#tell("away", "");
    } catch {
      // Whatever it was that failed, there is no connection.
      this.#tell("away", "");
    } finally {
      this.#aborter.abort();
    }
  }

  /** @param {ReadableStream<Uint8Array<ArrayBuffer>>} body */
  async #read(body) {
    const events = new EventStreamReader();
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await this.#watched(reader.read());
      if (done || this.#closed) return;
      for (const event of events.push(value)) {
        this.#failures = 0;
        this.#tell("live", "");
        this.#port.onEvent(event);
      }
    }
  }

  /**
   * What a promise comes to, unless it takes so long that the server must be gone.
   *
   * @template Value
   * @param {Promise<Value>} promise
   * @returns {Promise<Value>}
   */
  async #watched(promise) {
    const aborter = this.#aborter;
    const cancel = this.#port.later(SILENCE, () => aborter.abort());
    try {
      return await promise;
    } finally {
      cancel();
    }
  }

  /** @param {number | null} ms Null: until somebody wants it to try. */
  #pause(ms) {
    return /** @type {Promise<void>} */ (new Promise((resolve) => {
      const cancel = ms === null ? () => {} : this.#port.later(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    }));
  }

  /**
   * @param {ConnectionState} state
   * @param {string} reason
   */
  #tell(state, reason) {
    if (this.#closed || this.#state === state) return;
    this.#state = state;
    this.#port.onState(state, reason);
  }
}

/**
 * What the server says of its refusal.
 *
 * @param {Response} response
 * @returns {Promise<string>}
 */
export async function reasonOf(response) {
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error !== "") return error;
  } catch {
    // It said nothing that the page would understand.
  }
  return `The server answered with status ${response.status}.`;
}
