/**
 * A worker's connection with its master: found, kept alive, and found again when it was lost.
 *
 * @module
 */

import type { Clock, Random, Timer } from "../core/clock.ts";
import { AiotestError, errorText, ExitCode, UsageError } from "../core/errors.ts";
import type { ByteStream } from "../core/network.ts";
import { peerText } from "../core/text.ts";
import { Channel } from "./channel.ts";
import { type JoinedMaster, joinMaster, type WorkerIdentity } from "./handshake.ts";
import { type Message, ProtocolError } from "./protocol.ts";

/**
 * Why a connection with the master cannot be opened, for whoever has started the worker.
 */
export function openingProblem(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) return "nobody listens there";
  if (error instanceof Deno.errors.InvalidData) {
    if (error.message.endsWith("UnknownIssuer")) {
      return "its certificate is not signed by the authority in --tls-ca";
    }
    if (error.message.includes("InvalidContentType")) {
      return "it does not speak TLS; where workers have --tls-ca, the master needs --tls-cert";
    }
    return error.message;
  }
  return errorText(error);
}

/** Who hears of the connection. */
export interface MasterConnectionHooks {
  /** The master has let the worker in. @param heardAt when the master is known to have heard of it. */
  onJoined(introduction: JoinedMaster, heardAt: number): void;
  /** The master has heard what the worker said at this moment, on the worker's clock. */
  onHeard(atMs: number): void;
  onMessage(message: Message): void;
  /** The connection is gone; the next one is looked for. */
  onLost(): void;
}

/** What a link is made of. */
export interface MasterConnectionOptions {
  /** `HOST:PORT` of the master, for messages. */
  readonly master: string;
  readonly connect: () => Promise<ByteStream>;
  readonly identity: WorkerIdentity;
  /** Null: none. */
  readonly token: string | null;
  /** How long a master is looked for. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** How one connection went. */
interface Visit {
  /** Since the master let the worker in; null where it did not. */
  readonly lastedMs: number | null;
  /** Whether it is the master that does not want this worker yet. */
  readonly isThere: boolean;
  /** Why there is none any more. */
  readonly problem: string;
}

const LONGEST_PAUSE_MS = 2_000;
const FIRST_PAUSE_MS = 50;

/** A connection that lasted for so long worked: the next one may be tried at once. */
const STEADY_MS = 1_000;

/** A connection that takes longer to open, or says nothing for so long, is none. */
const SILENCE_MS = 5_000;

const HINT =
  "--master-host and --master-port say where it is, --reconnect-timeout how long to look.";
const HINT_IF_THERE = "--worker-name gives this one another name.";

/** Keeps a worker connected. */
export class MasterConnection {
  readonly #options: MasterConnectionOptions;
  readonly #hooks: MasterConnectionHooks;
  readonly #clock: Clock;
  #channel: Channel | null = null;
  #closed = false;
  #warned = false;
  #lastHeardAt = 0;
  /** When each PING that has no PONG yet was sent. */
  #pings = new Map<number, number>();
  #pingNumber = 0;
  #timer: Timer | null = null;
  #wake: () => void = () => {};

  constructor(options: MasterConnectionOptions, hooks: MasterConnectionHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = options.clock;
  }

  /** Whether the master has let the worker in, and the connection stands. */
  get connected(): boolean {
    return this.#channel?.closed === false;
  }

  /**
   * Keeps the worker connected until {@link close} is called.
   *
   * @throws AiotestError where the master does not want the worker, or was not found for too long.
   */
  async run(): Promise<void> {
    const { timeoutMs, master, warn, info, random } = this.#options;
    let lostAt = this.#clock.now();
    let attempts = 0;
    while (!this.#closed) {
      const { lastedMs, isThere, problem } = await this.#visit();
      if (this.#closed) return;
      const lead = isThere
        ? `The master at ${master} has no place for this worker`
        : `No master at ${master}`;
      const now = this.#clock.now();
      if (lastedMs !== null) {
        lostAt = now;
        if (lastedMs >= STEADY_MS) attempts = 0;
        warn(
          `The connection with the master at ${master} is lost (${problem}): looking for it again.`,
        );
      } else if (attempts === 1) {
        info(`${lead} yet (${problem}): trying again for ${timeoutMs / 1000} s.`);
      }
      const left = lostAt + timeoutMs - now;
      if (left <= 0) {
        throw new AiotestError(
          `${lead} for ${timeoutMs / 1000} s: ${problem}`,
          ExitCode.cluster,
          isThere ? HINT_IF_THERE : HINT,
        );
      }
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts++);
      await this.#pause(Math.min(left, random() * longest));
    }
  }

  /** Says something to the master; lost where there is no connection. */
  send(message: Message): void {
    this.#channel?.send(message);
  }

  /** As {@link send}, with a message that is encoded already. */
  sendFrame(frame: Uint8Array<ArrayBuffer>): void {
    this.#channel?.sendFrame(frame);
  }

  /** Gives up the connection that there is, for a new one. */
  renew(): void {
    this.#channel?.close();
  }

  /** Ends it, when what was said is on its way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#channel?.finish(this.#clock);
    this.#drop();
  }

  /** One connection from its beginning to its end. */
  async #visit(): Promise<Visit> {
    let channel: Channel;
    try {
      channel = new Channel(await this.#open());
    } catch (error) {
      return { lastedMs: null, isThere: false, problem: openingProblem(error) };
    }
    let joinedAt: number | null = null;
    let isThere = false;
    let problem = "it was closed";
    try {
      const startedAt = this.#clock.now();
      const { identity, token } = this.#options;
      const introduction = await joinMaster(channel, identity, { token, clock: this.#clock });
      this.#join(channel, introduction);
      joinedAt = this.#clock.now();
      this.#hooks.onJoined(introduction, startedAt);
      await this.#listen(channel);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      problem = this.#problem(error);
      isThere = error.code === "duplicate";
    } finally {
      channel.close();
      this.#drop();
    }
    if (joinedAt !== null) this.#hooks.onLost();
    const lastedMs = joinedAt === null ? null : this.#clock.now() - joinedAt;
    return { lastedMs, isThere, problem };
  }

  #join(channel: Channel, { welcome, warnings }: JoinedMaster): void {
    if (!this.#warned) { for (const warning of warnings) this.#options.warn(warning); }
    this.#warned = true;
    this.#channel = channel;
    if (this.#closed) channel.close();
    this.#lastHeardAt = this.#clock.now();
    this.#beat(welcome.heartbeatSeconds * 1000);
  }

  async #listen(channel: Channel): Promise<void> {
    for (;;) {
      const message = await channel.receive();
      if (message === null) return;
      this.#lastHeardAt = this.#clock.now();
      if (message.type === "PING") channel.send({ type: "PONG", number: message.number });
      else if (message.type === "PONG") this.#hear(message.number);
      else if (message.type === "ERROR") {
        throw new ProtocolError(message.code, peerText(message.text));
      } else this.#hooks.onMessage(message);
    }
  }

  #hear(number: number): void {
    const sentAt = this.#pings.get(number);
    if (sentAt === undefined) return;
    for (const earlier of [...this.#pings.keys()]) {
      if (earlier <= number) this.#pings.delete(earlier);
    }
    this.#hooks.onHeard(sentAt);
  }

  #beat(everyMs: number): void {
    const now = this.#clock.now();
    if (now - this.#lastHeardAt > SILENCE_MS) return this.#channel?.close();
    this.#pings.set(++this.#pingNumber, now);
    this.#channel?.send({ type: "PING", number: this.#pingNumber });
    this.#timer = this.#clock.setTimer(() => this.#beat(everyMs), everyMs);
  }

  #drop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#pings.clear();
    this.#channel?.close();
    this.#channel = null;
  }

  async #open(): Promise<ByteStream> {
    const opening = this.#options.connect();
    const tooLong = Promise.withResolvers<never>();
    const timer = this.#clock.setTimer(
      () => tooLong.reject(new Error("the connection takes too long to open")),
      SILENCE_MS,
    );
    try {
      return await Promise.race([opening, tooLong.promise]);
    } catch (error) {
      // It may still open when nobody waits for it any more.
      void opening.then((stream) => stream.close(), () => {});
      throw error;
    } finally {
      this.#clock.clearTimer(timer);
    }
  }

  /** What may be better a moment later is a reason to come again; anything else ends the worker. */
  #problem({ code, message }: ProtocolError): string {
    const { master } = this.#options;
    switch (code) {
      case "busy":
      case "duplicate":
      case "protocol":
        return message;
      case "run":
        throw new AiotestError(`The master at ${master}: ${message}`, ExitCode.cluster);
      case "token":
      case "testfile":
      case "version":
        throw new UsageError(`The master at ${master} does not take this worker: ${message}`);
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
