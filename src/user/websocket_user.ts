/**
 * A user that talks to a server over a WebSocket.
 *
 * @module
 */

import { errorText, isInstance } from "../core/errors.ts";
import { tagsText } from "../core/tags.ts";
import { asText, shown } from "../core/text.ts";
import { neverSettles, UserEnd } from "../core/user_lifetime.ts";
import type { HttpResponse } from "../http/http_response.ts";
import { RequestError } from "../http/request_error.ts";
import { upgradeUrl } from "../http/url_resolver.ts";
import {
  CLOSE_CODES,
  isCloseCode,
  MAX_CONTROL,
  type WebSocketMessage,
} from "../websocket/frames.ts";
import { MaskKeys } from "../websocket/mask_keys.ts";
import { type OpenedWebSocket, UpgradeTransport } from "../websocket/upgrade_transport.ts";
import { type WebSocketClosure, WebSocketConnection } from "../websocket/websocket_connection.ts";
import { checkTls } from "./class_tls.ts";
import type { UserContext } from "./context.ts";
import { FastHttpUser } from "./fast_http_user.ts";
import { type NoMessage, PendingMessage, type WaitOutcome } from "./pending_message.ts";
import { checkNames, timeoutMs } from "./option_checks.ts";
import { checkHttpHost } from "./session_checks.ts";
import {
  checkFields,
  checkOptions,
  type ClassOptions,
  type FieldCheck,
  renewSession,
} from "./user.ts";
import { PendingSample } from "./user_requests.ts";
import { declareMessageMetrics, MESSAGE_METRICS } from "./websocket_metrics.ts";
import {
  type AskOptions,
  type ConnectOptions,
  connectParts,
  contentOf,
  matcher,
  type MessageMatch,
  notMatch,
  type PingOptions,
  type ReceiveOptions,
} from "./websocket_options.ts";

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
 * Connecting is a request with the method `WS` in reports, and so are each {@link ask} and {@link ping}. Messages, their bytes and the
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
  /**
   * Seconds in which nothing has arrived, after which a ping is sent to keep the connection open. If its pong does not
   * arrive within the same time, the connection is closed, and a failure is counted under the name of the connection
   * and ` ping`. Pongs are not counted. Default: no pings.
   */
  static pingInterval: number = Infinity;

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
    check(
      "pingInterval",
      (value) => typeof value === "number" && value > 0,
      "a number of seconds over 0, or Infinity for no pings",
    );
    declareMessageMetrics();
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
    const { protocols, headers: ownHeaders, rest } = connectParts(options);
    if (this.connected) throw new Error("connect: this user is connected; call close first");
    const { requests, recorder } = this.#context;
    const { compression } = this.constructor as typeof WebSocketUser;
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
        { ...rest, headers: all },
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
    const { maxMessageSize, maxQueuedMessages, pingInterval } = this
      .constructor as typeof WebSocketUser;
    return new WebSocketConnection(socket, {
      clock,
      deadlines: http.deadlines,
      keys: http.ofClass(MaskKeys, () => new MaskKeys()),
      counter: MESSAGE_METRICS,
      maxMessageSize,
      maxQueued: maxQueuedMessages,
      deflate,
      pingIntervalMs: pingInterval * 1000,
      onUnanswered: (sentAt) => void this.#failed("ping", "TIMEOUT", sentAt),
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
    const { clock, lease, requests } = this.#context;
    const now = clock.now();
    if (requests.closed || !lease.holds(now)) return neverSettles();
    try {
      checkNames("ask", options, ROUND_TRIP_OPTIONS);
      const content = contentOf(message);
      const matches = matcher(match);
      if (matches === null) throw notMatch(match);
      const limitMs = this.#milliseconds(options.timeout);
      const connection = this.#current("ask");
      const sample = this.#start("ask", options, now);
      return new Promise((resolve, reject) => {
        const outcome = this.#outcomeOf(sample, "message", resolve, reject);
        if (!connection.isOpen) return outcome.missed(connection.closure ?? CLOSING);
        connection.skipQueued();
        this.#wait(connection, matches, now + limitMs, outcome);
        sample.bytesSent = connection.send(content);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a ping, and waits for its pong. Both together are counted as a request with the method `WS`, whose latency is
   * the round trip. The pong of a later ping counts too, because a server may leave out earlier ones.
   *
   * @returns the round trip in milliseconds.
   * @throws RequestError `TIMEOUT` or `WS_CLOSED`, which count as failures. Error if the user has not connected.
   */
  ping(options: PingOptions = {}): Promise<number> {
    const { clock, lease, requests } = this.#context;
    const now = clock.now();
    if (requests.closed || !lease.holds(now)) return neverSettles();
    try {
      checkNames("ping", options, ROUND_TRIP_OPTIONS);
      const limitMs = this.#milliseconds(options.timeout);
      const connection = this.#current("ping");
      const sample = this.#start("ping", options, now);
      return new Promise((resolve, reject) => {
        const outcome = this.#outcomeOf(sample, "pong", () => resolve(clock.now() - now), reject);
        if (!connection.isOpen) return outcome.missed(connection.closure ?? CLOSING);
        const wait = this.#wait(connection, noMessage, now + limitMs, outcome);
        wait.ping = connection.ping();
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Starts the sample of a round trip. */
  #start(what: string, { name, tags }: AskOptions | PingOptions, now: number): PendingSample {
    const { requests, iterationSlot } = this.#context;
    const sample = new PendingSample();
    sample.method = METHOD;
    if (tags !== undefined) sample.tags = tagsText(tags);
    if (this.signal.aborted) throw this.signal.reason;
    sample.name = asText(name || `${this.#name} ${what}`);
    sample.startedAt = iterationSlot === null ? now : iterationSlot.measureFrom(now);
    requests.start(sample);
    return sample;
  }

  /** @param awaited what a timeout says is missing. */
  #outcomeOf(
    sample: PendingSample,
    awaited: string,
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
      missed: (why) => failed(countedAs(why), this.#errorOf(why, awaited)),
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
  ): PendingMessage {
    const { deadlines } = this.#context.http;
    return new PendingMessage(connection, deadlines, this.#waits, matches, deadline, outcome);
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
    const error = this.#errorOf(why, "message");
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

  #errorOf(why: NoMessage, awaited: string): RequestError {
    return why === "TIMEOUT"
      ? new RequestError("TIMEOUT", METHOD, this.#url, `no ${awaited} in time`)
      : new RequestError(why.errorCode, METHOD, this.#url, why.detail);
  }

  #milliseconds(seconds: number | undefined): number {
    return timeoutMs(seconds ?? (this.constructor as typeof WebSocketUser).timeout);
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

/** Options of `ask` and `ping`. */
const ROUND_TRIP_OPTIONS: readonly string[] = ["name", "timeout", "tags"];

/** Matches nothing, for those who wait for a pong. */
function noMessage(): boolean {
  return false;
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
