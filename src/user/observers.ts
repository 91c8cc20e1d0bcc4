/**
 * Observers of single requests and exchanges, for outputs that show more than counts. Without any, nothing
 * of this is on a request's path.
 *
 * @module
 */

import type { RequestError } from "../http/request_error.ts";
import {
  type BodyReader,
  type ExchangeCounter,
  ExchangePhases,
  type HeaderPairs,
  type Transport,
  type WireAttempt,
  type WireBody,
  type WireRequest,
  type WireResponse,
  type WireWitness,
} from "../http/transport.ts";
import type { EndedGroup } from "../stats/group_stats.ts";
import type { Sample } from "../stats/request_stats.ts";
import type { FailureSample } from "../stats/stats_delta.ts";

/** The user of a sample. */
export interface SampleUser {
  /** Unique in the whole run; 0 for what belongs to no user. */
  readonly id: number;
  /** The number of its iteration, from 0. */
  readonly iteration: number;
  /** What it is running: n from 1 on is its nth iteration, 0 what comes before, and -1 is its `onStop`. */
  readonly stage: number;
  /** Whether it has ended. */
  readonly closed: boolean;
}

/** What a sample knows beyond what is counted. */
export interface SampleDetails {
  /** The URL that was requested first; empty for steps, and if it is invalid. */
  readonly requestedUrl: string;
  /** The exchanges of an observed request, in order; `null` if none was observed. */
  readonly exchanges: readonly ObservedExchange[] | null;
  /** The name of the innermost group that it belongs to; empty without a group. */
  readonly groupName: string;
  /** The id of its W3C trace, in hexadecimal digits; empty without one. */
  readonly traceId: string;
}

/** A request or step that was counted. It may be used again for another one as soon as the observer returns. */
export interface CountedRequest {
  readonly sample: Sample;
  readonly userClass: string;
  readonly user: SampleUser;
  readonly details: SampleDetails;
}

/** Learns of all requests and steps of a node when they are counted. */
export interface RequestObserver {
  /** Is called for each, exactly once; must return quickly, and must not throw. */
  counted(request: CountedRequest): void;
  /** What was counted until now is no longer counted, as `--reset-stats` asks for. */
  reset?(): void;
}

/** Whose exchange it is. */
export interface Sender {
  readonly userClass: string;
  readonly user: SampleUser;
}

/** Learns of exchanges of a node: each attempt to get a response, so several for a request that is redirected. */
export interface ExchangeObserver {
  /** Whether it needs no {@link ObservedExchange.carried}, which takes as long as everything else of an exchange. */
  readonly ignoresWire?: boolean;
  /** Whether it wants to observe an exchange, which has not been sent yet. */
  wants(request: WireRequest, sender: Sender): boolean;
  /** The exchange is about to be sent; headers can still be added. */
  sending?(exchange: ObservedExchange): void;
  /** The exchange has ended, with a response or an error, but its request has not been counted. */
  ended?(exchange: ObservedExchange): void;
}

/** What is recorded of an exchange. */
export type RecordedExchange =
  & Pick<
    ObservedExchange,
    "method" | "url" | "headers" | "body" | "response" | "error" | "attempts" | "sentAt" | "phases"
  >
  & { readonly counter: Pick<ExchangeCounter, "phases" | "texts"> };

/** A request that has failed, and its last exchange. */
export interface FailedRequest {
  readonly sample: Sample & Pick<SampleDetails, "exchanges" | "traceId">;
  readonly sender: Sender;
  readonly exchange: RecordedExchange;
}

/** Keeps examples of failed requests. */
export interface FailureKeeper {
  /** Whether it keeps one that fails with this error. */
  admits(method: string, name: string, error: string): boolean;
  /** A request has failed, and is about to be counted. */
  failed(request: FailedRequest): void;
  /** Hands over the examples since the last call. */
  take(): FailureSample[];
}

/** The observers of a node. They do not change while it has users. */
export interface Observers {
  readonly requests: readonly RequestObserver[];
  /** If there are none, nothing is between a session and its transport. */
  readonly exchanges: readonly ExchangeObserver[];
  /**
   * Called when all users of the node have ended. Resolves when nothing is left to be written, with warnings, a
   * sentence each. Never rejects.
   */
  readonly end?: () => Promise<readonly string[]>;
  /** Keeps examples of failed requests. */
  readonly failures?: FailureKeeper;
  /** Learns what users do besides their requests. */
  readonly flow?: FlowObserver;
  /** Whether exchanges are wanted with all that can be known about TLS, in a slower way. */
  readonly inspectsTls?: boolean;
}

/** Something that a user does, in the order in which it happens. */
export type FlowEvent =
  | { readonly kind: "user"; readonly userClass: string; readonly id: number }
  | { readonly kind: "userEnded" }
  /** A test, or another method of the user, begins. */
  | { readonly kind: "step"; readonly name: string }
  | { readonly kind: "stepEnded"; readonly name: string; readonly ms: number }
  /** A test has ended with an error that was counted with its request. */
  | { readonly kind: "cutShort"; readonly name: string; readonly thrown: unknown }
  | { readonly kind: "group"; readonly name: string }
  | { readonly kind: "groupEnded"; readonly group: EndedGroup }
  | { readonly kind: "check"; readonly name: string; readonly passed: boolean }
  /** The check of a request, or what it measures, has thrown. */
  | { readonly kind: "threw"; readonly thrown: unknown }
  | {
    readonly kind: "userError";
    readonly userClass: string;
    readonly thrown: unknown;
    /** The method that threw it; may be empty. */
    readonly method: string;
  }
  | { readonly kind: "metric"; readonly name: string; readonly value: unknown }
  | { readonly kind: "sleep"; readonly seconds: number; readonly limitSeconds: number };

/** Learns what the users of a node do besides their requests. */
export interface FlowObserver {
  /** Must return quickly, and must not throw. */
  happened(event: FlowEvent): void;
}

/** No observers. */
export const NO_OBSERVERS: Observers = { requests: [], exchanges: [] };

/** Details of a sample that was measured elsewhere. */
export const NO_DETAILS: SampleDetails = {
  requestedUrl: "",
  exchanges: null,
  groupName: "",
  traceId: "",
};

/** A request on its way through an observed transport. */
export class ObservedExchange implements WireRequest, WireWitness {
  readonly sender: Sender;
  readonly method: string;
  readonly url: URL;
  headers: HeaderPairs;
  readonly body: WireBody;
  readonly reader: BodyReader | null;
  readonly sentAt: number;
  readonly counter: ExchangeCounter;
  /** The ids that its header `traceparent` gives, in hexadecimal digits; empty without one. */
  traceId = "";
  spanId = "";
  /** `null` until a complete response has arrived. */
  response: WireResponse | null = null;
  /** `null` unless it has failed. */
  error: RequestError | null = null;
  /** How it was sent, on one connection after another. Empty if it was not sent, or if that is not known. */
  readonly attempts: WireAttempt[] = [];
  /** Where the time of this exchange went; `null` if all of it was spent waiting for the first byte. */
  phases: ExchangePhases | null = null;
  /** Where the time of earlier exchanges of the same request went. */
  readonly #before: ExchangePhases | null;
  readonly #request: WireRequest;
  readonly #observers: readonly ExchangeObserver[];

  constructor(request: WireRequest, sender: Sender, observers: readonly ExchangeObserver[]) {
    this.sender = sender;
    this.method = request.method;
    this.url = request.url;
    this.headers = request.headers;
    this.body = request.body;
    this.reader = request.reader;
    this.sentAt = request.sentAt;
    this.counter = request.counter;
    const { phases } = request.counter;
    this.#before = phases === null ? null : Object.assign(new ExchangePhases(), phases);
    this.#request = request;
    this.#observers = observers;
    for (const observer of observers) observer.sending?.(this);
  }

  get deadline(): number {
    return this.#request.deadline;
  }

  carried(attempt: WireAttempt): void {
    this.attempts.push(attempt);
  }

  received(response: WireResponse): void {
    const view = this.reader?.view ?? null;
    this.response = view?.response ?? response;
    if (view === null) this.#end();
    else {
      view.onSettled = () => {
        this.error = view.failure;
        this.#end();
      };
    }
    this.#request.received(response);
  }

  #end(): void {
    const { phases } = this.counter;
    // Later exchanges of the same request add their times.
    if (phases !== null) this.phases = phases.since(this.#before ?? new ExchangePhases());
    for (const observer of this.#observers) observer.ended?.(this);
  }

  failed(error: RequestError): void {
    const view = this.reader?.view ?? null;
    this.response = view?.response ?? null;
    this.error = view?.isLeft ? null : view?.failure ?? error;
    this.#end();
    this.#request.failed(error);
  }
}

/** A counter that keeps the exchanges of its request. */
interface ObservedCounter {
  exchanges: ObservedExchange[] | null;
}

/** A transport whose exchanges are observed. Those that no observer wants pass as they are. */
class ObservedTransport implements Transport {
  readonly #transport: Transport;
  readonly #sender: Sender;
  readonly #observers: readonly ExchangeObserver[];

  constructor(transport: Transport, sender: Sender, observers: readonly ExchangeObserver[]) {
    this.#transport = transport;
    this.#sender = sender;
    this.#observers = observers;
  }

  exchange(request: WireRequest): void {
    // Mostly no observer wants it, so nothing is made for that.
    let wanting: ExchangeObserver[] | null = null;
    for (const observer of this.#observers) {
      if (observer.wants(request, this.#sender)) (wanting ??= []).push(observer);
    }
    if (wanting === null) return this.#transport.exchange(request);
    const exchange = new ObservedExchange(request, this.#sender, wanting);
    const counter = request.counter as ExchangeCounter & ObservedCounter;
    counter.exchanges = [...(counter.exchanges ?? []), exchange];
    this.#transport.exchange(exchange);
  }

  abort(): void {
    this.#transport.abort();
  }

  close(): void {
    this.#transport.close();
  }
}

/** A transport with the observers of a node; the same transport if there are none. */
export function observedTransport(
  transport: Transport,
  userClass: string,
  { requests, observers: { exchanges } }: {
    readonly requests: SampleUser;
    readonly observers: Observers;
  },
): Transport {
  if (exchanges.length === 0) return transport;
  return new ObservedTransport(transport, { userClass, user: requests }, exchanges);
}
