import type { Summary } from "../../src/report/summary.ts";
import { CuttingTarget, seeded } from "./cutting_target.ts";
import { projectPath } from "./paths.ts";
import { startAiotest } from "./process.ts";

/** What came of requests over connections that were cut. */
export interface CutRun {
  readonly summary: Summary;
  /** Requests that the target read, by method. */
  readonly counts: ReadonlyMap<string, number>;
  /** Of the target's random numbers; AIOTEST_CUT_SEED sets it. */
  readonly seed: number;
}

/** Sends so many requests, of several methods, to a target that cuts connections at random. */
export async function runCuts(quota: number): Promise<CutRun> {
  const seed = Number(Deno.env.get("AIOTEST_CUT_SEED") ?? Date.now() % 2 ** 31);
  await using target = new CuttingTarget(seeded(seed));
  const json = await Deno.makeTempFile();
  const run = startAiotest(
    ["-f", projectPath("tests/e2e/fixtures/cut.ts"), "-H", target.url, "--json", json].concat(
      ["-u", "50", "-r", "1000", "--quota", String(quota)],
    ),
  );
  let ended = false;
  void run.finished.then(() => ended = true);
  // Retries come on top of the quota, and come at once: two looks at the same count are the end.
  for (let before = -1; !ended && (target.total < quota || target.total !== before);) {
    before = target.total;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  run.kill("SIGINT");
  const { stderr } = await run.finished;
  const text = await Deno.readTextFile(json);
  await Deno.remove(json);
  if (text === "") throw new Error(stderr);
  return { summary: JSON.parse(text), counts: new Map(target.counts), seed };
}
