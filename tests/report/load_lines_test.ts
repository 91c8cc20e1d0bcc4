import assert from "node:assert/strict";
import { iterationTimeLines, loadLines } from "../../src/report/live_panel.ts";
import { renderLine } from "../../src/report/terminal.ts";
import type { BreakingPoint, IterationSummary, Snapshot } from "../../src/stats/snapshot.ts";
import { iterations, openSnapshot } from "../support/open_snapshots.ts";
import { latencies, snapshot, statistics } from "../support/snapshots.ts";

function lines(run: Snapshot, columns = 80, color = false): string[] {
  return loadLines(run, 199.8, columns).map((line) => renderLine(line, columns, color));
}

Deno.test("users are shown with their target until they have reached it", () => {
  const users = { current: 3, target: 10, peak: 3, final: 0 };
  assert.deepEqual(lines(snapshot({ users })), ["users       3 of 10"]);
  assert.deepEqual(lines(snapshot()), ["users       10"]);
});

Deno.test("in the open model, users are busy with passes, of which some wait and some are lost", () => {
  assert.deepEqual(lines(openSnapshot(30)), [
    "users       2 of 50 busy",
    "iterations  199.8 of 200/s   queued 0   dropped 0",
  ]);
  const late = openSnapshot(30, { started: 5900, completed: 5888, dropped: 30 });
  assert.deepEqual(lines(late), [
    "users       12 of 50 busy",
    "iterations  199.8 of 200/s   queued 70   dropped 30 (0.50%)",
  ]);
  assert.equal(lines(late, 60)[1], "iterations  199.8 of 200/s   queued 70   dropped 30");
});

Deno.test("no more users are busy than there are, whatever a lost worker has left unfinished", () => {
  assert.equal(lines(openSnapshot(30, { completed: 5000 }))[0], "users       12 of 50 busy");
});

Deno.test("what keeps passes from their time has the colour of it", () => {
  const colored = (iterations: Partial<IterationSummary>, current = 12): string =>
    lines(
      openSnapshot(30, iterations, { users: { current, target: 50, peak: 50, final: 0 } }),
      80,
      true,
    )
      .join("\n");
  for (const tone of ["\x1b[31m", "\x1b[33m"]) assert.ok(!colored({}).includes(tone));
  const queued = colored({ started: 5990, completed: 5980, dropped: 5 });
  assert.ok(queued.includes("\x1b[33m5\x1b[0m"), queued);
  assert.ok(queued.includes("\x1b[33m5 (0.08%)\x1b[0m"), queued);
  assert.ok(colored({ started: 5900, dropped: 61 }).includes("\x1b[31m61 (1.02%)\x1b[0m"));
  assert.ok(colored({ completed: 5950 }, 50).includes("\x1b[33m50\x1b[0m of 50 busy"));
});

Deno.test("before the first pass there is nothing to tell of passes but what was asked for", () => {
  const { statistics: counted, ...run } = openSnapshot(1, {}, { arrivalRate: 0.5 });
  const none = { ...run, statistics: { ...counted, iterations: null } };
  assert.deepEqual(loadLines(none, null, 80).map((line) => renderLine(line, 80, false)), [
    "users       0 of 50 busy",
    "iterations  - of 0.50/s   queued 0   dropped 0",
  ]);
  assert.deepEqual(iterationTimeLines(none), []);
});

Deno.test("passes that are counted in the closed model are neither late nor dropped", () => {
  const run = snapshot({ statistics: { ...statistics(), iterations: iterations() } });
  assert.deepEqual(lines(run), ["users       10", "iterations  5,998 completed"]);
  assert.deepEqual(iterationTimeLines(run), []);
});

Deno.test("service times and start delays stand below each other, those that are late as a warning", () => {
  const run = openSnapshot(30, { startDelayMs: latencies(10) });
  assert.deepEqual(iterationTimeLines(run).map((line) => renderLine(line, 60, false)), [
    "service     p50 40.0   p95 120    p99 320    max 1600   ms",
    "start delay p50 10.0   p95 30.0   p99 80.0   max 400    ms",
  ]);
  const [service = "", delay = ""] = iterationTimeLines(run).map((line) =>
    renderLine(line, 60, true)
  );
  assert.ok(!service.includes("\x1b[33m"));
  assert.ok(delay.includes("\x1b[33m80.0"));
  assert.ok(!delay.includes("\x1b[33m30.0"));
});

Deno.test("a load that is raised until it breaks tells its step, and what has passed", () => {
  const step = (point: Partial<BreakingPoint>, arrivalRate: number | null = null): string =>
    lines(snapshot({
      arrivalRate,
      users: { current: 400, target: 400, peak: 400, final: 0 },
      breakingPoint: { passed: null, broke: null, threshold: null, ...point },
    })).at(-1)!;
  const passed = { users: 300, arrivalRate: null };
  assert.equal(step({}), "step        400 users");
  assert.equal(step({ passed }), "step        400 users   passed 300 users");
  assert.equal(
    step({ passed, broke: { users: 400, arrivalRate: null }, threshold: "p95<200ms" }),
    "step        broke at 400 users, p95<200ms   passed 300 users",
  );
  assert.equal(
    step({ passed: { users: 400, arrivalRate: 1500 } }, 2000),
    "step        2,000 iterations/s   passed 1,500 iterations/s",
  );
});
