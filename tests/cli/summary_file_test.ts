import assert from "node:assert/strict";
import { readSummaryFile } from "../../src/cli/commands/compare.ts";
import { UsageError } from "../../src/core/errors.ts";
import { summary, summaryJson } from "../../src/report/summary.ts";
import { FakeHost } from "../support/fake_host.ts";
import { snapshot } from "../support/snapshots.ts";

const SUMMARY = summary(snapshot(), { version: "0.1.0", exitCode: 0 });
const HINT = "A file is needed that aiotest has written with --json.";

function hostWith(content: unknown): FakeHost {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return new FakeHost({ files: { "/home/me/run.json": text } });
}

async function refusal(content: unknown): Promise<UsageError> {
  const error = await readSummaryFile(hostWith(content), "run.json").then(() => null, (e) => e);
  assert.ok(error instanceof UsageError, String(error));
  assert.equal(error.exitCode, 2);
  return error;
}

Deno.test("what --json writes is read", async () => {
  const run = await readSummaryFile(hostWith(summaryJson(SUMMARY)), "run.json");
  assert.deepEqual(run, JSON.parse(summaryJson(SUMMARY)));
});

Deno.test("what a later version adds does no harm", async () => {
  const run = await readSummaryFile(hostWith({ ...SUMMARY, more: 1 }), "run.json");
  assert.equal(run.runId, SUMMARY.runId);
});

Deno.test("a file that is not there is named", async () => {
  await assert.rejects(readSummaryFile(new FakeHost(), "gone.json"), {
    name: "UsageError",
    message: "there is no file /home/me/gone.json",
    hint: HINT,
  });
});

Deno.test("a file that is no JSON is named, with the reason", async () => {
  const { message, hint } = await refusal("<html>\n</html>");
  assert.match(message, /^run\.json is not JSON: .+/);
  assert.ok(!message.includes("\n"));
  assert.equal(hint, HINT);
});

for (const content of [[], null, 5, "5", {}, { schema: 1 }, { aiotest: "0.1.0" }]) {
  Deno.test(`${JSON.stringify(content)} is no summary`, async () => {
    assert.equal((await refusal(content)).message, "run.json is no summary of a run");
  });
}

Deno.test("a summary of another schema is refused", async () => {
  assert.equal(
    (await refusal({ ...SUMMARY, schema: 2 })).message,
    "run.json has schema 2, and this version of aiotest reads schema 1",
  );
});

Deno.test("a summary without histograms says which version wrote it", async () => {
  const { histogram: _, ...totals } = SUMMARY.totals;
  const { message, hint } = await refusal({ ...SUMMARY, aiotest: "0.0.9", totals });
  assert.equal(message, "run.json was written by aiotest 0.0.9, and has no histograms");
  assert.equal(hint, "Runs can be compared from the version on that writes them.");
});

Deno.test("a comparison is no summary", async () => {
  const content = { schema: 1, aiotest: "0.1.0", maxRegression: 0.05 };
  assert.equal(
    (await refusal(content)).message,
    "run.json is a comparison, and no summary of a run",
  );
});

const BROKEN: readonly (readonly [change: object, problem: string])[] = [
  [{ runId: 5 }, "runId has to be a text"],
  [{ mode: "cloud" }, "mode has to be local or distributed"],
  [{ durationSeconds: -1 }, "durationSeconds has to be a number of 0 or more"],
  [{ users: null }, "users has to be an object"],
  [{ users: { peak: 0.5 } }, "users.peak has to be a whole number of 0 or more"],
  [{ totals: { ...SUMMARY.totals, histogram: "gA==" } }, "totals.histogram has to be a histogram"],
  [{ totals: { ...SUMMARY.totals, histogram: "?" } }, "totals.histogram has to be a histogram"],
  [{ timeline: [{ second: 1e15 }] }, "timeline[0].second has to be a second of a run"],
  [{ requests: {} }, "requests has to be a list"],
  [{ requests: [{ method: "GET" }] }, "requests[0].name has to be a text"],
  [
    { timeline: [...SUMMARY.timeline, { second: 1, requests: 1, failures: 0, p50: "1" }] },
    `timeline[${SUMMARY.timeline.length}].p50 has to be a number of 0 or more, or null`,
  ],
];

for (const [change, problem] of BROKEN) {
  Deno.test(`a summary in which ${problem} is refused`, async () => {
    const { message } = await refusal({ ...SUMMARY, ...change });
    assert.equal(message, `run.json is no summary of a run: ${problem}`);
  });
}
