/**
 * A master and a worker in memory, and a peer of each that means no good.
 *
 * @module
 */

import fc from "fast-check";
import { LENGTH_BYTES } from "../../src/cluster/frame_reader.ts";
import type { Message } from "../../src/cluster/message.ts";
import { encodeMessage } from "../../src/cluster/message_codec.ts";
import { NO_PROOF } from "../../src/cluster/proof.ts";
import type { ByteStream } from "../../src/core/byte_stream.ts";
import { AiotestError } from "../../src/core/errors.ts";
import { Events } from "../../src/core/events.ts";
import { WorkerRun } from "../../src/runner/worker_run.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { identity, joinFor } from "./joining.ts";
import { memoryStreams } from "./memory_stream.ts";
import { anyMessage } from "./messages.ts";
import { type Below, mutated } from "./mutations.ts";
import { discovered } from "./users.ts";
import { Ground, VirtualCluster, type VirtualMaster } from "./virtual_cluster.ts";

/** The run that frames are of, where they say which. */
const RUN = "run-1";

/** How many messages there are before they are changed. */
const MESSAGES = 2_000;

/** Peers that attack at the same time; fewer than one address may have handshakes under way. */
const ATTACKERS = 8;

const NONCE = new Uint8Array(16);

/** What an attack came to. */
export interface Attack {
  /** Frames that were written while the connection stood. */
  frames: number;
  connections: number;
}

/** How a peer attacks. */
export interface AttackOptions {
  readonly frames: number;
  /** Whether the peer greets first as it should. */
  readonly greeted: boolean;
  readonly corpus: Corpus;
}

/** Frames of all types, each time others. */
export class Corpus {
  readonly #frames: readonly Uint8Array<ArrayBuffer>[];
  readonly #below: Below;

  /** @param below decides; a seeded one decides the same again. */
  constructor(seed: number, below: Below) {
    this.#below = below;
    this.#frames = fc.sample(anyMessage, { seed, numRuns: MESSAGES }).map((message) =>
      encodeMessage(ofTheRun(message))
    );
  }

  /** A frame that was right once. */
  next(): Uint8Array<ArrayBuffer> {
    return mutated(this.#frames[this.#below(this.#frames.length)]!, this.#below);
  }
}

/** Every other report and target is of the run that goes on, so that it is looked at to its end. */
function ofTheRun(message: Message): Message {
  if (message.type === "REPORT" && message.seq % 2 === 0) {
    return { ...message, runId: RUN, seq: 1 + message.seq % 3 };
  }
  if (message.type === "TARGET" && message.revision % 2 === 0) {
    return { ...message, classes: { StepTest: message.revision % 5 } };
  }
  return message;
}

/** A clock that stands still; what is due at once happens at once. */
class StandingClock extends FakeClock {
  override setTimer(callback: () => void, delayMs: number): object {
    if (delayMs > 0) return super.setTimer(callback, delayMs);
    queueMicrotask(callback);
    return {};
  }
}

/** A master in memory, with a test that has begun. */
export class AttackedMaster {
  readonly master: VirtualMaster;
  readonly #cluster = new VirtualCluster({});
  readonly #clock = new StandingClock();
  readonly #line = this.#cluster.network.line("10.0.0.1");

  constructor() {
    this.master = this.#cluster.master({
      clock: this.#clock,
      journal: { append: () => {}, close: () => {} },
      token: null,
      expectedWorkers: 1,
    });
  }

  /** Another connection to it. */
  connect(): Promise<ByteStream> {
    return this.#line.connect();
  }

  /** Lets peers send it so many frames. */
  async attack({ frames, greeted, corpus }: AttackOptions): Promise<Attack> {
    const attack = { frames: 0, connections: 0 };
    const attackers = Array.from({ length: ATTACKERS }, async (_, number) => {
      while (attack.frames < frames) {
        const stream = await this.connect();
        const name = `evil-${number}-${attack.connections++ >> 12}`;
        await send(
          stream,
          greeted ? [joinOf(name), READY] : [],
          () => attack.frames++ < frames,
          corpus,
        );
        stream.close();
        await this.#clock.advance(5);
      }
    });
    await Promise.all(attackers);
    return attack;
  }

  async end(): Promise<void> {
    this.master.run.stop();
    await this.#clock.advance(60_000);
  }
}

/** What a worker of this name says first. */
export function joinOf(name: string): Uint8Array<ArrayBuffer> {
  const hello = { type: "HELLO", protocolMin: 1, protocolMax: 1, epoch: 1, nonce: NONCE } as const;
  return encodeMessage(joinFor(hello, null, { workerId: name, incarnation: name }));
}

const READY = encodeMessage({ type: "STATE", users: 0, state: "ready", elapsedSeconds: 0 });

/** A worker in memory; each time that it was made to end, there is another. */
export class AttackedWorker {
  /** How often it ended because it was told to, or to do what it cannot. */
  endings = 0;
  readonly #ground = new Ground(new StandingClock());
  readonly #visits: ByteStream[] = [];
  #wake: () => void = () => {};

  constructor() {
    this.#start();
  }

  /** Lets a master send it so many frames. */
  async attack({ frames, greeted, corpus }: AttackOptions): Promise<Attack> {
    const attack = { frames: 0, connections: 0 };
    while (attack.frames < frames) {
      const stream = await this.#visit();
      attack.connections++;
      await send(stream, greeted ? GREETING : [], () => attack.frames++ < frames, corpus);
      stream.close();
    }
    return attack;
  }

  async #visit(): Promise<ByteStream> {
    for (;;) {
      const stream = this.#visits.shift();
      if (stream !== undefined) return stream;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  #start(): void {
    const clock = new StandingClock();
    const run = new WorkerRun({
      link: {
        master: "there:5557",
        connect: () => {
          const [near, far] = memoryStreams();
          this.#visits.push(far);
          this.#wake();
          return Promise.resolve(near);
        },
        identity: identity(),
        token: null,
        timeoutMs: 60_000,
        clock,
        random: () => 0,
        info: () => {},
        warn: () => {},
      },
      openFileLimit: null,
      events: new Events(),
      cpuSeconds: () => 0,
      env: () => undefined,
      prepare: () =>
        Promise.resolve({
          classes: [discovered(this.#ground.userClass("StepTest"))],
          host: null,
          insecure: false,
        }),
    });
    void run.run().catch((error) => {
      if (!(error instanceof AiotestError)) throw error;
    }).then(() => {
      this.endings++;
      this.#start();
    });
  }
}

/** What a master says first, and says to let the test begin. */
const GREETING = ([
  { type: "HELLO", protocolMin: 1, protocolMax: 1, epoch: 1, nonce: NONCE },
  {
    type: "WELCOME",
    runId: RUN,
    epoch: 1,
    ackedSeq: 0,
    heartbeatSeconds: 1,
    leaseSeconds: 5,
    mac: NO_PROOF,
  },
  { type: "SETUP", workerIndex: 0, options: "{}" },
  { type: "START", elapsedSeconds: 0, phase: 0 },
  { type: "TARGET", revision: 1, classes: { StepTest: 1 }, rate: 1, stopTimeout: 0 },
] satisfies Message[]).map(encodeMessage);

/** Says what is right, and then what is not, until the peer hangs up. */
async function send(
  stream: ByteStream,
  right: readonly Uint8Array<ArrayBuffer>[],
  goesOn: () => boolean,
  corpus: Corpus,
): Promise<void> {
  try {
    for (const frame of right) await stream.write(frame);
    for (let sound = true; sound && goesOn();) {
      const frame = corpus.next();
      await stream.write(frame);
      await settle();
      sound = hasItsLength(frame);
    }
  } catch {
    // It has hung up.
  }
}

/** Behind a frame of another length nothing would be looked at as a frame. */
function hasItsLength(frame: Uint8Array<ArrayBuffer>): boolean {
  if (frame.length < LENGTH_BYTES) return false;
  return new DataView(frame.buffer).getUint32(0) === frame.length - LENGTH_BYTES;
}
