import assert from "node:assert/strict";
import { UserPool } from "../../src/runner/user_pool.ts";
import { User } from "../../src/user/user.ts";
import { type FakeClock, settle } from "../support/fake_clock.ts";
import { discovered, testContext } from "../support/users.ts";

interface Scene {
  readonly clock: FakeClock;
  readonly pool: UserPool;
  readonly counts: number[];
  readonly log: string[];
}

function scene(): Scene {
  const { clock, context: { id: _, ...shared } } = testContext();
  const counts: number[] = [];
  const log: string[] = [];
  class QuickTest extends User {
    static override waitTime = 10;
    override onStart(): void {
      log.push(`+${this.id}`);
    }
    override onStop(): void {
      log.push(`-${this.id}`);
    }
    testNothing(): void {}
  }
  class SlowTest extends QuickTest {
    override async testNothing(): Promise<void> {
      await this.sleep(3);
    }
  }
  const pool = new UserPool({
    classes: [discovered(QuickTest), discovered(SlowTest)],
    shared,
    recorders: [shared.recorder, shared.recorder],
    firstId: 41,
    onCount: (alive) => counts.push(alive),
  });
  return { clock, pool, counts, log };
}

Deno.test("users get consecutive ids across classes", async () => {
  const { clock, pool, log } = scene();
  pool.setUsers([2, 1], 0);
  await settle();
  assert.deepEqual(log, ["+41", "+42", "+43"]);
  assert.equal(pool.alive, 3);
  pool.setUsers([3, 1], 0);
  await settle();
  assert.equal(log.at(-1), "+44");
  const stopped = pool.stopAll(0);
  await clock.advance(1_000);
  await stopped;
});

Deno.test("the youngest of a class are stopped first", async () => {
  const { pool, log } = scene();
  pool.setUsers([3, 0], 0);
  await settle();
  pool.setUsers([1, 0], 0);
  await settle();
  assert.deepEqual(log, ["+41", "+42", "+43", "-43", "-42"]);
  assert.equal(pool.alive, 1);
  await pool.stopAll(0);
});

Deno.test("users that are stopping are alive until their test has ended", async () => {
  const { clock, pool, counts } = scene();
  pool.setUsers([1, 2], 0);
  await settle();
  let over = false;
  void pool.stopAll(5_000).then(() => over = true);
  await clock.advance(2_900);
  assert.equal(pool.alive, 2);
  assert.equal(over, false);
  await clock.advance(200);
  assert.equal(pool.alive, 0);
  assert.equal(over, true);
  assert.deepEqual(counts, [1, 2, 3, 2, 1, 0]);
  assert.equal(clock.pending, 0);
});

Deno.test("a pool without users stops at once", async () => {
  await scene().pool.stopAll(1_000);
});
