/**
 * One connection being opened: with its time limits, counted and logged.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { type LoggedConnection, logNotOpened, logOpened } from "./connection_log.ts";
import type { Expiring } from "./connection_timers.ts";
import type { DialedSocket, DialSettings } from "./dialer.ts";
import type { Origin } from "./proxies.ts";
import { WireError } from "./request_error.ts";
import type { SharedHttpState } from "./shared_http_state.ts";
import { type ExchangeCounter, ExchangePhases } from "./transport.ts";

/** What a class of users asks of opening a connection. */
export interface ConnectSettings extends DialSettings {
  /** The time limit for opening a connection, in milliseconds; `Infinity` means no limit. */
  readonly connectMs: number;
}

/** An attempt to open a connection. It can end at any time by {@link fail}. */
export class ConnectAttempt implements Expiring {
  deadline: number;
  readonly #clock: Clock;
  readonly #shared: SharedHttpState;
  readonly #settings: ConnectSettings;
  readonly #startedAt: number;
  readonly #isConnectLimit: boolean;
  readonly #controller = new AbortController();

  /** @param deadline of the whole exchange, in milliseconds; `Infinity` if only that of the settings applies. */
  constructor(clock: Clock, shared: SharedHttpState, settings: ConnectSettings, deadline: number) {
    this.#clock = clock;
    this.#shared = shared;
    this.#settings = settings;
    this.#startedAt = clock.now();
    const connectDeadline = this.#startedAt + settings.connectMs;
    this.#isConnectLimit = connectDeadline < deadline;
    this.deadline = Math.min(connectDeadline, deadline);
  }

  /**
   * Opens the connection, once. Rejects with a WireError if that fails, and with what `take` throws.
   *
   * @param counter whose sample the connection is for.
   * @param take gets the open connection before anything else can happen. If the attempt is ended later, the
   *   connection is where `take` has put it.
   */
  async open<Taken>(
    origin: Origin,
    counter: ExchangeCounter,
    take: (dialed: DialedSocket, logged: LoggedConnection | null) => Taken,
  ): Promise<Taken> {
    const { deadlines, dialer } = this.#shared;
    const { signal } = this.#controller;
    let dialed: DialedSocket;
    deadlines.add(this);
    deadlines.schedule(this.deadline);
    try {
      dialed = await dialer.dial(origin, this.#settings, signal);
      if (signal.aborted) {
        dialed.socket.close();
        throw signal.reason;
      }
    } catch (error) {
      logNotOpened(origin, error, this.#clock.now() - this.#startedAt);
      throw error;
    } finally {
      deadlines.delete(this);
    }
    counter.phases ??= new ExchangePhases();
    counter.phases.addConnection(dialed.dnsMs, dialed.connectMs, dialed.tlsMs);
    return take(dialed, logOpened(++this.#shared.connections, origin, dialed, this.#clock.now()));
  }

  expire(): void {
    const code = this.#isConnectLimit ? "CONNECT_TIMEOUT" : "TIMEOUT";
    this.fail(new WireError(code, "no connection in time"));
  }

  /** Ends the attempt. It has no effect on a connection that is open. */
  fail(failure: WireError): void {
    this.deadline = Infinity;
    this.#controller.abort(failure);
  }
}
