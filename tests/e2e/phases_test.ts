import assert from "node:assert/strict";
import type { Summary, SummaryTotals } from "../../src/report/summary.ts";
import { runAiotest } from "../support/process.ts";
import { Target } from "../support/target.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("phases of requests", 2);

const FIRST_BYTE_MS = 60;
const BODY_MS = 40;

/** Timers may end early by less than this. */
const SLACK_MS = 2;

/** The target answers late, and sends the body of `/slow` later still. */
const TEST = `
import assert from "node:assert/strict";
import { HttpUser } from "aiotest";
export class SlowTest extends HttpUser {
  static waitTime = 0.05;
  async testSlow() {
    const { timings } = await this.session.get("/slow", { name: "slow" });
    const { ttfbMs, downloadMs } = timings;
    // A late client sees the first byte late, and then less of the download.
    assert.ok(ttfbMs >= ${FIRST_BYTE_MS - SLACK_MS}, JSON.stringify(timings));
    assert.ok(ttfbMs + downloadMs >= ${
  FIRST_BYTE_MS + BODY_MS - SLACK_MS
}, JSON.stringify(timings));
    assert.deepEqual([timings.dnsMs, timings.connectMs, timings.tlsMs], [0, 0, 0]);
  }
  async testRefused() {
    await this.session.get("http://127.0.0.1:1/", { name: "refused" }).catch(() => {});
  }
  async testStep() {
    await this.measure("step", () => {});
  }
}
`;

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function slowly(): Promise<Response> {
  await delay(FIRST_BYTE_MS);
  const body = new ReadableStream<Uint8Array>({
    async start(controller): Promise<void> {
      controller.enqueue(new Uint8Array([1]));
      await delay(BODY_MS);
      controller.enqueue(new Uint8Array([2]));
      controller.close();
    },
  });
  return new Response(body);
}

async function summaryOf(test: string, host: string, ...args: string[]): Promise<Summary> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/aiotestfile.ts`, test);
    const load = ["-u", "2", "-r", "10", "--iterations", "6", "--no-web", "--json", "out.json"];
    const ended = await runAiotest([...load, "-H", host, ...args], { cwd });
    assert.match(ended.stdout, /Where the time went, in ms/);
    return JSON.parse(await Deno.readTextFile(`${cwd}/out.json`));
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

function named({ requests }: Summary, wanted: string): SummaryTotals {
  return requests.find(({ name }) => name === wanted) ?? assert.fail(wanted);
}

for (const args of [[], ["--processes", "2"]]) {
  test(`first bytes and downloads of HttpUser are measured ${args.join(" ")}`, async () => {
    await using target = new Target({ "/slow": slowly });
    const summary = await summaryOf(TEST, target.url, ...args, "--threshold", "ttfb_p50[slow]<1ms");
    const { requests, connections, phases } = named(summary, "slow");
    assert.deepEqual(connections, { opened: 0, reused: 0 });
    assert.deepEqual([phases.dnsMs, phases.connectMs, phases.tlsMs], [null, null, null]);
    assert.deepEqual([phases.ttfbMs?.count, phases.downloadMs?.count], [requests, requests]);
    assert.equal(named(summary, "slow").failures, 0);
    assert.ok(phases.ttfbMs!.min! >= FIRST_BYTE_MS - SLACK_MS, `${phases.ttfbMs?.min}`);
    const mean = phases.ttfbMs!.mean! + phases.downloadMs!.mean!;
    assert.ok(mean >= FIRST_BYTE_MS + BODY_MS - SLACK_MS, `${mean}`);
    assert.ok(phases.downloadMs!.max! > 0);
    assert.deepEqual(summary.userErrors, []);
    for (const name of ["refused", "step"]) {
      const { ttfbMs, downloadMs } = named(summary, name).phases;
      assert.deepEqual([ttfbMs, downloadMs], [null, null], name);
    }
    assert.equal(summary.totals.phases.ttfbMs?.count, requests);
    assert.equal(summary.thresholds[0]?.passed, false);
    assert.ok(Math.abs(summary.thresholds[0]!.observed! - phases.ttfbMs!.p50!) < 0.01);
  });
}

const FAST_TEST = `
import { FastHttpUser } from "aiotest";
export class SlowTest extends FastHttpUser {
  async testSlow() {
    await this.session.get("/slow", { name: "slow" });
  }
  async testRefused() {
    await this.session.get("http://127.0.0.1:1/", { name: "refused" }).catch(() => {});
  }
}
`;

for (const args of [[], ["--processes", "2"]]) {
  test(`connections and phases of FastHttpUser are measured ${args.join(" ")}`, async () => {
    await using target = new Target({ "/slow": slowly });
    const summary = await summaryOf(FAST_TEST, target.url, ...args);
    const { requests, connections, phases } = named(summary, "slow");
    assert.equal(requests, 6);
    assert.deepEqual(connections, { opened: 2, reused: 4 });
    assert.deepEqual([phases.dnsMs, phases.tlsMs], [null, null]);
    assert.equal(phases.connectMs?.count, 2);
    assert.deepEqual([phases.ttfbMs?.count, phases.downloadMs?.count], [6, 6]);
    assert.ok(phases.ttfbMs!.min! >= FIRST_BYTE_MS - SLACK_MS, `${phases.ttfbMs?.min}`);
    const mean = phases.ttfbMs!.mean! + phases.downloadMs!.mean!;
    assert.ok(mean >= FIRST_BYTE_MS + BODY_MS - SLACK_MS, `${mean}`);
    const refused = named(summary, "refused");
    assert.deepEqual([refused.connections.opened, refused.phases.ttfbMs], [0, null]);
  });
}
