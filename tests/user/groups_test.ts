import assert from "node:assert/strict";
import { UserEnd } from "../../src/core/user_lifetime.ts";
import { type IterationScheduler, IterationSlot } from "../../src/user/iteration_slot.ts";
import { User, type UserClass } from "../../src/user/user.ts";
import { UserLoop } from "../../src/user/user_loop.ts";
import { discovered, type TestContext, testContext } from "../support/users.ts";

interface Living extends TestContext {
  readonly loop: UserLoop;
}

/** Starts a user that repeats its tests without a wait, or ends after one iteration. */
function live(userClass: UserClass, iterationSlot: IterationSlot | null = null): Living {
  const context = testContext({ iterationSlot });
  const loop = new UserLoop(discovered(userClass), context.context);
  loop.start();
  return { ...context, loop };
}

/** A user whose only test runs once. */
class Once extends User {
  static override iterations = 1;
  /** A request that takes some milliseconds, and fails if that is asked for. */
  request(ms: number, fails = false): Promise<void> {
    return this.measure("request", async () => {
      await this.sleep(ms / 1000);
      if (fails) throw new Error("refused");
    });
  }
}

Deno.test("a group takes as long as its function, and knows when requests were under way", async () => {
  const results: string[] = [];
  const user = live(
    class ATest extends Once {
      async testOne(): Promise<void> {
        results.push(
          await this.group("checkout", async () => {
            await this.request(100);
            await this.sleep(1);
            await this.request(50);
            return "paid";
          }),
        );
      }
    },
  );
  await user.clock.advance(5000);
  assert.deepEqual(results, ["paid"]);
  assert.deepEqual(user.recorded.groups, [
    { name: "checkout", durationMs: 1150, requestsMs: 150, failed: false },
  ]);
  // The requests are counted as without a group.
  assert.deepEqual(user.recorded.samples.map(({ name, latencyMs }) => [name, latencyMs]), [
    ["request", 100],
    ["request", 50],
  ]);
});

Deno.test("requests in parallel count once in the time of a group, and those after it do not", async () => {
  const user = live(
    class ATest extends Once {
      async testOne(): Promise<void> {
        await this.group("page", async () => {
          void this.request(400);
          await Promise.all([this.request(100), this.request(150)]);
          await this.sleep(0.05);
        });
        await this.request(1000);
      }
    },
  );
  await user.clock.advance(5000);
  assert.deepEqual(user.recorded.groups, [
    { name: "page", durationMs: 200, requestsMs: 200, failed: false },
  ]);
});

Deno.test("groups that run at the same time have their own requests", async () => {
  const user = live(
    class ATest extends Once {
      static override order = "parallel" as const;
      async testOne(): Promise<void> {
        await this.group("one", async () => {
          await this.sleep(0.01);
          await this.request(100);
        });
      }
      async testTwo(): Promise<void> {
        await this.group("two", async () => {
          await this.sleep(0.02);
          await this.request(10, true).catch(() => {});
          await this.sleep(1);
        });
      }
      async testThree(): Promise<void> {
        await this.request(500, true);
      }
    },
  );
  await user.clock.advance(5000);
  assert.deepEqual(user.recorded.groups, [
    { name: "one", durationMs: 110, requestsMs: 100, failed: false },
    { name: "two", durationMs: 1030, requestsMs: 10, failed: true },
  ]);
});

Deno.test("a nested group has the name of the outer one, and its requests count in both", async () => {
  const user = live(
    class ATest extends Once {
      async testOne(): Promise<void> {
        await this.group("buy", async () => {
          await this.group("search", () => this.request(100));
          await this.group("pay", async () => {
            await this.request(30);
            await this.request(10, true).catch(() => {});
          });
        });
      }
    },
  );
  await user.clock.advance(5000);
  assert.deepEqual(user.recorded.groups, [
    { name: "buy / search", durationMs: 100, requestsMs: 100, failed: false },
    { name: "buy / pay", durationMs: 40, requestsMs: 40, failed: true },
    { name: "buy", durationMs: 140, requestsMs: 140, failed: true },
  ]);
});

Deno.test("a group fails by a throw and by a failed record, and not by the end of its user", async () => {
  const thrown: unknown[] = [];
  const user = live(
    class ATest extends Once {
      async testOne(): Promise<void> {
        await this.group("throws", () => {
          throw new RangeError("no item");
        }).catch((error) => thrown.push(error));
        await this.group("records", async () => {
          await this.sleep(0.1);
          this.record({ name: "job", latencyMs: 60, error: "late" });
        });
        await this.group("records", async () => {
          await this.sleep(0.1);
          this.record({ name: "job", latencyMs: 60 });
          this.record({ name: "job", latencyMs: 30 });
        });
        await this.group("ends", () => {
          throw new UserEnd("sold out");
        });
      }
    },
  );
  await user.clock.advance(5000);
  assert.deepEqual(thrown, [new RangeError("no item")]);
  assert.deepEqual(user.recorded.groups, [
    { name: "throws", durationMs: 0, requestsMs: 0, failed: true },
    { name: "records", durationMs: 100, requestsMs: 60, failed: true },
    { name: "records", durationMs: 100, requestsMs: 60, failed: false },
  ]);
  assert.deepEqual(user.recorded.userErrors, []);
});

Deno.test("an error that a group lets through is an error of the user, once", async () => {
  const user = live(
    class ATest extends Once {
      async testOne(): Promise<void> {
        await this.group("checkout", () => {
          throw new Error("no item");
        });
      }
    },
  );
  await user.clock.advance(5000);
  assert.deepEqual(user.recorded.userErrors.map(({ error }) => error), ["no item"]);
  assert.equal(user.recorded.samples.length, 0);
});

for (const catches of [false, true]) {
  const how = catches ? "ignores its signal" : "ends at its signal";
  Deno.test(`a group of a user that is cut off is unfinished, also if it ${how}`, async () => {
    const user = live(
      class ATest extends Once {
        async testOne(): Promise<void> {
          await this.group("outer", async () => {
            await this.sleep(1);
            await this.group("inner", async () => {
              const step = this.request(60_000);
              await (catches ? step.catch(() => new Promise(() => {})) : step);
            });
          });
        }
      },
    );
    await user.clock.advance(3000);
    user.loop.stop(1000);
    await user.clock.advance(2000);
    assert.deepEqual(
      user.recorded.unfinishedGroups.toSorted((a, b) => a.name.localeCompare(b.name)),
      [
        { name: "outer", ageMs: 4000 },
        { name: "outer / inner", ageMs: 3000 },
      ],
    );
    assert.deepEqual(user.recorded.groups, []);
    assert.deepEqual(user.recorded.unfinished.map(({ ageMs }) => ageMs), [3000]);
  });
}

/** Starts iterations that were due at these times; they are late. */
function due(...times: number[]): IterationSlot {
  const scheduler: IterationScheduler = {
    scheduled: true,
    next: () => times.shift() ?? null,
    cancel: () => {},
    began: () => {},
    ended: () => {},
    interrupted: () => {},
    declined: () => {},
  };
  return new IterationSlot(scheduler, 0);
}

Deno.test("in the open model, a group and its first request start when the iteration was due", async () => {
  const user = live(
    class ATest extends User {
      async testOne(): Promise<void> {
        await this.sleep(0.5);
        await this.group("checkout", async () => {
          for (let i = 0; i < 2; i++) {
            await this.measure("step", () => this.sleep(0.1));
          }
        });
        await this.group("after", () => this.measure("step", () => this.sleep(0.1)));
      }
    },
    due(-2000, -1000),
  );
  // Between two iterations, the user lets the event loop turn.
  for (let i = 0; i < 50; i++) await user.clock.advance(100);
  assert.deepEqual(user.recorded.samples.map(({ latencyMs }) => latencyMs), [
    2600,
    100,
    100,
    1000 + 800 + 600,
    100,
    100,
  ]);
  assert.deepEqual(user.recorded.groups, [
    { name: "checkout", durationMs: 2700, requestsMs: 2700, failed: false },
    { name: "after", durationMs: 100, requestsMs: 100, failed: false },
    { name: "checkout", durationMs: 2500, requestsMs: 2500, failed: false },
    { name: "after", durationMs: 100, requestsMs: 100, failed: false },
  ]);
});

Deno.test("in the open model, only the first group starts when the iteration was due", async () => {
  const user = live(
    class ATest extends User {
      async testOne(): Promise<void> {
        await this.group("think", () => this.sleep(1));
        await this.group("act", () => this.measure("step", () => this.sleep(0.1)));
      }
    },
    due(-2000),
  );
  await user.clock.advance(5000);
  assert.deepEqual(user.recorded.samples.map(({ latencyMs }) => latencyMs), [3100]);
  assert.deepEqual(user.recorded.groups, [
    { name: "think", durationMs: 3000, requestsMs: 0, failed: false },
    { name: "act", durationMs: 100, requestsMs: 100, failed: false },
  ]);
});

Deno.test("a group without a function is a TypeError", async () => {
  const errors: unknown[] = [];
  const user = live(
    class ATest extends Once {
      async testOne(): Promise<void> {
        const group = this.group.bind(this) as (name: string, fn: unknown) => Promise<unknown>;
        await group("checkout", this.sleep(0)).catch((error) => errors.push(error));
      }
    },
  );
  await user.clock.advance(5000);
  assert.deepEqual(errors.map(String), [
    "TypeError: group 'checkout': Promise { <pending> }, expected a function",
  ]);
});

const ADVICE =
  'expected a string; write check("NAME", …) with a value, not a function, one call for each name';

Deno.test("a check counts whether something was so, and returns it", async () => {
  const results: unknown[] = [];
  const user = live(
    class ATest extends Once {
      testOne(): void {
        results.push(
          this.check("has messages", [].length),
          this.check("has messages", "some"),
          this.check("", true),
        );
        for (const ok of [() => true, Promise.resolve(true)]) {
          try {
            this.check("wrong", ok);
          } catch (error) {
            results.push(String(error));
          }
        }
        // As k6 writes it, and as JavaScript allows it.
        const isOk = (): boolean => true;
        const others: readonly (readonly [name: unknown, ok?: unknown])[] = [
          [{ "is fine": isOk }],
          [{ status: 200, body: "x".repeat(100) }, { ok: isOk }],
          [200, true],
        ];
        for (const [name, ok] of others) {
          try {
            this.check(name as string, ok);
          } catch (error) {
            results.push(String(error));
          }
        }
      }
    },
  );
  await user.clock.advance(5000);
  assert.deepEqual(results, [
    false,
    true,
    true,
    "TypeError: check 'wrong': the result is a function; call it, and give what it returns",
    "TypeError: check 'wrong': the result is a promise; await it first",
    `TypeError: check: the name is { 'is fine': [Function: isOk] }, ${
      ADVICE.replace("NAME", "is fine")
    }`,
    `TypeError: check: the name is { status: 200, body: '${"x".repeat(38)}…, ${
      ADVICE.replace("NAME", "ok")
    }`,
    `TypeError: check: the name is 200, ${ADVICE.replace("NAME", "name")}`,
  ]);
  assert.deepEqual(user.recorded.checks, [
    { name: "has messages", passed: false },
    { name: "has messages", passed: true },
    { name: "(no name)", passed: true },
  ]);
});
