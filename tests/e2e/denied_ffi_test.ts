import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";

const VISITS = projectPath("tests/e2e/fixtures/visits.ts");

for (const [where, more] of [["one process", []], ["two workers", ["--processes", "2"]]] as const) {
  Deno.test(`without permission to call libc, ${where} use node:net, with exact counts`, async () => {
    await using target = new CountingTarget();
    const json = await Deno.makeTempFile({ suffix: ".json" });
    try {
      const load = ["-H", target.url, "-u", "20", "-r", "100", "-t", "2s", "-s", "1"];
      const { code, stderr } = await runAiotest(
        ["-f", VISITS, ...load, ...more, "--json", json],
        { denoFlags: ["--deny-ffi"] },
      );
      assert.equal(code, 0, stderr);
      assert.match(stderr, /Connections use node:net, .* was not given permission for FFI\./);
      const summary: Summary = JSON.parse(await Deno.readTextFile(json));
      const used = new Set(summary.workers.map(({ sockets }) => sockets));
      assert.deepEqual([...used], ["node:net"]);
      assertEqualCounts(summary, target);
    } finally {
      await Deno.remove(json);
    }
  });
}
