import assert from "node:assert/strict";
import { Lease } from "../../src/core/lease.ts";
import { currentUser, UserEnd, type UserLifetime } from "../../src/core/user_lifetime.ts";
import type { UserContext } from "../../src/user/context.ts";
import { type TestMethod, weight } from "../../src/user/discovery.ts";
import { type IterationScheduler, IterationSlot } from "../../src/user/iteration_slot.ts";
import type { CountedRequest } from "../../src/user/observers.ts";
import { checkFields, renewSession, User, type UserClass } from "../../src/user/user.ts";
import { TestStarts } from "../../src/user/test_starts.ts";
import { chooseTest, UserLoop } from "../../src/user/user_loop.ts";
import { constant, constantPacing, type Turn } from "../../src/user/wait_time.ts";
import { discovered, NOTHING_RECORDED, type TestContext, testContext } from "../support/users.ts";

interface Living extends TestContext {
  readonly loop: UserLoop;
  /** What happened, each with its time in milliseconds. */
  readonly log: string[];
  ended: boolean;
}

/** Starts a user of a class that writes to `log` by its `say` method. */
function live(
  make: (say: (text: string) => void, test: Living) => UserClass,
  lease = Lease.endless(),
  iterationSlot: IterationSlot | null = null,
): Living {
  const context = testContext({ lease, iterationSlot });
  const log: string[] = [];
  const living = { ...context, log, ended: false } as Living;
  const userClass = make((text) => log.push(`${context.clock.now()} ${text}`), living);
  const loop = new UserLoop(discovered(userClass), context.context);
  Object.assign(living, { loop });
  void loop.ended.then(() => {
    living.ended = true;
    log.push(`${context.clock.now()} ended`);
  });
  loop.start();
  return living;
}

Deno.test("a user starts once, runs its tests in order with a wait after each, and stops once", async () => {
  const user = live((say) =>
    class ATest extends User {
      static override waitTime = 2;
      override onStart(): void {
        say("start");
      }
      override onStop(): void {
        say("stop");
      }
      testOne(): void {
        say("one");
      }
      testTwo(): void {
        say("two");
      }
    }
  );
  await user.clock.advance(7000);
  user.loop.stop(2000);
  await user.clock.advance(0);
  assert.deepEqual(user.log, [
    "0 start",
    "0 one",
    "2000 two",
    "4000 one",
    "6000 two",
    "7000 stop",
    "7000 ended",
  ]);
  assert.equal(user.clock.pending, 0);
});

Deno.test("an onStart that throws is counted and retried after 1, 2, 4 … 30 s", async () => {
  const user = live((say) =>
    class ATest extends User {
      override onStart(): void {
        say("try");
        if (this.run !== null) throw new Error("no login");
      }
      testOne(): void {
        say("one");
      }
    }
  );
  await user.clock.advance(122_000);
  assert.deepEqual(user.log.map((line) => Number(line.split(" ")[0])), [
    0,
    1000,
    3000,
    7000,
    15_000,
    31_000,
    61_000,
    91_000,
    121_000,
  ]);
  assert.equal(user.recorded.userErrors.length, 9);
  assert.deepEqual(user.recorded.userErrors[0], { user: "ATest", error: "no login", atMs: 0 });
  user.loop.stop(0);
  await user.clock.advance(0);
  assert.equal(user.ended, true);
});

Deno.test("the tests follow when onStart succeeds", async () => {
  let tries = 0;
  const user = live((say) =>
    class ATest extends User {
      override onStart(): void {
        if (++tries < 3) throw new Error("not yet");
      }
      testOne(): void {
        say("one");
      }
    }
  );
  await user.clock.advance(3000);
  assert.deepEqual(user.log, ["3000 one"]);
});

Deno.test("an error ends the iteration, not the user: it waits, and the next iteration starts", async () => {
  const user = live((say) =>
    class ATest extends User {
      static override waitTime = 1;
      testOne(): void {
        say("one");
        throw new TypeError("broken");
      }
      testTwo(): void {
        say("two");
      }
    }
  );
  await user.clock.advance(2500);
  assert.deepEqual(user.log, ["0 one", "1000 one", "2000 one"]);
  assert.deepEqual(user.recorded.userErrors[1], {
    user: "ATest",
    error: "TypeError: broken",
    atMs: 1000,
  });
});

Deno.test("a failed step is a failure, and not a user error as well", async () => {
  const user = live(() =>
    class ATest extends User {
      async testOne(): Promise<void> {
        await this.measure("step", () => Promise.reject(new Error("refused")), { method: "AMQP" });
      }
    }
  );
  await user.clock.advance(0);
  assert.equal(user.recorded.userErrors.length, 0);
  assert.equal(user.recorded.samples.length, 1);
  const { name, method, error, status, latencyMs } = user.recorded.samples[0]!;
  assert.deepEqual([name, method, error, status, latencyMs], ["step", "AMQP", "refused", 0, 0]);
});

Deno.test("measure times a function and returns its result", async () => {
  const returned: number[] = [];
  const user = live(() =>
    class ATest extends User {
      async testOne(): Promise<void> {
        returned.push(
          await this.measure("step", async () => {
            await this.sleep(0.25);
            return 42;
          }),
        );
      }
    }
  );
  await user.clock.advance(500);
  assert.deepEqual(returned, [42]);
  const [sample] = user.recorded.samples;
  assert.deepEqual([sample!.method, sample!.latencyMs, sample!.endedAt], ["TASK", 250, 250]);
});

Deno.test("record counts other measurements and refuses invalid latencies", async () => {
  const user = live(() =>
    class ATest extends User {
      testOne(): void {
        this.record({ name: "job", method: "MQ", latencyMs: 12.5, bytes: 80, error: "late" });
        this.record({ name: "job", latencyMs: -1 });
      }
    }
  );
  await user.clock.advance(0);
  const [sample] = user.recorded.samples;
  assert.equal(user.recorded.samples.length, 1);
  assert.deepEqual([sample!.method, sample!.bytesReceived, sample!.error], ["MQ", 80, "late"]);
  assert.match(user.recorded.userErrors[0]!.error, /RangeError: record: latencyMs is -1/);
});

Deno.test("the order random runs one test per iteration, according to the weights", async () => {
  const draws = [0, 0.7, 0.74, 0.76, 0.99];
  let draw = 0;
  const context = testContext({ random: () => draws[draw++ % draws.length]! });
  const ran: string[] = [];
  class ATest extends User {
    static override order = "random" as const;
    static override waitTime = 1;
    @weight(3)
    testCheap(): void {
      ran.push("cheap");
    }
    testDear(): void {
      ran.push("dear");
    }
  }
  const loop = new UserLoop(discovered(ATest), context.context);
  loop.start();
  await context.clock.advance(4000);
  assert.deepEqual(ran, ["cheap", "cheap", "cheap", "dear", "dear"]);
});

Deno.test("the order parallel runs all tests at once, then waits once", async () => {
  const user = live((say) =>
    class ATest extends User {
      static override order = "parallel" as const;
      static override waitTime = 1;
      async testOne(): Promise<void> {
        say("one");
        await this.sleep(3);
        say("one done");
      }
      testTwo(): void {
        say("two");
        throw new Error("two is broken");
      }
    }
  );
  await user.clock.advance(4000);
  assert.deepEqual(user.log, ["0 one", "0 two", "3000 one done", "4000 one", "4000 two"]);
  assert.equal(user.recorded.userErrors.length, 2);
});

Deno.test("a wait can be a function of the user, sync or async", async () => {
  const user = live((say) =>
    class ATest extends User {
      static override waitTime = (user: User): Promise<number> => Promise.resolve(user.id * 3);
      testOne(): void {
        say("one");
      }
    }
  );
  await user.clock.advance(6000);
  assert.deepEqual(user.log, ["0 one", "3000 one", "6000 one"]);
});

Deno.test("a wait function learns about the iteration, also by the former names", async () => {
  const user = live((say) =>
    class ATest extends User {
      static override waitTime = (_user: User, turn: Turn): number => {
        const { now, iterationStart, endsIteration, passStart, endsPass } = turn;
        say(JSON.stringify([now - iterationStart, now - passStart, endsIteration, endsPass]));
        return 1;
      };
      testOne(): void {}
      testTwo(): void {}
    }
  );
  await user.clock.advance(1000);
  assert.deepEqual(user.log, ["0 [0,0,false,false]", "1000 [1,1,true,true]"]);
});

Deno.test("an invalid wait is a user error, and the user waits a second instead", async () => {
  const user = live((say) =>
    class ATest extends User {
      static override waitTime = (): number => NaN;
      testOne(): void {
        say("one");
      }
    }
  );
  await user.clock.advance(1000);
  assert.deepEqual(user.log, ["0 one", "1000 one"]);
  assert.match(user.recorded.userErrors[0]!.error, /RangeError: waitTime returned NaN/);
});

Deno.test("a test that runs when its user is stopped can finish", async () => {
  const user = live((say) =>
    class ATest extends User {
      async testOne(): Promise<void> {
        await this.sleep(3);
        say("one");
      }
      testTwo(): void {
        say("two");
      }
    }
  );
  await user.clock.advance(2000);
  user.loop.stop(1500);
  await user.clock.advance(5000);
  assert.deepEqual(user.log, ["3000 one", "3000 ended"]);
  assert.equal(user.clock.pending, 0);
});

Deno.test("after the stop timeout the test is aborted, and its errors are not counted", async () => {
  const user = live((say) =>
    class ATest extends User {
      async testOne(): Promise<void> {
        try {
          await this.measure("step", () => this.sleep(60));
        } finally {
          say(`cut off: ${this.signal.aborted}`);
        }
      }
      override onStop(): void {
        say("stop");
      }
    }
  );
  await user.clock.advance(1000);
  user.loop.stop(2000);
  await user.clock.advance(10_000);
  assert.deepEqual(user.log, ["3000 cut off: true", "3000 stop", "3000 ended"]);
  const unfinished = [{ method: "TASK", name: "step", ageMs: 3000, retries: 0 }];
  assert.deepEqual(user.recorded, { ...NOTHING_RECORDED, unfinished });
});

Deno.test("what an abandoned test leaves behind is unfinished, once, and later steps do not run", async () => {
  const user = live(() =>
    class ATest extends User {
      async testOne(): Promise<void> {
        for (;;) {
          try {
            await this.measure("step", () => new Promise((resolve) => this.#later(resolve)));
          } catch {
            // Ignores that it is to stop.
          }
        }
      }
      #later(resolve: (value: null) => void): void {
        user.clock.setTimer(() => resolve(null), 5000);
      }
    }
  );
  await user.clock.advance(6000);
  assert.equal(user.loop.requests.first?.startedAt, 5000);
  user.loop.stop(1000);
  await user.clock.advance(60_000);
  assert.deepEqual(user.recorded.samples.map(({ latencyMs }) => latencyMs), [5000]);
  assert.deepEqual(user.recorded.unfinished.map(({ ageMs }) => ageMs), [2100]);
  assert.equal(user.loop.requests.first, null);
});

Deno.test("what a user that ends by itself did not wait for is unfinished", async () => {
  const user = live(() =>
    class ATest extends User {
      static override iterations = 1;
      testOne(): void {
        void this.measure("background", () => new Promise(() => {}));
      }
      override onStop(): Promise<void> {
        return this.measure("logout", () => this.sleep(60));
      }
    }
  );
  await user.clock.advance(100_000);
  assert.deepEqual(user.recorded.unfinished.map(({ name, ageMs }) => [name, ageMs]), [
    ["logout", 5000],
    ["background", 5000],
  ]);
});

Deno.test("a test that ignores its signal is abandoned", async () => {
  const user = live((say) =>
    class ATest extends User {
      testOne(): Promise<void> {
        return new Promise(() => {});
      }
      override onStop(): void {
        say("stop");
      }
      override [Symbol.dispose](): void {
        say("dispose");
      }
    }
  );
  await user.clock.advance(0);
  user.log.length = 0; // the class was looked at before, with a user that was given back
  user.loop.stop(2000);
  await user.clock.advance(10_000);
  assert.deepEqual(user.log, ["2100 stop", "2100 dispose", "2100 ended"]);
  assert.equal(user.clock.pending, 0);
});

Deno.test("an onStop that hangs or throws does not prevent the user from ending", async () => {
  const hanging = live(() =>
    class ATest extends User {
      testOne(): void {}
      override onStop(): Promise<void> {
        return new Promise(() => {});
      }
    }
  );
  await hanging.clock.advance(500);
  hanging.loop.stop(1000);
  await hanging.clock.advance(4999);
  assert.equal(hanging.ended, false);
  await hanging.clock.advance(1);
  assert.equal(hanging.ended, true);
  assert.deepEqual(hanging.context.recorder.cutOffStops, [
    "ATest.onStop was cut off after 5 s for 1 user. If it needs more time, raise --stop-timeout.",
  ]);

  const throwing = live(() =>
    class ATest extends User {
      testOne(): void {}
      override onStop(): void {
        throw new Error("no logout");
      }
    }
  );
  await throwing.clock.advance(500);
  throwing.loop.stop(1000);
  await throwing.clock.advance(0);
  assert.equal(throwing.ended, true);
  assert.equal(throwing.recorded.userErrors[0]!.error, "no logout");
});

Deno.test("observers can tell iterations from what comes before and after them", async () => {
  const stages: number[] = [];
  const counted = ({ user }: CountedRequest): void => void stages.push(user.stage);
  const { clock, context } = testContext({ observers: { requests: [{ counted }], exchanges: [] } });
  const loop = new UserLoop(
    discovered(
      class ATest extends User {
        static override waitTime = 2;
        override onStart(): void {
          this.record({ name: "login", latencyMs: 1 });
        }
        override onStop(): void {
          this.record({ name: "logout", latencyMs: 1 });
        }
        testShop(): void {
          this.record({ name: "shop", latencyMs: 1 });
        }
      },
    ),
    context,
  );
  loop.start();
  await clock.advance(3000);
  loop.stop(0);
  await clock.advance(0);
  assert.deepEqual(stages, [0, 1, 2, -1]);
  assert.equal(loop.requests.closed, true);
});

Deno.test("without a lease, a user does not wait for its onStop", async () => {
  const lease = new Lease(() => {});
  lease.grant(5_000);
  const user = live((say) =>
    class ATest extends User {
      testOne(): void {}
      override async onStop(): Promise<void> {
        say("stop");
        await this.measure("logout", () => {});
        say("sent");
      }
    }, lease);
  await user.clock.advance(5_500);
  user.loop.stop(1_000);
  await user.clock.advance(10_000);
  assert.deepEqual(user.log, ["5500 stop", "5600 ended"]);
  assert.deepEqual({ ...user.recorded, completed: { count: 0 } }, NOTHING_RECORDED);
});

Deno.test("a user that is stopped during its start ends immediately", async () => {
  const user = live(() =>
    class ATest extends User {
      override onStart(): void {
        throw new Error("no login");
      }
      testOne(): void {}
    }
  );
  await user.clock.advance(4000);
  user.loop.stop(2000);
  await user.clock.advance(0);
  assert.equal(user.ended, true);
});

Deno.test("a test that never waits does not block timers", async () => {
  const user = live((_say, test) =>
    class ATest extends User {
      static override waitTime = 0;
      testOne(): void {
        // Each iteration takes no time: without yielding to timers, this would never end.
        if (++iterations === 1000) test.loop.stop(0);
      }
    }
  );
  let iterations = 0;
  await user.clock.advance(0);
  assert.equal(iterations, 1000);
  assert.equal(user.ended, true);
});

Deno.test("a user knows its host: its class's own or the one that replaces it", () => {
  class ATest extends User {
    static override host = "http://own";
    testOne(): void {}
  }
  const { signal } = new AbortController();
  const own = testContext().context;
  assert.equal(new ATest({ ...own, signal }).host, "http://own");
  assert.equal(new ATest({ ...own, signal, host: "http://other" }).host, "http://other");
});

Deno.test("UserEnd ends a user without a failure, and the user does not start again", async () => {
  const user = live((say) =>
    class ATest extends User {
      override onStop(): void {
        say("stop");
      }
      async testStep(): Promise<void> {
        say("step");
        await this.measure("fetch", () => Promise.reject(new UserEnd("no row is left")));
      }
      testNext(): void {
        say("next");
      }
    }
  );
  await user.clock.advance(60_000);
  assert.deepEqual(user.log, ["0 step", "0 stop", "0 ended"]);
  assert.deepEqual({ ...user.recorded, completed: { count: 0 } }, NOTHING_RECORDED);
  user.loop.stop(1000);
  await user.clock.advance(10_000);
  assert.equal(user.clock.pending, 0);
});

Deno.test("UserEnd works in onStart and with any order of tests", async () => {
  const endOf = async (
    order: "random" | "parallel",
    where: "start" | "test",
  ): Promise<string[]> => {
    const user = live((say) =>
      class ATest extends User {
        static override order = order;
        override onStart(): void {
          if (where === "start") throw new UserEnd("no row is left");
        }
        override onStop(): void {
          say("stop");
        }
        testOnly(): void {
          throw new UserEnd("no row is left");
        }
      }
    );
    await user.clock.advance(60_000);
    assert.deepEqual(user.recorded.userErrors, []);
    return user.log;
  };
  const end = ["0 stop", "0 ended"];
  assert.deepEqual(await endOf("random", "start"), end);
  assert.deepEqual(await endOf("random", "test"), end);
  assert.deepEqual(await endOf("parallel", "test"), end);
});

Deno.test("code that a user calls knows whether the user is stopping or has ended", async () => {
  let lifetime: UserLifetime | undefined;
  const user = live((say) =>
    class ATest extends User {
      readonly before = currentUser.getStore();
      async testStep(): Promise<void> {
        await this.sleep(0.1);
        lifetime = currentUser.getStore();
        assert.equal(lifetime, this.before);
        lifetime?.onStopping(() => say("told to stop"));
        await this.sleep(5);
        say(`stopping: ${lifetime?.stopping}`);
      }
      override onStop(): void {
        assert.equal(currentUser.getStore(), lifetime);
        say(`ended: ${lifetime?.ended}`);
      }
    }
  );
  await user.clock.advance(1000);
  user.loop.stop(10_000);
  await user.clock.advance(10_000);
  assert.deepEqual(user.log, [
    "1000 told to stop",
    "5100 stopping: true",
    "5100 ended: false",
    "5100 ended",
  ]);
  assert.equal(lifetime?.ended, true);
  assert.equal(currentUser.getStore(), undefined);
});

/** A scheduler that starts iterations when a test says so, and records what becomes of them. */
class FakeScheduler implements IterationScheduler {
  readonly scheduled: boolean;
  readonly told: string[] = [];
  #give: ((intendedAt: number | null) => void) | null = null;

  constructor(scheduled: boolean) {
    this.scheduled = scheduled;
  }

  next(): Promise<number | null> {
    return new Promise((resolve) => void (this.#give = resolve));
  }

  /** Whether the user is waiting. */
  get isAwaited(): boolean {
    return this.#give !== null;
  }

  give(intendedAt: number | null): void {
    const give = this.#give;
    this.#give = null;
    give?.(intendedAt);
  }

  cancel(): void {
    this.give(null);
  }

  began(_slot: IterationSlot, intendedAt: number, now: number): void {
    this.told.push(`began ${intendedAt} ${now}`);
  }

  ended(_slot: IterationSlot, beganAt: number, now: number): void {
    this.told.push(`ended ${beganAt} ${now}`);
  }

  interrupted(): void {
    this.told.push("cut off");
  }

  declined(_slot: IterationSlot, now: number): void {
    this.told.push(`refused ${now}`);
  }
}

/** A user that gets its iterations from a scheduler. */
function withSlot(
  scheduler: FakeScheduler,
  make: (say: (text: string) => void) => UserClass,
  lease = Lease.endless(),
): Living {
  return live((say) => make(say), lease, new IterationSlot(scheduler, 0));
}

/** Two tests that take a second each, with a wait of a second after each. */
function twoSteps(say: (text: string) => void): UserClass {
  return class StepsTest extends User {
    async testOne(): Promise<void> {
      say("one");
      await this.sleep(1);
    }
    async testTwo(): Promise<void> {
      say("two");
      await this.sleep(1);
    }
  };
}

Deno.test("scheduled iterations start when they are due, without a wait", async () => {
  const scheduler = new FakeScheduler(true);
  const user = withSlot(scheduler, twoSteps);
  await user.clock.advance(5_000);
  assert.deepEqual([user.log, scheduler.isAwaited], [[], true]);
  scheduler.give(4_000);
  await user.clock.advance(3_000);
  // After a long iteration, it yields first.
  await user.clock.advance(0);
  assert.equal(scheduler.isAwaited, true);
  scheduler.give(8_000);
  await user.clock.advance(0);
  assert.deepEqual(user.log, ["5000 one", "7000 two", "8000 one"]);
  assert.deepEqual(scheduler.told, ["began 4000 5000", "ended 5000 8000", "began 8000 8000"]);
  user.loop.stop(0);
  await user.clock.advance(1_000);
});

Deno.test("iterations of a limited number keep the user's own waits", async () => {
  const scheduler = new FakeScheduler(false);
  const user = withSlot(scheduler, twoSteps);
  await user.clock.advance(0);
  scheduler.give(0);
  await user.clock.advance(3_999);
  assert.equal(scheduler.isAwaited, false);
  await user.clock.advance(1);
  assert.equal(scheduler.isAwaited, true);
  assert.deepEqual(scheduler.told, ["began 0 0", "ended 0 3000"]);
  scheduler.give(null);
  await user.clock.advance(0);
  assert.equal(user.ended, true);
  assert.equal(user.clock.pending, 0);
});

Deno.test("a user that is stopped while it waits for an iteration ends immediately", async () => {
  const scheduler = new FakeScheduler(true);
  const user = withSlot(scheduler, twoSteps);
  await user.clock.advance(500);
  user.loop.stop(2_000);
  await user.clock.advance(0);
  assert.deepEqual([user.log, scheduler.told], [["500 ended"], []]);
});

Deno.test("a user that is stopped just as its iteration arrives does not start it", async () => {
  const scheduler = new FakeScheduler(true);
  const user = withSlot(scheduler, twoSteps);
  await user.clock.advance(500);
  scheduler.give(500);
  user.loop.stop(2_000);
  await user.clock.advance(0);
  assert.deepEqual([user.log, scheduler.told], [["500 ended"], ["refused 500"]]);
});

Deno.test("an iteration that has begun is run, even if its user is stopped before its first test", async () => {
  const scheduler = new FakeScheduler(false);
  const user = withSlot(scheduler, (say) =>
    class OneTest extends User {
      testOne(): void {
        say("one");
      }
    });
  await user.clock.advance(500);
  const began = scheduler.began.bind(scheduler);
  // It counts as started from here on, and the test follows only after some promise jobs.
  scheduler.began = (...args) => {
    began(...args);
    user.loop.stop(2_000);
  };
  scheduler.give(500);
  await user.clock.advance(0);
  assert.deepEqual(user.log, ["500 one", "500 ended"]);
  assert.deepEqual(scheduler.told, ["began 500 500", "ended 500 500"]);
});

Deno.test("stopping a user interrupts its iteration, between two tests and during one", async () => {
  for (const [stopAt, timeoutMs] of [[500, 1_000], [1_500, 1_000], [2_500, 100]]) {
    const scheduler = new FakeScheduler(true);
    const user = withSlot(scheduler, twoSteps);
    await user.clock.advance(0);
    scheduler.give(0);
    await user.clock.advance(stopAt!);
    user.loop.stop(timeoutMs!);
    await user.clock.advance(2_000);
    assert.equal(user.ended, true);
    assert.deepEqual(scheduler.told, ["began 0 0", "cut off"], `stopped at ${stopAt}`);
  }
});

Deno.test("a last test that ends within the stop timeout completes its iteration", async () => {
  const scheduler = new FakeScheduler(true);
  const user = withSlot(scheduler, twoSteps);
  await user.clock.advance(0);
  scheduler.give(0);
  await user.clock.advance(2_500);
  user.loop.stop(1_000);
  await user.clock.advance(2_000);
  assert.deepEqual(scheduler.told, ["began 0 0", "ended 0 3000"]);
});

Deno.test("an iteration whose test ignores its signal is interrupted, and does not end later", async () => {
  const scheduler = new FakeScheduler(true);
  const user = withSlot(scheduler, () =>
    class DeafTest extends User {
      async testDeaf(): Promise<void> {
        await new Promise<void>((resolve) => void user.clock.setTimer(resolve, 60_000));
      }
    });
  await user.clock.advance(0);
  scheduler.give(0);
  await user.clock.advance(1_000);
  user.loop.stop(500);
  await user.clock.advance(100_000);
  assert.deepEqual(scheduler.told, ["began 0 0", "cut off"]);
});

Deno.test("an error ends the iteration, which counts as completed", async () => {
  const scheduler = new FakeScheduler(true);
  const user = withSlot(scheduler, (say) =>
    class BadTest extends User {
      testBad(): void {
        throw new Error("no");
      }
      testNever(): void {
        say("never");
      }
    });
  await user.clock.advance(0);
  scheduler.give(0);
  await user.clock.advance(10);
  assert.deepEqual([user.log, scheduler.told, scheduler.isAwaited], [
    [],
    ["began 0 0", "ended 0 0"],
    true,
  ]);
  assert.equal(user.recorded.userErrors.length, 1);
  user.loop.stop(0);
  await user.clock.advance(1_000);
});

for (const order of ["random", "parallel"] as const) {
  Deno.test(`an iteration with the order ${order} is one iteration`, async () => {
    const scheduler = new FakeScheduler(true);
    const user = withSlot(scheduler, (say) =>
      class OrderTest extends User {
        static override order = order;
        async testOne(): Promise<void> {
          say("one");
          await this.sleep(1);
        }
        async testTwo(): Promise<void> {
          say("two");
          await this.sleep(2);
        }
      });
    await user.clock.advance(0);
    scheduler.give(0);
    await user.clock.advance(2_000);
    // The random number, always 0.5 here, chooses the second of two.
    assert.deepEqual(user.log, order === "random" ? ["0 two"] : ["0 one", "0 two"]);
    assert.deepEqual(scheduler.told, ["began 0 0", "ended 0 2000"]);
    user.loop.stop(0);
    await user.clock.advance(1_000);
  });
}

Deno.test("a class can limit the iterations of each of its users", async () => {
  const user = live((say) =>
    class FewTest extends User {
      static override iterations = 3;
      static override waitTime = 2;
      override onStop(): void {
        say("stop");
      }
      testOne(): void {
        say("one");
      }
    }
  );
  await user.clock.advance(60_000);
  assert.deepEqual(user.log, ["0 one", "2000 one", "4000 one", "4000 stop", "4000 ended"]);
  assert.equal(user.clock.pending, 0);
});

Deno.test("a user starts no iteration after the lease has expired, even before that was noticed", async () => {
  let lapses = 0;
  const lease = new Lease(() => lapses++);
  lease.grant(5_000);
  const scheduler = new FakeScheduler(false);
  const user = withSlot(scheduler, twoSteps, lease);
  await user.clock.advance(5_001);
  assert.equal(lapses, 0);
  scheduler.give(5_001);
  await user.clock.advance(0);
  assert.deepEqual([scheduler.told, user.log, lapses], [["refused 5001"], ["5001 ended"], 1]);
});

/** Everything that is done with it throws. */
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const THROWN: [what: string, thrown: () => unknown, text: string][] = [
  ["an object without a prototype", () => Object.create(null), "[Object: null prototype] {}"],
  ["a revoked proxy", revoked, "(object that cannot be shown)"],
  ["a symbol", () => Symbol("why"), "Symbol(why)"],
  ["undefined", () => undefined, "undefined"],
  ["a function", () => revoked, "[Function: revoked]"],
  [
    "an error whose message cannot be read",
    () =>
      Object.defineProperty(new Error(), "message", {
        get(): never {
          throw new Error("no");
        },
      }),
    "an error whose message cannot be read",
  ],
];

for (const [what, thrown, text] of THROWN) {
  for (const order of ["sequential", "random", "parallel"] as const) {
    Deno.test(`${what} is thrown: it is counted, and the user goes on (${order})`, async () => {
      const user = live(() =>
        class ThrowTest extends User {
          static override order = order;
          static override iterations = 2;
          testOne(): void {
            throw thrown();
          }
          override onStop(): void {
            throw thrown();
          }
        }
      );
      await user.clock.advance(10_000);
      assert.deepEqual(user.log, ["1000 ended"]);
      assert.deepEqual(user.recorded.userErrors.map(({ error }) => error), [text, text, text]);
    });
  }
}

Deno.test("a user ends, and says why, if its wait function or onStart throws without a text", async () => {
  const user = live(() =>
    class WaitTest extends User {
      static override iterations = 2;
      static override waitTime = (): number => {
        throw Object.create(null);
      };
      #starts = 0;
      override onStart(): void {
        if (this.#starts++ === 0) throw revoked();
      }
      testOne(): void {}
    }
  );
  await user.clock.advance(10_000);
  assert.deepEqual(user.log, ["2000 ended"]);
  assert.deepEqual(user.recorded.userErrors.map(({ error }) => error), [
    "(object that cannot be shown)",
    "[Object: null prototype] {}",
  ]);
});

Deno.test("a user whose constructor throws is counted, and ends after a second", async () => {
  let made = 0;
  const user = live((say) =>
    class ConstructTest extends User {
      constructor(context: UserContext) {
        super(context);
        // The first one only shows which tests there are.
        if (++made > 1) throw Object.create(null);
      }
      testOne(): void {
        say("one");
      }
    }
  );
  await user.clock.advance(500);
  assert.equal(user.ended, false);
  await user.clock.advance(1000);
  assert.deepEqual(user.log, ["1000 ended"]);
  assert.deepEqual(user.recorded.userErrors.map(({ user, error }) => [user, error]), [
    ["ConstructTest", "[Object: null prototype] {}"],
  ]);
  assert.equal(user.clock.pending, 0);
});

Deno.test("a user ends whatever fails in its bookkeeping", async () => {
  const context = testContext();
  const broken = (): never => {
    throw new Error("broken");
  };
  const recorder = Object.assign(Object.create(context.context.recorder), {
    isCounted: broken,
    userError: broken,
  });
  class BrokenTest extends User {
    testOne(): void {
      throw new Error("no token");
    }
    override [Symbol.dispose](): void {
      broken();
    }
  }
  const loop = new UserLoop(discovered(BrokenTest), { ...context.context, recorder });
  let ended = false;
  void loop.ended.then(() => ended = true);
  loop.start();
  await context.clock.advance(0);
  assert.equal(ended, true);
  assert.equal(context.clock.pending, 0);
});

Deno.test("an error while a user is disposed of is counted", async () => {
  const user = live(() =>
    class DisposeTest extends User {
      static override iterations = 1;
      testOne(): void {}
      override [Symbol.dispose](): void {
        throw new Error("cannot close");
      }
    }
  );
  await user.clock.advance(1000);
  assert.deepEqual(user.log, ["0 ended"]);
  assert.deepEqual(user.recorded.userErrors.map(({ error }) => error), ["cannot close"]);
});

const LONG_WAITS: [what: string, waitTime: UserClass["waitTime"]][] = [
  ["a number", Infinity],
  ["a function", () => Infinity],
  ["constant", constant(Infinity)],
  ["pacing", constantPacing(Infinity)],
  ["30 days", 30 * 86_400],
];

for (const [what, waitTime] of LONG_WAITS) {
  Deno.test(`a wait that does not end lasts until the user is stopped: ${what}`, async () => {
    const user = live((say) =>
      class LongTest extends User {
        static override waitTime = waitTime;
        testOne(): void {
          say("one");
        }
      }
    );
    await user.clock.advance(20 * 86_400_000);
    assert.deepEqual(user.log, ["0 one"]);
    user.loop.stop(2000);
    await user.clock.advance(0);
    assert.deepEqual(user.log, ["0 one", "1728000000 ended"]);
    assert.equal(user.clock.pending, 0);
  });
}

const BAD_WAITS: [wait: unknown, text: string][] = [
  [NaN, "NaN"],
  [-1, "-1"],
  ["5", "'5'"],
  [undefined, "undefined"],
  [Symbol("s"), "Symbol(s)"],
  [Object.create(null), "[Object: null prototype] {}"],
];

for (const [wait, text] of BAD_WAITS) {
  Deno.test(`a wait function that returns ${text} is an error of the user`, async () => {
    const user = live((say) =>
      class BadWaitTest extends User {
        static override waitTime = (): number => wait as number;
        testOne(): void {
          say("one");
        }
      }
    );
    await user.clock.advance(1500);
    assert.deepEqual(user.log, ["0 one", "1000 one"]);
    assert.equal(
      user.recorded.userErrors[0]!.error,
      `RangeError: waitTime returned ${text}, expected 0 or more seconds`,
    );
    user.loop.stop(0);
    await user.clock.advance(0);
  });
}

const TESTS: TestMethod[] = [["a", 1], ["b", 2], ["c", 1]].map(([name, weight], id) => ({
  name: name as string,
  id,
  weight: weight as number,
  tags: [],
  run: () => {},
}));

const CHOICES: [random: number, name: string][] = [
  [0, "a"],
  [0.2499, "a"],
  [0.25, "b"],
  [0.7499, "b"],
  [0.75, "c"],
  [0.9999, "c"],
];

for (const [random, name] of CHOICES) {
  Deno.test(`${random} falls on ${name}`, () => {
    assert.equal(chooseTest(TESTS, random).name, name);
  });
}

for (const order of ["sequential", "random", "parallel"] as const) {
  Deno.test(`each iteration has a session of its own if the class says so (${order})`, async () => {
    const visits = (session: "user" | "iteration"): Living =>
      live((say) =>
        // Only classes that send HTTP requests have this field.
        class VisitTest extends (User as UserClass) {
          static override readonly session = session;
          static override readonly [checkFields] = (): void => {};
          static override readonly order = order;
          static override readonly waitTime = 2;
          override onStart(): void {
            say("start");
          }
          testVisit(): void {
            say("visit");
          }
          override onStop(): void {
            say("stop");
          }
          override [renewSession](): void {
            say("renew");
          }
        }
      );
    const visitor = visits("iteration");
    await visitor.clock.advance(2000);
    visitor.loop.stop(0);
    await visitor.clock.advance(0);
    assert.deepEqual(visitor.log, [
      "0 start",
      "0 renew",
      "0 visit",
      "0 renew",
      "2000 visit",
      "2000 renew",
      "2000 stop",
      "2000 ended",
    ]);
    const user = visits("user");
    await user.clock.advance(2000);
    user.loop.stop(0);
    await user.clock.advance(0);
    assert.deepEqual(user.log, ["0 start", "0 visit", "2000 visit", "2000 stop", "2000 ended"]);
  });
}

/** The tests of a class that a user has not begun after 10 s, as `NAME: ITERATIONS ENDS ERRORS`. */
async function unstartedOf(userClass: UserClass): Promise<string[]> {
  const shop = discovered(userClass);
  const testStarts = new TestStarts([shop]);
  const { clock, context } = testContext({ testStarts });
  const loop = new UserLoop(shop, context);
  loop.start();
  await clock.advance(9_500);
  loop.stop(0);
  await clock.advance(10_000);
  return testStarts.unstarted.map(({ tests, users, iterations, ends, errors }) =>
    `${tests.map(({ name }) => name).join(" ")}: ${users} ${iterations} ${ends} ` +
    errors.map((cause) => cause.join(" ")).join(", ")
  );
}

class StepsTest extends User {
  static override waitTime = 1;
  testOne(): unknown {
    return null;
  }
  testTwo(): unknown {
    return null;
  }
}

Deno.test("errors that end each iteration before its last test are counted for the tests that never begin", async () => {
  class FailingTest extends StepsTest {
    override testOne(): void {
      throw new Error("no basket");
    }
  }
  assert.deepEqual(await unstartedOf(FailingTest), ["testTwo: 1 10 0 testOne no basket 10"]);
  assert.deepEqual(await unstartedOf(StepsTest), []);
});

Deno.test("a user that ends itself, waits or is cut off in a test has not begun those after it", async () => {
  class EndingTest extends StepsTest {
    override testOne(): void {
      throw new UserEnd();
    }
  }
  class WaitingTest extends StepsTest {
    static override waitTime = 60;
  }
  class SlowTest extends StepsTest {
    override async testOne(): Promise<void> {
      await this.sleep(60);
    }
  }
  assert.deepEqual(await unstartedOf(EndingTest), ["testTwo: 1 1 1 "]);
  assert.deepEqual(await unstartedOf(WaitingTest), ["testTwo: 1 1 0 "]);
  assert.deepEqual(await unstartedOf(SlowTest), ["testTwo: 1 1 0 "]);
});

Deno.test("errors before the first iteration are counted for tests that never begin", async () => {
  class LoginTest extends StepsTest {
    override onStart(): void {
      throw new Error("no login");
    }
  }
  class BrokenTest extends StepsTest {
    constructor(context: UserContext) {
      super(context);
      // Not when it is created to find its tests.
      if (context.testStarts.counts.length > 0) throw new Error("no data");
    }
  }
  assert.deepEqual(await unstartedOf(LoginTest), [
    "testOne testTwo: 1 0 0 onStart no login 4",
  ]);
  assert.deepEqual(await unstartedOf(BrokenTest), [
    "testOne testTwo: 1 0 0 constructor no data 1",
  ]);
});

Deno.test("tests in random order and in parallel begin whatever the others throw", async () => {
  class ParallelTest extends StepsTest {
    static override order = "parallel" as const;
    override testOne(): void {
      throw new Error("no basket");
    }
  }
  class RandomTest extends StepsTest {
    static override order = "random" as const;
  }
  assert.deepEqual(await unstartedOf(ParallelTest), []);
  // The random number of the context is always 0.5.
  assert.deepEqual(await unstartedOf(RandomTest), ["testOne: 1 10 0 "]);
});

Deno.test("iterations are numbered from 0 for each user, and all tests of one have its number", async () => {
  for (const order of ["sequential", "random", "parallel"] as const) {
    const user = live((say) =>
      class ATest extends User {
        static override order = order;
        static override waitTime = 1;
        override onStart(): void {
          say(`start ${this.iteration}`);
        }
        override onStop(): void {
          say(`stop ${this.iteration}`);
        }
        testOne(): void {
          say(`one ${this.iteration}`);
        }
        testTwo(): void {
          say(`two ${this.iteration}`);
        }
      }
    );
    await user.clock.advance(3_500);
    user.loop.stop(0);
    await user.clock.advance(0);
    const numbers = user.log.map((line) => line.split(" ")[2]).filter((text) => text !== undefined);
    assert.deepEqual(
      numbers.join(""),
      { sequential: "000111", random: "001233", parallel: "0001122333" }[order],
      order,
    );
  }
});
