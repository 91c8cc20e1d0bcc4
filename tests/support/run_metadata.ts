import type { RunMetadata } from "../../src/report/summary.ts";

/** What a report says of a run beside its counts. */
export function runMetadata(changes: Partial<RunMetadata> = {}): RunMetadata {
  return {
    version: "0.1.0",
    program: "aiotest 0.1.0 (deno 2.9.6)",
    test: "shop.ts",
    options: [
      { flag: "--users", value: "10" },
      { flag: "--run-time", value: "20 s" },
      { flag: "--insecure", value: "" },
    ],
    machine: { hostname: "attic", cores: 8, system: "linux 6.1.0, x86_64" },
    ...changes,
  };
}
