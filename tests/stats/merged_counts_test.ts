import assert from "node:assert/strict";
import { MergedCounts } from "../../src/stats/totals.ts";
import { counted, intervalOf, iterationCounts, iterationsOf } from "../support/counts.ts";
import { sample } from "../support/samples.ts";

/** What was counted under each method, name and code. */
function requestsOf({ entries }: MergedCounts): unknown[] {
  return Array.from(
    entries,
    ([method, name, code, { requests }]) => [method, name, code, requests],
  );
}

Deno.test("codes stay apart, and those of several nodes are added", () => {
  const merged = new MergedCounts();
  merged.add(intervalOf([sample(), sample({ status: 503, error: "HTTP 503" })]));
  merged.add(intervalOf([sample({ status: 503, error: "HTTP 503" }), sample({ status: 0 })]));
  assert.deepEqual(requestsOf(merged), [
    ["GET", "search", 200, 1],
    ["GET", "search", 503, 2],
    ["GET", "search", 0, 1],
  ]);
  const whole = merged.entries.get("GET", "search")?.whole;
  assert.deepEqual([whole?.requests, whole?.failures], [4, 2]);
  assert.deepEqual([...whole!.errors], [["HTTP 503", 2]]);
});

Deno.test("names beyond 1,000 are counted under one, by their codes", () => {
  const merged = new MergedCounts();
  for (const [status, node] of [[200, "a"], [404, "b"]] as const) {
    const samples = Array.from(
      { length: 700 },
      (_, i) => sample({ name: `/${node}/${i}`, status }),
    );
    merged.add(intervalOf([...samples, ...samples.slice(-1)]));
    assert.equal(merged.namesCapped, node === "b");
  }
  assert.equal(merged.entries.size, 1001);
  const other = merged.entries.get("GET", "(other)");
  assert.deepEqual(Array.from(other!, ([code, { requests }]) => [code, requests]), [[404, 401]]);
});

Deno.test("a second name that is capped brings its codes to the one of all others", () => {
  const merged = new MergedCounts();
  const names = Array.from({ length: 1000 }, (_, i) => sample({ name: `/${i}` }));
  merged.add(intervalOf([...names, sample({ name: "a" }), sample({ name: "b", status: 404 })]));
  const other = merged.entries.get("GET", "(other)");
  assert.deepEqual(Array.from(other!, ([code, { requests }]) => [code, requests]), [
    [200, 1],
    [404, 1],
  ]);
});

Deno.test("passes are none until some are counted, and are then added", () => {
  const merged = new MergedCounts();
  merged.add(counted());
  merged.add(intervalOf([sample()]));
  assert.equal(merged.iterations, null);
  merged.add(counted({ iterations: iterationsOf({ scheduled: 3, delays: [1], services: [5] }) }));
  merged.add(counted());
  merged.add(counted({ iterations: iterationsOf({ scheduled: 2, dropped: 1, delays: [2, 4] }) }));
  assert.deepEqual(iterationCounts(merged.iterations), {
    scheduled: 5,
    started: 3,
    completed: 1,
    dropped: 1,
    delay: 7,
    service: 5,
  });
});

Deno.test("what was added stays as it was", () => {
  const merged = new MergedCounts();
  const interval = intervalOf([sample()]);
  interval.openIterations.scheduled = 2;
  merged.add(interval);
  merged.add(interval);
  assert.equal(merged.entries.get("GET", "search")?.whole.requests, 2);
  assert.equal(merged.iterations?.scheduled, 4);
  assert.equal(interval.entries.get("GET", "search")?.whole.requests, 1);
  assert.equal(interval.iterations?.scheduled, 2);
});
