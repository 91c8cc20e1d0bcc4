import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { sentIn } from "../support/counting_target.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("unfinished requests", 2);

/** A target that counts all requests, answers the first ones, and none after that. */
class HangingTarget implements AsyncDisposable {
  readonly url: string;
  /** By method and path. */
  readonly seen = new Map<string, number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #end = new AbortController();
  #answersLeft: number;

  constructor(answers: number) {
    this.#answersLeft = answers;
    const { signal } = this.#end;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal },
      async (request) => {
        const name = `${request.method} ${new URL(request.url).pathname}`;
        this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
        if (this.#answersLeft-- <= 0) await new Promise(() => {});
        return new Response("ok");
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  get total(): number {
    return [...this.seen.values()].reduce((sum, count) => sum + count, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#server.finished;
  }
}

interface Run extends Finished {
  readonly summary: Summary;
}

async function runAgainst(target: HangingTarget, ...args: string[]): Promise<Run> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const finished = await runAiotest([...args, "--json", json]);
  const text = await Deno.readTextFile(json);
  await Deno.remove(json);
  assert.notEqual(text, "", finished.stderr);
  const summary: Summary = JSON.parse(text);
  // Whatever happened, nothing that the target saw is missing, for any name.
  const sent = new Map(summary.requests.map((row) => [`${row.method} ${row.name}`, sentIn(row)]));
  assert.deepEqual(sent, target.seen);
  assert.equal(sentIn(summary.totals), target.total);
  return { ...finished, summary };
}

function hangingFile(target: HangingTarget): string[] {
  return ["-f", projectPath("tests/e2e/fixtures/hanging.ts"), "-H", target.url];
}

for (const processes of ["1", "2"]) {
  test(`users of ${processes} processes whose target hangs have unfinished requests`, async () => {
    await using target = new HangingTarget(300);
    const { code, stdout, summary } = await runAgainst(
      target,
      ...[...hangingFile(target), "--processes", processes],
      ...["-u", "10", "-r", "1000", "-t", "3", "-s", "0.5", "--threshold", "p90<60s"],
      ...["--threshold", "max<1s", "--threshold", "unfinished==0", "--threshold", "error_rate<1%"],
    );
    const { requests, unfinished, latencyMs } = summary.totals;
    assert.deepEqual([requests, unfinished.count], [300, 10]);
    assert.ok(unfinished.oldestMs! > 1_000 && unfinished.oldestMs! < 10_000);
    assert.equal(latencyMs.max, unfinished.oldestMs);
    assert.deepEqual(
      summary.thresholds.map(({ expression, passed }) => [expression, passed]),
      [["p90<60s", true], ["max<1s", false], ["unfinished==0", false], ["error_rate<1%", true]],
    );
    assert.equal(code, 3);
    assert.match(
      stdout.replace(/\s+/g, " "),
      /FAILED 300 requests, no failures, 10 unfinished \(oldest/,
    );
    assert.match(summary.warnings.join("\n"), /^Unfinished: 10 of 310 requests had no answer/m);
  });
}

test("in the open model, iterations are interrupted, and more users are not advised", async () => {
  await using target = new HangingTarget(100);
  const { summary } = await runAgainst(
    target,
    ...[...hangingFile(target), "--arrival-rate", "100", "--max-users", "10", "-t", "4", "-s", "0"],
  );
  const { scheduled, started, completed, interrupted, dropped } = summary.iterations!;
  assert.deepEqual([summary.totals.requests, completed], [100, 100]);
  assert.deepEqual([summary.totals.unfinished.count, interrupted], [10, 10]);
  assert.deepEqual([started + dropped, completed + interrupted], [scheduled, started]);
  assert.match(summary.warnings.join("\n"), /they waited for a target that did not answer/);
  assert.doesNotMatch(summary.warnings.join("\n"), /--max-users/);
});

test("quick fails if no request is answered, even if failures do not count", async () => {
  await using target = new HangingTarget(0);
  const { code, stdout, summary } = await runAgainst(
    target,
    ...["quick", target.url, "-u", "3", "-n", "3", "-t", "1", "-s", "0"],
    ...["--exit-code-on-error", "0"],
  );
  assert.equal(code, 1);
  assert.deepEqual([summary.totals.requests, summary.totals.unfinished.count], [0, 3]);
  assert.match(stdout, /FAILED +no request was answered, 3 unfinished \(oldest/);
});

test("a test whose target hangs ends early if a threshold is to end it", async () => {
  await using target = new HangingTarget(200);
  const { code, summary } = await runAgainst(
    target,
    ...[...hangingFile(target), "-u", "10", "-r", "1000", "-t", "5m", "-s", "0"],
    ...["--threshold", "p99<1.5s", "--abort-on-threshold"],
  );
  assert.equal(code, 3);
  assert.match(
    summary.warnings.join("\n"),
    /^The test was ended after \d+ s, as p99<1.5s was crossed/m,
  );
});
