import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { CountingTarget, sentIn } from "../support/counting_target.ts";
import { runAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("the life of a run", 2);

/** Where the users run, for the names of tests, with the arguments for it and the node of a user. */
const PLACES: readonly (readonly [where: string, args: readonly string[], node: RegExp])[] = [
  ["in one process", [], /^local$/],
  ["with a master and two workers", ["--processes", "2"], /-2$/],
];

/** Users of the second node end the run after half a second, with what `setup` has returned. */
function file(kind: string): string {
  return `
import { FastHttpUser, run } from "aiotest";
export async function setup() {
  await Promise.resolve();
  return { reason: "no stock", node: run.node, host: run.host };
}
export async function teardown(data) {
  console.log("torn down", JSON.stringify(data), run.node);
}
export class EndTest extends FastHttpUser {
  static waitTime = 0.05;
  async testGet() {
    await this.session.get("/plain");
    const hosts = [run.host, this.run.host, this.run.data.host];
    if (hosts.some((host) => host !== this.host)) throw new Error("another host: " + hosts);
    if (this.run.runTime < 0.5 || this.run.node.endsWith("-1")) return;
    this.run.${kind}(this.run.data.reason);
  }
}
`;
}

for (const [where, args, node] of PLACES) {
  for (const [kind, exitCode] of [["stop", 0], ["fail", 1]] as const) {
    test(`run.${kind} of a user ends the run in every report ${where}`, async () => {
      await using target = new CountingTarget();
      const cwd = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${cwd}/test.js`, file(kind));
        const { code, stdout, stderr } = await runAiotest([
          ...["-f", "test.js", "-H", target.url, "-u", "4", "-r", "100", "-t", "60s", ...args],
          ...["--json", "run.json", "--html", "run.html", "--junit", "run.xml"],
        ], { cwd });
        assert.equal(code, exitCode, stderr);
        const summary: Summary = JSON.parse(await Deno.readTextFile(`${cwd}/run.json`));
        const { runEnd, complete, durationSeconds, exitCode: reported } = summary;
        assert.deepEqual([runEnd!.kind, runEnd!.reason], [kind, "no stock"]);
        assert.match(runEnd!.node, node);
        assert.deepEqual([complete, reported], [true, exitCode]);
        assert.ok(durationSeconds < 2.5, String(durationSeconds));
        assert.equal(sentIn(summary.totals), target.total);
        const fact = `ended by run.${kind}${
          args.length > 0 ? ` on ${runEnd!.node}` : ""
        }: no stock`;
        const html = await Deno.readTextFile(`${cwd}/run.html`);
        const xml = await Deno.readTextFile(`${cwd}/run.xml`);
        assert.ok(stdout.replaceAll(/\s+/g, " ").includes(fact), stdout);
        assert.ok(html.includes(fact));
        assert.ok(xml.includes(fact));
        assert.equal(xml.includes('type="run.fail"'), kind === "fail");
        // Each worker says it, too.
        const stops = stderr.match(/Stopping the users: ended by run\.\w+ on \S+: no stock\./g) ??
          [];
        assert.equal(stops.length, args.length > 0 ? 2 : 0, stderr);
        const owner = args.length > 0 ? "master" : "local";
        const data = JSON.stringify({ reason: "no stock", node: owner, host: target.url });
        const torn = `torn down ${data} ${owner}`;
        assert.equal((stdout + stderr).split(torn).length, 2, stdout + stderr);
      } finally {
        await Deno.remove(cwd, { recursive: true });
      }
    });
  }

  test(`a setup that throws: exit code 2 with its place, and no request ${where}`, async () => {
    await using target = new CountingTarget();
    const cwd = await Deno.makeTempDir();
    try {
      const text = file("stop").replace(
        "await Promise.resolve();",
        'throw new Error("no account");',
      );
      await Deno.writeTextFile(`${cwd}/test.js`, text);
      const { code, stdout, stderr } = await runAiotest(
        ["-f", "test.js", "-H", target.url, "-t", "5s", ...args],
        { cwd },
      );
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^aiotest: setup threw: no account \(test\.js:4:\d+\)$/m);
      assert.doesNotMatch(stdout + stderr, /torn down|internal error/);
      assert.equal(target.total, 0);
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  });
}

test("an init handler that ends the run before it starts: no request, and the reports say so", async () => {
  await using target = new CountingTarget();
  const cwd = await Deno.makeTempDir();
  try {
    for (const [kind, exitCode] of [["stop", 0], ["fail", 1]] as const) {
      const text = file("stop").replace("import { ", "import { events, ") +
        `events.on("init", () => run.${kind}("maintenance"));\n`;
      await Deno.writeTextFile(`${cwd}/test.js`, text);
      const { code, stdout, stderr } = await runAiotest(
        ["-f", "test.js", "-H", target.url, "-t", "5s", "--threshold", "p95<1s"],
        { cwd },
      );
      assert.equal(code, exitCode, stderr);
      assert.match(stdout.replaceAll(/\s+/g, " "), /ended by run\.\w+: maintenance/);
      assert.equal(target.total, 0);
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
