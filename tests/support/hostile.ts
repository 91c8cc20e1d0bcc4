import fc from "fast-check";
import { Channel } from "../../src/cluster/channel.ts";
import { decodeMessage, encodeMessage } from "../../src/cluster/codec.ts";
import { LENGTH_BYTES } from "../../src/cluster/frames.ts";
import { NO_PROOF } from "../../src/cluster/handshake.ts";
import { type Message, PROTOCOL } from "../../src/cluster/protocol.ts";
import { AiotestError } from "../../src/core/errors.ts";
import type { ByteStream } from "../../src/core/network.ts";
import { assignment } from "./assignments.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { identity, joinFor, nextOf } from "./joining.ts";
import { memoryStreams } from "./memory_stream.ts";
import { anyMessage } from "./messages.ts";
import { type Below, mutated, numbers } from "./mutations.ts";
import { VirtualCluster, type VirtualWorker } from "./virtual_cluster.ts";

type Frame = Uint8Array<ArrayBuffer>;

/** The number of messages that are mutated. */
const MESSAGES = 2_000;

/** Messages that a node only logs if they arrive at the wrong time. */
const HARMLESS: ReadonlySet<Message["type"]> = new Set([
  "HELLO",
  "JOIN",
  "WELCOME",
  "SETUP",
  "START",
  "STARTED",
  "TARGET_ACK",
  "STATE",
  "STOPPED",
  "PING",
  "PONG",
]);

/** An endless supply of frames of all message types, each mutated in a few places. */
export class HostileFrames {
  readonly #originals: readonly Frame[];
  readonly #harmless: readonly Frame[];
  readonly #below: Below;

  /**
   * @param seed determines the frames.
   * @param change is applied to each message before it is encoded.
   */
  constructor(seed: number, change: (message: Message) => Message = (message) => message) {
    this.#below = numbers(seed);
    const messages = fc.sample(anyMessage, { seed, numRuns: MESSAGES }).map(change);
    this.#originals = messages.map(encodeMessage);
    this.#harmless = messages.filter(({ type }) => HARMLESS.has(type)).map(encodeMessage);
  }

  /** Any frame. */
  next(): Frame {
    return this.#changed(this.#originals);
  }

  /** A frame that ends the connection of its sender. */
  refused(): Frame {
    return this.#changedThat(
      this.#originals,
      (frame) => hasItsLength(frame) && typeOf(frame) === null,
    );
  }

  /** A frame that is still a valid message and does not end the connection. */
  harmless(): Frame {
    return this.#changedThat(this.#harmless, (frame) => {
      const type = hasItsLength(frame) ? typeOf(frame) : null;
      return type !== null && HARMLESS.has(type);
    });
  }

  #changed(originals: readonly Frame[]): Frame {
    return mutated(originals[this.#below(originals.length)]!, this.#below);
  }

  #changedThat(originals: readonly Frame[], isSo: (frame: Frame) => boolean): Frame {
    for (let tries = 0; tries < 10_000; tries++) {
      const frame = this.#changed(originals);
      if (isSo(frame)) return frame;
    }
    throw new Error("no frame is like that");
  }
}

/** Whether the length of a frame is right; after any other, the receiver finds no further frames. */
function hasItsLength(frame: Frame): boolean {
  if (frame.length < LENGTH_BYTES) return false;
  return new DataView(frame.buffer).getUint32(0) === frame.length - LENGTH_BYTES;
}

function typeOf(frame: Frame): Message["type"] | null {
  try {
    return decodeMessage(frame.subarray(LENGTH_BYTES)).type;
  } catch {
    return null;
  }
}

/** How a peer attacks. */
export interface Attack {
  /** How many frames it sends. */
  readonly frames: number;
  /** Whether it completes the handshake first, on each of its connections. */
  readonly joins: boolean;
  readonly hostile: HostileFrames;
}

/** Simultaneous peers of a master; fewer than the handshakes that one address may have in progress. */
const ATTACKERS = 8;

/** After this number of connections, a worker uses a new name. */
const VISITS_OF_A_NAME = 1_000;

/** Enough that the good worker gets some, even if hostile workers claim that they can run users. */
const USERS = 60;

/** The run of the master in memory. */
const RUN = "run-1";

const NONCE = new Uint8Array(16);
const HELLO = {
  type: "HELLO",
  protocolMin: PROTOCOL,
  protocolMax: PROTOCOL,
  epoch: 1,
  nonce: NONCE,
} as const;

/** Changes some of the messages so that they belong to the current run. */
export function ofTheRun(message: Message): Message {
  // Any worker may end the run, which would be the end of the attack as well.
  if (message.type === "END") return { type: "PING", number: 0 };
  if (message.type === "REPORT" && message.seq % 2 === 0) {
    return { ...message, runId: RUN, seq: 1 + message.seq % 3 };
  }
  if (message.type === "TARGET") {
    // A master may ask for more than a worker can do; the worker must continue here.
    const arrivals = message.arrivals.slice(0, 1).map((order) => ({
      ...order,
      rate: order.rate % 100,
      position: order.position % 100,
      maxUsers: 1 + order.maxUsers % 5,
    }));
    const classes = message.revision % 2 === 0
      ? { StepTest: message.revision % 5 }
      : message.classes;
    return { ...message, classes, arrivals };
  }
  return message;
}

/** The first messages of a worker without a token; the run's test file has this hash. */
export function joinFrames(worker: string, testfileHash: string): Uint8Array<ArrayBuffer> {
  const changes = { workerId: worker, incarnation: worker, testfileHash };
  return encodeMessage(joinFor(HELLO, null, changes));
}

const READY = encodeMessage({
  type: "STATE",
  users: 0,
  state: "ready",
  elapsedSeconds: 0,
  sockets: "epoll",
  exhausted: [],
  unprepared: false,
});

/** The first messages of a master without a token, until a user runs. */
const MASTER_HANDSHAKE = ([
  HELLO,
  {
    type: "WELCOME",
    runId: RUN,
    epoch: 1,
    ackedSeq: 0,
    heartbeatSeconds: 1,
    leaseSeconds: 5,
    filesHash: "",
    mac: NO_PROOF,
  },
  { type: "SETUP", workerIndex: 0, options: "{}" },
  { type: "START", elapsedSeconds: 0, resetCount: 0 },
  assignment({ classes: { StepTest: 1 }, stopTimeout: 0 }),
] satisfies Message[]).map(encodeMessage);

/** A clock that only a test advances; timers that are due immediately run immediately. */
class StandingClock extends FakeClock {
  override setTimer(callback: () => void, delayMs: number): object {
    if (delayMs > 0) return super.setTimer(callback, delayMs);
    queueMicrotask(callback);
    return {};
  }
}

/** A master in memory, whose test is run by one good worker. */
export class AttackedMaster {
  /** The number of connections that were opened to it. */
  connections = 0;
  readonly #clock = new StandingClock();
  readonly #cluster = new VirtualCluster({ users: USERS });
  readonly #line = this.#cluster.network.line("10.0.0.1");
  readonly #master = this.#cluster.master({
    clock: this.#clock,
    journal: { append: () => {}, close: () => {} },
    token: null,
    expectedWorkers: 1,
    // This must not hold more memory than the master does.
    onSecond: () => {},
    onInfo: () => {},
    onWarning: () => {},
  });

  constructor() {
    this.#cluster.worker("good", { link: { clock: this.#clock, token: null } });
  }

  /** Makes workers send it this many frames over a short time. */
  async attack({ frames, joins, hostile }: Attack): Promise<void> {
    const { testfileHash } = identity();
    let left = frames;
    await Promise.all(Array.from({ length: ATTACKERS }, async (_, number) => {
      let opening = READY;
      for (let visits = 0; left > 0; visits++) {
        const stream = await this.#line.connect();
        this.connections++;
        const isNew = visits % VISITS_OF_A_NAME === 0;
        if (isNew) {
          const name = `evil-${number}-${this.connections}`;
          opening = joinFrames(name, testfileHash);
        }
        const first = joins ? [opening, ...(isNew ? [READY] : [])] : [];
        await send(stream, first, hostile, () => left-- > 0);
        if (number === 0) await this.#clock.advance(5);
      }
    }));
  }

  /** Ends the test; resolves with whether exactly what the good worker did was counted. */
  async isWell(): Promise<boolean> {
    this.#master.run.stop();
    await this.#clock.advance(60_000);
    const row = this.#master.result?.workers.find(({ id }) => id === "good");
    const { length } = this.#cluster.target.steps;
    return this.#master.error === null && length > 0 && row?.requests === length && row.complete;
  }
}

/** A worker in memory, which is replaced by another one when it ends. */
export class AttackedWorker {
  /** The number of connections that it has opened. */
  connections = 0;
  readonly #cluster = new VirtualCluster({});
  readonly #visits: ByteStream[] = [];
  #worker = this.#start();

  /** Makes a master send it this many frames. */
  async attack({ frames, joins, hostile }: Attack): Promise<void> {
    for (let left = frames; left > 0;) {
      const stream = await this.#visit();
      await send(stream, joins ? MASTER_HANDSHAKE : [], hostile, () => left-- > 0);
    }
  }

  /** Whether it completes the handshake with a proper master. */
  async isWell(): Promise<boolean> {
    const channel = new Channel(await this.#visit());
    channel.send(HELLO);
    const { workerId } = await nextOf(channel, "JOIN");
    channel.close();
    return workerId === this.#worker.name;
  }

  /** Its next connection. */
  async #visit(): Promise<ByteStream> {
    for (let turns = 0; turns < 1_000; turns++) {
      const stream = this.#visits.shift();
      if (stream !== undefined) return stream;
      if (this.#worker.ended) {
        const { error } = this.#worker;
        // Any error that is not meant for users is a crash.
        if (error !== null && !(error instanceof AiotestError)) throw error;
        this.#cluster.workers.length = 0;
        this.#worker = this.#start();
      }
      await settle();
    }
    throw new Error("the worker does not come back");
  }

  #start(): VirtualWorker {
    return this.#cluster.worker("w1", {
      link: {
        clock: new StandingClock(),
        random: () => 0,
        token: null,
        connect: () => this.#connect(),
      },
    });
  }

  #connect(): Promise<ByteStream> {
    const [near, far] = memoryStreams();
    this.connections++;
    this.#visits.push(far);
    return Promise.resolve(near);
  }
}

/** Sends proper messages, then frames until the peer disconnects or cannot find the next frame any more. */
async function send(
  stream: ByteStream,
  first: readonly Uint8Array<ArrayBuffer>[],
  hostile: HostileFrames,
  goesOn: () => boolean,
): Promise<void> {
  try {
    for (const frame of first) await stream.write(frame);
    for (let sound = true; sound && goesOn();) {
      const frame = hostile.next();
      await stream.write(frame);
      await settle();
      sound = hasItsLength(frame);
    }
  } catch {
    // It has disconnected.
  }
  stream.close();
}
