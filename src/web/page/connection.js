// @ts-check
/// <reference lib="dom" />
/**
 * The page's connection to its server: sends commands, reads the stream of events, and reconnects
 * after an interruption.
 *
 * Uses `fetch` rather than `EventSource`, which reports neither why a stream was refused nor that a
 * connection has gone silent.
 *
 * @module
 */

/**
 * The state of the connection: `live` while events arrive, `away` while the server does not respond,
 * `denied` when it requires a token, and `refused` when it responds with another error.
 *
 * @typedef {"connecting" | "live" | "away" | "denied" | "refused"} ConnectionState
 */

/**
 * What a connection needs.
 *
 * @typedef {object} ConnectionOptions
 * @property {(signal: AbortSignal) => Promise<Response>} open Requests the stream.
 * @property {number} timeoutMs How long the server may be silent.
 * @property {(ms: number, act: () => void) => () => void} setTimer Returns a function that cancels
 * the timer.
 * @property {(event: StreamEvent) => void} onEvent
 * @property {(state: ConnectionState, reason: string) => void} onState Called when the state has
 * changed. The reason is a sentence from the server if it refused the connection.
 */

/** What to do about a response that is not aiotest's. */
const CHECK = "If a reverse proxy serves this page, it must pass on all paths below it to aiotest.";

/** Milliseconds before the next attempt, by the number of failed attempts. */
const RETRY_DELAYS = [500, 1000, 2000, 3000, 5000];

/** Keeps a stream of events open until it is closed. */
export class LiveConnection {
  #options;
  /** @type {ConnectionState | null} */
  #state = null;
  #failures = 0;
  #closed = false;
  /** Ends the current delay. */
  #wake = () => {};
  #aborter = new AbortController();

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Connects, and reconnects whenever the connection ends. Resolves when it has been closed.
   *
   * @returns {Promise<void>}
   */
  async run() {
    this.#setState("connecting", "");
    while (!this.#closed) {
      await this.#attempt();
      if (this.#closed) return;
      const delay = RETRY_DELAYS[Math.min(this.#failures, RETRY_DELAYS.length - 1)] ?? 0;
      this.#failures += 1;
      // Without a token, another attempt would fail too: wait for the login.
      await this.#wait(this.#state === "denied" ? null : delay);
    }
  }

  /** Makes the next attempt now. */
  retry() {
    this.#failures = 0;
    this.#wake();
  }

  /** Ends the connection for good. */
  close() {
    this.#closed = true;
    this.#aborter.abort();
    this.#wake();
  }

  async #attempt() {
    this.#aborter = new AbortController();
    try {
      const response = await this.#withTimeout(this.#options.open(this.#aborter.signal));
      if (!response.ok || response.body === null) {
        this.#setState(response.status === 401 ? "denied" : "refused", await errorOf(response));
        return;
      }
      const type = response.headers.get("content-type") ?? "nothing";
      if (!type.startsWith("text/event-stream")) {
        this.#setState(
          "refused",
          `${senderOf(response)} returned ${type} instead of events. ${CHECK}`,
        );
        return;
      }
      await this.#read(response.body);
      this.#setState("away", "");
    } catch {
      this.#setState("away", "");
    } finally {
      this.#aborter.abort();
    }
  }

  /** @param {ReadableStream<Uint8Array<ArrayBuffer>>} body */
  async #read(body) {
    const events = new EventStreamReader();
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await this.#withTimeout(reader.read());
      if (done || this.#closed) return;
      for (const event of events.push(value)) {
        this.#failures = 0;
        this.#setState("live", "");
        this.#options.onEvent(event);
      }
    }
  }

  /**
   * Aborts the connection if a promise takes longer than the server may be silent.
   *
   * @template Value
   * @param {Promise<Value>} promise
   * @returns {Promise<Value>}
   */
  async #withTimeout(promise) {
    const aborter = this.#aborter;
    const cancel = this.#options.setTimer(this.#options.timeoutMs, () => aborter.abort());
    try {
      return await promise;
    } finally {
      cancel();
    }
  }

  /** @param {number | null} ms Null: until {@link retry} is called. */
  #wait(ms) {
    return /** @type {Promise<void>} */ (new Promise((resolve) => {
      const cancel = ms === null ? () => {} : this.#options.setTimer(ms, resolve);
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
  #setState(state, reason) {
    if (this.#closed || this.#state === state) return;
    this.#state = state;
    this.#options.onState(state, reason);
  }
}

/**
 * An event of a stream.
 *
 * @typedef {object} StreamEvent
 * @property {string} name `message` if the stream does not name it.
 * @property {string} data
 */

/** Parses a `text/event-stream` as it arrives. */
export class EventStreamReader {
  #rest = "";
  #name = "";
  /** @type {string[]} */
  #data = [];

  /**
   * Takes the next piece of the stream, and returns the events that it completes. Comments and
   * unknown fields are ignored.
   *
   * @param {string} text
   * @returns {StreamEvent[]}
   */
  push(text) {
    /** @type {StreamEvent[]} */
    const events = [];
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  /**
   * @param {string} line
   * @returns {StreamEvent | null}
   */
  #take(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
    return null;
  }

  /** @returns {StreamEvent | null} */
  #dispatch() {
    const event = this.#data.length === 0
      ? null
      : { name: this.#name === "" ? "message" : this.#name, data: this.#data.join("\n") };
    this.#name = "";
    this.#data = [];
    return event;
  }
}

/**
 * Requests the stream of events.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<Response>}
 */
export function openStream(signal) {
  return fetch("api/stream", { signal, cache: "no-store", headers: { "X-Aiotest": "1" } });
}

/**
 * Requests JSON. Rejects with an error whose message is a sentence for the user.
 *
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function getJson(path) {
  const request = { cache: /** @type {const} */ ("no-store"), headers: { "X-Aiotest": "1" } };
  const response = await fetch(path, request).catch(() => {
    throw new Error("The server does not respond.");
  });
  if (!response.ok) throw new Error(await errorOf(response));
  return await response.json();
}

/**
 * Starts a new run. Returns what is wrong with its options, or null.
 *
 * @param {object} fields
 * @returns {Promise<import("../control.ts").FieldProblem | null>}
 */
export async function startRun(fields) {
  const response = await post("start", fields).catch((error) => String(error.message));
  if (typeof response === "string") return { error: response, field: null };
  if (response.ok) {
    await response.body?.cancel();
    return null;
  }
  const field = await response.clone().json().then(({ field }) => field ?? null).catch(() => null);
  return { error: await errorOf(response), field };
}

/**
 * Sends a command. Rejects with an error whose message is a sentence for the user.
 *
 * @param {"start" | "stop" | "stop-worker" | "pause" | "resume" | "target" | "quit" | "login" | "logout"} command
 * @param {object} [body]
 * @returns {Promise<void>}
 */
export async function sendCommand(command, body = {}) {
  const response = await post(command, body);
  if (!response.ok) throw new Error(await errorOf(response));
  await response.body?.cancel();
}

/**
 * @param {string} command
 * @param {object} body
 */
async function post(command, body) {
  const request = {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Aiotest": "1" },
    body: JSON.stringify(body),
  };
  return await fetch(`api/${command}`, request).catch(() => {
    throw new Error("The server does not respond.");
  });
}

/** @param {Response} response */
function senderOf({ url }) {
  return url === "" ? "The server" : url;
}

/**
 * The error that a response reports, as a sentence.
 *
 * @param {Response} response
 * @returns {Promise<string>}
 */
export async function errorOf(response) {
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error !== "") return error;
  } catch {
    // Not one of our error responses, such as that of a proxy.
  }
  return `${senderOf(response)} responded with status ${response.status}. ${CHECK}`;
}
