/**
 * The port that workers connect to: accepts connections, runs the handshakes, and limits what a single
 * address can do.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import { type AcceptedStream, ConnectionLimiter, type StreamListener } from "../core/network.ts";
import { peerText } from "../core/text.ts";
import { VERSION } from "../core/version.ts";
import { Channel, HeldBytes } from "./channel.ts";
import type { Inbox } from "./inbox.ts";
import { acceptWorker, type Candidate, type JoinTerms, openPortWarning } from "./handshake.ts";
import { type Message, ProtocolError } from "./protocol.ts";

/** What a {@link WorkerListener} needs. */
export interface WorkerListenerOptions {
  readonly terms: JoinTerms;
  /** `HOST:PORT` that workers connect to, for messages. */
  readonly where: string;
  /** Takes over the connection of a worker that has joined. */
  readonly onJoined: (candidate: Candidate) => void;
  readonly warn: (text: string) => void;
  readonly clock: Clock;
  /** What has arrived from workers and waits to be handled. */
  readonly inbox: Inbox;
}

/** Handshakes that may be in progress per address. */
const MAX_HANDSHAKES = 10;

/** Handshakes of all addresses that may be in progress. */
const MAX_ALL_HANDSHAKES = 2_000;

/** Versions of workers that are warned about, because a peer can claim any. */
const MAX_VERSIONS = 10;

/** Connections per address that may be sent an ERROR at the same time because there are too many. */
const MAX_REFUSALS = 100;

/** Accepts workers. No connection affects another one, and nothing that a peer does throws. */
export class WorkerListener {
  readonly #listener: StreamListener;
  readonly #options: WorkerListenerOptions;
  readonly #handshakes = new ConnectionLimiter(MAX_HANDSHAKES, MAX_ALL_HANDSHAKES);
  readonly #refusals = new ConnectionLimiter(MAX_REFUSALS, MAX_ALL_HANDSHAKES);
  readonly #rejectionLog: RejectionLog;
  readonly #held = new HeldBytes();
  /** Connections that have not been taken over yet. */
  readonly #channels = new Set<Channel>();
  /** Versions of workers that were warned about. */
  readonly #warnedVersions = new Set<string>();
  #closed = false;

  constructor(listener: StreamListener, options: WorkerListenerOptions) {
    this.#listener = listener;
    this.#options = options;
    this.#rejectionLog = new RejectionLog(options.warn, options.clock);
  }

  /** Accepts workers until {@link close} is called. */
  async run(): Promise<void> {
    const { terms, where, warn } = this.#options;
    if (terms.token === null) warn(openPortWarning(where));
    for (;;) {
      const accepted = await this.#listener.accept();
      if (accepted === null) return;
      void this.#serve(accepted);
    }
  }

  /** Stops accepting workers, and closes the connections that have not been taken over. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const channel of this.#channels) channel.close();
    this.#rejectionLog.close();
  }

  async #serve({ stream, address }: AcceptedStream): Promise<void> {
    const channel = new Channel(stream, this.#held);
    if (this.#closed) return channel.close();
    this.#channels.add(channel);
    try {
      if (this.#handshakes.enter(address)) {
        await this.#accept(channel, address).finally(() => this.#handshakes.leave(address));
      } else {
        await this.#refuse(channel, address);
      }
    } catch (error) {
      channel.close();
      const reason = error instanceof ProtocolError ? error.message : errorText(error);
      this.#rejectionLog.record(address, reason);
    } finally {
      this.#channels.delete(channel);
    }
  }

  async #accept(channel: Channel, address: string): Promise<void> {
    const { terms, clock, onJoined, inbox } = this.#options;
    const candidate = await acceptWorker(channel, terms, clock, address, inbox);
    if (candidate === null || this.#closed) return channel.close();
    this.#compareVersions(candidate.join);
    onJoined(candidate);
  }

  /** Sends an ERROR, unless the limit of ERRORs in progress to this address is reached. */
  async #refuse(channel: Channel, address: string): Promise<never> {
    const busy = new ProtocolError("busy", "too many handshakes in progress from this address");
    if (this.#refusals.enter(address)) {
      channel.refuse(busy, this.#options.clock);
      await channel.flushed();
      this.#refusals.leave(address);
    }
    throw busy;
  }

  #compareVersions({ version, workerId }: Message<"JOIN">): void {
    if (version === VERSION || this.#warnedVersions.has(version)) return;
    if (this.#warnedVersions.size >= MAX_VERSIONS) return;
    this.#warnedVersions.add(version);
    this.#options.warn(
      `Worker ${peerText(workerId)} runs aiotest ${peerText(version)}, the master ${VERSION}.`,
    );
  }
}

interface RecentRejections {
  /** How many have not been logged yet. */
  count: number;
  /** Of the last one. */
  reason: string;
  timer: Timer;
}

const PAUSE_MS = 1_000;

/** Addresses that are logged on their own, because a peer can have very many. */
const MAX_ADDRESSES = 1_000;

/** What further addresses are called. */
const OTHER_ADDRESSES = "other addresses";

/**
 * Logs rejected connections without flooding the log: the first of an address immediately, further ones
 * as at most one line per second. An address without rejections for a second is forgotten.
 */
export class RejectionLog {
  readonly #warn: (text: string) => void;
  readonly #clock: Clock;
  readonly #recent = new Map<string, RecentRejections>();
  #closed = false;

  constructor(warn: (text: string) => void, clock: Clock) {
    this.#warn = warn;
    this.#clock = clock;
  }

  /** A connection was rejected. */
  record(from: string, reason: string): void {
    if (this.#closed) return;
    const isKnown = this.#recent.has(from) || this.#recent.size < MAX_ADDRESSES;
    const address = isKnown ? from : OTHER_ADDRESSES;
    const recent = this.#recent.get(address);
    if (recent !== undefined) {
      recent.count++;
      recent.reason = reason;
      return;
    }
    this.#warn(`Refused a connection from ${address}: ${peerText(reason)}`);
    this.#recent.set(address, { count: 0, reason, timer: this.#startTimer(address) });
  }

  /** Logs what has not been logged yet, and nothing after that. */
  close(): void {
    this.#closed = true;
    for (const [address, recent] of this.#recent) {
      this.#clock.clearTimer(recent.timer);
      if (recent.count > 0) this.#logCount(address, recent);
    }
    this.#recent.clear();
  }

  #startTimer(address: string): Timer {
    return this.#clock.setTimer(() => this.#onTimer(address), PAUSE_MS);
  }

  #onTimer(address: string): void {
    const recent = this.#recent.get(address);
    if (recent === undefined) return;
    if (recent.count === 0) {
      this.#recent.delete(address);
      return;
    }
    this.#logCount(address, recent);
    recent.count = 0;
    recent.timer = this.#startTimer(address);
  }

  #logCount(address: string, { count, reason }: RecentRejections): void {
    this.#warn(`Refused ${count} more from ${address}, the last one: ${peerText(reason)}`);
  }
}
