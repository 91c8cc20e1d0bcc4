import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import type { LiveSummary } from "../../src/web/live_view.ts";
import { FROM_PAGE } from "../support/dashboard.ts";
import { blocksOf } from "../support/doc_page.ts";
import { EventReader } from "../support/event_reader.ts";
import { isMissing } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { startAiotest, type Started, type StartOptions } from "../support/process.ts";

const STEPS = `
import { User } from "aiotest";
export class StepTest extends User {
  static waitTime = 0.01;
  testStep() { this.record({ name: "</script><img src=x onerror=alert(1)>", latencyMs: 12.3456 }); }
}
`;

interface Running extends Started {
  /** The URL of the dashboard, without a trailing slash. */
  readonly url: string;
}

class Folder implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync();

  constructor() {
    Deno.writeTextFileSync(`${this.path}/aiotestfile.ts`, STEPS);
  }

  /** Starts a run with a dashboard at a free port, and waits for the dashboard. */
  async start(args: readonly string[], env: Record<string, string> = {}): Promise<Running> {
    const child = this.launch(["--web-port", "0", ...args], { env });
    const url = await child.tells(/Dashboard: (http:\/\/[^/\s]+)\//);
    return { ...child, url };
  }

  launch(args: readonly string[], { env = {} }: StartOptions = {}): Started {
    const options = { cwd: this.path, env: { AIOTEST_NO_WEB: "false", ...env } };
    return startAiotest(["--json", "summary.json", ...args], options);
  }

  summary(): Summary {
    return JSON.parse(Deno.readTextFileSync(`${this.path}/summary.json`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

async function liveSummary({ url }: Running): Promise<LiveSummary> {
  return await (await fetch(`${url}/api/summary`)).json();
}

async function post({ url }: Running, path: string, value: unknown): Promise<Response> {
  return await fetch(`${url}${path}`, {
    method: "POST",
    headers: FROM_PAGE,
    body: JSON.stringify(value),
  });
}

async function order(run: Running, path: string, value: unknown): Promise<void> {
  const response = await post(run, path, value);
  assert.deepEqual(await response.json(), { ok: true });
}

async function stream({ url }: Running): Promise<EventReader> {
  return new EventReader((await fetch(`${url}/api/stream`)).body!);
}

Deno.test("a stream shows a run to its end, and ends up equal to the summary file", async () => {
  await using here = new Folder();
  const run = await here.start(["-u", "5", "-r", "100", "-t", "3"]);
  const reader = await stream(run);
  const rows = new Map<string, number>();
  let last;
  for (;;) {
    const event = await reader.next();
    if (event === null) break;
    if (event.event !== "view" && event.event !== "update") continue;
    last = event.data;
    for (const { name, requests } of last.requests) rows.set(name, requests);
  }
  const { code, stderr } = await run.finished;
  assert.equal(code, 0, stderr);
  const summary = here.summary();
  assert.equal(last.exitCode, 0);
  assert.equal(last.complete, true);
  assert.equal(last.live.state, "stopped");
  // The page draws no histograms, and has these two in other places.
  const { histogram, failureHistogram, failedStatuses, waits, ...totals } = summary.totals;
  assert.deepEqual(
    [typeof histogram, typeof failureHistogram, failedStatuses, waits],
    ["string", "string", {}, null],
  );
  assert.deepEqual(last.totals, totals);
  assert.deepEqual(last.timeline, summary.timeline);
  assert.deepEqual([...rows], summary.requests.map(({ name, requests }) => [name, requests]));
  assert.match([...rows.keys()][0]!, /^<\/script>/);
});

Deno.test("a waiting run can be started, changed and stopped", async () => {
  await using here = new Folder();
  const run = await here.start(["-u", "1", "--no-autostart"]);
  const waiting = await liveSummary(run);
  assert.equal(waiting.live.state, "ready");
  assert.equal(waiting.live.control.canStart, true);
  assert.equal(waiting.startedAt, null);

  await order(run, "/api/start", { users: 3, rate: 100 });
  const reader = await stream(run);
  const users = async (wanted: number): Promise<void> => {
    for (;;) {
      const event = await reader.next();
      if (event === null) throw new Error(`the run ended before it had ${wanted} users`);
      if (event.data.live?.users.current === wanted) return;
    }
  };
  await users(3);
  const again = await post(run, "/api/start", {});
  assert.equal(again.status, 409);
  assert.equal(typeof (await again.json()).error, "string");
  await order(run, "/api/target", { users: 7, rate: 100 });
  await users(7);
  const wrong = await post(run, "/api/target", { users: -1, rate: 1 });
  assert.equal(wrong.status, 400);
  await wrong.body?.cancel();
  await order(run, "/api/stop", {});
  while (await reader.next() !== null);
  const { code, stderr } = await run.finished;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Started from the dashboard \(127\.0\.0\.1\): 3 users, 100 per second\./);
  assert.equal(here.summary().users.peak, 7);
});

Deno.test("a thousand wrong tokens do not affect the run", async () => {
  await using here = new Folder();
  const args = ["-u", "5", "-r", "100", "-t", "60"];
  const run = await here.start(args, { AIOTEST_WEB_TOKEN: "open sesame" });
  const statuses = new Map<number, number>();
  for (let count = 0; count < 1000; count++) {
    const response = await post(run, "/api/login", { token: `wrong ${count}` });
    await response.body?.cancel();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  }
  assert.deepEqual([...statuses], [[401, 10], [429, 990]]);
  // The run has lasted as long as that took.
  run.kill("SIGINT");
  const { code, stderr } = await run.finished;
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /open sesame|wrong \d/);
  const { totals, timeline, complete } = here.summary();
  assert.equal(complete, true);
  assert.equal(totals.failures, 0);
  for (const { second, requests } of timeline.slice(0, -1)) {
    assert.ok(requests > 0, `nothing ended in second ${second}`);
  }
});

Deno.test("with several processes, only the master has a dashboard, and it shows all workers", async () => {
  await using here = new Folder();
  const run = await here.start(["-u", "4", "-r", "100", "-t", "3", "--processes", "2"]);
  const reader = await stream(run);
  for (;;) {
    const { data } = await reader.nextOf("update");
    if (data.live.workers.length === 2 && data.live.users.current === 4) break;
  }
  await reader.leave();
  const { code, stderr } = await run.finished;
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/Dashboard: /g)?.length, 1);
  assert.equal(here.summary().workers.length, 2);
});

Deno.test("a requested port that is in use is an error before the test starts", async () => {
  await using here = new Folder();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(taken.addr.port);
  const { code, stdout, stderr } = await here.launch(["-t", "1", "--web-port", port]).finished;
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`--web-port ${port}: the port is already in use`));
  assert.doesNotMatch(stderr, /\bat .*\.ts/);
});

Deno.test("a host that is not an address of this machine is an error", async () => {
  await using here = new Folder();
  const args = ["-t", "1", "--web-port", "0", "--web-host", "192.0.2.1"];
  const { code, stderr } = await here.launch(args).finished;
  assert.equal(code, 2);
  assert.match(stderr, /--web-host 192\.0\.2\.1: the dashboard cannot listen on this address: /);
});

Deno.test({
  name: "the commands in docs/dashboard.md work as described",
  ignore: isMissing("curl"),
  fn: async () => {
    await using here = new Folder();
    const args = ["-u", "5", "-r", "100", "--json", "summary.json"];
    const run = await here.start(args, { AIOTEST_WEB_TOKEN: "open sesame" });
    const page = await Deno.readTextFile(projectPath("docs/dashboard.md"));
    const [calls, withToken] = blocksOf(page)
      .filter(({ obstacle, text }) => obstacle?.startsWith("needs a run") && /^curl /m.test(text))
      .map(({ text }) => text.replaceAll("http://127.0.0.1:8089", run.url));
    // The first block is for a dashboard without a token.
    const bearer = '-H "Authorization: Bearer $AIOTEST_WEB_TOKEN"';
    const asked = await shell(calls!.replaceAll("curl -s", `curl -s ${bearer}`));
    assert.match(asked, /^\{"schema":4,.*\n/);
    assert.match(asked, /\nType,Name,Request Count,/);
    assert.match(asked, /\{"ok":true\}\n\{"ok":true\}\n$/);
    const { code, stderr } = await run.finished;
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /Load changed from the dashboard \(127\.0\.0\.1\): 50 users, 10 per second\./,
    );
    assert.ok(withToken!.includes(bearer));
  },
});

async function shell(commands: string): Promise<string> {
  const { stdout, success } = await new Deno.Command("sh", {
    args: ["-e", "-c", commands],
    env: { AIOTEST_WEB_TOKEN: "open sesame" },
  }).output();
  assert.ok(success);
  return new TextDecoder().decode(stdout);
}
