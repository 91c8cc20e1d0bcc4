import assert from "node:assert/strict";
import { join } from "node:path";
import type { Summary } from "../../src/report/summary.ts";
import { type Finished, runAiotest, startAiotest, type Started } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("test files that never return", 2);

const MODULE = JSON.stringify(import.meta.resolve("../../mod.ts"));

interface Scene {
  /** Arguments that run the test file. */
  args(...more: string[]): string[];
  /** The JSON summary; `null` if there is none. */
  summary(): Promise<Summary | null>;
}

/** Calls `use` with a test file of this code. */
async function withTestFile(code: string, use: (scene: Scene) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "blocked.ts");
    const json = join(folder, "out.json");
    await Deno.writeTextFile(file, `import { events, logger, User } from ${MODULE};\n${code}`);
    await use({
      args: (...more) => ["-f", file, "--json", json, ...more],
      summary: async () => {
        const text = await Deno.readTextFile(json).catch(() => "");
        return text === "" ? null : JSON.parse(text);
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const STEPS = `
export class StepTest extends User {
  static waitTime = 0.1;
  testStep() { this.record({ name: "step", latencyMs: 1 }); }
}
`;

function hanging(event: string): string {
  return `${STEPS}
    const busy = setInterval(() => {}, 1000);
    events.on("${event}", () => { logger.info("waiting in ${event}"); return new Promise(() => {}); });`;
}

for (const event of ["init", "testStart", "testStop", "quitting"]) {
  test(`a handler of ${event} that never ends does not keep the run from ending`, async () => {
    await withTestFile(hanging(event), async ({ args, summary }) => {
      const { code, stderr } = await runAiotest(args("-t", "1", "--setup-timeout", "1"));
      const isSetup = event === "init" || event === "testStart";
      const seconds = isSetup ? 1 : 5;
      assert.match(stderr, new RegExp(`the event ${event} have not ended within ${seconds} s`));
      assert.equal(code, isSetup ? 2 : 0, stderr);
      if (event === "init") return;
      const { requests, exitCode } = (await summary())!;
      assert.equal(exitCode, code);
      assert.equal(requests.length, event === "testStart" ? 0 : 1);
    });
  });
}

test("SIGTERM ends a run that waits for its handlers, with reports", async () => {
  for (const event of ["testStart", "testStop"]) {
    await withTestFile(hanging(event), async ({ args, summary }) => {
      // Without the signal, it would take longer than a test may.
      const aiotest = startAiotest(
        args("-t", "1", "--stop-timeout", "1h", "--setup-timeout", "1h"),
      );
      await aiotest.says(`waiting in ${event}`);
      aiotest.kill("SIGTERM");
      const { code, stderr } = await aiotest.finished;
      assert.equal(code, event === "testStart" ? 130 : 0, stderr);
      assert.equal((await summary())!.complete, true);
    });
  }
});

const EXITS: Readonly<Record<string, string>> = {
  "Deno.exit(0)": "Deno.exit(0)",
  "process.exit(0)": "process.exit()",
  "process.exit(3)": "exit(3)",
  "process.abort()": "process.abort()",
  "process.kill(process.pid)": "process.kill(process.pid)",
  'Deno.kill(Deno.pid, "SIGKILL")': 'Deno.kill(Deno.pid, "SIGKILL")',
  "close()": "close()",
};

function calling(calls: readonly string[]): string {
  return `import process, { exit } from "node:process";
    const calls = [${calls.map((call) => `() => ${call}`).join(", ")}];
    void process, exit;
    export class ExitTest extends User {
      static waitTime = 0.1;
      async testExit() {
        for (const call of calls) {
          this.record({ name: "before", latencyMs: 1 });
          try { call(); } catch (error) { this.record({ name: error.message, latencyMs: 1 }); }
        }
        await this.sleep(60);
      }
    }`;
}

test("no call of a test ends the process: the run stops and fails, with reports", async () => {
  await withTestFile(calling(Object.values(EXITS)), async ({ args, summary }) => {
    const { code, stderr } = await runAiotest(args("-t", "60", "--exit-code-on-error", "0"));
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^aiotest: Deno\.exit\(0\) was called, which does not end a run: /m);
    assert.match(stderr, /To end the run, call run\.stop or run\.fail/);
    const { requests, exitCode } = (await summary())!;
    assert.equal(exitCode, 1);
    const names = requests.map(({ name }) => name).filter((name) => name !== "before");
    const texts = Object.keys(EXITS).map((call) => `${call} was called, which does not end a run`);
    assert.deepEqual(names.toSorted(), texts.toSorted());
  });
});

test("a call outside of tests that would end the process fails the run as well", async () => {
  const places = {
    timer: `${STEPS} setTimeout(() => Deno.exit(0), 500);`,
    testStop: `${STEPS} events.on("testStop", () => Deno.exit(0));`,
    quitting: `${STEPS} events.on("quitting", () => Deno.exit(0));`,
  };
  await Promise.all(
    Object.entries(places).map(([place, code]) =>
      withTestFile(code, async ({ args, summary }) => {
        const { code, stderr } = await runAiotest(args("-t", "2"));
        assert.equal(code, 1, `${place}: ${stderr}`);
        assert.match(stderr, /Deno\.exit\(0\) was called/, place);
        assert.equal((await summary())!.complete, true, place);
      })
    ),
  );
  await withTestFile(`${STEPS} Deno.exit(0);`, async ({ args }) => {
    const { code, stderr } = await runAiotest(args("-t", "2"));
    assert.equal(code, 2, stderr);
    assert.match(stderr, /error during import: ExitCall: Deno\.exit\(0\) was called/);
  });
});

test("a test file whose import never ends is refused", async () => {
  await withTestFile(`${STEPS} await new Promise(() => {});`, async ({ args }) => {
    const { code, stderr } = await runAiotest(args("-t", "2", "--import-timeout", "0.5"));
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^aiotest: \S+\.ts: the import has not ended after 0\.5 s$/m);
  });
});

test("a worker whose test calls Deno.exit hands over its counts, and the run fails", async () => {
  await withTestFile(calling(["Deno.exit(0)"]), async ({ args, summary }) => {
    const { code, stderr } = await runAiotest(
      args("-t", "60", "-u", "2", "--processes", "2", "--exit-code-on-error", "0"),
    );
    assert.ok(code === 1 || code === 4, `${code}: ${stderr}`);
    assert.match(stderr, /Deno\.exit\(0\) was called, which does not end a run: this worker was/);
    const { requests, userErrors, complete, exitCode } = (await summary())!;
    assert.deepEqual([complete, exitCode], [true, code]);
    assert.equal(
      userErrors[0]!.error,
      "ExitCall: Deno.exit(0) was called, which does not end a run",
    );
    const steps = requests.map((row) => row.requests);
    assert.deepEqual(steps, Array(2).fill(userErrors[0]!.count));
  });
});

/** A user that blocks its process once, after 3 s, for this long. */
function blocking(ms: number): string {
  return `
    let steps = 0;
    export class BlockingTest extends User {
      static waitTime = 0.1;
      testBlock() {
        this.record({ name: "step", latencyMs: 1 });
        if (++steps !== 30) return;
        logger.info("blocking");
        const until = performance.now() + ${ms};
        while (performance.now() < until);
      }
    }`;
}

Deno.test("a load generator that was blocked for 3 s says so, with when that was", async () => {
  const check = ({ code, stderr }: Finished, summary: Summary, who: RegExp): void => {
    assert.equal(code, 0, stderr);
    const { warnings, timeline } = summary;
    const warning = warnings.find((text) => text.includes("did not run"))!;
    assert.match(warning, who);
    const [, seconds] = /(\d+\.\d) s, until \d+s of the test\)?: .* blocked it/.exec(warning)!;
    assert.ok(Number(seconds) >= 2.9, warning);
    assert.match(stderr, /did not run for \d+\.\d s, until/);
    assert.ok(timeline.some(({ maxLagMs }) => maxLagMs >= 2_900));
  };
  await withTestFile(blocking(3_000), async ({ args, summary }) => {
    const finished = await runAiotest(args("-t", "8"));
    check(finished, (await summary())!, /^The load generator did not run/);
  });
  await withTestFile(blocking(3_000), async ({ args, summary }) => {
    const finished = await runAiotest(args("-t", "8", "--processes", "1"));
    check(finished, (await summary())!, /^Worker \S+-1 did not run/);
  });
});

/** A run whose test blocks its process forever; it has been blocked for a while when this resolves. */
async function blockedRun(args: readonly string[]): Promise<Started> {
  const aiotest = startAiotest(args);
  try {
    await aiotest.says("has blocked the event loop for 5 s");
    return aiotest;
  } catch (error) {
    aiotest.kill("SIGKILL");
    throw error;
  }
}

Deno.test("a thread says which test blocks the process, and two signals end it with what was counted", async () => {
  await withTestFile(blocking(Infinity), async ({ args, summary }) => {
    const aiotest = await blockedRun(args("-t", "3600"));
    aiotest.kill("SIGHUP");
    await aiotest.says("Interrupt again to end the process");
    aiotest.kill("SIGTERM");
    // Without the thread, it would never end.
    const timer = setTimeout(() => aiotest.kill("SIGKILL"), 20_000);
    const { code, stdout, stderr } = await aiotest.finished;
    clearTimeout(timer);
    assert.equal(code, 130, stderr);
    assert.match(stderr, /The test that started last is BlockingTest\.testBlock\. Interrupt twice/);
    assert.match(stdout, /^TASK +step /m);
    const { complete, exitCode, requests, warnings } = (await summary())!;
    assert.deepEqual([complete, exitCode], [false, 130]);
    assert.ok(
      requests[0]!.requests > 0 && requests[0]!.requests <= 300,
      `${requests[0]!.requests}`,
    );
    assert.match(warnings.at(-1)!, /^Code of the test file blocked the event loop/);
  });
});
