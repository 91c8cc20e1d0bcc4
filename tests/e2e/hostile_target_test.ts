import assert from "node:assert/strict";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import type { Summary } from "../../src/report/summary.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";
import { Target } from "../support/target.ts";
import { printFigure } from "../support/timing.ts";

/** What the bodies expand to, except one that never ends. Users accept 8 MiB. */
const BOMB_MIB = 256;
const ALLOWED_MIB = 256;

function bombs(): Record<string, Uint8Array<ArrayBuffer>> {
  const zeros = new Uint8Array(BOMB_MIB * 2 ** 20);
  const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
  const gzip = gzipSync(zeros, { level: 1 });
  return {
    gzip: new Uint8Array(gzip),
    deflate: new Uint8Array(deflateSync(zeros, { level: 1 })),
    br: new Uint8Array(brotliCompressSync(zeros, fast)),
    "gzip-br": new Uint8Array(brotliCompressSync(gzip, fast)),
  };
}

Deno.test({
  name: "bodies that expand to 256 MiB, or never end, take little memory and fail as TOO_LARGE",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using target = new Target();
    target.route("/small", () => new Response("x"));
    const chunk = new Uint8Array(65_536);
    target.route(
      "/endless",
      () => new Response(new ReadableStream({ pull: (stream) => stream.enqueue(chunk) })),
    );
    for (const [coding, bytes] of Object.entries(bombs())) {
      const headers = { "content-encoding": coding.replace("-", ", ") };
      target.route(`/${coding}`, () => new Response(bytes, { headers }));
    }
    const json = await Deno.makeTempFile({ suffix: ".json" });
    try {
      const fixture = projectPath("tests/e2e/fixtures/bombs.ts");
      const { stdout, stderr } = await runAiotest(
        ["-f", fixture, "-H", target.url, "-u", "2", "-r", "10", "--json", json],
      );
      const grown = [...(stdout + stderr).matchAll(/after (\S+): (\d+) MiB more/g)];
      assert.equal(grown.length, 10, stdout + stderr);
      const most = Math.max(...grown.map(([, , mib]) => Number(mib)));
      printFigure(
        "bodies of a hostile target: memory",
        `under +${ALLOWED_MIB} MiB`,
        `+${most} MiB`,
      );
      assert.ok(most < ALLOWED_MIB, grown.map(([line]) => line).join("\n"));
      const summary: Summary = JSON.parse(await Deno.readTextFile(json));
      assert.deepEqual(
        summary.failures.map(({ name, error, count }) => `${name} ${error} ${count}`).sort(),
        ["/br", "/deflate", "/endless", "/gzip", "/gzip-br"].map((path) => `${path} TOO_LARGE 2`),
      );
      assert.equal(summary.totals.requests, 12);
    } finally {
      await Deno.remove(json);
    }
  },
});
