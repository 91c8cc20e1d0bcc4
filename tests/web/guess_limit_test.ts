import assert from "node:assert/strict";
import { GuessLimit } from "../../src/web/security.ts";
import { FakeClock } from "../support/fake_clock.ts";

function guessTimes(limit: GuessLimit, address: string, times: number): boolean[] {
  return Array.from({ length: times }, () => limit.noteWrong(address));
}

Deno.test("ten wrong ones are free, and the tenth is told of, once", async () => {
  const clock = new FakeClock();
  const limit = new GuessLimit(clock);
  assert.deepEqual(guessTimes(limit, "10.0.0.1", 9), Array(9).fill(false));
  assert.equal(limit.secondsLeft("10.0.0.1"), 0);
  assert.deepEqual(guessTimes(limit, "10.0.0.1", 2), [true, false]);
  assert.equal(limit.secondsLeft("10.0.0.1"), 60);
  await clock.advance(59_001);
  assert.equal(limit.secondsLeft("10.0.0.1"), 1);
  await clock.advance(999);
  assert.equal(limit.secondsLeft("10.0.0.1"), 0);
  assert.deepEqual(guessTimes(limit, "10.0.0.1", 10).at(-1), true);
});

Deno.test("the minute counts from the first of them", async () => {
  const clock = new FakeClock();
  const limit = new GuessLimit(clock);
  guessTimes(limit, "10.0.0.1", 9);
  await clock.advance(60_000);
  guessTimes(limit, "10.0.0.1", 9);
  assert.equal(limit.secondsLeft("10.0.0.1"), 0);
});

Deno.test("an attacker's IPv6 network counts as one, and other addresses by themselves", () => {
  const limit = new GuessLimit(new FakeClock());
  for (let count = 0; count < 10; count++) limit.noteWrong(`2001:db8:0:7::${count}`);
  assert.equal(limit.secondsLeft("2001:db8:0:7:9:9:9:9"), 60);
  assert.equal(limit.secondsLeft("2001:db8:0:8::1"), 0);
  guessTimes(limit, "::1", 10);
  assert.equal(limit.secondsLeft("::1"), 60);
  guessTimes(limit, "::ffff:10.0.0.1", 10);
  assert.equal(limit.secondsLeft("10.0.0.1"), 60);
  assert.equal(limit.secondsLeft("10.0.0.2"), 0);
});

Deno.test("no number of addresses fills the memory: the oldest is forgotten", () => {
  const limit = new GuessLimit(new FakeClock());
  guessTimes(limit, "10.0.0.1", 10);
  for (let count = 0; count < 9_999; count++) limit.noteWrong(`a${count}`);
  assert.equal(limit.secondsLeft("10.0.0.1"), 60);
  limit.noteWrong("one more");
  assert.equal(limit.secondsLeft("10.0.0.1"), 0);
});
