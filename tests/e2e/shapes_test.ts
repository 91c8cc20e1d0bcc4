import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { columnsOf } from "../../src/report/terminal.ts";
import { blocksOf } from "../support/doc_page.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("load shapes", 2);

/** Records the number of users, as a latency of ten milliseconds per user. */
const CROWD = `
import {
  events, hold, inSequence, LoadUserShape, plus, ramp, spike, stepUntilItBreaks, User,
} from "aiotest";
events.on("testStart", () => console.log("the test has started"));
export class CrowdTest extends User {
  static override waitTime = 0.05;
  testCrowd(): void { this.record({ name: "crowd", latencyMs: this.run.userCount * 10 }); }
}
`;

interface Folder {
  readonly path: string;
  run(args: readonly string[]): Promise<Finished>;
  summary(): Promise<Summary>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A folder with a test file, whose shape class has this body; without a shape if it is empty. */
async function folder(shape: string): Promise<Folder> {
  const path = await Deno.makeTempDir();
  const text = shape === "" ? "" : `export class TestShape extends LoadUserShape { ${shape} }\n`;
  await Deno.writeTextFile(`${path}/aiotestfile.ts`, CROWD + text);
  return {
    path,
    run: (args) => runAiotest(args, { cwd: path }),
    summary: async () => JSON.parse(await Deno.readTextFile(`${path}/summary.json`)),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

test("--show-shape draws the load of the options, and starts nothing", async () => {
  await using here = await folder("");
  const { code, stdout, stderr } = await here.run(
    ["--show-shape", "-u", "4", "-r", "2", "-t", "6", "--json", "summary.json"],
  );
  assert.equal(code, 0, stderr);
  assert.equal(
    `\n${stdout}`,
    `
The load, users over time

4 ┤            █████████████████████████████████████████████████████████████████
  │            █████████████████████████████████████████████████████████████████
3 ┤█████████████████████████████████████████████████████████████████████████████
  │█████████████████████████████████████████████████████████████████████████████
2 ┤█████████████████████████████████████████████████████████████████████████████
  │█████████████████████████████████████████████████████████████████████████████
1 ┤█████████████████████████████████████████████████████████████████████████████
  │█████████████████████████████████████████████████████████████████████████████
0 ┼────────────┬────────────┬────────────┬───────────┬────────────┬────────────┬
  0s           1s           2s           3s          4s           5s          6s

Peak: 4 users, reached within 2s
Time: 6s
`,
  );
});

test("a master draws the load as well, without waiting for workers", async () => {
  await using here = await folder(
    "static override curve = ramp({ seconds: 60, arrivalRate: { from: 0, to: 90 } });",
  );
  for (const role of [["--master", "--master-bind-port", "0"], ["--processes", "2"]]) {
    const { code, stdout, stderr } = await here.run(["--show-shape", "-u", "7", ...role]);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout, /has started/);
    assert.match(stdout, /^TestShape, iterations per second over time\n/);
    assert.match(stdout, /^Users: {6}at most 1,000\nTime: {7}1m\nIterations: 2,700\n/m);
    assert.match(stdout, /--users is ignored: the shape TestShape determines the load\.\n$/);
    assert.ok(stdout.split("\n").every((line) => columnsOf(line) <= 80));
  }
});

test("drawing a shape finds an invalid tick in a later second", async () => {
  await using here = await folder(
    "override tick() { return [60 - this.getRunTime(), 1] as const; }",
  );
  const { code, stdout, stderr } = await here.run(["--show-shape"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /TestShape\.tick\(\) at 61\.0 s returned \[ -1, 1 \]: users must be .*, not -1/,
  );
  assert.doesNotMatch(stderr, /\n\s+at /);
});

test("an invalid curve is an error that names it and its line", async () => {
  await using here = await folder(
    "static override curve = ramp({ seconds: 0, users: { from: 0, to: 9 } });",
  );
  const { code, stderr } = await here.run([]);
  assert.equal(code, 2);
  assert.match(stderr, /aiotestfile\.ts:\d+:\d+: .* ramp: seconds must be a number over 0, not 0/);
});

test("a run has the users of its curve, second by second", async () => {
  await using here = await folder(`static override curve = inSequence(
    ramp({ seconds: 2, users: { from: 0, to: 10 } }),
    plus(hold({ seconds: 3, users: 4 }), spike({ seconds: 3, users: { from: 0, to: 8 } })),
  );`);
  const { code, stderr } = await here.run(["--json", "summary.json"]);
  assert.equal(code, 0, stderr);
  const { timeline, users, durationSeconds } = await here.summary();
  assert.deepEqual(timeline.slice(0, 5).map(({ users }) => users), [5, 10, 4, 12, 4]);
  assert.equal(users.peak, 12);
  assert.ok(durationSeconds >= 5 && durationSeconds < 6, String(durationSeconds));
});

test("a ramp of arrivals runs the iterations that its drawing announces", async () => {
  await using here = await folder(
    "static override curve = ramp({ seconds: 3, arrivalRate: { from: 0, to: 80 }, maxUsers: 20 });",
  );
  const drawn = await here.run(["--show-shape"]);
  assert.match(drawn.stdout, /^Users: {6}at most 20\nTime: {7}3s\nIterations: 120\n/m);
  const { code, stderr } = await here.run(["--json", "summary.json"]);
  assert.equal(code, 0, stderr);
  const { iterations, totals } = await here.summary();
  assert.equal(iterations?.scheduled, 120);
  assert.equal(totals.requests + (iterations?.dropped ?? 0), 120);
});

test("the load rises until a threshold is crossed, and the report names the highest load that passed", async () => {
  await using here = await folder(`static override curve = stepUntilItBreaks({
    stepSeconds: 2,
    users: { from: 1, step: 1, to: 9 },
  });`);
  const { code, stdout, stderr } = await here.run(
    ["--threshold", "p95<25ms", "--json", "summary.json"],
  );
  assert.equal(code, 0, stderr);
  const { breakingPoint, durationSeconds } = await here.summary();
  assert.deepEqual(breakingPoint, {
    className: null,
    passed: { users: 2, arrivalRate: null },
    broke: { users: 3, arrivalRate: null },
    threshold: "p95<25ms",
  });
  assert.ok(durationSeconds < 7, String(durationSeconds));
  assert.match(stdout, /Breaking point: 2 users passed/);
});

test("docs/shapes.md shows the drawing of its first test file", async () => {
  const page = await Deno.readTextFile(projectPath("docs/shapes.md"));
  const path = await Deno.makeTempDir();
  const { text } = blocksOf(page).find(({ kind }) => kind === "code")!;
  await Deno.writeTextFile(`${path}/rush.ts`, text);
  const { code, stdout } = await runAiotest(["-f", "rush.ts", "--show-shape"], { cwd: path });
  await Deno.remove(path, { recursive: true });
  assert.equal(code, 0);
  assert.equal(stdout, /^```\n(RushShapeTest,[^]*?)^```$/m.exec(page)![1]);
});
