/**
 * Opens a connection to one of several addresses (Happy Eyeballs, RFC 8305).
 *
 * @module
 */

import { isIP } from "node:net";
import type { Clock } from "../core/clock.ts";
import type { Socket, SocketHandler } from "../net/socket.ts";
import type { DeadlineSweep, Expiring } from "./connection_timers.ts";
import { WireError } from "./request_error.ts";
import { socketFailure } from "./socket_errors.ts";

/** How long to wait for one address before the next one is tried as well, in milliseconds. */
const NEXT_MS = 250;

/** Opens a socket, step by step. All of it is closed when it is given up, at any time. */
export class Opening {
  #socket: Socket | null = null;
  #race: ConnectRace | null = null;
  #reason: WireError | null = null;
  #reject: ((reason: WireError) => void) | null = null;

  /** Waits for a socket to open. */
  async open(start: (handler: SocketHandler) => Socket): Promise<Socket> {
    const opening = new OpeningSocket();
    let socket: Socket;
    await this.wait(() => {
      this.#socket = socket = start(opening);
      return opening.opened;
    });
    return socket!;
  }

  /** Waits for a race, and takes over the socket of its winner. */
  async run(race: ConnectRace): Promise<Socket> {
    try {
      return this.#socket = await this.wait(() => {
        this.#race = race;
        return race.run();
      });
    } finally {
      this.#race = null;
    }
  }

  /** Waits for something that cannot be aborted, but not after this was given up. */
  wait<T>(start: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== null) return reject(this.#reason);
      this.#reject = reject;
      start().then(resolve, reject);
    });
  }

  giveUp(reason: WireError): void {
    this.#reason ??= reason;
    this.#reject?.(reason);
    this.#race?.giveUp(reason);
    this.close();
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }
}

/** What a race needs. */
export interface RaceOptions {
  readonly clock: Clock;
  /** Tells when to try the next address. */
  readonly deadlines: DeadlineSweep;
  /**
   * Connects to an address: calls {@link Entrant.onConnecting} when it begins, and can call
   * {@link Entrant.onConnected} before it is done.
   */
  readonly connect: (address: string, entrant: Entrant) => Promise<Socket>;
}

/** What a race has found out about addresses. */
export interface RaceHooks {
  onAccepted(address: string): void;
  /** An address has refused the connection, or has not accepted it before one that was tried later. */
  onFailed(address: string): void;
}

/** One address of a race. */
export interface Entrant {
  readonly opening: Opening;
  /** The connection is being opened. */
  onConnecting(): void;
  /** The connection is open, and only has to complete its handshake. All others are closed. */
  onConnected(): void;
}

/**
 * Tries addresses in their order. While there is no connection, the next address is tried after 250 ms, and at
 * once when one has failed. The first one that connects wins.
 */
export class ConnectRace implements Expiring {
  deadline = Infinity;
  readonly #addresses: readonly string[];
  readonly #options: RaceOptions;
  readonly #hooks: RaceHooks;
  readonly #done = Promise.withResolvers<Socket>();
  /** Those that are under way, in the order in which they began. */
  readonly #entrants = new Map<Entrant, string>();
  /** How many addresses have been tried. */
  #tried = 0;
  #winner: Entrant | null = null;
  /** Why no address can be reached. */
  #failure: WireError | null = null;
  /** Whether this machine is the reason. */
  #isOwnFailure = false;

  /** @param addresses at least one. */
  constructor(addresses: readonly string[], options: RaceOptions, hooks: RaceHooks) {
    this.#addresses = addresses;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Rejects with a WireError: the last one, or the first that shows that this machine is the reason. */
  async run(): Promise<Socket> {
    const { deadlines } = this.#options;
    deadlines.add(this);
    try {
      this.#tryNext();
      return await this.#done.promise;
    } finally {
      deadlines.delete(this);
    }
  }

  /** Tries the next address. What has arrived by now has been handled. */
  expire(): void {
    this.#tryNext();
  }

  giveUp(reason: WireError): void {
    if (reason.code === "CONNECT_TIMEOUT" && this.#winner === null) {
      for (const address of this.#entrants.values()) this.#hooks.onFailed(address);
    }
    this.#stop(null, reason);
    this.#done.reject(reason);
  }

  #tryNext(): void {
    this.deadline = Infinity;
    const address = this.#addresses[this.#tried];
    if (address === undefined) return;
    this.#tried++;
    const entrant: Entrant = {
      opening: new Opening(),
      onConnecting: () => this.#connecting(),
      onConnected: () => this.#win(entrant),
    };
    this.#entrants.set(entrant, address);
    this.#options.connect(address, entrant).then(
      (socket) => this.#opened(entrant, socket),
      (error) => this.#failed(entrant, address, error),
    );
  }

  #connecting(): void {
    if (this.#tried === this.#addresses.length) return;
    this.deadline = this.#options.clock.now() + NEXT_MS;
    this.#options.deadlines.schedule(this.deadline);
  }

  #opened(entrant: Entrant, socket: Socket): void {
    // It was too late.
    if (!this.#entrants.has(entrant)) return socket.close();
    this.#win(entrant);
    this.#done.resolve(socket);
  }

  #win(entrant: Entrant): void {
    const address = this.#entrants.get(entrant);
    if (this.#winner !== null || address === undefined) return;
    this.#winner = entrant;
    for (const [other, otherAddress] of this.#entrants) {
      if (other === entrant) break;
      this.#hooks.onFailed(otherAddress);
    }
    this.#stop(entrant, LATE);
    this.#hooks.onAccepted(address);
  }

  #failed(entrant: Entrant, address: string, error: unknown): void {
    if (!this.#entrants.delete(entrant)) return;
    entrant.opening.close();
    // A server that has accepted the connection would answer at its other addresses alike.
    if (this.#winner === entrant) return this.#done.reject(error);
    const failure = socketFailure(error, "connect");
    const lacksAddress = failure.code === "EADDRNOTAVAIL";
    // For IPv4, no local port is free, but there may be one for another address. For IPv6, the machine mostly
    // does not have it, which is no reason if another address has failed.
    const isOwn = isLocal(failure) || lacksAddress && isIP(address) === 4;
    if (!isOwn) this.#hooks.onFailed(address);
    // The other addresses would fail as well.
    if (isLocal(failure)) this.#tried = this.#addresses.length;
    // A failure of another address must not hide that this machine is the reason.
    if (this.#failure === null || isOwn || !this.#isOwnFailure && !lacksAddress) {
      this.#failure = isLocal(failure) ? failure : failureAt(address, failure);
      this.#isOwnFailure = isOwn;
    }
    this.#tryNext();
    if (this.#entrants.size === 0) this.#done.reject(this.#failure);
  }

  /** Tries no further address, and closes all connections except one. */
  #stop(kept: Entrant | null, reason: WireError): void {
    this.#tried = this.#addresses.length;
    this.deadline = Infinity;
    for (const entrant of this.#entrants.keys()) {
      if (entrant === kept) continue;
      this.#entrants.delete(entrant);
      entrant.opening.giveUp(reason);
    }
  }
}

const LATE = new WireError("ABORTED", "another address was faster");

/** Whether no address can be reached, because this machine lacks something. */
function isLocal({ code }: WireError): boolean {
  return code === "EMFILE" || code === "ENOBUFS";
}

/** Receives what happens on a socket until a connection takes it over. */
class OpeningSocket implements SocketHandler {
  /** Resolves when the socket is open. */
  readonly opened: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onOpen(): void {
    this.#resolve();
  }

  onError(error: unknown): void {
    this.#reject(error);
  }

  // The promise jobs after onOpen run before anything else happens on the socket.
  onData(): void {}
  onEnd(): void {}
  onDrain(): void {}
}

/** Adds to an error where it happened. */
export function failureAt(place: string, { code, message, cause }: WireError): WireError {
  return new WireError(code, `${place}: ${message}`, cause);
}
