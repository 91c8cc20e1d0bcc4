/**
 * What the pods of `deploy/kubernetes` run, as processes of this machine.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import type { LiveSummary } from "../../src/web/live_view.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import {
  type Edit,
  type Job,
  kustomized,
  type Objects,
  replacing,
} from "../support/kubernetes/objects.ts";
import { type PodPlace, SECRETS, startPod } from "../support/kubernetes/pods.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import type { Finished, Started } from "../support/process.ts";

const ignore = isMissing("kubectl");

/** A test with a module and a data file beside it. */
const TEST = `
import { constant, FastHttpUser } from "aiotest";
import { pathOf } from "./paths.ts";
export const files = ["paths.txt"];
export class ShopTest extends FastHttpUser {
  static override waitTime = constant(0.02);
  async testShop() {
    await this.session.get(pathOf(this.id));
  }
}
`;
const PATHS = `
const paths = (await Deno.readTextFile(new URL("paths.txt", import.meta.url))).trim().split("\\n");
export const pathOf = (id: number): string => paths[id % paths.length]!;
`;

/** For users of which half fail without a request, and the others with one. */
const FAILING = `
export function pathOf(id: number): string {
  if (id % 2 === 0) return "/broken";
  throw new Error("no path");
}
`;

/** A user's files, and options besides the target. */
function edits(target: string, options: Readonly<Record<string, string>>): Edit[] {
  const lines = Object.entries({ HOST: target, USERS: "12", RATE: "1000", ...options })
    .map(([name, value]) => `AIOTEST_${name}=${value}\n`);
  return [
    ["run/aiotestfile.ts", () => TEST],
    ["run/paths.ts", () => PATHS],
    ["run/paths.txt", () => "/plain\n/search\n"],
    ["run/options.env", () => lines.join("")],
    [
      "run/kustomization.yaml",
      replacing("[aiotestfile.ts]", "[aiotestfile.ts, paths.ts, paths.txt]"),
    ],
  ];
}

/** The pods of a run. */
class Run implements AsyncDisposable {
  readonly master: Started;
  readonly workers: Started[] = [];
  readonly dashboard: string;
  readonly #objects: Objects;
  readonly #place: PodPlace;

  private constructor(objects: Objects, place: PodPlace, master: Started) {
    this.#objects = objects;
    this.#place = place;
    this.master = master;
    this.dashboard = `http://127.0.0.1:${place.ports.dashboard}`;
  }

  /** Starts the master, and as many workers as the objects say. */
  static async start(objects: Objects): Promise<Run> {
    const place = {
      folder: await Deno.makeTempDir({ prefix: "aiotest-pods-" }),
      services: objects.of("Service").map(({ metadata }) => metadata.name),
      ports: { workers: steadyPort(), dashboard: steadyPort() },
    };
    const master = objects.one<Job>("Job", "master").metadata.name;
    const run = new Run(objects, place, await startPod(objects, master, place));
    const { parallelism } = objects.one<Job>("Job", "worker").spec;
    for (let count = 0; count < parallelism!; count++) await run.addWorker();
    return run;
  }

  async addWorker(): Promise<void> {
    const job = this.#objects.one<Job>("Job", "worker").metadata.name;
    this.workers.push(await startPod(this.#objects, job, this.#place));
  }

  /** The path of a file of the volume that docs/kubernetes.md reads the reports from. */
  report(name: string): string {
    return `${this.#place.folder}/aiotest-reports/${name}`;
  }

  async summary(): Promise<Summary> {
    return JSON.parse(await Deno.readTextFile(this.report("summary.json")));
  }

  /** What the dashboard says, as soon as it says this of the workers. */
  async until(holds: (live: LiveSummary["live"]) => boolean): Promise<void> {
    let ended: Finished | null = null;
    void this.master.finished.then((finished) => ended = finished);
    for (let attempt = 0; attempt < 600; attempt++) {
      assert.equal(ended, null, "the master has ended");
      const response = await fetch(`${this.dashboard}/api/summary`).catch(() => null);
      if (response !== null && holds((await response.json() as LiveSummary).live)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("the dashboard did not say so in a minute");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [this.master, ...this.workers];
    for (const process of all) kill(process);
    await Promise.all(all.map(({ finished }) => finished));
    await Deno.remove(this.#place.folder, { recursive: true });
  }
}

function kill(process: Started): void {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    // It has ended.
    if (!(error instanceof TypeError)) throw error;
  }
}

function assertCode({ code, stdout, stderr }: Finished, expected: number): void {
  assert.equal(code, expected, stdout + stderr);
}

Deno.test("the pods of a run end with it, with exact counts, and its reports are on the volume", {
  ignore,
}, async () => {
  await using target = new CountingTarget();
  const objects = await kustomized(
    "run",
    edits(target.url, { EXPECT_WORKERS: "3", ITERATIONS: "900" }),
  );
  await using run = await Run.start(objects);
  assertCode(await run.master.finished, 0);
  assert.equal(run.workers.length, 3);
  for (const worker of run.workers) assertCode(await worker.finished, 0);
  const summary = await run.summary();
  assertEqualCounts(summary, target);
  assert.equal(target.total, 900);
  assert.equal(summary.complete, true);
  assert.equal(summary.workers.length, 3);
  assert.match(await Deno.readTextFile(run.report("report.html")), /^<!DOCTYPE html>/i);
  // `aiotest history` in the pod that reads the reports.
  assert.ok([...Deno.readDirSync(run.report(".aiotest"))].length > 0);
});

Deno.test("the workers of a failed run end well, so that Kubernetes does not replace them", {
  ignore,
}, async () => {
  await using target = new CountingTarget();
  const options = { EXPECT_WORKERS: "2", ITERATIONS: "60", THRESHOLD: "failures<1" };
  const objects = await kustomized("run", [
    ...edits(target.url, options),
    ["run/paths.ts", () => FAILING],
  ]);
  await using run = await Run.start(objects);
  assertCode(await run.master.finished, 3);
  for (const worker of run.workers) assertCode(await worker.finished, 0);
  const { totals, userErrors, complete } = await run.summary();
  assert.ok(totals.failures > 0);
  assert.ok(userErrors.length > 0);
  assert.equal(complete, true);
});

Deno.test(
  "a worker pod may be deleted and another one added, and a deleted run has its last counts",
  {
    ignore,
  },
  async () => {
    await using target = new CountingTarget();
    const objects = await kustomized("run", [
      ...edits(target.url, { EXPECT_WORKERS: "2" }),
      ["run/kustomization.yaml", replacing("# namePrefix: checkout-", "namePrefix: checkout-")],
    ]);
    await using run = await Run.start(objects);
    await run.until(({ workers }) =>
      workers.length === 2 && workers.every(({ users, requests }) => users === 6 && requests > 0)
    );

    const [deleted] = run.workers;
    deleted!.kill("SIGTERM");
    assertCode(await deleted!.finished, 0);
    await run.until(({ workers }) => workers.some(({ users }) => users === 12));

    await run.addWorker();
    await run.until(({ workers }) => workers.filter(({ users }) => users === 6).length === 2);

    // `kubectl port-forward` connects to 127.0.0.1 of the pod: it needs no token.
    const changed = await fetch(`${run.dashboard}/api/target`, {
      method: "POST",
      headers: { "X-Aiotest": "1", "Content-Type": "application/json" },
      body: JSON.stringify({ users: 8 }),
    });
    assert.deepEqual(await changed.json(), { ok: true });
    await run.until(({ workers }) => workers.filter(({ users }) => users === 4).length === 2);

    // All pods of a run are deleted: workers are told later than the master.
    run.master.kill("SIGTERM");
    assertCode(await run.master.finished, 0);
    for (const worker of run.workers) assertCode(await worker.finished, 0);
    const summary = await run.summary();
    assertEqualCounts(summary, target);
    assert.equal(summary.complete, true);
    assert.equal(summary.workers.length, 3);
  },
);

Deno.test("with the component, the dashboard can be reached by the Service, and needs the token", {
  ignore,
}, async () => {
  await using target = new CountingTarget();
  const objects = await kustomized("run", [
    ...edits(target.url, { EXPECT_WORKERS: "1" }),
    [
      "run/kustomization.yaml",
      replacing("# components:\n#   - ../dashboard", "components:\n  - ../dashboard"),
    ],
  ]);
  await using run = await Run.start(objects);
  await Promise.race([target.reached(20), run.master.finished.then((end) => assertCode(end, -1))]);
  const get = async (path: string, headers: Record<string, string>): Promise<[number, string]> => {
    const response = await fetch(`${run.dashboard}${path}`, { headers });
    return [response.status, await response.text()];
  };
  const token = { authorization: `Bearer ${SECRETS["aiotest-token"]!["web-token"]}` };
  const service = { host: "aiotest-master:8089" };
  assert.equal((await get("/metrics", service))[0], 401);
  const [status, metrics] = await get("/metrics", { ...service, ...token });
  assert.equal(status, 200);
  assert.match(metrics, /^aiotest_\w+/m);
  assert.deepEqual(await get("/healthz", {}), [200, "ok\n"]);
});
