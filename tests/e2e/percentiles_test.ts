import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";

const QUANTILES = {
  p50: 0.5,
  p75: 0.75,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  p999: 0.999,
  p9999: 0.9999,
} as const;

/** The smallest value that so many of all are not above. */
function exactPercentile(sorted: readonly number[], quantile: number): number {
  return sorted[Math.ceil(quantile * sorted.length) - 1]!;
}

Deno.test("percentiles are within 0.1 % of the exact ones, on latencies of a known distribution", async () => {
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
