import assert from "node:assert/strict";
import { classLines, iterationRows, tagLines } from "../../../src/web/page/tables.js";
import { liveState, liveView, scriptedView } from "../../support/live_views.ts";
import { latencies } from "../../support/snapshots.ts";

Deno.test("only scheduled iterations have a start delay", () => {
  const iterations = {
    ...{ scheduled: 10, started: 10, completed: 9, interrupted: 1, dropped: 0 },
    serviceTimeMs: latencies(15),
    lowerBounds: ["max"] as const,
    startDelayMs: latencies(1),
  };
  assert.deepEqual(iterationRows(liveView()), []);
  assert.deepEqual(iterationRows(liveView({ iterations })), [
    { title: "Service time", times: latencies(15), lowerBounds: ["max"] },
  ]);
  assert.deepEqual(iterationRows(liveView({ iterations, live: liveState({ model: "open" }) })), [
    { title: "Service time", times: latencies(15), lowerBounds: ["max"] },
    { title: "Start delay", times: latencies(1), lowerBounds: [] },
  ]);
});

Deno.test("a single class has no table, unless it has a load of its own", () => {
  const { classes } = scriptedView(10);
  const [buyer, admin] = classes;
  assert.deepEqual(classLines({ classes: [] }), []);
  assert.deepEqual(classLines({ classes: [buyer!] }), []);
  assert.deepEqual(classLines({ classes: [admin!] }).map(({ name }) => name), ["AdminTest"]);
  assert.deepEqual(
    classLines({ classes }).map(({ name, requests }) => [name, requests]),
    [["BuyerTest", 4120], ["AdminTest", 10]],
  );
});

Deno.test("the tags of a name are rows below it", () => {
  const row = scriptedView(10).requests.find(({ tags }) => tags.length > 0)!;
  assert.deepEqual(
    tagLines(row).map(({ name, method, requests, parent }) => [name, method, requests, parent]),
    [["cache=hit", "", 2799, row], ["cache=miss, size=large", "", 311, row]],
  );
});
