import assert from "node:assert/strict";
import { BlockWatch } from "../../src/core/watchdog_thread.ts";

interface Watched {
  readonly watch: BlockWatch;
  readonly said: string[];
  readonly ends: number[];
  /** The thread checks this often, with or without a beat of the event loop in between. */
  checks(count: number, isRunning: boolean): void;
}

function watched(): Watched {
  const beats = new Int32Array(1);
  const said: string[] = [];
  const ends: number[] = [];
  const watch = new BlockWatch(
    {
      beats,
      activity: new Int32Array([1]),
      tests: ["ATest.testA", "ATest.testB"],
      summaryPath: null,
      isChild: false,
      survivesHangup: false,
    },
    (text) => said.push(text),
    () => ends.push(ends.length),
  );
  return {
    watch,
    said,
    ends,
    checks(count, isRunning): void {
      for (let i = 0; i < count; i++) {
        if (isRunning) beats[0]!++;
        watch.check();
      }
    },
  };
}

Deno.test("a blocked event loop is reported once, with the test that started last", () => {
  const { said, checks } = watched();
  checks(20, true);
  checks(9, false);
  assert.deepEqual(said, []);
  checks(20, false);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /blocked the event loop for 5 s.* started last is ATest\.testB\./);
  checks(1, true);
  checks(10, false);
  assert.equal(said.length, 2, "it is blocked again");
});

Deno.test("two interrupts end a process only while it is blocked", () => {
  const { watch, said, ends, checks } = watched();
  checks(5, true);
  watch.interrupt();
  watch.interrupt();
  checks(5, true);
  assert.deepEqual([said, ends], [[], []], "the event loop handles them");
  checks(3, false);
  assert.equal(ends.length, 1);

  const other = watched();
  other.checks(1, true);
  other.checks(4, false);
  other.watch.interrupt();
  assert.deepEqual(other.ends, []);
  assert.match(other.said[0]!, /Interrupt again/);
  other.watch.interrupt();
  assert.equal(other.ends.length, 1);
});

Deno.test("a SIGHUP counts as an interrupt only if it is the first one", () => {
  const { watch, ends, checks } = watched();
  checks(1, true);
  checks(4, false);
  watch.hangUp();
  watch.hangUp();
  checks(2, false);
  assert.deepEqual(ends, [], "a terminal that is closed sends it twice");
  watch.interrupt();
  checks(3, false);
  assert.equal(ends.length, 1, "it ends once, however long that takes");
});
