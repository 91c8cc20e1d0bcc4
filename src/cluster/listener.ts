import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { AcceptedStream, StreamListener } from "../core/network.ts";
import { peerText } from "../core/text.ts";
import { VERSION } from "../core/version.ts";
import { Channel } from "./channel.ts";
import { type AcceptedPlace, acceptWorker, type JoinTerms, openPortWarning } from "./handshake.ts";
import { type Message, ProtocolError } from "./protocol.ts";

/**
 * How many from one address are inside at the same time. It remembers only addresses that have
 * somebody inside.
 */
export class ConnectionLimiter {
  readonly #limit: number;
  readonly #inside = new Map<string, number>();

  /** @param limit how many an address, at least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Lets one in, and returns true; or false where there are enough of its address already. */
  enter(address: string): boolean {
    const inside = this.#inside.get(address) ?? 0;
    if (inside >= this.#limit) return false;
    this.#inside.set(address, inside + 1);
    return true;
  }

  /** One that was let in is gone. */
  leave(address: string): void {
    const inside = this.#inside.get(address) ?? 0;
    if (inside > 1) this.#inside.set(address, inside - 1);
    else this.#inside.delete(address);
  }
}

interface Unsaid {
  count: number;
  /** Of the last one. */
  reason: string;
  timer: Timer;
}

const PAUSE_MS = 1_000;

/**
 * Says who was refused, and why, without ever flooding the log: the first of an address at once, and
 * the others in at most one line a second. An address is forgotten after a second without any.
 */
export class RejectionLog {
  readonly #warn: (text: string) => void;
  readonly #clock: Clock;
  readonly #unsaid = new Map<string, Unsaid>();
  #closed = false;

  constructor(warn: (text: string) => void, clock: Clock) {
    this.#warn = warn;
    this.#clock = clock;
  }

  /** One more was refused. */
  note(address: string, reason: string): void {
    if (this.#closed) return;
    const unsaid = this.#unsaid.get(address);
    if (unsaid !== undefined) {
      unsaid.count++;
      unsaid.reason = reason;
      return;
    }
    this.#warn(`Refused a connection from ${address}: ${peerText(reason)}`);
    this.#unsaid.set(address, { count: 0, reason, timer: this.#later(address) });
  }

  /** Says what has not been said yet, and nothing after that. */
  close(): void {
    this.#closed = true;
    for (const [address, unsaid] of this.#unsaid) {
      this.#clock.clearTimer(unsaid.timer);
      if (unsaid.count > 0) this.#say(address, unsaid);
    }
    this.#unsaid.clear();
  }

  #later(address: string): Timer {
    return this.#clock.setTimer(() => this.#goOn(address), PAUSE_MS);
  }

  #goOn(address: string): void {
    const unsaid = this.#unsaid.get(address);
    if (unsaid === undefined) return;
    if (unsaid.count === 0) {
      this.#unsaid.delete(address);
      return;
    }
    this.#say(address, unsaid);
    unsaid.count = 0;
    unsaid.timer = this.#later(address);
  }

  #say(address: string, { count, reason }: Unsaid): void {
    this.#warn(`Refused ${count} more from ${address}, the last one: ${peerText(reason)}`);
  }
}

/** A worker that has come in, with its connection. */
export interface Candidate<Place extends AcceptedPlace> {
  readonly channel: Channel;
  readonly join: Message<"JOIN">;
  /** What the terms' `admit` has given. */
  readonly place: Place;
}

/** What a reception works with. */
export interface WorkerListenerOptions<Place extends AcceptedPlace> {
  readonly terms: JoinTerms<Place>;
  /** `HOST:PORT` that workers connect to, for messages. */
  readonly where: string;
  /** Takes over a worker's connection. */
  readonly onJoined: (guest: Candidate<Place>) => void;
  readonly warn: (text: string) => void;
  readonly clock: Clock;
}

/** Handshakes of one address that may be under way. */
const HALF_OPEN = 10;

/** Connections of one address that may be told at the same time that there are too many. */
const TURNED_AWAY = 100;

/**
 * Where workers come in. What one connection does touches no other, and nothing that a peer does
 * is thrown.
 */
export class WorkerListener<Place extends AcceptedPlace> {
  readonly #listener: StreamListener;
  readonly #options: WorkerListenerOptions<Place>;
  readonly #door = new ConnectionLimiter(HALF_OPEN);
  readonly #wayOut = new ConnectionLimiter(TURNED_AWAY);
  readonly #refusals: RejectionLog;
  /** Connections that nobody has taken over yet. */
  readonly #channels = new Set<Channel>();
  /** Versions other than the master's that were warned of. */
  readonly #versions = new Set<string>();
  #closed = false;

  constructor(listener: StreamListener, options: WorkerListenerOptions<Place>) {
    this.#listener = listener;
    this.#options = options;
    this.#refusals = new RejectionLog(options.warn, options.clock);
  }

  /** Lets workers in until {@link close} is called. */
  async run(): Promise<void> {
    const { terms, where, warn } = this.#options;
    if (terms.token === null) warn(openPortWarning(where));
    for (;;) {
      const accepted = await this.#listener.accept();
      if (accepted === null) return;
      void this.#receive(accepted);
    }
  }

  /** Lets nobody in any more; connections that nobody has taken over are closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const channel of this.#channels) channel.close();
    this.#refusals.close();
  }

  async #receive({ stream, address }: AcceptedStream): Promise<void> {
    const channel = new Channel(stream);
    if (this.#closed) return channel.close();
    this.#channels.add(channel);
    try {
      if (this.#door.enter(address)) {
        await this.#greet(channel, address).finally(() => this.#door.leave(address));
      } else {
        await this.#turnAway(channel, address);
      }
    } catch (error) {
      channel.close();
      this.#refusals.note(address, reasonOf(error));
    } finally {
      this.#channels.delete(channel);
    }
  }

  async #greet(channel: Channel, address: string): Promise<void> {
    const { terms, clock, onJoined } = this.#options;
    const greeting = await acceptWorker(channel, address, terms, clock);
    if (greeting === null || this.#closed) return channel.close();
    this.#compareVersions(greeting.join);
    onJoined({ channel, ...greeting });
  }

  /** With a word, unless so many of its address are being told already that it may be an attack. */
  async #turnAway(channel: Channel, address: string): Promise<void> {
    const busy = new ProtocolError("busy", "too many handshakes under way from this address");
    if (this.#wayOut.enter(address)) {
      channel.refuse(busy, this.#options.clock);
      await channel.flushed();
      this.#wayOut.leave(address);
    }
    throw busy;
  }

  #compareVersions({ version, workerId }: Message<"JOIN">): void {
    if (version === VERSION || this.#versions.has(version)) return;
    this.#versions.add(version);
    this.#options.warn(
      `Worker ${peerText(workerId)} runs aiotest ${peerText(version)}, the master ${VERSION}.`,
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof ProtocolError ? error.message : errorText(error);
}
