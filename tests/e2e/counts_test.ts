import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { assertEqualCounts, CountingTarget, sentIn } from "../support/counting_target.ts";
import { ClosingTarget, runCuts } from "../support/cutting_target.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest, startAiotest } from "../support/process.ts";

async function runAgainst(
  target: CountingTarget,
  quota: number,
  stopAt: number,
): Promise<{ summary: Summary; code: number }> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const file = projectPath("tests/e2e/fixtures/counted.ts");
  const run = startAiotest(
    ["-f", file, "-H", target.url, "-u", "40", "-r", "1000", "--json", json]
      .concat("--quota", String(quota)),
  );
  await Promise.race([target.reached(stopAt), run.finished]);
  run.kill("SIGINT");
  const { code, stderr } = await run.finished;
  const text = await Deno.readTextFile(json);
  assert.notEqual(text, "", stderr);
  await Deno.remove(json);
  return { summary: JSON.parse(text), code };
}

Deno.test("counts and bytes of 100,000 requests are exactly those of the target", async () => {
  await using target = new CountingTarget();
  const { summary, code } = await runAgainst(target, 100_000, 100_000);
  assert.equal(summary.totals.requests, 100_000);
  assertEqualCounts(summary, target);
  assert.equal(code, 1);
});

Deno.test("a run that is stopped at full speed has counted every request of the target", async () => {
  await using target = new CountingTarget();
  const { summary } = await runAgainst(target, 1_000_000, 10_000);
  assert.ok(summary.totals.requests >= 10_000);
  assertEqualCounts(summary, target);
});

Deno.test("requests and retries are exactly those of a target that cuts connections at random", async () => {
  const { summary, counts, seed } = await runCuts(50_000);
  const { requests, retries, failures } = summary.totals;
  assert.equal(requests, 50_000, `seed ${seed}`);
  for (const row of summary.requests) {
    assert.equal(counts.get(row.name), sentIn(row), `${row.name}, seed ${seed}`);
    const mayRetry = !["POST", "PATCH"].includes(row.name);
    assert.equal(row.retries > 0, mayRetry, `${row.name} has ${row.retries} retries, seed ${seed}`);
  }
  // Of a thousand requests, 20 are met with silence; on kept connections three in five are sent again.
  assert.ok(retries > 300 && retries < 800, `${retries} retries, seed ${seed}`);
  assert.ok(failures > 1_000 && failures < 2_500, `${failures} failures, seed ${seed}`);
  const errors = new Set(summary.failures.map(({ error }) => error));
  assert.deepEqual(errors, new Set(["ECONNRESET", "INCOMPLETE_BODY"]));
});

for (const how of ["close", "half-close", "reset"] as const) {
  Deno.test(`requests and retries are exactly those of a target that answers once: ${how}`, async () => {
    await using target = await ClosingTarget.start(how);
    const json = await Deno.makeTempFile({ suffix: ".json" });
    const options = ["-u", "20", "-n", "2000", "--json", json];
    const { code, stderr } = await runAiotest(["quick", target.url, ...options]);
    assert.equal(code, 0, stderr);
    const { totals }: Summary = JSON.parse(await Deno.readTextFile(json));
    await Deno.remove(json);
    assert.equal(totals.requests, 2000);
    assert.equal(target.requests, sentIn(totals));
    // Only a target that still reads can have read a request that was sent again.
    assert.equal(totals.retries > 0, how === "half-close", `${totals.retries} retries`);
  });
}

const QUANTILES = {
  p50: 0.5,
  p75: 0.75,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  p999: 0.999,
  p9999: 0.9999,
} as const;

/** The smallest value that a share of all values do not exceed. */
function exactPercentile(sorted: readonly number[], quantile: number): number {
  return sorted[Math.ceil(quantile * sorted.length) - 1]!;
}

Deno.test("percentiles of a known distribution are within 0.1 % of the exact ones", async () => {
  // Half of the answers come at once, the others after a wait that is exponentially distributed.
  const target = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async () => {
      const delayMs = Math.random() < 0.5 ? 0 : -Math.log(1 - Math.random()) * 20;
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      return new Response("done");
    },
  );
  const folder = await Deno.makeTempDir();
  const { code, stderr } = await runAiotest([
    "-f",
    projectPath("tests/e2e/fixtures/latencies.ts"),
    ...["-H", `http://127.0.0.1:${target.addr.port}`, "-u", "50", "-r", "1000", "-t", "3"],
    ...["--json", `${folder}/summary.json`, "--latencies", `${folder}/latencies.json`],
  ]);
  assert.equal(code, 0, stderr);
  const summary: Summary = JSON.parse(await Deno.readTextFile(`${folder}/summary.json`));
  const latencies: number[] = JSON.parse(await Deno.readTextFile(`${folder}/latencies.json`));
  latencies.sort((a, b) => a - b);

  const { requests, latencyMs } = summary.totals;
  assert.equal(requests, latencies.length);
  assert.ok(requests > 1_000, `only ${requests} requests`);
  for (const [name, quantile] of Object.entries(QUANTILES)) {
    const exact = exactPercentile(latencies, quantile);
    const reported = latencyMs[name as keyof typeof QUANTILES]!;
    // The summary is rounded to the microsecond.
    const allowed = exact * 0.001 + 0.0005;
    assert.ok(Math.abs(reported - exact) <= allowed, `${name}: ${reported}, exactly ${exact}`);
  }
  const mean = latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length;
  assert.ok(Math.abs(latencyMs.mean! - mean) < 0.001);
  assert.ok(Math.abs(latencyMs.min! - latencies[0]!) < 0.001);
  assert.ok(Math.abs(latencyMs.max! - latencies.at(-1)!) < 0.001);
  await Deno.remove(folder, { recursive: true });
  await target.shutdown();
});
