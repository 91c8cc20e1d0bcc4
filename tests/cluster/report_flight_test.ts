import assert from "node:assert/strict";
import { ReportsInFlight } from "../../src/cluster/outbox.ts";

const KIB = 1024;

/** A flight of reports of these lengths, sent at 0. */
function flightOf(...lengths: number[]): ReportsInFlight {
  const flight = new ReportsInFlight();
  for (const length of lengths) flight.launch(frame(length), 0);
  return flight;
}

function frame(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length);
}

/** The lengths of what goes again at a moment, until nothing may. */
function relaunched(flight: ReportsInFlight, nowMs: number): number[] {
  const lengths: number[] = [];
  while (flight.grounded && lengths.length < 100) {
    const bytes = flight.relaunch(nowMs);
    if (bytes === null) break;
    lengths.push(bytes.length);
  }
  return lengths;
}

Deno.test("32 KiB may be on the way, or one report that is longer", () => {
  const flight = flightOf();
  assert.equal(flight.admits(500 * KIB, 0), true);
  flight.launch(frame(20 * KIB), 0);
  assert.deepEqual([flight.admits(12 * KIB, 0), flight.admits(12 * KIB + 1, 0)], [true, false]);
  assert.equal(flightOf(500 * KIB).admits(1, 0), false);
});

Deno.test("an acknowledgement makes room", () => {
  const flight = flightOf(20 * KIB, 12 * KIB);
  assert.equal(flight.admits(1, 10), false);
  flight.acknowledged(1, 10);
  assert.deepEqual([flight.admits(20 * KIB, 10), flight.admits(20 * KIB + 1, 10)], [true, false]);
  assert.deepEqual([flight.count, flight.bytes, flight.lastSeq], [1, 12 * KIB, 2]);
});

Deno.test("after an acknowledgement that took a second, one report is on the way at a time", () => {
  const flight = flightOf(100, 100);
  flight.acknowledged(1, 1000);
  assert.equal(flight.admits(1, 1000), false);
  flight.acknowledged(2, 1000);
  assert.equal(flight.admits(1, 1000), true);
  flight.launch(frame(100), 1000);
  assert.equal(flight.admits(1, 1000), false);
  flight.acknowledged(3, 1999);
  flight.launch(frame(100), 2000);
  assert.equal(flight.admits(1, 2000), true);
});

Deno.test("nothing is sent behind a report that has waited for a second", () => {
  const flight = flightOf(100);
  assert.deepEqual([flight.admits(1, 999), flight.admits(1, 1000)], [true, false]);
});

Deno.test("an acknowledgement frees all before it, and an older one nothing", () => {
  const flight = flightOf(1, 2, 3, 4);
  flight.acknowledged(3, 10);
  assert.deepEqual([flight.count, flight.bytes], [1, 4]);
  for (const seq of [0, 2, 3]) flight.acknowledged(seq, 5000);
  assert.deepEqual([flight.count, flight.bytes], [1, 4]);
  flight.acknowledged(4, 10);
  assert.deepEqual([flight.count, flight.bytes, flight.grounded], [0, 0, false]);
});

Deno.test("what was never sent cannot be acknowledged", () => {
  const refused = { name: "ProtocolError", code: "protocol" };
  const flight = flightOf(1, 2);
  assert.throws(() => flight.acknowledged(3, 0), refused);
  assert.throws(() => flight.reconnected(3, 0), refused);
  assert.throws(() => flightOf().acknowledged(1, 0), refused);
  assert.deepEqual([flight.count, flight.grounded], [2, false]);
});

Deno.test("on another connection all that is not acknowledged goes again, within the window", () => {
  const flight = flightOf(1 * KIB, 12 * KIB, 12 * KIB, 8 * KIB);
  flight.reconnected(1, 500);
  assert.deepEqual(relaunched(flight, 500), [12 * KIB, 12 * KIB, 8 * KIB]);
  assert.equal(flight.grounded, false);
  assert.equal(flight.admits(1, 500), false);
});

Deno.test("after a long time without a connection one report goes again at a time", () => {
  const flight = flightOf(1, 2, 3);
  flight.reconnected(1, 30_000);
  assert.deepEqual(relaunched(flight, 30_000), [2]);
  flight.acknowledged(2, 30_010);
  assert.deepEqual(relaunched(flight, 30_010), [3]);
});

Deno.test("a report that is asked for goes again with all behind it, and those before are there", () => {
  const flight = flightOf(1, 2, 3, 4);
  flight.resume(3);
  assert.deepEqual([flight.count, flight.grounded], [2, true]);
  assert.deepEqual(relaunched(flight, 10), [3, 4]);
  flight.resume(3);
  assert.deepEqual(relaunched(flight, 10), [3, 4]);
});

Deno.test("what was never sent, or is there for certain, cannot be asked for", () => {
  const flight = flightOf(1, 2, 3);
  flight.acknowledged(1, 10);
  for (const seq of [0, 1, 4]) {
    assert.throws(() => flight.resume(seq), { name: "ProtocolError", code: "protocol" });
  }
  assert.deepEqual([flight.count, flight.grounded], [2, false]);
});

Deno.test("reports that are acknowledged before they went again do not go again", () => {
  const flight = flightOf(1, 2, 3);
  flight.reconnected(0, 10);
  assert.equal(flight.relaunch(10)?.length, 1);
  flight.acknowledged(2, 20);
  assert.deepEqual(relaunched(flight, 20), [3]);
});
