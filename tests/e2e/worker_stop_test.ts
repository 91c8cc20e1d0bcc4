import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { Summary } from "../../src/report/summary.ts";
import { startAiotest } from "../support/process.ts";
import { Target } from "../support/target.ts";
import type { LiveSummary } from "../../src/web/live_view.ts";

const TEST = `
import { constant, FastHttpUser } from "aiotest";
export class ShopTest extends FastHttpUser {
  waitTime = constant(0.02);
  async testShop() {
    await this.session.get("/");
  }
}
`;

Deno.test("a worker that is stopped from the dashboard hands over its users, and nothing is lost", async () => {
  let served = 0;
  await using target = new Target({
    "/": () => {
      served++;
      return new Response("hello");
    },
  });
  const folder = await mkdtemp(`${tmpdir()}/worker-stop-`);
  await writeFile(`${folder}/shop.ts`, TEST);
  const run = startAiotest(
    [
      ...["-f", "shop.ts", "-H", target.url, "-u", "6", "-r", "6", "--processes", "3"],
      ...["--web-port", "0", "--json", "out.json"],
    ],
    { cwd: folder, env: { AIOTEST_NO_WEB: "0" } },
  );
  const url = await run.tells(/Dashboard: (http:\S+)/);
  const summary = async (): Promise<LiveSummary> =>
    await (await fetch(`${url}api/summary`)).json() as LiveSummary;
  const until = async (holds: (live: LiveSummary["live"]) => boolean): Promise<LiveSummary> => {
    for (;;) {
      const now = await summary();
      if (holds(now.live)) return now;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const post = async (command: string, body: object): Promise<[number, string]> => {
    const response = await fetch(`${url}api/${command}`, {
      method: "POST",
      headers: { "X-Aiotest": "1", "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return [response.status, (await response.json()).error ?? "ok"];
  };
  const { live } = await until(({ workers }) =>
    workers.length === 3 && workers.every(({ users, requests }) => users === 2 && requests > 0)
  );
  const ids = live.workers.map(({ id }) => id);
  assert.deepEqual(await post("stop-worker", {}), [
    400,
    'Name the worker, and nothing else: {"worker": "ID"}.',
  ]);
  assert.deepEqual(await post("stop-worker", { worker: "nobody" }), [
    409,
    "This run has no worker nobody.",
  ]);
  assert.deepEqual(await post("stop-worker", { worker: ids[0] }), [200, "ok"]);
  await until(({ workers }) =>
    workers[0]!.state === "left" && workers.slice(1).every(({ users }) => users === 3)
  );
  assert.deepEqual(await post("stop-worker", { worker: ids[0] }), [
    409,
    `Worker ${ids[0]} is not running users.`,
  ]);
  assert.deepEqual(await post("stop-worker", { worker: ids[1] }), [200, "ok"]);
  await until(({ workers }) => workers[1]!.state === "left" && workers[2]!.users === 6);
  assert.deepEqual(await post("stop-worker", { worker: ids[2] }), [
    409,
    `Worker ${ids[2]} is the only one. Stop the run instead.`,
  ]);
  await post("stop", {});
  const { code, stderr } = await run.finished;
  assert.equal(code, 0, stderr);
  const result: Summary = JSON.parse(await readFile(`${folder}/out.json`, "utf8"));
  assert.equal(result.complete, true);
  assert.equal(result.totals.requests, served);
  assert.equal(result.totals.failures, 0);
  assert.deepEqual(result.workers.map(({ state }) => state), ["left", "left", "finished"]);
  assert.deepEqual(
    result.annotations.map(({ kind, text }) => [kind, text]),
    [0, 1].map((at) => ["worker", `Worker ${ids[at]} stopped from the dashboard`]),
  );
  assert.match(stderr, /its users go to the other workers/);
  assert.match(stderr, /This worker leaves the run: it was stopped from the dashboard\./);
  await rm(folder, { recursive: true });
});
