import assert from "node:assert/strict";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import { RunState } from "../../src/cluster/run_state.ts";
import { Events } from "../../src/core/events.ts";
import { FirstAssignment } from "../../src/runner/master.ts";

function scene(resetStats: boolean): {
  readonly book: RunState;
  readonly target: FirstAssignment;
  readonly log: string[];
} {
  const book = new RunState("run", "e3b0");
  for (const name of ["a", "b"]) book.enter({ id: name, incarnation: name, host: "box" });
  const log: string[] = [];
  const events = new Events();
  events.on("startComplete", ({ userCount }) => void log.push(`event ${userCount}`));
  const append = (...records: readonly JournalRecord[]): void =>
    records.forEach((record) => log.push(JSON.stringify(record)));
  const target = new FirstAssignment({
    book,
    journal: { append, close: () => {} },
    hall: { started: (users) => void log.push(`told ${users} in part ${book.phase}`) },
    events,
    resetStats,
  });
  return { book, target, log };
}

Deno.test("it is reached when the workers have told of as many users, and said once", () => {
  const { book, target, log } = scene(false);
  const [a, b] = book.members;
  target.look(1);
  target.await(5);
  assert.equal(target.isAwaited, true);
  a!.users = 2;
  b!.users = 2;
  target.look(2);
  assert.deepEqual(log, []);
  b!.users = 3;
  target.look(3);
  target.look(4);
  assert.equal(target.isAwaited, false);
  assert.deepEqual(log, ['{"type":"started","userCount":5}', "told 5 in part 0", "event 5"]);
});

Deno.test("with reset-stats, another part of the run begins before anybody is told", () => {
  const { book, target, log } = scene(true);
  target.await(0);
  target.look(3.5);
  assert.deepEqual(log, [
    '{"type":"started","userCount":0}',
    '{"type":"phase","phase":1,"elapsedSeconds":3.5}',
    "told 0 in part 1",
    "event 0",
  ]);
  assert.deepEqual([book.phase, book.countedFrom], [1, 3.5]);
});
