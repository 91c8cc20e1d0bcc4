import assert from "node:assert/strict";
import type { Server, Socket as Peer } from "node:net";
import type { Socket, SocketHandler } from "../../src/net/socket.ts";
import { seeded } from "../support/cutting_target.ts";

/** How long a request is; its first letter says what the target does. */
const LENGTH = 16;

/** What the target does with a request, by its first letter, and how often. */
const WEIGHTS: Readonly<Record<string, number>> = {
  // Answers: at once, in two parts, with many bytes.
  a: 90,
  p: 5,
  l: 1,
  // Ends the connection after an answer, and without one.
  E: 1,
  e: 1,
  // Resets it after an answer, and without one.
  R: 1,
  r: 1,
};

const LETTERS = Object.entries(WEIGHTS).map(([letter, weight]) => letter.repeat(weight)).join("");
const ANSWERS = "aplER";
const ENDS = "Ee";
const RESETS = "Rr";
const SHORT = new TextEncoder().encode("answer".padEnd(LENGTH));
const LARGE = new Uint8Array(300_000);

/** What both sides have counted. */
interface Counts {
  /** Connections by their id, with the answers of each. */
  readonly answers: Map<number, number>;
  ends: number;
  resets: number;
}

/** A target that does what each request asks it to. */
class Target {
  readonly counts: Counts = { answers: new Map(), ends: 0, resets: 0 };
  readonly #server;
  readonly #reset: (peer: Peer) => void;
  readonly #peers = new Set<Peer>();

  constructor({ listen, reset }: FuzzedSockets) {
    this.#reset = reset;
    this.#server = listen((peer) => this.#track(peer), (peer) => this.#serve(peer));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) =>
      this.#server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, resolve)
    );
    return (this.#server.address() as { port: number }).port;
  }

  async close(): Promise<void> {
    for (const peer of this.#peers) peer.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #track(peer: Peer): void {
    this.#peers.add(peer);
    peer.on("error", () => {});
    peer.on("close", () => this.#peers.delete(peer));
  }

  #serve(peer: Peer): void {
    peer.setNoDelay(true);
    peer.on("end", () => peer.end());
    let text = "";
    let gone = false;
    peer.on("data", (chunk: Uint8Array) => {
      text += String.fromCharCode(...chunk);
      for (; text.length >= LENGTH && !gone; text = text.slice(LENGTH)) {
        gone = this.#act(peer, text[0]!, Number(text.slice(1, LENGTH)));
      }
    });
  }

  /** Does what a request asks for; returns whether it was the last one. */
  #act(peer: Peer, letter: string, id: number): boolean {
    const answer = letter === "l" ? LARGE : SHORT;
    if (ANSWERS.includes(letter)) {
      this.counts.answers.set(id, (this.counts.answers.get(id) ?? 0) + 1);
    }
    switch (letter) {
      case "p":
        peer.write(SHORT.subarray(0, 5), () => peer.write(SHORT.subarray(5)));
        return false;
      case "R":
        this.counts.resets++;
        peer.write(answer, () => this.#reset(peer));
        return true;
      case "r":
        this.counts.resets++;
        this.#reset(peer);
        return true;
      case "E":
      case "e":
        this.counts.ends++;
        if (letter === "E") peer.end(answer);
        else peer.end();
        return true;
      default:
        peer.write(answer);
        return false;
    }
  }
}

/** One user: opens a connection after the other, and closes some of them at any time. */
class FuzzUser implements SocketHandler {
  #socket: Socket | null = null;
  #id = 0;
  #letter = "";
  #missing = 0;
  readonly #fuzz: Fuzz;

  constructor(fuzz: Fuzz) {
    this.#fuzz = fuzz;
  }

  open(): void {
    const fuzz = this.#fuzz;
    this.#id = fuzz.nextId++;
    this.#missing = 0;
    this.#socket = fuzz.open(this);
    if (fuzz.random() < 0.01) this.#leave();
  }

  onOpen(): void {
    if (this.#fuzz.random() < 0.01) this.#leave();
    else this.#send();
  }

  onData(_: Uint8Array<ArrayBuffer>, length: number): void {
    assert.ok(length <= this.#missing, "bytes that the target did not send");
    this.#missing -= length;
    if (this.#missing > 0) return;
    const { counts } = this.#fuzz;
    counts.answers.set(this.#id, (counts.answers.get(this.#id) ?? 0) + 1);
    // An end or a reset still follows.
    if ("ER".includes(this.#letter)) return;
    if (this.#fuzz.random() < 0.005) this.#leave();
    else this.#send();
  }

  onEnd(): void {
    assert.ok(ENDS.includes(this.#letter), `an end after ${this.#letter}`);
    assert.equal(this.#missing, this.#letter === "e" ? LENGTH : 0);
    this.#fuzz.counts.ends++;
    this.#leave();
  }

  onDrain(): void {}

  onError(error: unknown): void {
    assert.match(String((error as { code?: string }).code), /^(ECONNRESET|EPIPE)$/);
    assert.ok(RESETS.includes(this.#letter), `${error} after ${this.#letter}`);
    assert.equal(this.#missing, this.#letter === "r" ? LENGTH : 0);
    this.#fuzz.counts.resets++;
    this.#leave();
  }

  #send(): void {
    const fuzz = this.#fuzz;
    if (fuzz.left <= 0) return this.#leave();
    fuzz.left--;
    this.#letter = fuzz.letter();
    this.#missing += this.#letter === "l" ? LARGE.length : LENGTH;
    const text = this.#letter + String(this.#id).padStart(LENGTH - 1, "0");
    this.#socket!.write(new TextEncoder().encode(text));
    // A user can leave without waiting for the answer. What then arrives is counted by the target only.
    if (fuzz.random() > 0.002) return;
    fuzz.abandoned.set(this.#id, this.#letter);
    this.#leave();
  }

  /** Closes the connection, and opens the next one if exchanges are left. */
  #leave(): void {
    this.#socket!.close();
    if (this.#fuzz.left > 0) this.open();
    else this.#fuzz.userEnded();
  }
}

/** A run of the fuzz test. */
class Fuzz {
  readonly counts: Counts = { answers: new Map(), ends: 0, resets: 0 };
  /** The last letter of connections whose users did not wait for the answer. */
  readonly abandoned = new Map<number, string>();
  readonly random: () => number;
  nextId = 1;
  left: number;
  readonly ended: Promise<void>;
  readonly #fuzzed: FuzzedSockets;
  readonly #port: number;
  #users: number;
  readonly #end: () => void;

  constructor(
    fuzzed: FuzzedSockets,
    port: number,
    { seed, users, exchanges }: FuzzOptions,
  ) {
    this.random = seeded(seed);
    this.left = exchanges;
    this.#fuzzed = fuzzed;
    this.#port = port;
    this.#users = users;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  open(user: FuzzUser): Socket {
    return this.#fuzzed.open(this.#port, user);
  }

  letter(): string {
    return LETTERS[Math.floor(this.random() * LETTERS.length)]!;
  }

  userEnded(): void {
    if (--this.#users === 0) this.#end();
  }
}

/** A way to open sockets, and a server for them. */
export interface FuzzedSockets {
  open(port: number, handler: SocketHandler): Socket;
  /** Passes a connection to `track` at once, and to `accept` when it is open. */
  listen(track: (peer: Peer) => void, accept: (peer: Peer) => void): Server;
  /** Closes the server's side with a reset. */
  reset(peer: Peer): void;
}

/** How much to do. */
export interface FuzzOptions {
  readonly seed: number;
  readonly users: number;
  /** Over all users. */
  readonly exchanges: number;
}

/**
 * Lets users make exchanges whose connections either side closes or resets at random, and checks that both
 * sides have counted the same.
 */
export async function fuzzSockets(
  fuzzed: FuzzedSockets,
  options: FuzzOptions,
): Promise<void> {
  const target = new Target(fuzzed);
  const fuzz = new Fuzz(fuzzed, await target.listen(), options);
  for (let i = 0; i < options.users; i++) new FuzzUser(fuzz).open();
  await fuzz.ended;
  const differences: string[] = [];
  const { abandoned, counts } = fuzz;
  for (let id = 1; id < fuzz.nextId; id++) {
    const [own, its] = [counts.answers.get(id) ?? 0, target.counts.answers.get(id) ?? 0];
    // The target may have seen a request whose user did not wait.
    if (own === its || (abandoned.has(id) && own + 1 === its)) continue;
    differences.push(`${id}: ${own} answers of ${its}`);
  }
  await target.close();
  assert.deepEqual(differences.slice(0, 10), [], `seed ${options.seed}`);
  const leftOut = (letters: string): number =>
    abandoned.values().filter((letter) => letters.includes(letter)).toArray().length;
  const within = (own: number, its: number, unsure: number): boolean =>
    own <= its && its <= own + unsure;
  assert.ok(
    within(counts.ends, target.counts.ends, leftOut(ENDS)),
    `${counts.ends} ends of ${target.counts.ends}`,
  );
  assert.ok(
    within(counts.resets, target.counts.resets, leftOut(RESETS)),
    `${counts.resets} resets of ${target.counts.resets}`,
  );
}
