/** What the process exits with; scripts and CI depend on these numbers. */
export const ExitCode = {
  passed: 0,
  /** Requests or users failed; `--exit-code-on-error` replaces it. */
  failures: 1,
  /** Bad usage, configuration or test file. */
  usage: 2,
  /** A threshold was crossed. */
  threshold: 3,
  /** Workers were missing, or counts are incomplete. */
  cluster: 4,
  /** Interrupted twice. */
  interrupted: 130,
} as const;
