import assert from "node:assert/strict";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import { restoreRun } from "../../src/cluster/restore.ts";
import type { ResolvedLoad } from "../../src/load/load.ts";
import { journaledSteering, type MasterRunOptions, steeredLoad } from "../../src/runner/master.ts";
import { standingDriver } from "../support/drivers.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { RUN_RECORD } from "../support/journals.ts";
import { type ProfileChanges, profileOf } from "../support/load_profiles.ts";

/** Starts a test with one load, changes it to another after 7.5 s, and tells what was written down. */
function written(
  plan: ProfileChanges,
  first: ResolvedLoad | null,
  then: ResolvedLoad,
): JournalRecord[] {
  const records: JournalRecord[] = [];
  let elapsed = 0;
  const options = {
    clock: new FakeClock(),
    profile: profileOf(plan),
    waitsForStart: true,
    restored: null,
    journal: {
      append: (...more: JournalRecord[]) => void records.push(...more),
      close: () => {},
    },
  };
  const steering = journaledSteering(options, () => elapsed);
  steering.start(first);
  assert.deepEqual(records, []);
  steering.attach(standingDriver(options.clock, options.profile, () => {}));
  elapsed = 7.5;
  steering.changeLoad(then);
  return records;
}

Deno.test("each load that holds instead of the planned one is written down, and can be read again", () => {
  const first = { users: 5, rate: 0.5 };
  const then = { users: 0, rate: 100 };
  const loads = written({}, first, then).map((record) =>
    steeredLoad(record as JournalRecord<"steered">)
  );
  assert.deepEqual(loads, [
    { elapsedSeconds: 0, load: first },
    { elapsedSeconds: 7.5, load: then },
  ]);
});

Deno.test("arrival rates are written down as well", () => {
  const then = { arrivalRate: 0.25, maxUsers: 9 };
  const planned = { arrivalRate: 1, maxUsers: 5 };
  assert.deepEqual(written(planned, null, then), [
    { type: "steered", elapsedSeconds: 7.5, model: "open", users: 9, rate: 0.25 },
  ]);
});

Deno.test("whoever goes on with a run that has begun waits for no start", async () => {
  const options: Omit<Parameters<typeof journaledSteering>[0], "restored"> = {
    clock: new FakeClock(),
    profile: profileOf(),
    waitsForStart: true,
    journal: { append: () => {}, close: () => {} },
  };
  const restored = (records: JournalRecord[]): Promise<MasterRunOptions["restored"]> =>
    restoreRun([RUN_RECORD, ...records], "--resume");
  const waiting = await restored([]);
  const begun = await restored([{ type: "begin", startedAt: 1 }]);
  assert.equal(journaledSteering({ ...options, restored: waiting }, () => 0).canStart, true);
  assert.equal(journaledSteering({ ...options, restored: begun }, () => 0).canStart, false);
});
