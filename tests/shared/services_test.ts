import assert from "node:assert/strict";
import type { Cancel } from "../../src/shared/calls.ts";
import type { LoadedFeeder } from "../../src/shared/feeders.ts";
import { SharedServices } from "../../src/shared/services.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Shared services, and their answers. */
class Scene {
  readonly clock = new FakeClock();
  readonly answers: string[] = [];
  random = 0;
  readonly #services: SharedServices;

  constructor(feeders: readonly Partial<LoadedFeeder>[] = []) {
    this.#services = new SharedServices({
      feeders: feeders.map((one) => ({
        name: "rows",
        rows: ["0", "1", "2"],
        mode: "unique",
        onEmpty: "stop",
        ...one,
      })),
      clock: this.clock,
      random: () => this.random,
    });
  }

  ask(service: string, operation: string, args: unknown = [], name = "rows"): Cancel {
    const call = { service, name, operation, args: JSON.stringify(args) };
    return this.#services.perform(
      call,
      ({ result, value, changed }) =>
        this.answers.push(`${result} ${value}${changed ? " (changed)" : ""}`),
      "a",
    );
  }

  get shortages(): SharedServices["shortages"] {
    return this.#services.shortages;
  }

  get rendezvous(): SharedServices["rendezvous"] {
    return this.#services.rendezvous;
  }

  /** The answers since the last call. */
  take(): string[] {
    return this.answers.splice(0);
  }
}

Deno.test("counters start at 0, accept whole numbers and fractions, and are separate by name", () => {
  const services = new Scene();
  services.ask("counter", "value");
  services.ask("counter", "add", [2]);
  services.ask("counter", "add", [-0.5]);
  services.ask("counter", "value", [], "others");
  assert.deepEqual(services.take(), ["ok 0", "ok 2 (changed)", "ok 1.5 (changed)", "ok 0"]);
});

Deno.test("invalid amounts are refused, and add nothing", () => {
  const services = new Scene();
  const refusal =
    "error counter rows: only finite numbers can be added, and the sum must stay finite";
  services.ask("counter", "add", [1e308]);
  services.take();
  for (const amount of [[1e308], ["1"], [null], []]) services.ask("counter", "add", amount);
  services.ask("counter", "value");
  assert.deepEqual(services.take(), [...Array(4).fill(refusal), "ok 1e+308"]);
});

Deno.test("a queue is first in, first out, and may be empty", () => {
  const services = new Scene();
  services.ask("queue", "push", ["a", { b: [1] }, null]);
  services.ask("queue", "size");
  for (let i = 0; i < 4; i++) services.ask("queue", "pop");
  services.ask("queue", "size");
  assert.deepEqual(services.take(), [
    "ok  (changed)",
    "ok 3",
    'ok "a" (changed)',
    'ok {"b":[1]} (changed)',
    "ok null (changed)",
    "ok ",
    "ok 0",
  ]);
});

Deno.test("a queue keeps its order over thousands of values", () => {
  const services = new Scene();
  const popped: string[] = [];
  for (let n = 0; n < 10_000; n++) {
    services.ask("queue", "push", [n]);
    if (n % 3 === 0) services.ask("queue", "pop");
  }
  for (let n = 0; n < 10_000; n++) services.ask("queue", "pop");
  for (const answer of services.take()) {
    const value = /^ok (\d+)/.exec(answer)?.[1];
    if (value !== undefined) popped.push(value);
  }
  assert.deepEqual(popped, Array.from({ length: 10_000 }, (_, n) => String(n)));
});

Deno.test("values that are too long, nested too deeply or too many are refused", () => {
  const services = new Scene();
  services.ask("queue", "push", ["x".repeat(64 * 1024)]);
  const deep = { service: "queue", name: "rows", operation: "push", args: "" };
  const nested = "[".repeat(200_000) + "]".repeat(200_000);
  new SharedServices({ feeders: [], clock: services.clock, random: () => 0 })
    .perform({ ...deep, args: `[${nested}]` }, ({ result }) => services.answers.push(result), "a");
  assert.deepEqual(services.take(), [
    "error queue rows: a value has more than 65536 bytes as JSON",
    "error",
  ]);
  const value = "x".repeat(60_000);
  for (let n = 0; n < 1_117; n++) services.ask("queue", "push", [value]);
  assert.deepEqual(new Set(services.take()), new Set(["ok  (changed)"]));
  services.ask("queue", "push", [value], "other");
  services.ask("queue", "pop");
  services.ask("queue", "push", [value], "other");
  const full = "error queue other is full: all queues of a run together may hold 64 MiB";
  assert.deepEqual(services.take(), [full, `ok "${value}" (changed)`, "ok  (changed)"]);
});

Deno.test("a unique feeder hands out each row once, and then follows onEmpty", () => {
  const answers = (["stop", "throw", "wait"] as const).map((onEmpty) => {
    const services = new Scene([{ onEmpty }]);
    for (let i = 0; i < 4; i++) services.ask("feeder", "next");
    return services.take();
  });
  const rows = ["ok 0 (changed)", "ok 1 (changed)", "ok 2 (changed)"];
  assert.deepEqual(answers, [
    [...rows, "end feeder rows: all 3 rows have been used"],
    [...rows, "error feeder rows: all 3 rows have been used"],
    rows,
  ]);
});

Deno.test("a circular feeder starts again, and a random one picks any row", () => {
  const circular = new Scene([{ mode: "circular" }]);
  for (let i = 0; i < 4; i++) circular.ask("feeder", "next");
  assert.deepEqual(circular.take(), [0, 1, 2, 0].map((row) => `ok ${row} (changed)`));
  const random = new Scene([{ mode: "random" }]);
  for (const chance of [0, 0.4, 0.99]) {
    random.random = chance;
    random.ask("feeder", "next");
  }
  assert.deepEqual(random.take(), ["ok 0", "ok 1", "ok 2"]);
});

Deno.test("users meet when all have arrived, and later ones start another round", () => {
  const services = new Scene();
  for (let i = 0; i < 2; i++) services.ask("rendezvous", "arrive", [3, 60]);
  services.ask("rendezvous", "arrive", [1, 60], "elsewhere");
  assert.deepEqual(services.take(), ['ok {"arrived":1,"complete":true}']);
  services.ask("rendezvous", "arrive", [3, 60]);
  assert.deepEqual(services.take(), Array(3).fill('ok {"arrived":3,"complete":true}'));
  services.ask("rendezvous", "arrive", [3, 60]);
  assert.deepEqual(services.take(), []);
});

Deno.test("an incomplete round ends after the timeout of its first user", async () => {
  const services = new Scene();
  services.ask("rendezvous", "arrive", [3, 5]);
  await services.clock.advance(4_000);
  services.ask("rendezvous", "arrive", [3, 5]);
  await services.clock.advance(999);
  assert.deepEqual(services.take(), []);
  await services.clock.advance(1);
  assert.deepEqual(services.take(), Array(2).fill('ok {"arrived":2,"complete":false}'));
  assert.equal(services.clock.pending, 0);
});

Deno.test("users that no longer wait do not count, and the last one to leave ends the round", async () => {
  const services = new Scene();
  const cancels = [0, 1].map(() => services.ask("rendezvous", "arrive", [3, 5]));
  cancels[0]!();
  services.ask("rendezvous", "arrive", [3, 5]);
  assert.deepEqual(services.take(), []);
  await services.clock.advance(5_000);
  assert.deepEqual(services.take(), Array(2).fill('ok {"arrived":2,"complete":false}'));
  cancels[1]!();
  services.ask("rendezvous", "arrive", [2, 5])();
  assert.equal(services.clock.pending, 0);
});

Deno.test("complete and incomplete rounds are counted", async () => {
  const services = new Scene();
  for (let i = 0; i < 4; i++) services.ask("rendezvous", "arrive", [2, 5], "pay");
  services.ask("rendezvous", "arrive", [2, 5], "pay");
  services.ask("rendezvous", "arrive", [2, 5], "log in")();
  assert.deepEqual(services.rendezvous, [{ name: "pay", complete: 2, incomplete: 0 }]);
  await services.clock.advance(5_000);
  assert.deepEqual(services.rendezvous, [{ name: "pay", complete: 2, incomplete: 1 }]);
  for (let i = 0; i < 1200; i++) services.ask("rendezvous", "arrive", [1, 5], `user ${i}`);
  assert.equal(services.rendezvous.length, 1001);
  assert.deepEqual(services.rendezvous.at(-1), { name: "(other)", complete: 201, incomplete: 0 });
});

Deno.test("invalid calls are refused with a reason", () => {
  const services = new Scene([{}]);
  services.ask("rendezvous", "arrive", [0, 5]);
  services.ask("rendezvous", "arrive", [2, 0]);
  services.ask("rendezvous", "arrive", [2, 1e9]);
  services.ask("rendezvous", "leave", [2, 1]);
  services.ask("counter", "reset");
  services.ask("queue", "clear");
  services.ask("feeder", "reset");
  services.ask("feeder", "next", [], "others");
  services.ask("timer", "start");
  services.ask("counter", "add", 1);
  assert.deepEqual(services.take(), [
    "error rendezvous rows: users must be a whole number of 1 or more",
    "error rendezvous rows: timeout must be above 0 and at most 86400 seconds",
    "error rendezvous rows: timeout must be above 0 and at most 86400 seconds",
    "error rendezvous rows cannot leave",
    "error counter rows cannot reset",
    "error queue rows cannot clear",
    "error feeder rows cannot reset",
    "error the master has no feeder others: create feeders at the top of the test file",
    "error timer rows: no such service",
    "error counter rows: no list of arguments",
  ]);
});

Deno.test("feeders without rows and empty queues are shortages, once users have asked for more", () => {
  const dry = (onEmpty: LoadedFeeder["onEmpty"]): SharedServices["shortages"] => {
    const services = new Scene([{ onEmpty }]);
    for (let i = 0; i < 3; i++) services.ask("feeder", "next");
    assert.deepEqual(services.shortages, []);
    services.ask("feeder", "next");
    const cancel = services.ask("feeder", "next");
    const all = services.shortages;
    cancel();
    return all;
  };
  const feeder = { kind: "feeder", name: "rows", rows: 3 } as const;
  assert.deepEqual(dry("stop"), [{ ...feeder, onEmpty: "stop", refusals: 2, waiting: 0 }]);
  assert.deepEqual(dry("throw"), [{ ...feeder, onEmpty: "throw", refusals: 2, waiting: 0 }]);
  assert.deepEqual(dry("wait"), [{ ...feeder, onEmpty: "wait", refusals: 0, waiting: 2 }]);

  const services = new Scene();
  services.ask("queue", "pop");
  services.ask("queue", "size");
  const queue = { kind: "queue", name: "rows" } as const;
  assert.deepEqual(services.shortages, [{ ...queue, uses: 0, misses: 1 }]);
  services.ask("queue", "push", [1]);
  assert.deepEqual(services.shortages, []);
  services.ask("queue", "pop");
  services.ask("queue", "pop");
  assert.deepEqual(services.shortages, [{ ...queue, uses: 2, misses: 1 }]);
});

Deno.test("a feeder of another mode is never short", () => {
  const services = new Scene([{ mode: "circular" }, { name: "others", mode: "random" }]);
  for (let i = 0; i < 9; i++) {
    services.ask("feeder", "next");
    services.ask("feeder", "next", [], "others");
  }
  assert.deepEqual(services.shortages, []);
});
