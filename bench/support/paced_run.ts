/**
 * One run of aiotest at a pace, as a process of its own.
 *
 * @module
 */

import { RUNTIME_FLAGS } from "../../build/project.ts";
import type { Summary } from "../../src/report/summary.ts";
import { waitedSeconds } from "../../tests/support/machine.ts";
import { startPinned } from "./process.ts";

/** What was asked of a target, and what each request took. */
export interface Traced {
  /** When a request was to begin, in milliseconds since 1970; in the order in which they ended. */
  readonly beganAtMs: readonly number[];
  readonly latencyMs: readonly number[];
}

/** How to run it. */
export interface PacedRunOptions {
  readonly url: string;
  /** Core or cores that it keeps to. */
  readonly cores: number | readonly number[];
  readonly seconds: number;
  /** Options that say how much load there is. */
  readonly load: readonly string[];
  /** Gets its requests; costs some microseconds for each. */
  readonly traced?: (traced: Traced) => void;
  /** Runs beside it; it is given nothing, and awaited. */
  readonly meanwhile?: () => Promise<void>;
}

/** What a run says of itself, and what the system says of it. */
export interface PacedRun {
  readonly summary: Summary;
  /** Seconds that it was ready to run and had no core, of which others are to blame. */
  readonly waitedSeconds: number;
}

/** Milliseconds between two looks at how long a process has waited: nobody knows it once it has ended. */
const LOOK_MS = 500;

/**
 * Runs it to its end.
 *
 * @throws where a request or the run fails.
 */
export async function pacedRun(options: PacedRunOptions): Promise<PacedRun> {
  const { url, cores, seconds, load, traced, meanwhile = () => Promise.resolve() } = options;
  const folder = await Deno.makeTempDir();
  const trace = traced === undefined ? [] : ["--trace", `${folder}/trace.json`];
  const child = startPinned(cores, Deno.execPath(), [
    ...["run", "-A", ...RUNTIME_FLAGS, "cli.ts", "-f", "bench/support/open_user_test.ts"],
    ...["-H", url, "-t", `${seconds}s`, "-s", "5", "--json", `${folder}/out.json`],
    ...[...load, ...trace],
  ]);
  let waited = 0;
  const looking = setInterval(() => {
    if (child.running) waited = waitedSeconds(child.pid);
  }, LOOK_MS);
  try {
    const [{ code, printed }] = await Promise.all([child.ended, meanwhile()]);
    if (code !== 0) {
      throw new Error(`aiotest exited with ${code}: ${printed.stderr}\n${printed.stdout}`);
    }
    if (traced !== undefined) {
      traced(JSON.parse(await Deno.readTextFile(`${folder}/trace.json`)));
    }
    const summary = JSON.parse(await Deno.readTextFile(`${folder}/out.json`));
    return { summary, waitedSeconds: waited };
  } finally {
    clearInterval(looking);
    child.kill();
    await Deno.remove(folder, { recursive: true });
  }
}
