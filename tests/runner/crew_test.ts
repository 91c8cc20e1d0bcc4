import assert from "node:assert/strict";
import { UserClassPool } from "../../src/runner/open_model_executor.ts";
import { type IterationScheduler, IterationSlot } from "../../src/user/iteration_slot.ts";
import { settle } from "../support/fake_clock.ts";

/** Seats that nothing is asked of. */
function seats(count: number): IterationSlot[] {
  return Array.from({ length: count }, () => new IterationSlot({} as IterationScheduler, 0));
}

/** What became of each of these who wait: when their pass was due, null for none, "waits". */
function outcomes(crew: UserClassPool, all: readonly IterationSlot[]): (number | null | "waits")[] {
  const came = all.map((): number | null | "waits" => "waits");
  for (const [index, seat] of all.entries()) {
    void crew.wait(seat).then((intendedAt) => came[index] = intendedAt);
  }
  return came;
}

Deno.test("who has waited least gets the next pass, and who has waited longest goes first", async () => {
  const crew = new UserClassPool(Infinity);
  const [a, b, c] = seats(3) as [IterationSlot, IterationSlot, IterationSlot];
  const came = outcomes(crew, [a, b, c]);
  assert.equal(crew.give(70), true);
  assert.equal(crew.dismiss(), a);
  await settle();
  assert.deepEqual(came, [null, "waits", 70]);
  assert.equal(crew.give(80), true);
  assert.equal(crew.give(90), false);
  assert.equal(crew.dismiss(), null);
  await settle();
  assert.deepEqual(came, [null, 80, 70]);
});

Deno.test("who leaves gets nothing, and who does not wait can leave", async () => {
  const crew = new UserClassPool(Infinity);
  const [a, b] = seats(2) as [IterationSlot, IterationSlot];
  const came = outcomes(crew, [a, b]);
  crew.cancel(a);
  crew.cancel(a);
  crew.cancel(seats(1)[0]!);
  await settle();
  assert.deepEqual(came, [null, "waits"]);
});

Deno.test("passes that users who are starting will take need nobody else", () => {
  const crew = new UserClassPool(2);
  assert.deepEqual([crew.limit, crew.unserved], [2, 0]);
  crew.starting = 2;
  crew.queue.push(5);
  assert.equal(crew.unserved, -1);
  crew.queue.push(6);
  crew.queue.push(7);
  assert.equal(crew.unserved, 1);
});
