import assert from "node:assert/strict";
import { openSamples, type SampleOptions, SampleWriter } from "../../src/cli/samples.ts";
import { UsageError } from "../../src/core/errors.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import type { CountedRequest } from "../../src/user/observers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { FakeHost } from "../support/fake_host.ts";
import { sample } from "../support/samples.ts";

interface Scene {
  readonly host: FakeHost;
  readonly clock: FakeClock;
  readonly writer: SampleWriter;
  readonly said: string[];
  /** How often the output was said to be incomplete. */
  incomplete: number;
  count(changes?: Partial<Sample>): void;
  /** The lines of the file. */
  lines(): string[];
}

const PATH = "/home/me/run.jsonl";

async function scene(
  options: Partial<SampleOptions> = {},
  host = new FakeHost(),
  isWorker = false,
): Promise<Scene> {
  const clock = new FakeClock();
  const said: string[] = [];
  const writer = await openSamples({
    host,
    node: isWorker ? "w1" : "local",
    isWorker,
    clock,
    info: (text) => said.push(text),
    warn: (text) => said.push(`WARNING ${text}`),
    onIncomplete: () => one.incomplete++,
  }, { samples: "run.jsonl", samplesOnly: null, ...options });
  const request = (changes: Partial<Sample>): CountedRequest => ({
    sample: sample({ endedAt: clock.now(), latencyMs: 0, ...changes }),
    userClass: "ShopTest",
    user: { id: 1, iteration: 0, stage: 1, closed: false },
    details: { requestedUrl: "", exchanges: null, groupName: "", traceId: "" },
  });
  const path = PATH.replace(
    "run.jsonl",
    isWorker ? "run.w1.jsonl" : options.samples ?? "run.jsonl",
  );
  const one: Scene = {
    host,
    clock,
    writer,
    said,
    incomplete: 0,
    count: (changes = {}) => writer.counted(request(changes)),
    lines: () => host.files.get(path)!.split("\n").slice(0, -1),
  };
  return one;
}

Deno.test("samples are written every second, and the rest at the end", async () => {
  const { clock, count, lines, writer, said } = await scene();
  count({ name: "first" });
  assert.deepEqual(lines(), []);
  await clock.advance(1000);
  assert.deepEqual(lines().map((line) => JSON.parse(line).name), ["first"]);
  count({ name: "second" });
  assert.deepEqual(await writer.end(), []);
  assert.deepEqual(lines().map((line) => JSON.parse(line).name), ["first", "second"]);
  assert.equal(clock.pending, 0);
  assert.deepEqual(said, ["--samples: 2 lines in run.jsonl."]);
});

Deno.test("a sample's time is its start, and does not go back with the wall time", async () => {
  const { clock, count, lines, writer } = await scene();
  const start = clock.wallTime();
  await clock.advance(2500);
  count({ latencyMs: 1000.25 });
  await writer.end();
  assert.equal(
    JSON.parse(lines()[0]!).time,
    new Date(start + 1499).toISOString().replace("499Z", "499750Z"),
  );
});

Deno.test("only samples that are asked for are written", async () => {
  const { count, lines, writer } = await scene({ samplesOnly: "failed,slow:500ms" });
  count({ name: "fine" });
  count({ name: "failed", error: "HTTP 500" });
  count({ name: "slow", latencyMs: 500 });
  await writer.end();
  assert.deepEqual(lines().map((line) => JSON.parse(line).name), ["failed", "slow"]);
});

Deno.test("a worker has a file of its own", async () => {
  const { count, lines, writer, said } = await scene({}, new FakeHost(), true);
  count();
  await writer.end();
  assert.equal(JSON.parse(lines()[0]!).node, "w1");
  assert.deepEqual(said, ["--samples: 1 line in run.w1.jsonl."]);
});

Deno.test("a reset removes all lines until then, and CSV begins again with its header", async () => {
  const { clock, count, lines, writer } = await scene({ samples: "run.csv" });
  count({ name: "before" });
  await clock.advance(1000);
  count({ name: "waiting" });
  writer.reset();
  count({ name: "after" });
  await writer.end();
  const names = lines().map((line) => line.split(",")[6]);
  assert.deepEqual(names, ["name", "after"]);
});

Deno.test("samples that come faster than the disk takes them are dropped and counted", async () => {
  const host = new FakeHost();
  const written: (() => void)[] = [];
  let bytes = "";
  host.streamFile = () =>
    Promise.resolve({
      async write(part): Promise<void> {
        const text = new TextDecoder().decode(part);
        await new Promise<void>((resolve) => written.push(resolve));
        bytes += text;
      },
      clear: () => Promise.resolve(),
      close: () => Promise.resolve(),
    });
  const { count, writer, said } = await scene({}, host);
  // Longer than all buffers together.
  const total = 20_000;
  for (let i = 0; i < total; i++) count({ name: `${i}${"x".repeat(1900)}` });
  assert.deepEqual(said, [
    "WARNING --samples run.jsonl: samples are dropped, because they come too fast.",
  ]);
  const ending = writer.end();
  while (written.length > 0) {
    written.shift()!();
    await settle();
  }
  const [warning] = await ending;
  const lines = bytes.split("\n").length - 1;
  const dropped = (total - lines).toLocaleString("en");
  assert.ok(lines > 5000 && lines < total, String(lines));
  assert.equal(
    warning,
    `${dropped} of 20,000 samples were dropped because the disk was too slow: ` +
      "they are missing in run.jsonl.",
  );
  // No line is torn.
  for (const line of bytes.split("\n").slice(0, -1)) JSON.parse(line);
});

Deno.test("a file that can no longer be written is said once, and the rest is counted", async () => {
  const one = await scene();
  one.count();
  await one.clock.advance(1000);
  one.host.unwritable.set(PATH, { reason: "no space left on the device", at: "write" });
  one.count();
  await one.clock.advance(1000);
  for (let i = 0; i < 5; i++) one.count();
  await one.clock.advance(5000);
  assert.deepEqual(await one.writer.end(), [
    "6 of 7 samples are missing in run.jsonl: no space left on the device.",
  ]);
  assert.deepEqual(one.said, [
    "WARNING --samples run.jsonl: cannot write the file: no space left on the device. " +
    "Samples are missing in it.",
    "--samples: 1 line in run.jsonl.",
  ]);
  assert.equal(one.incomplete, 1);
  assert.equal(one.lines().length, 1);
});

Deno.test("a file that cannot be written is refused before the run", async () => {
  const host = new FakeHost();
  host.unwritable.set(PATH, { reason: "permission denied", at: "check" });
  await assert.rejects(scene({}, host), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(
      error.message,
      "--samples run.jsonl: cannot write the file: permission denied",
    );
    return true;
  });
});
