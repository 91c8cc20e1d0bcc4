import assert from "node:assert/strict";
import type { Summary, SummaryTotals } from "../../src/report/summary.ts";
import { fromFileUrl } from "../support/paths.ts";
import { startAiotest } from "../support/process.ts";

/** What the target saw of one kind of request. */
interface Seen {
  requests: number;
  bytesIn: number;
  bytesOut: number;
}

interface CountingTarget {
  readonly url: string;
  /** By the name under which aiotest reports them. */
  readonly seen: Map<string, Seen>;
  readonly total: () => number;
  /** Resolves when so many requests have been answered. */
  reached(total: number): Promise<void>;
  close(): Promise<void>;
}

function openTarget(): CountingTarget {
  const seen = new Map<string, Seen>();
  let total = 0;
  let wanted: { total: number; reached: () => void } | null = null;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (req) => {
    const path = new URL(req.url).pathname;
    const name = path.startsWith("/item/") ? "GET /item/:id" : `${req.method} ${path}`;
    const sent = await req.bytes();
    const body = path === "/echo" ? sent : new Uint8Array(path === "/plain" ? 100 : path.length);
    const row = seen.get(name) ?? { requests: 0, bytesIn: 0, bytesOut: 0 };
    seen.set(name, row);
    row.requests++;
    row.bytesIn += sent.length;
    row.bytesOut += body.length;
    total++;
    if (wanted !== null && total >= wanted.total) wanted.reached();
    return new Response(body, { status: path === "/broken" ? 500 : 200 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    seen,
    total: () => total,
    reached: (count) => new Promise((resolve) => wanted = { total: count, reached: resolve }),
    close: () => server.shutdown(),
  };
}

async function runAgainst(
  target: CountingTarget,
  quota: number,
  stopAt: number,
): Promise<{ summary: Summary; code: number }> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const file = fromFileUrl("../e2e/fixtures/counted.ts");
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

function assertEqualCounts(summary: Summary, target: CountingTarget): void {
  const reported = new Map(
    summary.requests.map((row) => [`${row.method} ${row.name}`, countsOf(row)]),
  );
  assert.deepEqual(reported, target.seen);
  const sum = (field: keyof Seen): number =>
    [...target.seen.values()].reduce((total, row) => total + row[field], 0);
  assert.deepEqual(countsOf(summary.totals), {
    requests: sum("requests"),
    bytesIn: sum("bytesIn"),
    bytesOut: sum("bytesOut"),
  });
  const broken = target.seen.get("GET /broken")!.requests;
  assert.equal(summary.totals.failures, broken);
  assert.deepEqual(summary.failures, [
    { method: "GET", name: "/broken", error: "HTTP 500", count: broken },
  ]);
  const bySecond = summary.timeline.reduce((total, { requests }) => total + requests, 0);
  assert.equal(bySecond, summary.totals.requests);
}

function countsOf(row: SummaryTotals): Seen {
  return { requests: row.requests, bytesIn: row.bytesSent, bytesOut: row.bytesReceived };
}

Deno.test("100,000 requests: counts and bytes are the target's own, exactly", async () => {
  const target = openTarget();
  const { summary, code } = await runAgainst(target, 100_000, 100_000);
  assert.equal(summary.totals.requests, 100_000);
  assertEqualCounts(summary, target);
  assert.equal(code, 1);
  await target.close();
});

Deno.test("a run that is stopped at full speed has counted all that the target has", async () => {
  const target = openTarget();
  const { summary } = await runAgainst(target, 1_000_000, 10_000);
  assert.ok(summary.totals.requests >= 10_000);
  assertEqualCounts(summary, target);
  await target.close();
});
