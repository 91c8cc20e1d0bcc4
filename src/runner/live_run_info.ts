import type { RunInfo } from "../core/run_info.ts";

/** What stays, and what changes, of what test files may know. */
export interface RunFacts {
  readonly id: string;
  readonly node: string;
  /** Users that run on this node now. */
  users(): number;
  /** Seconds since the test began; 0 before it did. */
  runTime(): number;
}

/** The run as test files see it: every look at it gives what is so then. */
export function liveRunInfo({ id, node, users, runTime }: RunFacts): RunInfo {
  return {
    id,
    node,
    get userCount(): number {
      return users();
    },
    get runTime(): number {
      return runTime();
    },
  };
}
