import assert from "node:assert/strict";
import { LiveOutputs } from "../../src/cli/live_outputs.ts";
import { UsageError } from "../../src/core/errors.ts";
import { configureLog } from "../../src/core/logger.ts";
import type { WebHandler, WebListener, WebListenOptions } from "../../src/core/web_server.ts";
import type { ResolvedLoad } from "../../src/load/load.ts";
import { RunControl } from "../../src/runner/run_control.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { LogTail } from "../../src/web/feed.ts";
import { parse } from "../support/command_line.ts";
import { FROM_PAGE } from "../support/dashboard.ts";
import { pausesOnly, standingDriver } from "../support/drivers.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeHost } from "../support/fake_host.ts";
import { partsOf } from "../support/load_profiles.ts";
import { emptySnapshot, requestRow, snapshot, statistics } from "../support/snapshots.ts";

/** Hands requests straight to who wants to answer them. */
class ServingHost extends FakeHost {
  #handle: WebHandler | null = null;
  isOpen = false;

  override serveWeb(at?: WebListenOptions, handle?: WebHandler): Promise<WebListener> {
    this.#handle = handle!;
    this.isOpen = true;
    return Promise.resolve({
      port: at!.port,
      close: () => {
        this.isOpen = false;
        return Promise.resolve();
      },
    });
  }

  async get(path: string): Promise<Response> {
    return await this.#handle!(
      new Request(`http://127.0.0.1:8089${path}`, { headers: { Host: "127.0.0.1:8089" } }),
      "127.0.0.1",
    );
  }

  async post(path: string, body: unknown): Promise<{ status: number; answer: unknown }> {
    const response = await this.#handle!(
      new Request(`http://127.0.0.1:8089${path}`, {
        method: "POST",
        headers: { ...FROM_PAGE, Host: "127.0.0.1:8089" },
        body: JSON.stringify(body),
      }),
      "127.0.0.1",
    );
    return { status: response.status, answer: await response.json() };
  }
}

const CLOCK = new FakeClock();
const PLAN = partsOf();

/** A run that is steered, and goes nowhere by itself. */
class StandingRun {
  readonly control = new RunControl(CLOCK, PLAN, true);
  now: Snapshot = emptySnapshot();
  stops = 0;

  snapshot(): Snapshot {
    return this.now;
  }

  cutOff(): Snapshot {
    return this.now;
  }

  stop(): void {
    this.stops++;
  }

  stopWorker(): void {}
}

interface Scene {
  readonly host: ServingHost;
  readonly run: StandingRun;
  readonly outputs: LiveOutputs | null;
}

async function open(...args: string[]): Promise<Scene> {
  await configureLog("CRITICAL", () => {});
  const [host, run] = [new ServingHost(), new StandingRun()];
  const outputs = await LiveOutputs.open({
    host,
    options: await parse({ args }),
    run,
    log: new LogTail(),
    rendezvous: () => [{ name: "checkout", complete: 3, incomplete: 1 }],
    series: null,
  });
  return { host, run, outputs };
}

Deno.test("without dashboard and collector, there are no live outputs", async () => {
  const { host, outputs } = await open("--no-web");
  assert.equal(outputs, null);
  assert.equal(host.isOpen, false);
});

Deno.test("the dashboard shows the current state, the metrics and the rendezvous", async () => {
  const { host, run, outputs } = await open();
  assert.equal(host.isOpen, true);
  assert.equal((await (await host.get("/api/summary")).json()).live.state, "ready");
  run.now = snapshot();
  outputs!.update(run.now);
  const summary = await (await host.get("/api/summary")).json();
  assert.deepEqual([summary.live.state, summary.totals.requests], ["running", 1000]);
  const metrics = await (await host.get("/metrics")).text();
  assert.match(metrics, /^aiotest_users 10$/m);
  assert.match(
    metrics,
    /^aiotest_rendezvous_rounds_total\{name="checkout",complete="true"\} 3$/m,
  );
  await outputs!.close();
  assert.equal(host.isOpen, false);
});

Deno.test("the metrics have the buckets of --buckets", async () => {
  const { host, run, outputs } = await open("--buckets", "7", "70");
  run.now = snapshot();
  const metrics = await (await host.get("/metrics")).text();
  const bounds = [...metrics.matchAll(/^aiotest_response_times_bucket\{.*le="([^"]+)"\}/gm)]
    .map(([, bound]) => bound);
  assert.deepEqual([...new Set(bounds)], ["7.0", "70.0", "+Inf"]);
  await outputs!.close();
});

Deno.test("the dashboard starts, changes and stops the run", async () => {
  const { host, run, outputs } = await open("--no-autostart");
  assert.deepEqual(await host.post("/api/target", { users: 2, rate: 1 }), {
    status: 409,
    answer: { error: "The test has not started: start it first." },
  });
  assert.deepEqual(await host.post("/api/start", {}), { status: 200, answer: { ok: true } });
  assert.equal(run.control.canStart, false);
  assert.deepEqual(await host.post("/api/start", {}), {
    status: 409,
    answer: { error: "The test has already started." },
  });
  const targets: ResolvedLoad[] = [];
  const driver = standingDriver(CLOCK, PLAN, (target) => targets.push(target));
  run.control.attach(driver, pausesOnly(CLOCK));
  await host.post("/api/target", { users: 2, rate: 1 });
  assert.deepEqual(targets, [{ users: 2, rate: 1 }]);
  await host.post("/api/stop", {});
  assert.equal(run.stops, 1);
  await outputs!.close();
});

Deno.test("a report of a run in progress has no exit code, and one of a run that has ended has its own", async () => {
  const { host, run, outputs } = await open("--exit-code-on-error", "9");
  const ended = async (): Promise<unknown[]> => {
    const { state, exitCode } = await (await host.get("/api/report/json")).json();
    return [state, exitCode];
  };
  const failed = statistics({ requests: [requestRow({ failures: 2 })] });
  run.now = snapshot({ complete: false, statistics: failed });
  assert.deepEqual(await ended(), ["running", null]);
  run.now = snapshot({ state: "stopped", statistics: failed });
  assert.deepEqual(await ended(), ["finished", 9]);
  await outputs!.close();
});

Deno.test("the dashboard shows the result at the end", async () => {
  const { host, outputs } = await open();
  const reader = (await host.get("/api/stream")).body!.pipeThrough(new TextDecoderStream());
  const result = snapshot({ state: "stopped", complete: true });
  await outputs!.end(result, 3);
  assert.equal(host.isOpen, false);
  let text = "";
  for await (const piece of reader) text += piece;
  const last = text.split("\n").findLast((line) => line.startsWith("data: "));
  const { exitCode, live } = JSON.parse(last!.slice("data: ".length));
  assert.deepEqual([exitCode, live.state], [3, "stopped"]);
});

Deno.test("an invalid collector URL is refused before anything is opened", async () => {
  await assert.rejects(open("--otlp", "127.0.0.1:4318"), UsageError);
});
