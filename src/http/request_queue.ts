/**
 * The order in which requests are sent over connections of the runtime, which it does not serve evenly,
 * while the load generator is the bottleneck.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { RequestError } from "./request_error.ts";
import {
  type BodyFlow,
  type BodyReader,
  ExchangePhases,
  type StreamView,
  type Transport,
  type WireRequest,
  type WireResponse,
} from "./transport.ts";

/**
 * This many requests can be under way without any waiting. Above {@link MOST_EVEN_REQUESTS}, each request
 * takes more processor time, and below, this number makes hardly any difference.
 */
export const EVEN_REQUESTS = 256;

/** Deno 2.9 serves this many evenly. With 700, some wait 100 times as long for their responses as others. */
const MOST_EVEN_REQUESTS = 500;

/** How often the event loop is examined while requests wait, in milliseconds. */
const CHECK_MS = 1;

/** An event loop that runs later than this has no time left, in milliseconds. */
const BUSY_LATE_MS = 2;

/**
 * Before more than {@link MOST_EVEN_REQUESTS} are under way, there must be time for more this often in a row.
 * A busy process also finds its timer on time once in a while, or is suspended before a request ends.
 */
const CALM_CHECKS = 5;

/** Waits of over this many milliseconds, in each of this many seconds, are worth a warning. */
const LONG_WAIT_MS = 50;
const WATCHED_SECONDS = 5;

/** Users over native `fetch`. */
export const FETCH_QUEUE: QueueTexts = {
  users: "HttpUsers",
  uneven: "native fetch does",
  advice:
    "Extend FastHttpUser, which serves all users evenly, or spread the users over more processes.",
};

/** Users over `node:net`. */
export const NODE_NET_QUEUE: QueueTexts = {
  users: "users",
  uneven: "sockets of node:net do",
  advice:
    "Run aiotest on Linux with permission for FFI, where it uses epoll, or spread the users over " +
    "more processes.",
};

/** The parts of a queue's warning. */
export interface QueueTexts {
  readonly users: string;
  readonly uneven: string;
  readonly advice: string;
}

function warning({ users, uneven, advice }: QueueTexts): string {
  return `More than ${EVEN_REQUESTS} ${users} had requests under way while the load generator was busy, ` +
    `for ${WATCHED_SECONDS} s: ${uneven} not serve as many evenly. Requests waited for over ` +
    `${LONG_WAIT_MS} ms in the load generator, and their latencies include this. ${advice}`;
}

/**
 * Makes requests wait, first come, first served, while the event loop is busy and {@link EVEN_REQUESTS}
 * are under way.
 *
 * A slow target needs any number of requests under way, and must get them. So nothing waits unless the
 * event loop has no time for more: as soon as it is on time, or no request has ended for a while, the
 * number under way may double every few milliseconds. All users of a node share one queue.
 */
export class RequestQueue {
  readonly #clock: Clock;
  readonly #texts: QueueTexts;
  readonly #waiting = new Set<WaitingRequest>();
  readonly #onTimer = (): void => this.#check();
  #underWay = 0;
  /** Requests that have ended since the timer was set. */
  #ended = 0;
  /** How often in a row there was time for more, since requests were started for this reason. */
  #calmChecks = 0;
  #timerSetAt: number | null = null;
  /** Whether a request has waited for long, or might have in the runtime, since the last {@link check}. */
  #hasLongWait = false;
  #slowSeconds = 0;

  /** @param texts for its warning. */
  constructor(clock: Clock, texts: QueueTexts) {
    this.#clock = clock;
    this.#texts = texts;
  }

  /** Requests that have been started and not ended. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Starts a request and returns `null`, or makes it wait. When it has ended, call {@link end}, unless it
   * was canceled.
   */
  start(): WaitingRequest | null {
    if (this.#underWay < EVEN_REQUESTS) {
      this.#underWay++;
      return null;
    }
    const one = new WaitingRequest(this.#clock.now());
    this.#waiting.add(one);
    if (this.#timerSetAt === null) this.#setTimer();
    return one;
  }

  /** A request that was started has ended. */
  end(): void {
    this.#underWay--;
    this.#ended++;
    if (this.#waiting.size > 0 && this.#underWay < EVEN_REQUESTS) this.#startWaiting(1);
  }

  /** Cancels a request that waits, or that has been told to start and has not done so yet. */
  cancel(one: WaitingRequest): void {
    // A user can be stopped, and end before its request has noticed that.
    if (one.isCanceled) return;
    one.isCanceled = true;
    if (this.#waiting.delete(one)) one.resolve(0);
    else this.end();
  }

  /** Call it once a second. Returns a warning, always the same, if requests have long been waiting. */
  check(): string | null {
    this.#slowSeconds = this.#hasLongWait ? this.#slowSeconds + 1 : 0;
    this.#hasLongWait = false;
    return this.#slowSeconds >= WATCHED_SECONDS ? warning(this.#texts) : null;
  }

  #startWaiting(count: number): void {
    const now = this.#clock.now();
    let left = count;
    for (const one of this.#waiting) {
      if (left-- === 0) return;
      this.#waiting.delete(one);
      this.#underWay++;
      const waitedMs = now - one.since;
      if (waitedMs > LONG_WAIT_MS) this.#hasLongWait = true;
      one.resolve(waitedMs);
    }
  }

  #setTimer(): void {
    this.#timerSetAt = this.#clock.now();
    this.#ended = 0;
    this.#clock.setTimer(this.#onTimer, CHECK_MS);
  }

  #check(): void {
    const lateMs = this.#clock.now() - this.#timerSetAt! - CHECK_MS;
    this.#timerSetAt = null;
    const isBusy = lateMs >= BUSY_LATE_MS && this.#ended > 0;
    this.#calmChecks = isBusy ? 0 : this.#calmChecks + 1;
    if (isBusy && this.#underWay > MOST_EVEN_REQUESTS) this.#hasLongWait = true;
    if (this.#calmChecks >= (this.#underWay < MOST_EVEN_REQUESTS ? 1 : CALM_CHECKS)) {
      this.#calmChecks = 0;
      this.#startWaiting(Math.max(this.#underWay, EVEN_REQUESTS));
    }
    if (this.#waiting.size > 0) this.#setTimer();
  }
}

/** A request that waits for its turn. */
export class WaitingRequest {
  /** When it started to wait, in milliseconds on the clock. */
  readonly since: number;
  /** Resolves when it starts or is canceled, with the time that it has waited in milliseconds. */
  readonly turn: Promise<number>;
  readonly resolve: (waitedMs: number) => void;
  isCanceled = false;

  constructor(since: number) {
    this.since = since;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.turn = promise;
    this.resolve = resolve;
  }
}

/**
 * A transport whose requests wait in a queue.
 *
 * The wait is part of the latency, as all other time that a busy load generator needs. It is not part of
 * the time limit and of no phase: the target gets as much time as without it.
 */
export class QueuedTransport implements Transport {
  readonly #transport: Transport;
  readonly #queue: RequestQueue;
  readonly #waiting = new Set<WaitingRequest>();

  constructor(transport: Transport, queue: RequestQueue) {
    this.#transport = transport;
    this.#queue = queue;
  }

  exchange(request: WireRequest): void {
    const waiting = this.#queue.start();
    if (waiting === null) this.#send(request, 0);
    else void this.#sendInTurn(waiting, request);
  }

  abort(): void {
    for (const one of this.#waiting) this.#queue.cancel(one);
    this.#transport.abort();
  }

  close(): void {
    for (const one of this.#waiting) this.#queue.cancel(one);
    this.#transport.close();
  }

  async #sendInTurn(waiting: WaitingRequest, request: WireRequest): Promise<void> {
    this.#waiting.add(waiting);
    const waitedMs = await waiting.turn;
    this.#waiting.delete(waiting);
    if (!waiting.isCanceled) return this.#send(request, waitedMs);
    const { method, url } = request;
    request.failed(new RequestError("ABORTED", method, url.href, "the user was stopped"));
  }

  #send(request: WireRequest, waitedMs: number): void {
    if (waitedMs > 0) request.counter.phases ??= new ExchangePhases();
    const { method, url, headers, body, counter } = request;
    let isUnderWay = true;
    const end = (): void => {
      if (isUnderWay) this.#queue.end();
      isUnderWay = false;
    };
    this.#transport.exchange({
      method,
      url,
      headers,
      body,
      counter,
      reader: request.reader === null ? null : new LeavingReader(request.reader, end),
      get deadline(): number {
        return request.deadline + waitedMs;
      },
      sentAt: request.sentAt + waitedMs,
      received: (response) => {
        end();
        request.received(response);
      },
      failed: (error) => {
        end();
        request.failed(error);
      },
    });
  }
}

/**
 * A reader whose request gives its place to another one as soon as its body is handed over: a stream may last for
 * minutes, and mostly waits for its server.
 */
class LeavingReader implements BodyReader {
  readonly #reader: BodyReader;
  readonly #leave: () => void;

  constructor(reader: BodyReader, leave: () => void) {
    this.#reader = reader;
    this.#leave = leave;
  }

  get view(): StreamView | null {
    return this.#reader.view ?? null;
  }

  begun(response: WireResponse, flow: BodyFlow): boolean {
    const isWanted = this.#reader.begun(response, flow);
    if (isWanted) this.#leave();
    return isWanted;
  }

  piece(bytes: Uint8Array<ArrayBuffer>): void {
    this.#reader.piece(bytes);
  }
}
