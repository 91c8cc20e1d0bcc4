import assert from "node:assert/strict";
import { ConnectRace, type Entrant, Opening } from "../../src/http/connect_race.ts";
import { DeadlineSweep } from "../../src/http/connection_timers.ts";
import { WireError } from "../../src/http/request_error.ts";
import type { Socket, SocketHandler } from "../../src/net/socket.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

class FakeSocket implements Socket {
  readonly unsent = 0;
  isClosed = false;
  handler: SocketHandler;

  constructor(handler: SocketHandler) {
    this.handler = handler;
  }

  write(): boolean {
    return true;
  }

  wasReset(): Promise<boolean> {
    return Promise.resolve(false);
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.isClosed = true;
  }
}

/** A race in virtual time whose connections do what the test says. */
class Scene {
  readonly clock = new FakeClock();
  readonly opening = new Opening();
  /** Addresses in the order in which they were tried, with the time. */
  readonly tried: string[] = [];
  readonly sockets = new Map<string, FakeSocket>();
  readonly entrants = new Map<string, Entrant>();
  readonly failed: string[] = [];
  readonly accepted: string[] = [];
  drains = 0;
  outcome = "none";

  constructor(...addresses: string[]) {
    const { clock } = this;
    const deadlines = new DeadlineSweep(clock, () => {
      this.drains++;
      return Promise.resolve();
    });
    const race = new ConnectRace(addresses, { clock, deadlines, connect: this.#connect }, {
      onAccepted: (address) => this.accepted.push(address),
      onFailed: (address) => this.failed.push(address),
    });
    this.opening.run(race).then(
      (socket) => this.outcome = [...this.sockets].find(([, one]) => one === socket)![0],
      (error: WireError) => this.outcome = `${error.code}: ${error.message}`,
    );
  }

  readonly #connect = (address: string, entrant: Entrant): Promise<Socket> => {
    this.tried.push(`${address} ${this.clock.now()}`);
    this.entrants.set(address, entrant);
    entrant.onConnecting();
    return entrant.opening.open((handler) => {
      const socket = new FakeSocket(handler);
      this.sockets.set(address, socket);
      return socket;
    });
  };

  async opens(address: string): Promise<void> {
    this.sockets.get(address)!.handler.onOpen();
    await settle();
  }

  async fails(address: string, code = "ECONNREFUSED"): Promise<void> {
    const error = Object.assign(new Error("it failed"), { code });
    this.sockets.get(address)!.handler.onError(error);
    await settle();
  }

  /** Addresses whose sockets are open. */
  get open(): string[] {
    return [...this.sockets].filter(([, { isClosed }]) => !isClosed).map(([address]) => address);
  }
}

Deno.test("an address that accepts soon is the only one", async () => {
  const scene = new Scene("a", "b", "c");
  await scene.clock.advance(249);
  await scene.opens("a");
  await scene.clock.advance(60_000);
  assert.deepEqual(scene.tried, ["a 0"]);
  assert.equal(scene.outcome, "a");
  assert.deepEqual([scene.accepted, scene.failed, scene.drains], [["a"], [], 0]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("while none accepts, the next one is tried every 250 ms, and the first that accepts wins", async () => {
  const scene = new Scene("a", "b", "c", "d");
  await scene.clock.advance(500);
  assert.deepEqual(scene.tried, ["a 0", "b 250", "c 500"]);
  await scene.opens("b");
  assert.equal(scene.outcome, "b");
  assert.deepEqual(scene.open, ["b"]);
  await scene.clock.advance(60_000);
  assert.equal(scene.tried.length, 3);
  // Only what began earlier was slower.
  assert.deepEqual([scene.accepted, scene.failed], [["b"], ["a"]]);
});

Deno.test("the first one can still win after others have begun", async () => {
  const scene = new Scene("a", "b");
  await scene.clock.advance(300);
  await scene.opens("a");
  assert.equal(scene.outcome, "a");
  assert.deepEqual([scene.open, scene.failed], [["a"], []]);
});

Deno.test("when one fails, the next one is tried at once", async () => {
  const scene = new Scene("a", "b", "c");
  await scene.clock.advance(10);
  await scene.fails("a");
  await scene.fails("b", "EHOSTUNREACH");
  assert.deepEqual(scene.tried, ["a 0", "b 10", "c 10"]);
  assert.deepEqual(scene.open, ["c"]);
  await scene.opens("c");
  assert.equal(scene.outcome, "c");
  assert.deepEqual(scene.failed, ["a", "b"]);
});

Deno.test("if all fail, the error is that of the last one", async () => {
  const scene = new Scene("a", "b");
  await scene.clock.advance(250);
  await scene.fails("b");
  assert.equal(scene.outcome, "none");
  await scene.fails("a");
  assert.equal(scene.outcome, "ECONNREFUSED: a: it failed");
  assert.deepEqual(scene.open, []);
});

Deno.test("without a descriptor, no other is tried, and what has begun can still win", async () => {
  const scene = new Scene("a", "b", "c");
  await scene.fails("a", "EMFILE");
  assert.equal(scene.outcome, "EMFILE: it failed");
  assert.deepEqual([scene.tried, scene.failed], [["a 0"], []]);

  const second = new Scene("a", "b", "c");
  await second.clock.advance(250);
  await second.fails("b", "EMFILE");
  await second.clock.advance(1_000);
  assert.equal(second.tried.length, 2);
  await second.opens("a");
  assert.equal(second.outcome, "a");

  const third = new Scene("a", "b", "c");
  await third.clock.advance(250);
  await third.fails("b", "ENFILE");
  await third.fails("a");
  assert.equal(third.outcome, "EMFILE: it failed");
});

Deno.test("without a free port, others are tried, but their failure is not the reason", async () => {
  const scene = new Scene("127.0.0.1", "::1");
  await scene.fails("127.0.0.1", "EADDRNOTAVAIL");
  await scene.fails("::1");
  assert.equal(scene.outcome, "EADDRNOTAVAIL: 127.0.0.1: it failed");
  assert.deepEqual(scene.failed, ["::1"]);
});

Deno.test("that a machine has no IPv6 is not the reason if an address of IPv4 refuses", async () => {
  for (const isFirst of [true, false]) {
    const scene = new Scene(...(isFirst ? ["::1", "127.0.0.1"] : ["127.0.0.1", "::1"]));
    if (isFirst) await scene.fails("::1", "EADDRNOTAVAIL");
    await scene.fails("127.0.0.1");
    if (!isFirst) await scene.fails("::1", "EADDRNOTAVAIL");
    assert.equal(scene.outcome, "ECONNREFUSED: 127.0.0.1: it failed");
  }
});

Deno.test("a server that has accepted is the only one that makes a handshake", async () => {
  const scene = new Scene("a", "b", "c");
  await scene.clock.advance(250);
  scene.entrants.get("b")!.onConnected();
  await scene.clock.advance(1_000);
  assert.deepEqual([scene.open, scene.tried.length, scene.outcome], [["b"], 2, "none"]);
  await scene.fails("b", "ECONNRESET");
  assert.match(scene.outcome, /it failed/);
  assert.deepEqual(scene.open, []);
});

Deno.test("given up: everything is closed, and nothing else is tried", async () => {
  for (const code of ["ABORTED", "CONNECT_TIMEOUT"] as const) {
    const scene = new Scene("a", "b", "c");
    await scene.clock.advance(250);
    scene.opening.giveUp(new WireError(code, "enough"));
    await scene.clock.advance(60_000);
    assert.equal(scene.outcome, `${code}: enough`);
    assert.deepEqual([scene.open, scene.tried.length, scene.clock.pending], [[], 2, 0]);
    // Only a timeout tells something about the addresses.
    assert.deepEqual(scene.failed, code === "ABORTED" ? [] : ["a", "b"]);
  }
  const scene = new Scene("a", "b");
  scene.entrants.get("a")!.onConnected();
  scene.opening.giveUp(new WireError("CONNECT_TIMEOUT", "enough"));
  await settle();
  assert.deepEqual([scene.open, scene.failed], [[], []]);
});

Deno.test("what has arrived is handled before the next address is tried", async () => {
  const scene = new Scene("a", "b");
  scene.clock.block(5_000);
  await scene.clock.advance(0);
  assert.equal(scene.drains, 1);
});
