import assert from "node:assert/strict";
import type { SharedCall } from "../../src/cluster/protocol.ts";
import { configureLog } from "../../src/core/logger.ts";
import { currentUser, UserEnd, UserLifetime } from "../../src/core/user_lifetime.ts";
import { NodeCluster } from "../../src/shared/cluster.ts";
import { rpcServerWith } from "../support/rpc_servers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const ROWS = { name: "rows", rows: ['{"id":1}'], mode: "unique", onEmpty: "wait" } as const;

/** A node with the shared state in its own process. */
class Scene {
  readonly clock = new FakeClock();
  readonly cluster = new NodeCluster(this.clock);
  readonly rpc = rpcServerWith(this.clock, [ROWS], {
    deliver: (message) => this.cluster.deliver(message),
  });

  constructor() {
    this.cluster.feeder("rows", [], { onEmpty: "wait" });
  }

  open(): this {
    this.cluster.attach(this.rpc.localRpc);
    return this;
  }
}

/** The state of a promise after a number of turns. */
async function fate(promise: Promise<unknown>): Promise<unknown> {
  let found: unknown = "pending";
  promise.then((value) => found = value, (error) => found = error);
  for (let turn = 0; turn < 5; turn++) await settle();
  return found;
}

Deno.test("calls before the test starts wait for it", async () => {
  const scene = new Scene();
  const sum = scene.cluster.counter("n").add(2);
  assert.equal(await fate(sum), "pending");
  scene.open();
  assert.equal(await fate(sum), 2);
});

Deno.test("calls in init are rejected", async () => {
  const { cluster } = new Scene();
  await cluster.init(async () => {
    await assert.rejects(
      cluster.counter("n").add(),
      /^Error: counter n: nothing can be shared in init; do it in testStart, or when a user starts$/,
    );
    cluster.on("k", () => {});
    cluster.feeder("more", [1]);
  });
  assert.equal(await fate(cluster.counter("n").add()), "pending");
  assert.deepEqual(cluster.feeders.map(({ name }) => name), ["rows", "more"]);
});

Deno.test("every caller gets its own row", async () => {
  const { cluster } = new Scene().open();
  const row = await cluster.feeder<{ id: number }>("rows", []).next();
  assert.deepEqual(row, { id: 1 });
});

Deno.test("feeders are created before the test, and the first of a name counts", () => {
  const scene = new Scene();
  scene.cluster.feeder("rows", ["other"], { mode: "random" });
  scene.open();
  assert.equal(scene.cluster.feeder("rows", []).name, "rows");
  assert.throws(
    () => scene.cluster.feeder("new", []),
    /^TypeError: feeder new: feeders must be created before the test starts$/,
  );
});

Deno.test("a user that is to stop no longer waits, and does not count at a rendezvous", async () => {
  const { cluster } = new Scene().open();
  const [stay, other] = [new UserLifetime(), new UserLifetime()];
  const meet = (): Promise<unknown> => cluster.rendezvous("m", { users: 2 });
  const first = currentUser.run(stay, meet);
  assert.equal(await fate(first), "pending");
  stay.stop();
  assert.ok(await fate(first) instanceof UserEnd);
  assert.ok(await fate(currentUser.run(stay, meet)) instanceof UserEnd);
  const second = currentUser.run(other, meet);
  assert.equal(await fate(second), "pending");
  assert.deepEqual(await fate(meet()), { arrived: 2, complete: true });
  assert.deepEqual(await fate(second), { arrived: 2, complete: true });
});

Deno.test("a user that is to stop may still use counters, and one that has ended gets no answer", async () => {
  const { cluster } = new Scene().open();
  const stay = new UserLifetime();
  const add = (): Promise<number> => cluster.counter("n").add();
  stay.stop();
  assert.equal(await fate(currentUser.run(stay, add)), 1);
  stay.end();
  assert.equal(await fate(currentUser.run(stay, add)), "pending");
  currentUser.run(stay, () => cluster.send("k"));
  assert.equal(await fate(add()), 2);
});

Deno.test("a row for a user that has just been stopped goes to the next user", async () => {
  const { cluster } = new Scene().open();
  const stay = new UserLifetime();
  const { next } = cluster.feeder("rows", []);
  const first = currentUser.run(stay, next);
  stay.stop();
  assert.ok(await fate(first) instanceof UserEnd);
  assert.deepEqual(await fate(next()), { id: 1 });
});

Deno.test("messages reach their handlers in order, each with its own value", async () => {
  const scene = new Scene();
  const heard: unknown[] = [];
  const handler = (data: { n?: number } | null, from: string): void => {
    heard.push([{ ...data }, from]);
    if (data !== null) delete data.n;
  };
  scene.cluster.on("k", handler);
  scene.cluster.on("k", (data: unknown) => void heard.push(data));
  scene.cluster.send("k", { n: 1 });
  await settle();
  assert.deepEqual(heard, []);
  scene.open();
  scene.cluster.send("k", undefined, { to: "master" });
  scene.cluster.send("other", 1);
  for (let turn = 0; turn < 3; turn++) await settle();
  assert.deepEqual(heard, [[{ n: 1 }, "master"], { n: 1 }, [{}, "master"], null]);
  scene.cluster.off("k", handler);
  scene.cluster.off("k", () => {});
  scene.cluster.send("k", 2);
  for (let turn = 0; turn < 3; turn++) await settle();
  assert.deepEqual(heard.slice(4), [2]);
});

Deno.test("an error in a handler is logged, and does not affect others", async () => {
  const lines: string[] = [];
  await configureLog("ERROR", (line) => lines.push(line));
  const { cluster } = new Scene().open();
  const heard: unknown[] = [];
  cluster.on("k", () => {
    throw new Error("no");
  });
  cluster.on("k", () => Promise.reject(new Error("nor")));
  cluster.on("k", (data: unknown) => void heard.push(data));
  cluster.send("k", 1);
  for (let turn = 0; turn < 3; turn++) await settle();
  assert.deepEqual(heard, [1]);
  assert.equal(lines.length, 2);
  assert.match(lines[0]!, /A handler of the message k threw: no/);
});

Deno.test("many values are pushed in batches, in order", async () => {
  const { cluster } = new Scene();
  const calls: SharedCall[] = [];
  cluster.attach({
    node: "w1",
    call: (call, _, done) => {
      calls.push(call);
      done({ result: "ok", value: "" });
      return () => {};
    },
  });
  const values = Array.from({ length: 10 }, (_, n) => `${n}${"x".repeat(30_000)}`);
  await cluster.queue("q").push(...values);
  await cluster.queue("q").push();
  assert.deepEqual(calls.map(({ args }) => JSON.parse(args).length), [4, 4, 2]);
  assert.deepEqual(calls.flatMap(({ args }) => JSON.parse(args)), values);
});

Deno.test("an invalid answer rejects the call", async () => {
  const { cluster } = new Scene();
  cluster.attach({
    node: "w1",
    call: (_call, _mayBlock, done) => {
      done({ result: "ok", value: "{" });
      return () => {};
    },
  });
  await assert.rejects(cluster.counter("n").add(), SyntaxError);
});

Deno.test("messages that arrive before the node is ready do not fill its memory", async () => {
  const scene = new Scene();
  let heard = 0;
  scene.cluster.on("k", () => void heard++);
  for (let n = 0; n < 1_500; n++) scene.cluster.deliver({ from: "w2", kind: "k", data: "1" });
  scene.open();
  await settle();
  await settle();
  assert.equal(heard, 1_000);
});

Deno.test("names and values that cannot be sent are refused immediately", async () => {
  const { cluster } = new Scene().open();
  for (const name of ["", "x".repeat(257), "\ud800", "\ufeffn", 5 as unknown as string]) {
    assert.throws(() => cluster.counter(name), TypeError);
  }
  assert.throws(() => cluster.send("k", () => {}), /message k: a function is not valid JSON/);
  assert.throws(() => cluster.send("k", 1n), /message k: the value cannot be encoded as JSON/);
  await assert.rejects(
    cluster.queue("q").push("x".repeat(65_536)),
    /^TypeError: queue q: the value has 65538 bytes as JSON; at most 65536 are allowed$/,
  );
  await assert.rejects(cluster.counter("c").add(NaN), /^Error: counter c: only finite numbers/);
});

Deno.test("messages that the master does not receive do not fill the memory", () => {
  const { cluster } = new Scene();
  for (let n = 0; n < 1_000; n++) cluster.send("k", n);
  assert.throws(
    () => cluster.send("k", 1),
    /^Error: message k: 1000 messages are already waiting for the master$/,
  );
});

Deno.test("messages are handled once they are sent and their handlers have ended, also of further ones", async () => {
  const { clock, cluster } = new Scene().open();
  const seen: string[] = [];
  cluster.on("a", async () => {
    await clock.nextTurn();
    seen.push("a");
    cluster.send("b");
  });
  cluster.on("b", () => void seen.push("b"));
  await cluster.messagesHandled();
  // A user that has ended before the answer does not keep a message from being sent.
  const lifetime = new UserLifetime();
  currentUser.run(lifetime, () => cluster.send("a"));
  lifetime.end();
  await cluster.messagesHandled();
  assert.deepEqual(seen, ["a", "b"]);
});
