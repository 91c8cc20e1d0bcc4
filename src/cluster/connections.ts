/**
 * The connections of a master with the workers that have joined, and their leases.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { Channel } from "./channel.ts";
import { decodeMessage, pingIn } from "./codec.ts";
import type { Inbox } from "./inbox.ts";
import { type Message, ProtocolError } from "./protocol.ts";
import type { RunState, WorkerState } from "./run_state.ts";

/** Callbacks for the owner of {@link WorkerConnections}. */
export interface WorkerConnectionsHooks {
  /** A worker has connected, for the first time or again. */
  onConnected(worker: WorkerState): void;
  /** A worker has sent a message. */
  onMessage(worker: WorkerState, message: Message): void;
  /** A worker was silent until its lease had certainly expired. */
  onLost(worker: WorkerState): void;
}

/** Times of the protocol, in milliseconds. */
export interface WorkerTimes {
  /** Between two PINGs. */
  readonly heartbeatMs: number;
  /** After this silence, other workers get a worker's users; longer than the worker's lease. */
  readonly lostMs: number;
}

interface Connection {
  channel: Channel | null;
  /** When the last message from the worker arrived. */
  heardAt: number;
  /** Resolves when nothing more can be read from the channel. */
  served: Promise<void>;
}

/** Between two checks of the leases. */
const CHECK_MS = 250;

/** If a worker has sent this many bytes that are not handled yet, the rest is not read before they are. */
const MAX_UNHANDLED = 256 * 1024;

/**
 * Keeps the newest connection of each worker. A worker is heard, and its PINGs are answered, when its messages
 * arrive; they are handled when their turn has come. So a master that has much to count loses no worker.
 */
export class WorkerConnections {
  readonly #state: RunState;
  readonly #clock: Clock;
  readonly #times: WorkerTimes;
  readonly #hooks: WorkerConnectionsHooks;
  readonly #connections = new Map<WorkerState, Connection>();
  readonly #inbox: Inbox;
  #timer: Timer | null = null;
  #pings = 0;
  #pingedAt = -Infinity;

  /**
   * @param clock stands still while this process does not run: it could not have heard a worker then.
   * @param inbox where messages wait to be handled. It is closed with the connections.
   */
  constructor(
    state: RunState,
    clock: Clock,
    times: WorkerTimes,
    hooks: WorkerConnectionsHooks,
    inbox: Inbox,
  ) {
    this.#state = state;
    this.#clock = clock;
    this.#times = times;
    this.#hooks = hooks;
    this.#inbox = inbox;
  }

  /** Starts to send PINGs and to check the leases. */
  start(): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#check();
      this.start();
    }, CHECK_MS);
  }

  /**
   * Sends a last message to all workers; resolves once everything is written, or after 1 s.
   *
   * @param last QUIT, or the ERROR that ended the run.
   */
  async end(
    last: Message<"QUIT" | "ERROR"> = { type: "QUIT", why: "", stays: false },
  ): Promise<void> {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#inbox.close();
    this.broadcast(last);
    await Promise.all(this.#channels().map((channel) => channel.finish(this.#clock)));
  }

  /** Waits for the return of a worker that has joined before the master was restarted. */
  expect(worker: WorkerState, forMs: number): void {
    const heardAt = this.#clock.now() + forMs - this.#times.lostMs;
    this.#connections.set(worker, { channel: null, heardAt, served: Promise.resolve() });
  }

  /**
   * Gives every worker the whole time again to be heard, since this process did not run for a while. Its
   * connection may be gone for good reason, and its own lease has expired no later than it otherwise would.
   */
  restartLeases(): void {
    const now = this.#clock.now();
    for (const connection of this.#connections.values()) {
      connection.heardAt = Math.max(connection.heardAt, now);
    }
  }

  /** Forgets a worker that was lost. */
  forget(worker: WorkerState): void {
    this.#connections.delete(worker);
  }

  /**
   * Resolves when everything is handled that a worker has sent whose process has ended: the system closes its
   * connection.
   */
  async drained(worker: WorkerState): Promise<void> {
    await this.#connections.get(worker)?.served;
    await this.#inbox.handled();
  }

  /** Whether a worker has a connection. */
  isConnected(worker: WorkerState): boolean {
    return this.#connections.get(worker)?.channel?.closed === false;
  }

  /**
   * Checks that no other worker of the same name takes part in the run.
   *
   * @throws ProtocolError with `duplicate` if there is one.
   */
  checkName({ workerId, incarnation }: Message<"JOIN">): void {
    const rival = this.#state.workers.find((worker) =>
      worker.id === workerId && worker.incarnation !== incarnation &&
      worker.membership === "present"
    );
    if (rival === undefined) return;
    throw new ProtocolError("duplicate", `a worker named ${workerId} is already connected`);
  }

  /** Serves a worker's connection from now on, in place of the one that it may have had. */
  connect(worker: WorkerState, channel: Channel): void {
    this.#connections.get(worker)?.channel?.close();
    const served = Promise.resolve();
    const connection: Connection = { channel, heardAt: this.#clock.now(), served };
    this.#connections.set(worker, connection);
    connection.served = this.#serve(worker, channel);
    this.#hooks.onConnected(worker);
  }

  /** Sends a message to a worker; it is dropped if the worker is not connected. */
  send(worker: WorkerState, message: Message): void {
    this.#connections.get(worker)?.channel?.send(message);
  }

  /** Sends a message to all workers that are connected. */
  broadcast(message: Message): void {
    for (const channel of this.#channels()) channel.send(message);
  }

  /** Milliseconds since the last message from any worker; Infinity if there was none. */
  get silence(): number {
    const heardAt = [...this.#connections.values()].map((one) => one.heardAt);
    return this.#clock.now() - Math.max(...heardAt);
  }

  #channels(): Channel[] {
    return [...this.#connections.values()].flatMap(({ channel }) =>
      channel === null ? [] : [channel]
    );
  }

  async #serve(worker: WorkerState, channel: Channel): Promise<void> {
    try {
      for (;;) {
        const payload = await channel.receivePayload();
        const connection = this.#connections.get(worker);
        // The worker has a newer connection.
        if (payload === null || connection?.channel !== channel) break;
        connection.heardAt = this.#clock.now();
        this.#inbox.arrived();
        const ping = pingIn(payload);
        if (ping === null) this.#inbox.add(() => this.#handle(worker, channel, payload));
        else {
          channel.send({ type: "PONG", number: ping.number });
          channel.handled(payload);
        }
        if (channel.unhandledBytes > MAX_UNHANDLED) await this.#inbox.handled();
      }
    } catch (error) {
      this.#refuse(channel, error);
    }
    // A refused channel closes by itself, once the ERROR is written.
    if (!channel.isRefused) channel.close();
  }

  /** Handles a message, unless the worker has a newer connection or was refused. */
  #handle(worker: WorkerState, channel: Channel, payload: Uint8Array): void {
    channel.handled(payload);
    if (this.#connections.get(worker)?.channel !== channel || channel.isRefused) return;
    try {
      this.#hooks.onMessage(worker, decodeMessage(payload));
    } catch (error) {
      this.#refuse(channel, error);
    }
  }

  #refuse(channel: Channel, error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    channel.refuse(error, this.#clock);
  }

  #check(): void {
    const now = this.#clock.now();
    if (now - this.#pingedAt >= this.#times.heartbeatMs - CHECK_MS / 2) {
      this.#pingedAt = now;
      this.broadcast({ type: "PING", number: ++this.#pings });
    }
    for (const [worker, connection] of this.#connections) {
      if (worker.membership !== "present") continue;
      if (now - connection.heardAt < this.#times.lostMs) continue;
      // What has arrived is handled first.
      if ((connection.channel?.unhandledBytes ?? 0) > 0) continue;
      connection.channel?.close();
      connection.channel = null;
      this.#hooks.onLost(worker);
    }
  }
}
