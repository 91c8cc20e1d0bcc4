import assert from "node:assert/strict";
import type { ComparedName } from "../../src/report/compare.ts";
import type { Summary } from "../../src/report/summary.ts";
import { comparePairs } from "../support/compared_pairs.ts";
import { runAiotest } from "../support/process.ts";

/** As much of the file as is looked at. */
interface Written {
  readonly a: { readonly runId: string };
  readonly b: { readonly runId: string };
  readonly requests: readonly ComparedName[];
}

Deno.test("a comparison of real runs finds a slower target, and no difference between equal ones", async () => {
  // tests/report shows how small a difference is found, and `deno task bench compare` measures it.
  const options = { pairs: 1, seconds: 8, slowerMs: 200, atOnce: true };
  const { pairs, falseAlarms, found } = await comparePairs(options);
  assert.deepEqual({ pairs, falseAlarms, found }, { pairs: 1, falseAlarms: 0, found: 1 });
});

Deno.test("summaries with many names are compared, and the comparison is written to a file", async () => {
  const folder = await Deno.makeTempDir();
  const readJson = async <Content>(name: string): Promise<Content> =>
    JSON.parse(await Deno.readTextFile(`${folder}/${name}.json`));
  try {
    await Promise.all(["a", "b"].map(async (name) => {
      const args = ["demo", "-u", "20", "-r", "20", "-t", "5s", "--no-web"];
      const { code, stderr } = await runAiotest([...args, "--json", `${name}.json`], {
        cwd: folder,
      });
      // Some orders fail in the demo, which is exit code 1.
      assert.ok(code < 2, stderr);
    }));
    const args = [
      "compare",
      "a.json",
      "b.json",
      "--max-regression",
      "1000%",
      "--json",
      "diff.json",
    ];
    const { code, stdout, stderr } = await runAiotest(args, { cwd: folder });
    assert.deepEqual([code, stderr], [0, ""]);
    const [a, b] = [await readJson<Summary>("a"), await readJson<Summary>("b")];
    const comparison = await readJson<Written>("diff");
    assert.deepEqual([comparison.a.runId, comparison.b.runId], [a.runId, b.runId]);
    assert.ok(comparison.requests.length > 2);
    for (const { method, name, requests, p95 } of comparison.requests) {
      const rows = [a, b].map((run) =>
        run.requests.find((row) => row.method === method && row.name === name)!
      );
      assert.deepEqual([requests.a, requests.b], rows.map((row) => row.requests));
      assert.deepEqual([p95.a, p95.b], rows.map((row) => row.latencyMs.p95));
      assert.ok(stdout.includes(`\n${method} ${name}\n`), stdout);
    }
    assert.match(stdout, /\nAggregated\n[^]*\nPASSED /);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
