/**
 * The workers of a run as its master has them at hand: their connections, and how long ago each was
 * heard of.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { Channel } from "./channel.ts";
import { type Message, ProtocolError } from "./protocol.ts";
import type { RunState, WorkerState } from "./run_state.ts";

/** Who hears of what workers do. */
export interface WorkerConnectionsHooks {
  /** A worker is in, for the first time or again. */
  onConnected(member: WorkerState): void;
  /** A worker says something. */
  onMessage(member: WorkerState, message: Message): void;
  /** A worker was not heard of for as long as its lease, and some more. */
  onLost(member: WorkerState): void;
}

/** Times of the protocol, in milliseconds. */
export interface WorkerTimes {
  /** Between two PINGs. */
  readonly heartbeatMs: number;
  /** After how much silence a worker's users are given to others; longer than the worker's lease. */
  readonly lostMs: number;
}

interface WorkerEntry {
  channel: Channel | null;
  /** When the worker was last heard of. */
  heardAt: number;
}

/** Between two looks at the leases. */
const LOOK_MS = 250;

/** Keeps the connections of all workers, the newest of each. */
export class WorkerConnections {
  readonly #book: RunState;
  readonly #clock: Clock;
  readonly #times: WorkerTimes;
  readonly #hooks: WorkerConnectionsHooks;
  readonly #seats = new Map<WorkerState, WorkerEntry>();
  #timer: Timer | null = null;
  #pings = 0;
  #pingedAt = -Infinity;

  constructor(book: RunState, clock: Clock, times: WorkerTimes, hooks: WorkerConnectionsHooks) {
    this.#book = book;
    this.#clock = clock;
    this.#times = times;
    this.#hooks = hooks;
  }

  /** Begins to send PINGs and to look at the leases. */
  start(): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#look();
      this.start();
    }, LOOK_MS);
  }

  /** Says good-bye to everyone, and ends; resolves when what was said is on its way, or after 1 s. */
  async end(): Promise<void> {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.broadcast({ type: "QUIT" });
    await Promise.all(this.#channels().map((channel) => channel.finish(this.#clock)));
  }

  /** Keeps a place for a worker that is known from before, for so long. */
  expect(member: WorkerState, forMs: number): void {
    const heardAt = this.#clock.now() + forMs - this.#times.lostMs;
    this.#seats.set(member, { channel: null, heardAt });
  }

  /** Whether a worker has a connection. */
  isConnected(member: WorkerState): boolean {
    return this.#seats.get(member)?.channel?.closed === false;
  }

  /**
   * Whether an applicant may take part.
   *
   * @throws ProtocolError where another worker of its name is there.
   */
  checkName({ workerId, incarnation }: Message<"JOIN">): void {
    const rival = this.#book.workers.find((member) =>
      member.id === workerId && member.incarnation !== incarnation &&
      member.membership === "present"
    );
    if (rival === undefined) return;
    throw new ProtocolError("duplicate", `there is a worker ${workerId} already`);
  }

  /** Takes a worker's connection, in place of the one that it may have had; serves it from now on. */
  connect(member: WorkerState, channel: Channel): void {
    this.#seats.get(member)?.channel?.close();
    this.#seats.set(member, { channel, heardAt: this.#clock.now() });
    void this.#serve(member, channel);
    this.#hooks.onConnected(member);
  }

  /** Says something to a worker; one that is not there hears it when it comes back, or never. */
  send(member: WorkerState, message: Message): void {
    this.#seats.get(member)?.channel?.send(message);
  }

  /** Says something to all workers that are there. */
  broadcast(message: Message): void {
    for (const channel of this.#channels()) channel.send(message);
  }

  /** Milliseconds since a worker was last heard of. */
  silenceOf(member: WorkerState): number {
    return this.#clock.now() - (this.#seats.get(member)?.heardAt ?? -Infinity);
  }

  #channels(): Channel[] {
    return [...this.#seats.values()].flatMap(({ channel }) => channel === null ? [] : [channel]);
  }

  async #serve(member: WorkerState, channel: Channel): Promise<void> {
    try {
      for (;;) {
        const message = await channel.receive();
        if (message === null) break;
        const seat = this.#seats.get(member);
        // Another connection of the same worker has taken its place.
        if (seat?.channel !== channel) break;
        seat.heardAt = this.#clock.now();
        if (message.type === "PING") channel.send({ type: "PONG", number: message.number });
        else this.#hooks.onMessage(member, message);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      channel.refuse(error, this.#clock);
      return;
    }
    channel.close();
  }

  #look(): void {
    const now = this.#clock.now();
    if (now - this.#pingedAt >= this.#times.heartbeatMs - LOOK_MS / 2) {
      this.#pingedAt = now;
      this.broadcast({ type: "PING", number: ++this.#pings });
    }
    for (const [member, seat] of this.#seats) {
      if (member.membership !== "present" || now - seat.heardAt < this.#times.lostMs) continue;
      seat.channel?.close();
      seat.channel = null;
      this.#hooks.onLost(member);
    }
  }
}
