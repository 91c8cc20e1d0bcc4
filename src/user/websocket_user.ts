/**
 * A user that talks to a server over a WebSocket.
 *
 * @module
 */

import { errorText, isInstance } from "../core/errors.ts";
import { nearestWord } from "../core/spelling.ts";
import { type Tags, tagsText } from "../core/tags.ts";
import { asText, shown } from "../core/text.ts";
import { neverSettles, UserEnd } from "../core/user_lifetime.ts";
import type { HttpResponse } from "../http/http_response.ts";
import { RequestError } from "../http/request_error.ts";
import { type Auth, type Fields, headerPairs } from "../http/request_options.ts";
import { upgradeUrl } from "../http/url_resolver.ts";
import {
  CLOSE_CODES,
  isCloseCode,
  MAX_CONTROL,
  type WebSocketMessage,
} from "../websocket/frames.ts";
import { MaskKeys } from "../websocket/mask_keys.ts";
import { type OpenedWebSocket, UpgradeTransport } from "../websocket/upgrade_transport.ts";
import {
  type MessageCounter,
  type WebSocketClosure,
  WebSocketConnection,
} from "../websocket/websocket_connection.ts";
import { checkTls } from "./class_tls.ts";
import type { UserContext } from "./context.ts";
import { FastHttpUser } from "./fast_http_user.ts";
import { metrics } from "./metrics.ts";
import { type NoMessage, PendingMessage, type WaitOutcome } from "./pending_message.ts";
import { checkHttpHost } from "./session_checks.ts";
import {
  checkFields,
  checkOptions,
  type ClassOptions,
  type FieldCheck,
  renewSession,
} from "./user.ts";
import { PendingSample } from "./user_requests.ts";

// The public part of the websocket layer, which mod.ts must not import itself.
export type { WebSocketMessage } from "../websocket/frames.ts";

/** Options of {@link WebSocketUser.connect}. */
export interface ConnectOptions {
  /** The name in reports. Default: the path of the URL without its query. */
  readonly name?: string;
  /** Added to the query of the URL. */
  readonly params?: Fields;
  /** Headers of the request that opens the connection. They replace those of the session. */
  readonly headers?: HeadersInit;
  /** Application protocols to offer, the preferred one first. */
  readonly protocols?: string | readonly string[];
  /** Credentials of the request; `null`: none, even if the session has some. */
  readonly auth?: Auth | null;
  /** Time limit in seconds until the connection is open. Default: the class's `timeout`. */
  readonly timeout?: number;
  /** Parts of the name that reports also show by themselves, such as `{ room: "large" }`. */
  readonly tags?: Tags;
}

/**
 * Which message is waited for: one that equals a string, that a regular expression matches, or for which a function
 * returns `true`. Strings and expressions never match a binary message.
 */
export type MessageMatch = string | RegExp | ((message: WebSocketMessage) => boolean);

/** Options of {@link WebSocketUser.receive}. */
export interface ReceiveOptions {
  /** Time limit in seconds. Default: the class's `timeout`. */
  readonly timeout?: number;
  /** Which message to wait for; others before it are passed over. Default: the next one. */
  readonly match?: MessageMatch;
}

/** Options of {@link WebSocketUser.ask}. */
export interface AskOptions {
  /** The name in reports. Default: the name of the connection and ` ask`. */
  readonly name?: string;
  /** Time limit in seconds. Default: the class's `timeout`. */
  readonly timeout?: number;
  /** Parts of the name that reports also show by themselves. */
  readonly tags?: Tags;
}

/** How a WebSocket was closed. */
export interface WebSocketClose {
  /** The code; 1005 if the server gave none, and 1006 if the connection ended without a close. */
  readonly code: number;
  /** The reason that the server gave; mostly empty. */
  readonly reason: string;
}

const METHOD = "WS";
const MAX_MESSAGE_SIZE = 16 * 1024 * 1024;
const MAX_QUEUED_MESSAGES = 1000;

/**
 * A simulated user that talks to a server over a WebSocket. It has all settings of a {@link FastHttpUser}, and its
 * session: cookies and headers of the session are sent when it connects. Its URLs can start with `ws://` and
 * `wss://`.
 *
 * Connecting is a request with the method `WS` in reports, and so is each {@link ask}. Messages, their bytes and the
 * codes with which connections were closed are counted in metrics: `ws_messages_sent`, `ws_messages_received`,
 * `ws_bytes_sent`, `ws_bytes_received`, and `ws_closes_1000` and so on.
 *
 * ```ts
 * import { WebSocketUser } from "aiotest";
 *
 * export class ChatTest extends WebSocketUser {
 *   static override host = "ws://127.0.0.1:8000";
 *
 *   async testChat(): Promise<void> {
 *     await this.connect("/chat");
 *     await this.ask({ say: "hello" }, /hello/, { name: "say hello" });
 *     await this.close();
 *   }
 * }
 * ```
 */
export class WebSocketUser extends FastHttpUser {
  /** The largest message in bytes, before and after decompression. A larger one closes the connection. */
  static maxMessageSize: number = MAX_MESSAGE_SIZE;
  /** How many messages are kept until the test receives them. If there are more, the oldest ones are dropped. */
  static maxQueuedMessages: number = MAX_QUEUED_MESSAGES;
  /** Whether to offer the server to compress messages (permessage-deflate). */
  static compression = true;
  /** Time limit in seconds for the server to answer a close. */
  static closeTimeout = 5;

  /** @internal */
  static override [checkOptions](options: ClassOptions): void {
    const host = options.host === null ? null : upgradeUrl(options.host);
    checkHttpHost(upgradeUrl(this.host), { ...options, host });
    checkTls(this.tls, options);
  }

  /** @internal */
  static override [checkFields](check: FieldCheck): void {
    super[checkFields](check);
    for (const field of ["maxMessageSize", "maxQueuedMessages"]) {
      check(
        field,
        (value) => value === Infinity || (Number.isInteger(value) && (value as number) > 0),
        "a whole number over 0, or Infinity for no limit",
      );
    }
    check("compression", (value) => typeof value === "boolean", "true or false");
    check(
      "closeTimeout",
      (value) => typeof value === "number" && value > 0 && value <= 3600,
      "a number of seconds over 0, at most 3600",
    );
    // Thresholds can only use metrics that are known before the run.
    for (const name of DECLARED) metrics.counter(name);
  }

  readonly #context: UserContext;
  readonly #upgrades: UpgradeTransport;
  readonly #waits = new Set<PendingMessage>();
  #connection: WebSocketConnection | null = null;
  /** In reports. */
  #name = "";
  #url = "";
  #protocol = "";
  readonly #onAbort = (): void => {
    for (const wait of [...this.#waits]) wait.cut(this.signal.reason);
  };

  /** Opens no connection. A subclass with its own constructor must call `super(context)`. */
  constructor(context: UserContext) {
    let upgrades: UpgradeTransport;
    super(context, (transport, settings) => {
      const { clock, http } = context;
      return upgrades = new UpgradeTransport(transport, clock, http, settings);
    });
    this.#context = context;
    this.#upgrades = upgrades!;
    this.signal.addEventListener("abort", this.#onAbort);
  }

  /** Whether the user has a connection on which it can send. */
  get connected(): boolean {
    return this.#connection !== null && this.#connection.isOpen;
  }

  /** The application protocol that the server has chosen; empty for none. */
  get protocol(): string {
    return this.#protocol;
  }

  /**
   * Opens a connection. It is counted as a request with the method `WS`, from sending the request to the server's
   * agreement. A user has one connection at a time.
   *
   * @param url absolute, or relative to the user's host; with `ws`, `wss`, `http` or `https`.
   * @returns the response with which the server has agreed.
   * @throws RequestError `WS_REFUSED` if the server answers with another status, which counts as a failure; the
   *   other codes as for any request. Error if there is an open connection. TypeError if an option is invalid.
   */
  async connect(url = "", options: ConnectOptions = {}): Promise<HttpResponse> {
    checkConnectOptions(options);
    if (this.connected) throw new Error("connect: this user is connected; call close first");
    const { requests, recorder } = this.#context;
    const { compression } = this.constructor as typeof WebSocketUser;
    const { protocols: given = [], headers: own = {}, ...request } = options;
    const protocols = typeof given === "string" ? [given] : [...given];
    checkProtocols(protocols);
    const ownHeaders = headerPairs(own);
    checkOwnHeaders(ownHeaders);
    this.#connection?.leave(CLOSE_CODES.goingAway);
    this.#connection = null;
    const headers = this.#upgrades.offer({
      protocols,
      deflate: compression,
      onOpen: (opened, early) => {
        const connection = this.#open(opened);
        connection.onData(early, early.length);
        if (requests.closed) return connection.leave(CLOSE_CODES.goingAway);
        this.#connection = connection;
        this.#protocol = opened.protocol;
      },
    });
    try {
      const target = typeof url === "string" ? upgradeUrl(url) : url;
      const all = [...ownHeaders, ...headers].map((
        [name, value],
      ): [string, string] => [name, value]);
      const res = await this.session.getAs(
        METHOD,
        target,
        { ...request, headers: all },
        checkAgreed,
      );
      this.#url = res.url.replace(/^http/, "ws");
      this.#name = options.name || new URL(res.url).pathname;
      if (res.status === 101) return res;
      const error = new RequestError("WS_REFUSED", METHOD, this.#url, `HTTP ${res.status}`);
      recorder.markCounted(error);
      throw error;
    } finally {
      this.#upgrades.withdraw(headers);
    }
  }

  #open({ socket, deflate }: OpenedWebSocket): WebSocketConnection {
    const { clock, http } = this.#context;
    const { maxMessageSize, maxQueuedMessages } = this.constructor as typeof WebSocketUser;
    return new WebSocketConnection(socket, {
      clock,
      deadlines: http.deadlines,
      keys: http.ofClass(MaskKeys, () => new MaskKeys()),
      counter: COUNTER,
      maxMessageSize,
      maxQueued: maxQueuedMessages,
      deflate,
    });
  }

  /**
   * Sends a message: a string as text, bytes as binary, and anything else as JSON.
   *
   * @throws RequestError `WS_CLOSED` if the connection has ended, which counts as a failure. Error if the user has
   *   not connected. TypeError if the message cannot be written as JSON.
   */
  send(message: unknown): void {
    const content = contentOf(message);
    const { clock, lease, requests } = this.#context;
    const now = clock.now();
    if (requests.closed || !lease.holds(now)) return;
    this.#sendable("send", now).send(content);
  }

  /**
   * Waits for a message. It is not a request, and only its failures are counted, under the name of the connection
   * and ` receive`.
   *
   * @returns text as a string, anything else as bytes.
   * @throws RequestError `TIMEOUT` or `WS_CLOSED`, which count as failures. Error if the user has not connected.
   */
  receive(options: ReceiveOptions = {}): Promise<WebSocketMessage> {
    const { clock, lease, requests } = this.#context;
    const now = clock.now();
    if (requests.closed || !lease.holds(now)) return neverSettles();
    try {
      checkNames("receive", options, ["timeout", "match"]);
      const connection = this.#current("receive");
      const matches = matcher(options.match);
      const deadline = now + this.#milliseconds(options.timeout);
      const queued = connection.takeQueued(matches);
      if (queued !== null) return Promise.resolve(queued);
      if (connection.closure !== null) throw this.#failed("receive", connection.closure, now);
      if (this.signal.aborted) throw this.signal.reason;
      return this.#next(connection, matches, deadline, (why) => this.#failed("receive", why, now));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a message, and waits for its answer. Both together are counted as a request with the method `WS`, whose
   * latency is the round trip. Messages that do not match are passed over, unless a loop over {@link messages} reads
   * them.
   *
   * @param match tells the answer from other messages.
   * @returns the answer.
   * @throws RequestError `TIMEOUT` or `WS_CLOSED`, which count as failures; what `match` throws, which does as well.
   *   Error if the user has not connected.
   */
  ask(message: unknown, match: MessageMatch, options: AskOptions = {}): Promise<WebSocketMessage> {
    const { clock, lease, requests, iterationSlot } = this.#context;
    const now = clock.now();
    if (requests.closed || !lease.holds(now)) return neverSettles();
    try {
      checkNames("ask", options, ["name", "timeout", "tags"]);
      const content = contentOf(message);
      const matches = matcher(match);
      if (matches === null) throw notMatch(match);
      const timeoutMs = this.#milliseconds(options.timeout);
      const sample = new PendingSample();
      sample.method = METHOD;
      if (options.tags !== undefined) sample.tags = tagsText(options.tags);
      const connection = this.#current("ask");
      if (this.signal.aborted) throw this.signal.reason;
      sample.name = asText(options.name || `${this.#name} ask`);
      sample.startedAt = iterationSlot === null ? now : iterationSlot.measureFrom(now);
      requests.start(sample);
      return new Promise((resolve, reject) => {
        const outcome = this.#outcomeOf(sample, resolve, reject);
        if (!connection.isOpen) return outcome.missed(connection.closure ?? CLOSING);
        connection.skipQueued();
        this.#wait(connection, matches, now + timeoutMs, outcome);
        sample.bytesSent = connection.send(content);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #outcomeOf(
    sample: PendingSample,
    resolve: (message: WebSocketMessage) => void,
    reject: (error: unknown) => void,
  ): WaitOutcome {
    const { clock, requests, recorder } = this.#context;
    const failed = (text: string, error: unknown): void => {
      sample.end(clock.now());
      sample.error = text;
      requests.fail(sample, error);
      recorder.markCounted(error);
      reject(error);
    };
    return {
      took: (message, wireBytes) => {
        sample.end(clock.now());
        sample.bytesReceived = wireBytes;
        requests.record(sample);
        resolve(message);
      },
      missed: (why) => failed(countedAs(why), this.#errorOf(why)),
      threw: (error) => {
        if (!isInstance(error, UserEnd)) return failed(errorText(error), error);
        requests.drop(sample);
        reject(error);
      },
      cut: (reason) => {
        requests.cutOff(sample, clock.now());
        reject(reason);
      },
    };
  }

  /**
   * All messages from now on, for `for await`. The loop ends when the connection is closed with the code 1000, 1001 or
   * none, and throws RequestError `WS_CLOSED`, which counts as a failure, if it ends in another way.
   *
   * ```ts
   * import { WebSocketUser } from "aiotest";
   *
   * export class TickerTest extends WebSocketUser {
   *   static override host = "ws://127.0.0.1:8000";
   *
   *   async testTicker(): Promise<void> {
   *     await this.connect("/ticker");
   *     let prices = 0;
   *     for await (const message of this.messages()) {
   *       this.check("has a price", JSON.parse(String(message)).price > 0);
   *       if (++prices === 10) break;
   *     }
   *     await this.close();
   *   }
   * }
   * ```
   *
   * @throws Error if the user has not connected.
   */
  async *messages(): AsyncGenerator<WebSocketMessage, void, undefined> {
    const connection = this.#current("messages");
    const { clock, requests } = this.#context;
    connection.readers++;
    try {
      while (!requests.closed) {
        const queued = connection.takeQueued(null);
        if (queued !== null) {
          yield queued;
          continue;
        }
        const { closure } = connection;
        if (closure !== null) {
          if (isNormal(closure)) return;
          throw this.#failed("receive", closure, clock.now());
        }
        if (this.signal.aborted) throw this.signal.reason;
        const message = await this.#nextOrEnd(connection);
        if (message === null) return;
        yield message;
      }
      await neverSettles();
    } finally {
      connection.readers--;
    }
  }

  /** The next message; `null` if the connection was closed as it should be. */
  #nextOrEnd(connection: WebSocketConnection): Promise<WebSocketMessage | null> {
    const now = this.#context.clock.now();
    return new Promise((resolve, reject) => {
      this.#wait(connection, null, Infinity, {
        took: resolve,
        missed: (why) => {
          if (why !== "TIMEOUT" && isNormal(why)) resolve(null);
          else reject(this.#failed("receive", why, now));
        },
        threw: reject,
        cut: reject,
      });
    });
  }

  /**
   * Closes the connection, and waits for the server's close, at most `closeTimeout` seconds. What has arrived before can
   * still be received. Does nothing if there is no connection. When a user ends, its connection is closed with 1001.
   *
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999.
   * @param reason at most 123 bytes in UTF-8.
   * @throws RangeError if code or reason is invalid.
   */
  async close(code: number = CLOSE_CODES.normal, reason = ""): Promise<WebSocketClose> {
    if (!Number.isInteger(code) || !isCloseCode(code)) {
      const expected = "expected 1000 to 1003, 1007 to 1014 or 3000 to 4999";
      throw new RangeError(`close: the code is ${shown(code)}, ${expected}`);
    }
    if (typeof reason !== "string" || new TextEncoder().encode(reason).length > MAX_CONTROL - 2) {
      throw new RangeError(
        `close: the reason is ${shown(reason)}, expected a string of at most 123 bytes`,
      );
    }
    const connection = this.#connection;
    const { requests } = this.#context;
    if (requests.closed) return neverSettles();
    if (connection === null) return { code, reason: "" };
    const { closeTimeout } = this.constructor as typeof WebSocketUser;
    const closure = await new Promise<WebSocketClosure>((resolve) => {
      connection.close(code, reason, closeTimeout * 1000, resolve);
    });
    return { code: closure.code, reason: closure.reason };
  }

  #wait(
    connection: WebSocketConnection,
    matches: ((message: WebSocketMessage) => boolean) | null,
    deadline: number,
    outcome: WaitOutcome,
  ): void {
    const { deadlines } = this.#context.http;
    new PendingMessage(connection, deadlines, this.#waits, matches, deadline, outcome);
  }

  #next(
    connection: WebSocketConnection,
    matches: ((message: WebSocketMessage) => boolean) | null,
    deadline: number,
    missed: (why: NoMessage) => RequestError,
  ): Promise<WebSocketMessage> {
    return new Promise((resolve, reject) => {
      this.#wait(connection, matches, deadline, {
        took: resolve,
        missed: (why) => reject(missed(why)),
        threw: reject,
        cut: reject,
      });
    });
  }

  #current(what: string): WebSocketConnection {
    if (this.#connection !== null) return this.#connection;
    throw new Error(`${what}: this user is not connected; call connect first`);
  }

  #sendable(what: string, now: number): WebSocketConnection {
    const connection = this.#current(what);
    if (connection.isOpen) return connection;
    throw this.#failed(what, connection.closure ?? CLOSING, now);
  }

  /** Counts a failure that belongs to no request; returns the error to throw. */
  #failed(what: string, why: NoMessage, startedAt: number): RequestError {
    const { clock, recorder, requests } = this.#context;
    const error = this.#errorOf(why);
    recorder.markCounted(error);
    const endedAt = clock.now();
    requests.recorded({
      method: METHOD,
      name: `${this.#name} ${what}`,
      status: 0,
      latencyMs: endedAt - startedAt,
      endedAt,
      bytesReceived: 0,
      bytesSent: 0,
      retries: 0,
      phases: null,
      error: countedAs(why),
      tags: "",
    });
    return error;
  }

  #errorOf(why: NoMessage): RequestError {
    return why === "TIMEOUT"
      ? new RequestError("TIMEOUT", METHOD, this.#url, "no message in time")
      : new RequestError(why.errorCode, METHOD, this.#url, why.detail);
  }

  #milliseconds(seconds: number | undefined): number {
    const limit = seconds ?? (this.constructor as typeof WebSocketUser).timeout;
    if (typeof limit === "number" && limit > 0) return limit * 1000;
    throw new RangeError(`timeout: ${shown(limit)}, expected more than 0 seconds`);
  }

  /** @internal */
  override [renewSession](): void {
    this.#leave();
    super[renewSession]();
  }

  /** Closes the connections; called by the runner. */
  override [Symbol.dispose](): void {
    this.signal.removeEventListener("abort", this.#onAbort);
    this.#waits.clear();
    this.#leave();
    super[Symbol.dispose]();
  }

  #leave(): void {
    this.#connection?.leave(CLOSE_CODES.goingAway);
    this.#connection = null;
  }
}

/** This side has begun to close the connection. */
const CLOSING: WebSocketClosure = {
  code: CLOSE_CODES.normal,
  reason: "",
  errorCode: "WS_CLOSED",
  detail: "this side has closed it",
};

/** Whether a server ends a connection like this when all is well. */
function isNormal({ code, errorCode }: WebSocketClosure): boolean {
  return errorCode === "WS_CLOSED" &&
    (code === CLOSE_CODES.normal || code === CLOSE_CODES.goingAway || code === CLOSE_CODES.none);
}

function countedAs(why: NoMessage): string {
  if (why === "TIMEOUT") return why;
  return why.errorCode === "WS_CLOSED" ? `WS_CLOSED ${why.code}` : why.errorCode;
}

/** A response that is neither an agreement nor an error, such as a page. */
function checkAgreed(res: HttpResponse): void {
  if (res.status !== 101 && res.status < 400) res.failure(`HTTP ${res.status}`);
}

const SENT = "ws_messages_sent";
const RECEIVED = "ws_messages_received";
const BYTES_SENT = "ws_bytes_sent";
const BYTES_RECEIVED = "ws_bytes_received";
const CLOSES = "ws_closes_";
const DECLARED: readonly string[] = [
  SENT,
  RECEIVED,
  BYTES_SENT,
  BYTES_RECEIVED,
  `${CLOSES}${CLOSE_CODES.abnormal}`,
];

/** From here on, libraries and applications choose codes: two thousand of them. */
const FIRST_CHOSEN_CODE = 3000;
/** How many of each thousand are told apart. */
const CHOSEN_CODES = 20;

const COUNTER: MessageCounter = {
  sent(bytes): void {
    metrics.count(SENT, 1);
    metrics.count(BYTES_SENT, bytes);
  },
  received(bytes): void {
    metrics.count(RECEIVED, 1);
    metrics.count(BYTES_RECEIVED, bytes);
  },
  closed(code): void {
    // There can be 200 metrics at most.
    const isOther = code >= FIRST_CHOSEN_CODE && code % 1000 >= CHOSEN_CODES;
    const family = isOther ? "other" : String(code);
    metrics.count(`${CLOSES}${family}`, 1);
  },
};

/** What is sent for a message. @throws TypeError if it cannot be sent. */
function contentOf(message: unknown): string | Uint8Array {
  if (typeof message === "string") return message;
  if (message instanceof Uint8Array) return message;
  if (ArrayBuffer.isView(message)) {
    return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  }
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  const text: string | undefined = JSON.stringify(message);
  if (text !== undefined) return text;
  throw new TypeError(
    `the message is ${shown(message)}, expected a string, bytes or what can be written as JSON`,
  );
}

function matcher(
  match: MessageMatch | undefined,
): ((message: WebSocketMessage) => boolean) | null {
  if (match === undefined) return null;
  if (typeof match === "function") return match;
  if (typeof match === "string") return (message) => message === match;
  // With the flags g and y, an expression begins where its last match has ended.
  if (match instanceof RegExp) {
    return (message) => typeof message === "string" && message.search(match) >= 0;
  }
  throw notMatch(match);
}

function notMatch(match: unknown): TypeError {
  return new TypeError(
    `match: ${shown(match)}, expected a string, a regular expression or a function`,
  );
}

const CONNECT_OPTIONS: readonly string[] = [
  "name",
  "params",
  "headers",
  "protocols",
  "auth",
  "timeout",
  "tags",
];

function checkConnectOptions(options: ConnectOptions): void {
  checkNames("connect", options, CONNECT_OPTIONS);
}

/** @throws TypeError if these are no options, or one of them has another name. */
function checkNames(method: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${method}: the options are ${shown(options)}, expected an object`);
  }
  for (const name in options) {
    if (names.includes(name)) continue;
    const near = nearestWord(name, names);
    const hint = near === null ? `expected ${names.join(", ")}` : `did you mean ${near}?`;
    throw new TypeError(`${method}: the option ${JSON.stringify(name)} is unknown; ${hint}`);
  }
}

function checkProtocols(protocols: readonly unknown[]): void {
  const isToken = (one: unknown): boolean =>
    typeof one === "string" && /^[!#$%&'*+.^_`|~\w-]+$/.test(one);
  if (protocols.every(isToken) && new Set(protocols).size === protocols.length) return;
  throw new TypeError(
    `protocols: ${shown(protocols)}, expected different names like ["chat.v1"]`,
  );
}

/** Headers that connect sends itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
]);

function checkOwnHeaders(pairs: readonly (readonly [string, string])[]): void {
  const own = pairs.find(([name]) => OWN_HEADERS.has(name.toLowerCase()));
  if (own === undefined) return;
  const hint = own[0].toLowerCase() === "sec-websocket-protocol"
    ? "; use the option protocols"
    : "";
  throw new TypeError(`headers: connect sends ${own[0]} itself${hint}`);
}
