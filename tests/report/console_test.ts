import assert from "node:assert/strict";
import {
  consoleAbilities,
  ConsoleOutput,
  progressLine,
  reportColumns,
} from "../../src/report/console.ts";
import { render } from "../../src/report/live_panel.ts";
import type { Snapshot, ThresholdRow } from "../../src/stats/snapshot.ts";
import { Screen } from "../support/screen.ts";
import {
  clusterSnapshot,
  emptySnapshot,
  openSnapshot,
  requestRow,
  shopSnapshot,
  snapshot,
  statistics,
  workerRow,
} from "../support/snapshots.ts";

function panelOn(screen: Screen, log: Screen = screen): ConsoleOutput {
  return new ConsoleOutput(screen, { color: false, panel: true, log });
}

function panel(run: Snapshot, columns = 80, rows = Infinity): string[] {
  return render(run, { columns, rows, color: false }, { starts: null });
}

const MANY = snapshot({
  statistics: statistics({
    requests: Array.from({ length: 8 }, (_, i) => requestRow({ name: `/${i}` })),
  }),
});

Deno.test("each frame overwrites the previous one in a single write", () => {
  const screen = new Screen();
  const console = panelOn(screen);
  console.update(shopSnapshot(3));
  console.update(shopSnapshot(4));
  assert.equal(screen.writes.length, 2);
  assert.deepEqual(screen.shown, panel(shopSnapshot(4)));
});

Deno.test("the cursor moves up by exactly the number of drawn lines", () => {
  const screen = new Screen();
  const console = panelOn(screen);
  for (const second of [1, 2, 3]) console.update(shopSnapshot(second));
  const drawn = screen.writes.map((text) => text.split("\n").length - 1);
  // deno-lint-ignore no-control-regex -- escape sequences are what it is about
  const up = screen.writes.map((text) => Number(/\x1b\[(\d+)A/.exec(text)?.[1] ?? 0));
  assert.deepEqual(up, [0, ...drawn.slice(0, -1)]);
});

Deno.test("a frame with fewer lines leaves nothing of the previous one", () => {
  const screen = new Screen();
  const console = panelOn(screen);
  console.update(MANY);
  console.update(snapshot());
  assert.deepEqual(screen.shown, panel(snapshot()));
});

Deno.test("wrapped lines are cleared after a terminal was made narrower", () => {
  const screen = new Screen(80);
  const console = panelOn(screen);
  console.update(snapshot({ warnings: ["w".repeat(200)] }));
  const drawn = screen.writes[0]!.split("\n").slice(0, -1);
  screen.columns = 40;
  // Emulates the terminal, which wraps lines that no longer fit.
  const broken = drawn.filter((line) => line.replaceAll(ESCAPES, "").length > 40).length;
  assert.ok(broken > 0);
  screen.write("\n".repeat(broken));
  console.update(snapshot());
  assert.deepEqual(screen.shown, panel(snapshot(), 40));
});

Deno.test("nothing of an old panel remains when a terminal that had shrunk becomes larger", () => {
  const screen = new Screen(80);
  screen.rows = 24;
  const console = panelOn(screen);
  console.printAbove("first");
  console.update(shopSnapshot(3));
  // What leaves a smaller screen at its top comes back with the larger one, as in most terminals.
  screen.rows = 6;
  console.update(shopSnapshot(4));
  console.printAbove("second");
  assert.ok(screen.shown.length > 10);
  screen.rows = 40;
  console.update(shopSnapshot(5));
  assert.deepEqual(screen.shown, ["first", "second", ...panel(shopSnapshot(5), 80, 40)]);
  console.close();
  assert.deepEqual(screen.shown, ["first", "second"]);
});

Deno.test("a log line that comes right after a change of the size finds no old panel either", () => {
  const screen = new Screen(80);
  screen.rows = 40;
  const console = panelOn(screen);
  console.update(shopSnapshot(3));
  screen.rows = 6;
  console.printAbove("first");
  screen.rows = 40;
  console.printAbove("second");
  console.update(shopSnapshot(4));
  assert.deepEqual(screen.shown, ["first", "second", ...panel(shopSnapshot(4), 80, 40)]);
});

Deno.test("log lines appear above the panel, which stays intact", () => {
  const screen = new Screen();
  const console = panelOn(screen);
  console.update(shopSnapshot(3));
  console.printAbove("first\nsecond");
  console.printAbove("third");
  assert.deepEqual(screen.shown, [
    "first",
    "second",
    "third",
    ...panel(shopSnapshot(3)),
  ]);
});

Deno.test("a log that goes elsewhere does not affect the screen", () => {
  const [screen, log] = [new Screen(), new Screen(80, false)];
  const console = panelOn(screen, log);
  console.update(shopSnapshot(3));
  console.printAbove("a line");
  assert.deepEqual(log.writes, ["a line\n"]);
  assert.equal(screen.writes.length, 1);
});

Deno.test("a log line without a panel is just written", () => {
  const screen = new Screen();
  const console = panelOn(screen);
  console.printAbove("before");
  console.update(shopSnapshot(3));
  console.close();
  console.printAbove("after");
  assert.deepEqual(screen.shown, ["before", "after"]);
  assert.equal(screen.writes[0], "before\n");
  assert.equal(screen.writes.at(-1), "after\n");
});

Deno.test("log lines keep tabs and line feeds, but no other control characters", () => {
  const screen = new Screen();
  panelOn(screen).printAbove("a\tb\n\x1b[2Jc\r");
  assert.deepEqual(screen.writes, ["a\tb\n␛[2Jc␍\n"]);
});

Deno.test("the cursor is hidden while the panel is shown", () => {
  const screen = new Screen();
  const console = panelOn(screen);
  console.update(shopSnapshot(3));
  assert.equal(screen.cursorVisible, false);
  console.close();
  assert.equal(screen.cursorVisible, true);
  assert.deepEqual(screen.shown, []);
});

Deno.test("once closed, a console writes nothing more", () => {
  const screen = new Screen();
  const console = panelOn(screen);
  console.update(shopSnapshot(3));
  console.close();
  const written = screen.writes.length;
  console.close();
  console.update(shopSnapshot(4));
  assert.equal(screen.writes.length, written);
});

Deno.test("a console that showed nothing writes nothing on close", () => {
  const screen = new Screen();
  panelOn(screen).close();
  assert.deepEqual(screen.writes, []);
});

Deno.test("a terminal that reports 0 columns is assumed to have 80", () => {
  const screen = new Screen(0);
  panelOn(screen).update(shopSnapshot(3));
  assert.deepEqual(screen.shown, panel(shopSnapshot(3)));
});

Deno.test("without a panel, there is a progress line every five seconds", () => {
  const output = new Screen(80, false);
  const console = new ConsoleOutput(output, { color: false, panel: false, log: output });
  const at = (second: number): Snapshot => shopSnapshot(second, { elapsedSeconds: second + 0.01 });
  for (let second = 0; second < 16; second++) console.update(at(second));
  console.close();
  assert.deepEqual(
    output.writes,
    [5, 10, 15].map((second) => `${progressLine(at(second))}\n`),
  );
});

Deno.test("after a reset of the time, progress lines start again", () => {
  const output = new Screen(80, false);
  const console = new ConsoleOutput(output, { color: false, panel: false, log: output });
  for (const second of [4, 5, 6, 0, 1, 5, 6]) console.update(shopSnapshot(second));
  assert.deepEqual(output.writes, [
    `${progressLine(shopSnapshot(5))}\n`,
    `${progressLine(shopSnapshot(5))}\n`,
  ]);
});

Deno.test("a waiting master writes a line each time a worker joins or leaves", () => {
  const output = new Screen(80, false);
  const console = new ConsoleOutput(output, { color: false, panel: false, log: output });
  const { workers } = clusterSnapshot(30);
  // The third was lost.
  for (const count of [0, 0, 1, 2, 3, 2, 5, 5, 1]) {
    console.update(emptySnapshot({ expectedWorkers: 8, workers: workers.slice(0, count) }));
  }
  console.update(clusterSnapshot(5));
  console.update(clusterSnapshot(6));
  const line = (count: number): string => `    0s  ready     waiting for workers: ${count} of 8\n`;
  assert.deepEqual(output.writes, [
    line(0),
    line(1),
    line(2),
    line(3),
    line(1),
    `${progressLine(clusterSnapshot(5))}\n`,
  ]);
});

Deno.test("a terminal supports color and panel, unless its environment says otherwise", () => {
  const on = (isTerminal: boolean, env: Record<string, string>): [boolean, boolean] => {
    const { panel, color } = consoleAbilities(new Screen(80, isTerminal), (name) => env[name]);
    return [panel, color];
  };
  assert.deepEqual(on(true, {}), [true, true]);
  assert.deepEqual(on(true, { TERM: "xterm-256color", NO_COLOR: "" }), [true, true]);
  assert.deepEqual(on(true, { NO_COLOR: "1" }), [true, false]);
  assert.deepEqual(on(true, { TERM: "dumb" }), [false, false]);
  assert.deepEqual(on(false, {}), [false, false]);
  assert.deepEqual(on(false, { FORCE_COLOR: "1", NO_COLOR: "1" }), [false, true]);
  assert.deepEqual(on(true, { FORCE_COLOR: "0" }), [true, false]);
  assert.deepEqual(on(true, { FORCE_COLOR: "" }), [true, true]);
});

Deno.test("a report is as wide as its terminal, and 120 columns without one", () => {
  assert.equal(reportColumns(new Screen(61)), 61);
  assert.equal(reportColumns(new Screen(0)), 80);
  assert.equal(reportColumns(new Screen(80, false)), 120);
});

// deno-lint-ignore no-control-regex -- escape sequences are what it is about
const ESCAPES = /\x1b\[[?0-9;]*[A-Za-z]/g;

Deno.test("a panel taller than the screen loses its last lines, but not its position", () => {
  const screen = new Screen(80);
  screen.rows = 6;
  const console = new ConsoleOutput(screen, { color: false, panel: true, log: screen });
  console.update(shopSnapshot(3));
  console.update(shopSnapshot(4));
  assert.deepEqual(screen.shown, panel(shopSnapshot(4), 80, 6).slice(0, 5));
});

Deno.test("a frame is one synchronized update without line wrapping", () => {
  const screen = new Screen();
  const console = panelOn(screen);
  console.update(shopSnapshot(3));
  console.update(shopSnapshot(4));
  for (const text of screen.writes) {
    assert.match(text, FRAME);
    // Wrapping is turned on again.
    assert.ok(text.lastIndexOf("\x1b[?7h") > text.lastIndexOf("\x1b[?7l"));
  }
});

Deno.test("nothing is erased before it is overwritten, except for full lines", () => {
  const screen = new Screen(60);
  panelOn(screen).update(snapshot({ warnings: ["short", "w".repeat(100)] }));
  const [frame = ""] = screen.writes;
  const lines = frame.split("\n").filter((line) => line.includes("! "));
  assert.deepEqual(lines.map((line) => line.startsWith("\x1b[2K")), [false, true]);
  assert.deepEqual(lines.map((line) => line.endsWith("\x1b[K")), [true, false]);
});

Deno.test("the panel adapts to a terminal that was enlarged", () => {
  const screen = new Screen(60);
  screen.rows = 24;
  const console = panelOn(screen);
  const many = { ...MANY, warnings: ["w".repeat(100)] };
  console.update(many);
  assert.deepEqual(screen.shown, panel(many, 60, 24));
  [screen.columns, screen.rows] = [150, 50];
  console.update(many);
  assert.deepEqual(screen.shown, panel(many, 150, 50));
});

Deno.test("the panel shows the rate at which iterations started in the last seconds", () => {
  const screen = new Screen();
  const console = panelOn(screen);
  for (const elapsedSeconds of [1, 2, 3]) {
    console.update(openSnapshot(elapsedSeconds, { started: 198 * elapsedSeconds }));
  }
  const iterations = screen.shown.find((line) => line.startsWith("iterations"));
  assert.match(iterations ?? "", /^iterations {2}198\.0 of 200\/s /);

  const output = new Screen(80, false);
  const plain = new ConsoleOutput(output, { color: false, panel: false, log: output });
  for (const elapsedSeconds of [1, 2, 3, 4, 5]) {
    plain.update(openSnapshot(elapsedSeconds, { started: 198 * elapsedSeconds }));
  }
  assert.match(output.writes.join(""), / {2}198\.0\/200 iterations\/s {2}/);
});

// deno-lint-ignore no-control-regex -- escape sequences are what it is about
const FRAME = /^\x1b\[\?2026h[\s\S]*\x1b\[\?2026l$/;

Deno.test("a progress line has the state, recent rate and latencies, and all counts", () => {
  assert.equal(
    progressLine(snapshot()),
    "   10s  running   10/10 users  100.0 req/s  1,000 reqs  0 failed  p50 12.0 p95 36.0 p99 96.0 ms",
  );
});

Deno.test("a progress line shows failures with their share", () => {
  const some = statistics({ requests: [requestRow({ failures: 25 })] });
  assert.match(progressLine(snapshot({ statistics: some })), / {2}25 failed \(2\.50%\) {2}/);
});

Deno.test("a progress line shows unknown values as a dash", () => {
  assert.equal(
    progressLine(emptySnapshot()),
    "    0s  ready     0/0 users  - req/s  0 reqs  0 failed  p50 - p95 - p99 - ms",
  );
});

Deno.test("the progress line of a distributed run shows its workers, and how many are gone", () => {
  const workers = [1, 2, 3, 4].map((number) => workerRow({ id: `w${number}` }));
  assert.equal(
    progressLine(snapshot({ mode: "distributed", workers })),
    "   10s  running   10/10 users  workers 4  100.0 req/s  1,000 reqs  0 failed  " +
      "p50 12.0 p95 36.0 p99 96.0 ms",
  );
  const [first, ...others] = workers;
  const gone = [{ ...first!, state: "left" as const }, ...others];
  assert.match(progressLine(snapshot({ mode: "distributed", workers: gone })), / workers 3 of 4 /);
  assert.match(progressLine(clusterSnapshot(30)), / workers 6 of 8 /);
});

Deno.test("the progress line of a waiting master only shows what it waits for", () => {
  const workers = [workerRow({ id: "a" }), workerRow({ id: "b" })];
  const waiting = emptySnapshot({ mode: "distributed", expectedWorkers: 8, workers });
  assert.equal(progressLine(waiting), "    0s  ready     waiting for workers: 2 of 8");
});

Deno.test("in the open model, the progress line shows the iterations", () => {
  const run = openSnapshot(30, { started: 5950, dropped: 12 });
  assert.match(
    progressLine(run, 198.3),
    / {2}12\/50 users {2}198\.3\/200 iterations\/s {2}38 queued {2}12 dropped {2}442\.4 req\/s /,
  );
  assert.match(progressLine(run), / {2}-\/200 iterations\/s /);
});

Deno.test("crossed thresholds are at the end of the progress line", () => {
  const row = (passed: boolean): ThresholdRow => ({ expression: "p95<1ms", observed: 2, passed });
  const line = (...thresholds: ThresholdRow[]): string => progressLine(snapshot({ thresholds }));
  assert.ok(line(row(true), row(false)).endsWith(" ms  1 of 2 thresholds crossed"));
  assert.equal(line(row(true)), progressLine(snapshot()));
});
