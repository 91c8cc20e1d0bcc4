import { MasterConnection } from "../../src/cluster/master_connection.ts";
import { ReportOutbox } from "../../src/cluster/outbox.ts";
import type { Message, WorkerStateName } from "../../src/cluster/protocol.ts";
import type { Clock, Random, Timer } from "../../src/core/clock.ts";
import type { ByteStream } from "../../src/core/network.ts";
import type { Latencies } from "../../src/stats/latencies.ts";
import { connectNodeStream } from "./node_stream.ts";
import type { SimulatedLoad } from "./simulated_load.ts";

/** What a simulated worker is made of. */
export interface SimulatedWorkerOptions {
  /** 0 and up; no two workers have the same. */
  readonly number: number;
  readonly masterPort: number;
  readonly token: string;
  /** SHA-256 of the master's test file, as hexadecimal digits. */
  readonly testfileHash: string;
  readonly load: SimulatedLoad;
  /** How long after a second's end it is reported; real workers do it at once, and so all together. */
  readonly reportAfterMs: number;
  /** Gets the milliseconds from each report's first sending to its ACK. */
  readonly delays: Latencies;
  readonly clock: Clock;
  readonly random: Random;
}

/** One of the machine's own addresses. */
function loopback(number: number): string {
  return `127.0.${1 + Math.floor(number / 250) % 250}.${1 + number % 250}`;
}

/** How long it takes until the last user has stopped, at most. */
const MAX_STOP_MS = 1_000;

/**
 * A worker without users: it talks with a real master as `WorkerRun` does, over a connection that is
 * found again as every worker's is, and reports a made-up second each second. Having no users, it does
 * not mind when its lease runs out. Hundreds fit into a process.
 */
export class SimulatedWorker {
  /** How often the master let it in. */
  joins = 0;
  /** Whether the test has started for it. */
  begun = false;
  /** The longest time from a PING to its PONG, in milliseconds. */
  longestPingMs = 0;
  /** The longest time without a byte from the master while it was connected, in milliseconds. */
  longestSilenceMs = 0;
  readonly #options: SimulatedWorkerOptions;
  readonly #clock: Clock;
  readonly #link: MasterConnection;
  #stream: ByteStream | null = null;
  #runId = "";
  #state: WorkerStateName = "preparing";
  #users = 0;
  #revision = 0;
  #resetCount = 0;
  #startedAt = 0;
  #nextSecond = 0;
  #outbox: ReportOutbox | null = null;
  #timer: Timer | null = null;
  /** When each report was sent for the first time; those that are acknowledged are gone. */
  readonly #sentAt: number[] = [];
  #ackedSeq = 0;

  constructor(options: SimulatedWorkerOptions) {
    const { number, masterPort, token, testfileHash, clock, random } = options;
    this.#options = options;
    this.#clock = clock;
    this.#link = new MasterConnection({
      master: `127.0.0.1:${masterPort}`,
      connect: () => this.#connect(),
      identity: {
        workerId: `simulated-${number}`,
        incarnation: crypto.randomUUID(),
        host: `host-${number}`,
        pid: number + 1,
        cpus: 4,
        testfileHash,
      },
      token,
      timeoutMs: 60_000,
      clock,
      random,
      info: () => {},
      warn: () => {},
    }, {
      onJoined: ({ welcome }) => this.#joined(welcome),
      onHeard: (atMs) => this.longestPingMs = Math.max(this.longestPingMs, clock.now() - atMs),
      onMessage: (message) => this.#take(message),
      // What the master said last may be lost with the connection.
      onLost: () => {
        if (this.drained) this.end();
      },
    });
  }

  /** Whether the master has accepted it, and the connection is open. */
  get connected(): boolean {
    return this.#link.connected;
  }

  /** How many of its reports the master has acknowledged. */
  get acknowledged(): number {
    return this.#ackedSeq;
  }

  /** Whether the master has everything that it has counted. */
  get drained(): boolean {
    return this.#outbox?.drained === true;
  }

  /** Takes part until the master says that the run is over; rejects as `MasterConnection` does. */
  async run(): Promise<void> {
    try {
      await this.#link.run();
    } finally {
      if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    }
  }

  /** Ends it, whatever the master says. */
  end(): void {
    void this.#link.close();
  }

  /** Cuts its connection, as a network does. */
  cut(): void {
    this.#stream?.close();
  }

  async #connect(): Promise<ByteStream> {
    const { masterPort: port, number } = this.#options;
    // Workers on machines of their own have different addresses. Only Linux has more than one for itself.
    const addresses = Deno.build.os === "linux" ? { localAddress: loopback(number) } : {};
    const stream = await connectNodeStream({ port, ...addresses });
    let heardAt = this.#clock.now();
    return this.#stream = {
      read: async (into) => {
        const count = await stream.read(into);
        const now = this.#clock.now();
        this.longestSilenceMs = Math.max(this.longestSilenceMs, now - heardAt);
        heardAt = now;
        return count;
      },
      write: (bytes) => stream.write(bytes),
      close: () => stream.close(),
    };
  }

  #joined({ runId, ackedSeq }: { readonly runId: string; readonly ackedSeq: number }): void {
    this.joins++;
    this.#runId = runId;
    this.#sendState();
    this.#acknowledge(ackedSeq);
    this.#outbox?.reconnected(ackedSeq, this.#clock.now());
    this.#pump();
  }

  #take(message: Message): void {
    switch (message.type) {
      case "SETUP":
        if (this.#state === "preparing") this.#enter("ready");
        return;
      case "START":
        return this.#begin(message.elapsedSeconds, message.resetCount);
      case "TARGET":
        this.#link.send({ type: "TARGET_ACK", revision: message.revision });
        if (message.revision > this.#revision) this.#aim(message.revision, message.classes);
        return;
      case "STARTED":
        this.#resetCount = message.resetCount;
        return;
      case "ACK":
        this.#acknowledge(message.seq);
        this.#outbox?.acknowledged(message.seq, this.#clock.now());
        return this.#pump();
      case "RESUME":
        this.#outbox?.resume(message.seq);
        return this.#pump();
      case "STOP":
        return this.#stop();
      case "QUIT":
        void this.#link.close();
    }
  }

  #begin(elapsedSeconds: number, resetCount: number): void {
    if (this.begun) return;
    this.begun = true;
    this.#resetCount = resetCount;
    this.#startedAt = this.#clock.now() - elapsedSeconds * 1000;
    this.#nextSecond = Math.floor(elapsedSeconds);
    this.#outbox = new ReportOutbox(this.#runId);
    this.#report();
  }

  #aim(revision: number, classes: Readonly<Record<string, number>>): void {
    this.#revision = revision;
    this.#users = Object.values(classes).reduce((sum, count) => sum + count, 0);
    this.#enter("spawning");
    this.#enter("running");
  }

  /** Users end their last tests over some time, so the final reports of many workers do not come together. */
  #stop(): void {
    if (this.#state === "stopping" || this.#state === "stopped") return;
    this.#enter("stopping");
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    const { random } = this.#options;
    this.#timer = this.#clock.setTimer(() => this.#finish(), random() * MAX_STOP_MS);
  }

  #finish(): void {
    if (this.#outbox === null) return;
    this.#users = 0;
    this.#addSecond();
    this.#outbox.finish(this.#facts());
    this.#pump();
    this.#link.send({ type: "STOPPED", lastSeq: this.#outbox.lastSeq });
    this.#enter("stopped");
  }

  /** Reports every second, when it is over. */
  #report(): void {
    const { reportAfterMs } = this.#options;
    const dueAt = this.#startedAt + (this.#nextSecond + 1) * 1000 + reportAfterMs;
    this.#timer = this.#clock.setTimer(() => {
      this.#addSecond();
      this.#pump();
      this.#report();
    }, Math.max(0, dueAt - this.#clock.now()));
  }

  #addSecond(): void {
    const second = this.#nextSecond++;
    const { load, number } = this.#options;
    this.#outbox!.add(load.next(number + second, second, this.#users), this.#facts());
  }

  #facts(): Parameters<ReportOutbox["add"]>[1] {
    return { cpu: 0.5, lag: 1, resetCount: this.#resetCount };
  }

  #pump(): void {
    while (this.#link.connected) {
      const frame = this.#outbox?.next(this.#clock.now()) ?? null;
      if (frame === null) return;
      const { lastSeq } = this.#outbox!;
      // What goes again was sent before.
      if (lastSeq > this.#ackedSeq + this.#sentAt.length) this.#sentAt.push(this.#clock.now());
      this.#link.sendFrame(frame);
    }
  }

  #acknowledge(seq: number): void {
    const now = this.#clock.now();
    for (; this.#ackedSeq < seq; this.#ackedSeq++) {
      this.#options.delays.add(now - this.#sentAt.shift()!);
    }
  }

  #enter(state: WorkerStateName): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#sendState();
  }

  #sendState(): void {
    this.#link.send({
      type: "STATE",
      users: this.#users,
      state: this.#state,
      elapsedSeconds: this.begun ? (this.#clock.now() - this.#startedAt) / 1000 : 0,
      sockets: "epoll",
      exhausted: [],
      unprepared: false,
    });
  }
}
