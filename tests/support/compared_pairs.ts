/**
 * What `aiotest compare` finds in real runs: pairs against the same target, and pairs of which the second
 * run is against a slower one.
 *
 * @module
 */

import { projectPath } from "./paths.ts";
import { runAiotest } from "./process.ts";

/** How much is to be run. */
export interface PairOptions {
  readonly pairs: number;
  /** Seconds of each run. */
  readonly seconds: number;
  /** Milliseconds that the slower target takes; by default 110. */
  readonly slowerMs?: number;
  /** Whether the runs of a pair run at the same time, which is quicker; by default one after another. */
  readonly atOnce?: boolean;
  /** Gets a line as soon as a pair was compared. */
  readonly onPair?: (line: string) => void;
}

/** What was said of them. */
export interface PairResult {
  readonly pairs: number;
  /** Pairs of equal runs of which a regression was reported: exit code 3. */
  readonly falseAlarms: number;
  /** Pairs with a slower target of which a regression was reported. */
  readonly found: number;
}

/** So long that other load on the machine costs little compared with a tenth of it. */
const EQUAL_MS = 100;
const SLOWER_MS = 110;
const USERS = 25;

/**
 * Runs aiotest three times for each pair: twice against a target that answers after 100 ms, and once
 * against the slower one.
 *
 * @throws {Error} if a run fails.
 */
export async function comparePairs(options: PairOptions): Promise<PairResult> {
  const { pairs, seconds, slowerMs = SLOWER_MS, atOnce = false, onPair = () => {} } = options;
  const folder = await Deno.makeTempDir();
  await using target = await TimedTarget.start(EQUAL_MS);
  await using slower = await TimedTarget.start(slowerMs);
  try {
    let falseAlarms = 0;
    let found = 0;
    for (let pair = 1; pair <= pairs; pair++) {
      const files = [["a", target], ["b", target], ["slower", slower]] as const;
      const runs: Promise<number>[] = [];
      for (const [name, { url }] of files) {
        const args = ["quick", url, "-u", String(USERS), "-t", `${seconds}s`];
        runs.push(run([...args, "--json", `${name}.json`], [0], folder));
        if (!atOnce) await runs.at(-1);
      }
      await Promise.all(runs);
      const compare = (other: string): Promise<number> =>
        run(["compare", "a.json", other], [0, 3], folder);
      const equal = await compare("b.json");
      const slow = await compare("slower.json");
      if (equal === 3) falseAlarms++;
      if (slow === 3) found++;
      onPair(
        `pair ${pair}: ${equal === 3 ? "FALSE ALARM" : "equal"}, ${
          slow === 3 ? "found" : "MISSED"
        }`,
      );
    }
    return { pairs, falseAlarms, found };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(
  args: readonly string[],
  codes: readonly number[],
  folder: string,
): Promise<number> {
  const { code, stdout, stderr } = await runAiotest(args, { cwd: folder });
  if (codes.includes(code)) return code;
  throw new Error(`aiotest ${args.join(" ")} exited with ${code}:\n${stdout}${stderr}`);
}

/** The target, in a separate process. */
class TimedTarget implements AsyncDisposable {
  readonly url: string;
  readonly #child: Deno.ChildProcess;

  private constructor(url: string, child: Deno.ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  static async start(delayMs: number): Promise<TimedTarget> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        projectPath("tests/support/timed_target.ts"),
        String(delayMs),
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    let printed = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += text;
      if (printed.endsWith("\n")) break;
    }
    return new TimedTarget(printed.trim(), child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}
