import assert from "node:assert/strict";
import { resolve } from "node:path";
import { RunHistory } from "../../src/report/run_history.ts";
import { denoHost } from "../../src/core/host.ts";
import { comparisonBody } from "../../src/web/history_content.ts";
import {
  type RawResponse,
  sendRaw,
  type TestDashboard,
  withDashboard,
} from "../support/dashboard.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { shopSnapshot } from "../support/snapshots.ts";
import { joined, writtenSummary } from "../support/texts.ts";

const A = "20260101-100000-aaaa0001";
const B = "20260102-100000-bbbb0002";
const BROKEN = "20260103-100000-cccc0003";
const OTHER = "20260104-100000-dddd0004";

function summary(runId: string, exitCode: number): string {
  const run = shopSnapshot(30, { state: "stopped", runId, name: "nightly" });
  return JSON.stringify(writtenSummary(run, { metadata: runMetadata(), exitCode }));
}

/** Runs a function with a dashboard and some runs in a directory, beside which there is a secret. */
async function withRuns(
  use: (dashboard: TestDashboard) => Promise<void>,
  token?: string,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const directory = `${folder}/runs`;
  await Deno.mkdir(directory);
  const files = {
    [`${directory}/${A}.json`]: summary("aaaa0001-1", 0),
    [`${directory}/${B}.json`]: summary("bbbb0002-1", 3),
    [`${directory}/${BROKEN}.json`]: '{"schema":4,',
    [`${directory}/${OTHER}.json`]: '{"schema":9,"aiotest":"9.0.0"}',
    [`${directory}/notes.json`]: '"not of a run"',
    [`${folder}/secret.json`]: '"secret"',
  };
  for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(path, text);
  await Deno.symlink(`${folder}/secret.json`, `${directory}/20260105-100000-eeee0005.json`);
  try {
    const history = new RunHistory(denoHost(), resolve(directory), "runs");
    await withDashboard({ history, ...(token === undefined ? {} : { token }) }, use);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function get(dashboard: TestDashboard, path: string): Promise<RawResponse> {
  return await sendRaw(dashboard, { path });
}

Deno.test("the list has all runs, and says which cannot be read", async () => {
  await withRuns(async (dashboard) => {
    const { status, body } = await get(dashboard, "/api/runs");
    assert.equal(status, 200);
    const { directory, runs } = JSON.parse(body);
    assert.equal(directory, "runs");
    assert.deepEqual(
      runs.map(({ id, verdict, name }: Record<string, string>) => [id, verdict, name]),
      [
        [A, "passed", "nightly"],
        [B, "failed", "nightly"],
        [BROKEN, "unreadable", undefined],
        [OTHER, "unreadable", undefined],
      ],
    );
    assert.match(runs[3].problem, /has schema 9, but this version of aiotest reads schemas/);
  });
});

Deno.test("a run has its summary, and its report in a sandbox", async () => {
  await withRuns(async (dashboard) => {
    const run = await get(dashboard, `/api/runs/${A}`);
    assert.equal(run.status, 200);
    assert.equal(JSON.parse(run.body).runId, "aaaa0001-1");
    const report = await get(dashboard, `/api/runs/${A}/report`);
    assert.equal(report.status, 200);
    assert.equal(report.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(report.body, /<title>aiotest report<\/title>/);
    const policy = report.headers.get("content-security-policy")!;
    assert.match(policy, /^default-src 'none'; script-src 'sha256-[^']+'; /);
    assert.match(policy, /; frame-ancestors 'none'; sandbox allow-scripts allow-modals$/);
    assert.equal(report.headers.get("x-content-type-options"), "nosniff");
  });
});

Deno.test("a comparison is that of aiotest compare, with the seconds of both runs", async () => {
  await withRuns(async (dashboard) => {
    const { status, body } = await get(dashboard, `/api/runs/${A}/compare/${B}`);
    assert.equal(status, 200, body);
    const view = JSON.parse(body);
    const { parts } = comparisonBody({
      a: { file: `runs/${A}.json`, text: summary("aaaa0001-1", 0) },
      b: { file: `runs/${B}.json`, text: summary("bbbb0002-1", 3) },
    });
    assert.deepEqual(view, JSON.parse(joined(parts)));
    assert.equal(view.comparison.a.file, `runs/${A}.json`);
    assert.equal(view.verdict.word.text, "PASSED");
    assert.equal(view.a.timeline.length, 30);
    assert.equal(view.tables[0].title, "Latency in ms");
  });
});

Deno.test("a summary that cannot be read is an error with its reason", async () => {
  await withRuns(async (dashboard) => {
    for (const path of [`${BROKEN}/report`, `${A}/compare/${OTHER}`]) {
      const { status, body } = await get(dashboard, `/api/runs/${path}`);
      assert.equal(status, 409);
      assert.match(JSON.parse(body).error, /is not valid JSON|has schema 9/);
    }
    // The thread goes on.
    assert.equal((await get(dashboard, `/api/runs/${A}/report`)).status, 200);
  });
});

Deno.test("no path leads to another file", async () => {
  await withRuns(async (dashboard) => {
    const paths = [
      ...["/api/runs/", "/api/runs/secret", "/api/runs/notes", "/api/runs/index"],
      ...["/api/runs/../secret", "/api/runs/..%2Fsecret", "/api/runs/%2e%2e/secret.json"],
      ...[`/api/runs/${A}/../../secret`, `/api/runs/${A}%2F..%2F..%2Fsecret`],
      ...[`/api/runs/${A}.json`, `/api/runs/${A}/`, `/api/runs/${A}/report/x`],
      ...[`/api/runs/${A}/compare/..%2Fsecret`, `/api/runs/${A}/compare/`],
      ...["/api/runs/20260105-100000-eeee0005", "/api/runs/20260105-100000-eeee0005/report"],
      ...["/api/runs/20260109-100000-ffff", `/api/runs/${A}/compare/20260109-100000-ffff`],
    ];
    for (const path of paths) {
      const { status, body } = await get(dashboard, path);
      assert.equal(status, 404, path);
      assert.doesNotMatch(body, /secret"$/, path);
    }
  });
});

Deno.test("with a token, nothing of it is shown without the token", async () => {
  await withRuns(async (dashboard) => {
    for (const path of ["", `/${A}`, `/${A}/report`, `/${A}/compare/${B}`]) {
      assert.equal((await get(dashboard, `/api/runs${path}`)).status, 401, path);
      const authorized = await sendRaw(dashboard, {
        path: `/api/runs${path}`,
        headers: { Authorization: "Bearer open sesame" },
      });
      assert.equal(authorized.status, 200, path);
      const changing = await sendRaw(dashboard, {
        method: "POST",
        path: `/api/runs${path}`,
        headers: { Authorization: "Bearer open sesame" },
      });
      assert.equal(changing.status, 405, path);
    }
    // The page itself has nothing of the runs.
    assert.equal((await get(dashboard, "/runs")).status, 200);
  }, "open sesame");
});

Deno.test("without a history, that is the answer", async () => {
  await withDashboard({}, async (dashboard) => {
    for (const path of ["/api/runs", `/api/runs/${A}/report`]) {
      const { status, body } = await get(dashboard, path);
      assert.equal(status, 404);
      assert.match(JSON.parse(body).error, /^This run keeps no history: --history DIR/);
    }
  });
});
