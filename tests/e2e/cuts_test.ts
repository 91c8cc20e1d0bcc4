import assert from "node:assert/strict";
import { runCuts } from "../support/cut_run.ts";

Deno.test("connections cut at random: the target counted what was sent and sent again, exactly", async () => {
  const { summary, counts, seed } = await runCuts(50_000);
  const { requests, retries, failures } = summary.totals;
  assert.equal(requests, 50_000, `seed ${seed}`);
  for (const row of summary.requests) {
    assert.equal(counts.get(row.name), row.requests + row.retries, `${row.name}, seed ${seed}`);
    const mayRetry = !["POST", "PATCH"].includes(row.name);
    assert.equal(row.retries > 0, mayRetry, `${row.name} has ${row.retries} retries, seed ${seed}`);
  }
  // Of a thousand requests, 20 are met with silence; on kept connections three in five are sent again.
  assert.ok(retries > 300 && retries < 800, `${retries} retries, seed ${seed}`);
  assert.ok(failures > 1_000 && failures < 2_500, `${failures} failures, seed ${seed}`);
  const errors = new Set(summary.failures.map(({ error }) => error));
  assert.deepEqual(errors, new Set(["ECONNRESET", "INCOMPLETE_BODY"]));
});
