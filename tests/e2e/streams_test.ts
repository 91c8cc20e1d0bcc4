import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import type { LatencySummary } from "../../src/stats/snapshot.ts";
import { type Finished, runAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { StreamTarget } from "../support/stream_target.ts";
import { printFigure } from "../support/timing.ts";

const test = sideBySide("streams", 2);

/** How each engine is chosen. */
const ENGINES = [
  { name: "HTTP/1.1", version: 1, head: "FastHttpUser {" },
  { name: "HTTP/2", version: 2, head: "FastHttpUser { static http = 2;" },
  { name: "fetch", version: 1, head: "HttpUser {" },
] as const;

/** A test file with one class. */
function file(head: string, body: string): string {
  return `
import { FastHttpUser, HttpUser, metrics, RequestError } from "aiotest";
const late = metrics.trend("late_ms", { unit: "ms" });
const read = metrics.counter("events_read");
export class ChatTest extends ${head}
  static waitTime = 0;
  ${body}
}
`;
}

interface Run extends Finished {
  readonly summary: Summary;
}

async function run(text: string, target: StreamTarget, ...args: string[]): Promise<Run> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/aiotestfile.ts`, text);
    const more = ["--no-web", "--json", "out.json", "-H", target.host];
    const ended = await runAiotest([...more, ...args], { cwd });
    assert.ok(!/ at .*src\//.test(ended.stderr), ended.stderr);
    return { ...ended, summary: JSON.parse(await Deno.readTextFile(`${cwd}/out.json`)) };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

function counter({ metrics }: Summary, name: string): number {
  const row = metrics.find((one) => one.name === name);
  return row?.type === "counter" ? row.value : NaN;
}

function trend({ metrics }: Summary, name: string): LatencySummary & { count: number } {
  const row = metrics.find((one) => one.name === name);
  assert.ok(row?.type === "trend", `${name} is missing`);
  return { ...row.figures, count: row.count };
}

/** Each user reads one stream after another, and compares its first event with what the target says. */
const READ = `
  static iterations = 2;
  async onStart() { await this.session.get("/ready"); }
  async testRead() {
    const params = { n: 30, ms: 50, delay: 200 + this.id % 100 };
    await this.session.stream("GET", "/events", { params, name: "events" }, async (res) => {
      let next = 0;
      for await (const event of res.events()) {
        const { n, waitedMs } = JSON.parse(event.data);
        if (n === 0) late.add(res.firstEventMs - waitedMs);
        if (n !== next++) res.failure("out of order");
        read.add();
      }
      res.check("all events", next === 30);
    });
  }
`;

for (const { name, version, head } of ENGINES) {
  for (const more of [[], ["--processes", "2"]]) {
    const users = name === "fetch" ? 50 : 100;
    test(`${name}: every event is counted ${more.join(" ")}`, async () => {
      await using target = await StreamTarget.start(version);
      const load = ["-u", `${users}`, "-r", "1000", "-t", "60"];
      const { code, stdout, stderr, summary } = await run(
        file(head, READ),
        target,
        ...load,
        ...more,
      );
      assert.equal(code, 0, stdout + stderr);
      const { begun, complete, events } = target.counts;
      assert.deepEqual([begun, complete, events], [2 * users, 2 * users, 60 * users]);
      assert.equal(counter(summary, "stream_events"), events);
      assert.equal(counter(summary, "events_read"), events);
      const row = summary.requests.find((one) => one.name === "events");
      assert.deepEqual([row?.requests, row?.failures], [begun, 0]);
      assert.deepEqual(summary.checks.map(({ passed, failed }) => [passed, failed]), [[begun, 0]]);
      const perStream = trend(summary, "stream_events_per_stream");
      assert.deepEqual([perStream.count, perStream.min, perStream.max], [begun, 30, 30]);
      const first = trend(summary, "stream_first_event_ms");
      assert.equal(first.count, begun);
      assert.ok(first.min! >= 200, String(first.min));
      const byte = trend(summary, "stream_first_byte_ms");
      assert.deepEqual([byte.count, byte.min], [begun, first.min]);
      assert.equal(trend(summary, "stream_events_per_second").count, begun);
      // The event cannot arrive before the target has written it.
      const late = trend(summary, "late_ms");
      assert.ok(late.min! >= 0, String(late.min));
      printFigure(
        `${name} ${more.join(" ")}: the first event was late by`,
        "1 ms on an idle machine",
        `${late.p50?.toFixed(2)} ms (median), ${late.p95?.toFixed(2)} ms (p95)`,
      );
      // The latency is that of the whole stream.
      assert.ok(row!.latencyMs!.min! >= 200 + 29 * 50, String(row!.latencyMs!.min));
    });
  }

  test(`${name}: leaving a loop ends the stream, and nothing has failed`, async () => {
    await using target = await StreamTarget.start(version);
    const { code, stdout, stderr, summary } = await run(
      file(
        head,
        `
  static iterations = 3;
  async testLeave() {
    await this.session.stream("GET", "/events", { params: { n: 1e6, ms: 20 } }, async (res) => {
      for await (const event of res.events()) {
        if (JSON.parse(event.data).n === 4) break;
      }
    });
    await this.session.stream("GET", "/events", { params: { n: 1e6, ms: 5 }, name: "body" }, async (res) => {
      let bytes = 0;
      for await (const chunk of res.body) if ((bytes += chunk.length) > 300) break;
    });
    await this.session.get("/next");
  }
`,
      ),
      target,
      ...["-u", "5", "-r", "100", "-t", "30"],
    );
    assert.equal(code, 0, stdout + stderr);
    const counted = summary.requests.map(({ name, requests, failures }) =>
      `${name} ${requests} ${failures}`
    );
    assert.deepEqual(counted.sort(), ["/events 15 0", "/next 15 0", "body 15 0"]);
    const { begun, left, complete } = target.counts;
    assert.deepEqual([begun, left, complete], [30, 30, 0]);
    assert.equal(summary.totals.unfinished.count, 0);
  });

  test(`${name}: streams that the stop timeout ends count as requests that did not fail`, async () => {
    await using target = await StreamTarget.start(version);
    const { code, stdout, stderr, summary } = await run(
      file(
        head,
        `
  async testForever() {
    await this.session.stream("GET", "/events", { params: { n: 1e6, ms: 20, delay: 100 } }, async (res) => {
      for await (const event of res.events()) read.add();
    });
  }
`,
      ),
      target,
      ...["-u", "10", "-r", "100", "-t", "2", "--stop-timeout", "0.5"],
      ...[
        "--threshold",
        "stream_first_event_ms.min>=100",
        "--threshold",
        "stream_events.count>100",
      ],
    );
    assert.equal(code, 0, stdout + stderr);
    const { requests, failures, unfinished } = summary.totals;
    assert.deepEqual([requests, failures, unfinished.count], [10, 0, 0]);
    assert.deepEqual(summary.userErrors, []);
    const { begun, left, events } = target.counts;
    assert.deepEqual([begun, left], [10, 10]);
    // What the target has sent before it notices that a user has left is not counted.
    const counted = counter(summary, "stream_events");
    assert.ok(counted <= events && counted > events / 2, `${counted} of ${events}`);
    assert.equal(trend(summary, "stream_first_event_ms").count, 10);
    assert.ok(!summary.metrics.some((one) => one.name === "stream_events_per_stream"));
  });

  test(`${name}: a stream that the target resets has failed, once`, async () => {
    await using target = await StreamTarget.start(version);
    const { code, stdout, stderr, summary } = await run(
      file(
        head,
        `
  static iterations = 2;
  async testCut() {
    try {
      await this.session.stream("GET", "/events", { params: { n: 10, ms: 10, cut: 4 } }, async (res) => {
        for await (const event of res.events()) read.add();
      });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
    }
  }
`,
      ),
      target,
      ...["-u", "3", "-r", "100", "-t", "30", "--exit-code-on-error", "0"],
    );
    assert.equal(code, 0, stdout + stderr);
    const { requests, failures } = summary.totals;
    assert.deepEqual([requests, failures], [6, 6]);
    for (const { error } of summary.failures) {
      assert.match(error, /^(INCOMPLETE_BODY|ECONNRESET|BAD_RESPONSE)$/);
    }
    assert.equal(counter(summary, "stream_events"), 24);
    assert.equal(counter(summary, "events_read"), 24);
    const [sample] = summary.failureSamples ?? [];
    assert.match(JSON.stringify(sample), /4 events/);
  });

  test(`${name}: compressed streams arrive event by event, also after a redirect`, async () => {
    await using target = await StreamTarget.start(version);
    const { code, stdout, stderr, summary } = await run(
      file(
        head,
        `
  static iterations = 2;
  async testGzip() {
    const params = { n: 5, ms: 100, gzip: 1 };
    await this.session.stream("GET", "/moved", { params, name: "gzip" }, async (res) => {
      const times = [];
      for await (const { atMs } of res.events()) times.push(atMs);
      res.check("five events", times.length === 5);
      res.check("one after another", times.at(-1) - times[0] > 300);
      res.check("redirected", res.redirected && res.url.includes("/events"));
    });
  }
`,
      ),
      target,
      ...["-u", "5", "-r", "100", "-t", "30"],
    );
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(summary.checks.map(({ failed }) => failed), [0, 0, 0], stdout);
    assert.equal(counter(summary, "stream_events"), target.counts.events);
  });
}

test("--once shows the beginning of a stream, and how many events there were", async () => {
  await using target = await StreamTarget.start();
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${cwd}/aiotestfile.ts`,
    file(
      "FastHttpUser {",
      `
  async testLong() { await this.session.stream("GET", "/events?n=500&ms=1"); }
  async testLeft() {
    await this.session.stream("GET", "/events?n=500&gzip=1", {}, async (res) => {
      for await (const event of res.events()) if (res.eventCount > 3) return;
    });
  }
`,
    ),
  );
  const { code, stdout } = await runAiotest(["--once", "-H", target.host], { cwd });
  await Deno.remove(cwd, { recursive: true });
  assert.equal(code, 0, stdout);
  assert.match(stdout, /< data: \{"n":0/);
  assert.match(stdout, /The rest is not shown\. Body: 500 events, /);
  assert.match(stdout, /Body: \d events, .*; the test read no more of it/);
  assert.ok(stdout.length < 20_000, String(stdout.length));
});

test("a threshold of a misspelled metric of streams is an error before the run", async () => {
  await using target = await StreamTarget.start();
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${cwd}/aiotestfile.ts`,
    file("FastHttpUser {", "async testNothing() {}"),
  );
  const { code, stderr } = await runAiotest(
    ["-t", "1", "-H", target.host, "--threshold", "stream_first_bite_ms.p95<10"],
    { cwd },
  );
  await Deno.remove(cwd, { recursive: true });
  assert.equal(code, 2);
  assert.match(stderr, /Did\s+you\s+mean\s+stream_first_byte_ms/);
});
