/**
 * One run of aiotest with a given load, as a process.
 *
 * @module
 */

import { RUNTIME_FLAGS } from "../../build/project.ts";
import type { Summary } from "../../src/report/summary.ts";
import { waitedSeconds } from "../../tests/support/machine.ts";
import { startPinned } from "./process.ts";

/** The requests of a run, by the client. */
export interface Traced {
  /** When each request was due, in milliseconds since 1970, in the order of their ends. */
  readonly beganAtMs: readonly number[];
  readonly latencyMs: readonly number[];
}

/** Options of a run. */
export interface PacedRunOptions {
  readonly url: string;
  /** The core or cores that it runs on. */
  readonly cores: number | readonly number[];
  readonly seconds: number;
  /** Options of aiotest that define the load. */
  readonly load: readonly string[];
  /** Receives its requests; this costs some microseconds per request. */
  readonly traced?: (traced: Traced) => void;
  /** Runs at the same time, and is awaited. */
  readonly meanwhile?: () => Promise<void>;
}

/** The result of a run, and the system's figures about it. */
export interface PacedRun {
  readonly summary: Summary;
  /** Seconds in which it was ready to run but had no core, because of other processes. */
  readonly waitedSeconds: number;
}

/** Milliseconds between two readings of how long a process has waited, which are not available after its end. */
const LOOK_MS = 500;

/**
 * Runs aiotest to its end.
 *
 * @throws if a request or the run fails.
 */
export async function pacedRun(options: PacedRunOptions): Promise<PacedRun> {
  const { url, cores, seconds, load, traced, meanwhile = () => Promise.resolve() } = options;
  const folder = await Deno.makeTempDir();
  const trace = traced === undefined ? [] : ["--trace", `${folder}/trace.json`];
  const child = startPinned(cores, Deno.execPath(), [
    ...["run", "-A", ...RUNTIME_FLAGS, "cli.ts", "-f", "bench/support/open_user_test.ts"],
    ...["-H", url, "-t", `${seconds}s`, "-s", "5", "--no-history", "--json", `${folder}/out.json`],
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
