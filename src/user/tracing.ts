/**
 * Gives iterations W3C trace contexts, and makes spans of their requests.
 *
 * A trace is that of one iteration, of an `onStart` or of an `onStop`. Each exchange is a span of it: redirects
 * are separate spans, as OpenTelemetry's conventions for HTTP say.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Clock } from "../core/clock.ts";
import { asText } from "../core/text.ts";
import type { WireRequest } from "../http/transport.ts";
import type {
  CountedRequest,
  ExchangeObserver,
  ObservedExchange,
  RequestObserver,
  Sender,
} from "./observers.ts";
import type { PendingSample } from "./user_requests.ts";

/** A part of a trace that has ended. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** The id of the span around it; empty for the one of an iteration. */
  readonly parentId: string;
  readonly kind: "iteration" | "request";
  readonly name: string;
  /** Milliseconds since 1970, with fractions. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** What went wrong; `null` if nothing did. */
  readonly error: string | null;
  /** By OpenTelemetry's names where it has one, else by `aiotest.…`. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** Takes spans; must return quickly, and must not throw. */
export type SpanSink = (span: Span) => void;

export interface TracingOptions {
  /** The share of iterations that have a trace, over 0 and up to 1. */
  readonly share: number;
  readonly clock: Clock;
  /** Gets all spans; `null` if nothing does. */
  readonly onSpan: SpanSink | null;
}

/** The trace of an iteration, as far as it has come. */
interface Trace {
  readonly traceId: string;
  /** The id of the span of the iteration. */
  readonly spanId: string;
  readonly sender: Sender;
  /** As of `SampleUser`, when it began. */
  readonly stage: number;
  readonly startedAt: number;
  /** When its last exchange ended, or 0 before that, on the clock of the node. */
  endedAt: number;
  /** From the clock of the node to milliseconds since 1970. */
  readonly wallOffset: number;
  inProgress: number;
  hasFailed: boolean;
}

/** An exchange of a trace. */
interface TracedExchange {
  readonly trace: Trace;
  endedAt: number;
}

const HEADER = "traceparent";

/** A header that a test file has set: its trace and span. */
const OWN = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-/;

/** Traces of the users of a node. */
export class Tracing implements ExchangeObserver, RequestObserver {
  readonly ignoresWire = true;
  readonly #options: TracingOptions;
  readonly #ids = new RandomIds();
  /** Iterations whose hash is below it have a trace. */
  readonly #limit: number;
  readonly #salt = crypto.getRandomValues(new Int32Array(1))[0]!;
  /** The last trace of each user. */
  readonly #ofUser = new WeakMap<object, Trace>();
  readonly #exchanges = new WeakMap<ObservedExchange, TracedExchange>();
  /** Those whose span was not made, if something gets spans. */
  readonly #open = new Set<Trace>();

  constructor(options: TracingOptions) {
    this.#options = options;
    this.#limit = options.share * 2 ** 32;
  }

  /**
   * Whether the iteration of a request has a trace. This is asked for every request, so it is computed from
   * what identifies the iteration, and nothing is kept of those without a trace.
   */
  wants(_request: WireRequest, { user: { id, stage } }: Sender): boolean {
    return hashOf(id, stage, this.#salt) < this.#limit;
  }

  sending(exchange: ObservedExchange): void {
    const own = exchange.headers.find(([name]) => name.toLowerCase() === HEADER);
    if (own !== undefined) {
      // Its spans are those of the test file.
      [, exchange.traceId = "", exchange.spanId = ""] = OWN.exec(asText(own[1])) ?? [];
      return;
    }
    const trace = this.#traceOf(exchange.sender, exchange.sentAt);
    trace.inProgress++;
    this.#exchanges.set(exchange, { trace, endedAt: 0 });
    exchange.traceId = trace.traceId;
    exchange.spanId = this.#ids.span();
    // The share is decided here, so the target must record what has the header, and need not decide again.
    const value = `00-${trace.traceId}-${exchange.spanId}-01`;
    exchange.headers = [...exchange.headers, [HEADER, value]];
  }

  ended(exchange: ObservedExchange): void {
    const traced = this.#exchanges.get(exchange);
    if (traced === undefined) return;
    const { trace } = traced;
    trace.inProgress--;
    const endedAt = exchange.response?.endedAt ?? this.#options.clock.now();
    traced.endedAt = endedAt;
    trace.endedAt = Math.max(trace.endedAt, endedAt);
    // A request that is cut off with its user is not counted.
    if (exchange.error?.code === "ABORTED") this.#cutOff(exchange);
  }

  counted({ sample, details }: CountedRequest): void {
    const { exchanges, groupName } = details;
    if (exchanges === null || this.#options.onSpan === null) return;
    const attributes: Span["attributes"] = {
      ...(groupName === "" ? {} : { "aiotest.group": groupName }),
      ...(sample.tags === "" ? {} : { "aiotest.tags": sample.tags }),
      ...(sample.retries === 0 ? {} : { "aiotest.retries": sample.retries }),
    };
    for (const [index, exchange] of exchanges.entries()) {
      const error = index === exchanges.length - 1 ? sample.error : null;
      this.#emit(exchange, sample.name, index, error, attributes);
    }
  }

  /** Makes the spans of iterations that are over. */
  closeEnded(): void {
    for (const trace of this.#open) {
      const { user } = trace.sender;
      if (trace.inProgress === 0 && (user.stage !== trace.stage || user.closed)) this.#close(trace);
    }
  }

  /** Makes the spans of all iterations that are left. */
  closeAll(): void {
    for (const trace of this.#open) this.#close(trace);
  }

  #traceOf(sender: Sender, startedAt: number): Trace {
    const { user } = sender;
    const last = this.#ofUser.get(user);
    if (last?.stage === user.stage) return last;
    if (last !== undefined && last.inProgress === 0) this.#close(last);
    const { clock, onSpan } = this.#options;
    const trace: Trace = {
      traceId: this.#ids.trace(),
      spanId: this.#ids.span(),
      sender,
      stage: user.stage,
      startedAt,
      endedAt: 0,
      wallOffset: clock.wallTime() - clock.now(),
      inProgress: 0,
      hasFailed: false,
    };
    this.#ofUser.set(user, trace);
    if (onSpan !== null) this.#open.add(trace);
    return trace;
  }

  #close(trace: Trace): void {
    if (!this.#open.delete(trace)) return;
    const { sender: { userClass }, stage, startedAt } = trace;
    const endedAt = trace.inProgress > 0 ? this.#options.clock.now() : trace.endedAt;
    const part = stage > 0 ? "iteration" : stage === 0 ? "onStart" : "onStop";
    this.#options.onSpan?.({
      traceId: trace.traceId,
      spanId: trace.spanId,
      parentId: "",
      kind: "iteration",
      name: `${userClass} ${part}`,
      startedAt: trace.wallOffset + startedAt,
      durationMs: Math.max(0, endedAt - startedAt),
      error: trace.hasFailed ? "a request has failed" : null,
      attributes: userAttributes(trace),
    });
  }

  #cutOff({ counter }: ObservedExchange): void {
    const { name, exchanges } = counter as PendingSample;
    const attributes = { "aiotest.unfinished": true };
    for (const [index, exchange] of exchanges!.entries()) {
      this.#emit(exchange, name, index, null, attributes);
    }
  }

  #emit(
    exchange: ObservedExchange,
    name: string,
    index: number,
    failure: string | null,
    attributes: Span["attributes"],
  ): void {
    const traced = this.#exchanges.get(exchange);
    if (traced === undefined) return;
    this.#exchanges.delete(exchange);
    const { trace, endedAt } = traced;
    const { method, url, sentAt, response, error } = exchange;
    const status = response === null ? 0 : response.status;
    const failed = failure ?? (status >= 400 ? `HTTP ${status}` : null);
    if (failed !== null) trace.hasFailed = true;
    this.#options.onSpan?.({
      traceId: trace.traceId,
      spanId: exchange.spanId,
      parentId: trace.spanId,
      kind: "request",
      name: `${method} ${name}`,
      startedAt: trace.wallOffset + sentAt,
      durationMs: Math.max(0, endedAt - sentAt),
      error: failed,
      attributes: {
        ...methodAttributes(method),
        "url.full": withoutSecrets(url),
        "server.address": url.hostname.replace(/^\[(.*)\]$/, "$1"),
        "server.port": Number(url.port) || (url.protocol === "https:" ? 443 : 80),
        ...(response === null ? {} : {
          "http.response.status_code": status,
          "http.response.body.size": response.bytesReceived,
        }),
        ...(index === 0 ? {} : { "http.request.resend_count": index }),
        ...(failed === null ? {} : {
          "error.type": status >= 400 ? String(status) : error?.code ?? CHECK_FAILED,
        }),
        "aiotest.name": name,
        ...userAttributes(trace),
        ...attributes,
      },
    });
  }
}

/** Whose span it is. */
function userAttributes({ sender: { userClass, user }, stage }: Trace): Span["attributes"] {
  return {
    "aiotest.user.class": userClass,
    "aiotest.user.id": user.id,
    ...(stage > 0 ? { "aiotest.iteration": stage - 1 } : {}),
  };
}

/** The `error.type` of a response that a check of the test has refused. */
const CHECK_FAILED = "check_failed";

/** The methods that OpenTelemetry knows; others would be too many different values. */
const METHODS = new Set("CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE".split(" "));

function methodAttributes(method: string): Span["attributes"] {
  return METHODS.has(method)
    ? { "http.request.method": method }
    : { "http.request.method": "_OTHER", "http.request.method_original": method };
}

/** What a parameter is called whose value must not be shown: signatures, tokens, keys and passwords. */
const SECRET =
  /^(sig|key|auth|code|pwd|pass)$|signature|token|secret|passw|credential|api[-_]?key|accesskey/i;

const REDACTED = "REDACTED";

/** A URL without passwords and the values of parameters that are secrets. */
function withoutSecrets(url: URL): string {
  const names = [...url.searchParams.keys()].filter((name) => SECRET.test(name));
  if (names.length === 0 && url.username + url.password === "") return url.href;
  const shown = new URL(url);
  if (shown.username !== "") shown.username = REDACTED;
  if (shown.password !== "") shown.password = REDACTED;
  for (const name of names) shown.searchParams.set(name, REDACTED);
  return shown.href;
}

/** A number from 0 to below 2³² that depends evenly on all bits of what identifies an iteration. */
function hashOf(user: number, stage: number, salt: number): number {
  let hash = Math.imul(user ^ salt, 0x9e3779b1) ^ stage;
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}

/** Ids of traces and spans from the system's random numbers, of which many are fetched at a time. */
class RandomIds {
  readonly #bytes = new Uint8Array(8192);
  #digits = "";
  #at = 0;

  trace(): string {
    return this.#take(32);
  }

  span(): string {
    return this.#take(16);
  }

  #take(length: number): string {
    if (this.#at + length > this.#digits.length) {
      crypto.getRandomValues(this.#bytes);
      this.#digits = Buffer.from(this.#bytes.buffer).toString("hex");
      this.#at = 0;
    }
    return this.#digits.slice(this.#at, this.#at += length);
  }
}
