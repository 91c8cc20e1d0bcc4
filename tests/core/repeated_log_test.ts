import assert from "node:assert/strict";
import { RepeatedLog } from "../../src/core/repeated_log.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A log whose lines are collected with their time in milliseconds. */
function collected(): { clock: FakeClock; log: RepeatedLog; lines: string[] } {
  const clock = new FakeClock();
  const lines: string[] = [];
  return {
    clock,
    lines,
    log: new RepeatedLog((line) => lines.push(`${clock.now()} ${line}`), clock),
  };
}

Deno.test("a text is logged at once, and then once a second with how often it occurred", async () => {
  const { clock, log, lines } = collected();
  for (let ms = 0; ms < 2500; ms += 10) {
    log.add("no connection");
    await clock.advance(10);
  }
  log.flush();
  log.flush();
  assert.deepEqual(lines, [
    "0 no connection",
    "1000 no connection (100 times)",
    "2000 no connection (100 times)",
    "2500 no connection (49 times)",
  ]);
});

Deno.test("a text that occurs less than once a second is always logged as it is", async () => {
  const { clock, log, lines } = collected();
  for (let i = 0; i < 3; i++) {
    log.add("late");
    await clock.advance(1500);
  }
  log.flush();
  assert.deepEqual(lines, ["0 late", "1500 late", "3000 late"]);
});

Deno.test("different texts are logged by themselves, and from the 21st on counted together", async () => {
  const { clock, log, lines } = collected();
  for (let second = 0; second < 3; second++) {
    for (let id = 0; id < 500; id++) log.add(`order ${second * 500 + id} failed`);
    await clock.advance(1000);
  }
  log.flush();
  assert.equal(lines.filter((line) => /order \d+ failed$/.test(line)).length, 60);
  assert.deepEqual(lines.filter((line) => !line.includes("order")), [
    "1000 Lines like these with other texts, left out here: 481",
    "2000 Lines like these with other texts, left out here: 480",
    "3000 Lines like these with other texts, left out here: 479",
  ]);
});
