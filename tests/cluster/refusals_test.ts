import assert from "node:assert/strict";
import { RejectionLog } from "../../src/cluster/listener.ts";
import { FakeClock } from "../support/fake_clock.ts";

function refusals(): { lines: string[]; clock: FakeClock; refusals: RejectionLog } {
  const lines: string[] = [];
  const clock = new FakeClock();
  return { lines, clock, refusals: new RejectionLog((line) => lines.push(line), clock) };
}

Deno.test("the first of an address is told at once, and others a second later, with their number", async () => {
  const { lines, clock, refusals: book } = refusals();
  book.note("10.0.0.1", "wrong token");
  assert.deepEqual(lines.splice(0), ["Refused a connection from 10.0.0.1: wrong token"]);
  for (let count = 0; count < 10_000; count++) book.note("10.0.0.1", "another wrong token");
  await clock.advance(999);
  assert.deepEqual(lines, []);
  await clock.advance(1);
  assert.deepEqual(lines, [
    "Refused 10000 more from 10.0.0.1, the last one: another wrong token",
  ]);
});

Deno.test("an attack that goes on is a line a second", async () => {
  const { lines, clock, refusals: book } = refusals();
  for (let ms = 0; ms < 10_000; ms += 10) {
    book.note("10.0.0.1", "wrong token");
    await clock.advance(10);
  }
  assert.equal(lines.length, 11);
  assert.equal(lines[1], "Refused 99 more from 10.0.0.1, the last one: wrong token");
  assert.equal(lines[10], "Refused 100 more from 10.0.0.1, the last one: wrong token");
});

Deno.test("an address that was quiet for a second is forgotten, and then told of at once again", async () => {
  const { lines, clock, refusals: book } = refusals();
  book.note("10.0.0.1", "wrong token");
  await clock.advance(1_000);
  assert.equal(clock.pending, 0);
  book.note("10.0.0.1", "wrong token");
  assert.equal(lines.length, 2);
  assert.equal(lines[1], lines[0]);
});

Deno.test("no address hides what another does", () => {
  const { lines, refusals: book } = refusals();
  book.note("10.0.0.1", "wrong token");
  book.note("10.0.0.2", "no token");
  assert.deepEqual(lines, [
    "Refused a connection from 10.0.0.1: wrong token",
    "Refused a connection from 10.0.0.2: no token",
  ]);
});

Deno.test("closing says what is left, and leaves no timer behind", async () => {
  const { lines, clock, refusals: book } = refusals();
  book.note("10.0.0.1", "first");
  book.note("10.0.0.1", "second");
  book.note("10.0.0.2", "only one");
  book.close();
  book.note("10.0.0.3", "too late");
  assert.equal(clock.pending, 0);
  await clock.advance(5_000);
  assert.deepEqual(lines, [
    "Refused a connection from 10.0.0.1: first",
    "Refused a connection from 10.0.0.2: only one",
    "Refused 1 more from 10.0.0.1, the last one: second",
  ]);
});

Deno.test("a peer cannot write lines of its own into the log", () => {
  const { lines, refusals: book } = refusals();
  book.note("10.0.0.1", "oh\nINFO all is well\x1b[2J");
  assert.deepEqual(lines, ["Refused a connection from 10.0.0.1: oh?INFO all is well?[2J"]);
});
