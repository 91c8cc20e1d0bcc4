/**
 * A worker's connection to its master: opened, kept alive, and opened again when it is lost.
 *
 * @module
 */

import { AwakeClock } from "../core/awake_clock.ts";
import type { Clock, Random, Timer } from "../core/clock.ts";
import { AiotestError, errorText, ExitCode, UsageError } from "../core/errors.ts";
import type { ByteStream } from "../core/network.ts";
import { peerText } from "../core/text.ts";
import { Channel } from "./channel.ts";
import { type JoinedMaster, joinMaster, type WorkerIdentity } from "./handshake.ts";
import { type Message, ProtocolError } from "./protocol.ts";

/** Explains why a connection to the master cannot be opened. */
export function openingProblem(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) return "the connection was refused";
  if (error instanceof Deno.errors.InvalidData) {
    if (error.message.endsWith("UnknownIssuer")) {
      return "its certificate is not signed by the authority in --tls-ca";
    }
    if (error.message.includes("InvalidContentType")) {
      return "it does not use TLS; if workers have --tls-ca, the master needs --tls-cert";
    }
    return error.message;
  }
  return errorText(error);
}

/** Callbacks for the owner of a {@link MasterConnection}. */
export interface MasterConnectionHooks {
  /** The worker has joined. @param heardAt a time after which the master has heard from the worker. */
  onJoined(joined: JoinedMaster, heardAt: number): void;
  /** The master has received what the worker sent at this time of the worker's clock. */
  onHeard(atMs: number): void;
  onMessage(message: Message): void;
  /** The connection is lost; the next one is being opened. */
  onLost(): void;
}

/** What a {@link MasterConnection} needs. */
export interface MasterConnectionOptions {
  /** `HOST:PORT` of the master, for messages. */
  readonly master: string;
  readonly connect: () => Promise<ByteStream>;
  readonly identity: WorkerIdentity;
  /** Null if there is none. */
  readonly token: string | null;
  /** How long to try to reach the master. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** How an attempt to connect ended. */
interface Attempt {
  /** How long the worker was joined; null if the master did not accept it. */
  readonly lastedMs: number | null;
  /** Whether the master was reached, but does not accept this worker yet. */
  readonly isRefused: boolean;
  /** Why the connection ended, or was not opened. */
  readonly problem: string;
}

const MAX_PAUSE_MS = 2_000;
const FIRST_PAUSE_MS = 50;

/** After a connection that lasted this long, the next attempt is made immediately. */
const STEADY_MS = 1_000;

/** A connection that takes longer to open, or is silent for longer, is given up. */
const SILENCE_MS = 5_000;

const HINT =
  "Set its address with --master-host and --master-port, and how long to try with --reconnect-timeout.";
const HINT_IF_REFUSED = "Give this worker another name with --worker-name.";

/** Keeps a worker connected. */
export class MasterConnection {
  readonly #options: MasterConnectionOptions;
  readonly #hooks: MasterConnectionHooks;
  /** For the lease: its time passes for the master too while this process is suspended. */
  readonly #clock: Clock;
  /** For everything by which this worker judges its master. */
  readonly #awake: AwakeClock;
  #channel: Channel | null = null;
  #closed = false;
  #warned = false;
  #lastHeardAt = 0;
  /** When each PING was sent that has no PONG yet. */
  readonly #pings = new Map<number, number>();
  #pingNumber = 0;
  #timer: Timer | null = null;
  #silenceTimer: Timer | null = null;
  #wake: () => void = () => {};

  constructor(options: MasterConnectionOptions, hooks: MasterConnectionHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = options.clock;
    this.#awake = new AwakeClock(options.clock);
  }

  /** Whether the worker has joined and the connection is open. */
  get connected(): boolean {
    return this.#channel?.closed === false;
  }

  /**
   * Keeps the worker connected until {@link close} is called.
   *
   * @throws AiotestError if the master refuses the worker, or could not be reached for too long.
   */
  async run(): Promise<void> {
    this.#awake.start();
    try {
      await this.#keepConnected();
    } finally {
      this.#awake.stop();
    }
  }

  async #keepConnected(): Promise<void> {
    const { timeoutMs, master, warn, info, random } = this.#options;
    let lostAt = this.#awake.now();
    let attempts = 0;
    while (!this.#closed) {
      const { lastedMs, isRefused, problem } = await this.#attempt();
      if (this.#closed) return;
      const lead = isRefused
        ? `The master at ${master} does not accept this worker`
        : `Cannot reach the master at ${master}`;
      const now = this.#awake.now();
      if (lastedMs !== null) {
        lostAt = now;
        if (lastedMs >= STEADY_MS) attempts = 0;
        warn(
          `Lost the connection to the master at ${master} (${problem}): reconnecting.`,
        );
      } else if (attempts === 1) {
        info(`${lead} yet (${problem}): retrying for ${timeoutMs / 1000} s.`);
      }
      const left = lostAt + timeoutMs - now;
      if (left <= 0) {
        throw new AiotestError(
          `${lead} for ${timeoutMs / 1000} s: ${problem}`,
          ExitCode.cluster,
          isRefused ? HINT_IF_REFUSED : HINT,
        );
      }
      const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts++);
      await this.#pause(Math.min(left, random() * longest));
    }
  }

  /** Sends a message to the master; it is dropped if there is no connection. */
  send(message: Message): void {
    this.#channel?.send(message);
  }

  /** Like {@link send}, for a message that is already encoded. */
  sendFrame(frame: Uint8Array<ArrayBuffer>): void {
    this.#channel?.sendFrame(frame);
  }

  /** Replaces the connection by a new one. */
  renew(): void {
    this.#channel?.close();
  }

  /** Closes the connection for good once everything is written, or after 1 s. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#channel?.finish(this.#awake);
    this.#drop();
  }

  /** Opens a connection and serves it until it ends. */
  async #attempt(): Promise<Attempt> {
    let channel: Channel;
    try {
      channel = new Channel(await this.#open());
    } catch (error) {
      return { lastedMs: null, isRefused: false, problem: openingProblem(error) };
    }
    let joinedAt: number | null = null;
    let isRefused = false;
    let problem = "it was closed";
    try {
      const startedAt = this.#clock.now();
      const { identity, token } = this.#options;
      const joined = await joinMaster(channel, identity, { token, clock: this.#awake });
      this.#keep(channel, joined);
      joinedAt = this.#awake.now();
      this.#hooks.onJoined(joined, startedAt);
      await this.#receive(channel);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      problem = this.#problem(error);
      isRefused = error.code === "duplicate";
    } finally {
      channel.close();
      this.#drop();
    }
    if (joinedAt !== null) this.#hooks.onLost();
    const lastedMs = joinedAt === null ? null : this.#awake.now() - joinedAt;
    return { lastedMs, isRefused, problem };
  }

  #keep(channel: Channel, { welcome, warnings }: JoinedMaster): void {
    if (!this.#warned) { for (const warning of warnings) this.#options.warn(warning); }
    this.#warned = true;
    this.#channel = channel;
    if (this.#closed) channel.close();
    this.#lastHeardAt = this.#awake.now();
    this.#ping(welcome.heartbeatSeconds * 1000);
    this.#closeIfSilent();
  }

  async #receive(channel: Channel): Promise<void> {
    for (;;) {
      const message = await channel.receive();
      if (message === null) return;
      this.#lastHeardAt = this.#awake.now();
      if (message.type === "PING") channel.send({ type: "PONG", number: message.number });
      else if (message.type === "PONG") this.#onPong(message.number);
      else if (message.type === "ERROR") {
        throw new ProtocolError(message.code, peerText(message.text));
      } else this.#hooks.onMessage(message);
    }
  }

  #onPong(number: number): void {
    const sentAt = this.#pings.get(number);
    if (sentAt === undefined) return;
    for (const earlier of [...this.#pings.keys()]) {
      if (earlier <= number) this.#pings.delete(earlier);
    }
    this.#hooks.onHeard(sentAt);
  }

  #ping(everyMs: number): void {
    this.#pings.set(++this.#pingNumber, this.#clock.now());
    this.#channel?.send({ type: "PING", number: this.#pingNumber });
    this.#timer = this.#clock.setTimer(() => this.#ping(everyMs), everyMs);
  }

  /** Closes the connection when the master has been silent for too long. What has arrived is read first. */
  #closeIfSilent(): void {
    const left = this.#lastHeardAt + SILENCE_MS - this.#awake.now();
    if (left <= 0) return this.#channel?.close();
    this.#silenceTimer = this.#awake.setTimer(() => this.#closeIfSilent(), left);
  }

  #drop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    if (this.#silenceTimer !== null) this.#awake.clearTimer(this.#silenceTimer);
    this.#silenceTimer = null;
    this.#pings.clear();
    this.#channel?.close();
    this.#channel = null;
  }

  async #open(): Promise<ByteStream> {
    const opening = this.#options.connect();
    const tooLong = Promise.withResolvers<never>();
    const timer = this.#awake.setTimer(
      () => tooLong.reject(new Error("opening the connection takes too long")),
      SILENCE_MS,
    );
    try {
      return await Promise.race([opening, tooLong.promise]);
    } catch (error) {
      // It may still open after this.
      void opening.then((stream) => stream.close(), () => {});
      throw error;
    } finally {
      this.#awake.clearTimer(timer);
    }
  }

  /** Returns the text of an error that may go away; throws any other one, which ends the worker. */
  #problem({ code, message }: ProtocolError): string {
    const { master } = this.#options;
    switch (code) {
      case "busy":
      case "duplicate":
      case "protocol":
        return message;
      case "run":
        throw new AiotestError(`The master at ${master}: ${message}`, ExitCode.cluster);
      case "unprepared":
        throw new UsageError(`The master at ${master} has ended the run: ${message}`);
      case "token":
      case "testfile":
      case "version":
        throw new UsageError(`The master at ${master} refuses this worker: ${message}`);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(resolve, ms);
      this.#wake = () => {
        this.#clock.clearTimer(timer);
        resolve();
      };
    });
  }
}
