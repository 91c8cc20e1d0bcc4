/** What a test file may know of the run that it is part of; every field is read-only and live. */
export interface RunInfo {
  /** Identifies the run in every report of it. */
  readonly id: string;
  /** The node that this is: `local` in a local run. */
  readonly node: string;
  /** Users that run on this node now. */
  readonly userCount: number;
  /** Seconds since the test began; 0 before it did. */
  readonly runTime: number;
}
