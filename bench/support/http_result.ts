/**
 * The result of the HTTP benchmark as a file. That of a complete run is committed, and README.md shows it.
 *
 * @module
 */

import type { Row } from "./comparison.ts";
import type { Verdict } from "./goals.ts";
import type { ContenderName } from "./scenario.ts";

/** The result of all scenarios, or of some. */
export interface HttpResult {
  /** An ISO date, without the time. */
  readonly date: string;
  readonly machine: { readonly processor: string; readonly cores: number; readonly system: string };
  /** The programs' versions, as far as they say. */
  readonly versions: Readonly<Record<string, string>>;
  readonly runs: number;
  /** The measured seconds of each run. */
  readonly seconds: number;
  readonly scenarios: readonly ScenarioResult[];
  readonly goals: readonly Verdict[];
}

/** The figures of a scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly rows: readonly ResultRow[];
}

/** A row, with the rates of its runs only. */
export interface ResultRow extends Omit<Row, "runs"> {
  readonly rates: readonly number[];
}

/** A row as it is written. */
export function resultRow({ runs, ...row }: Row): ResultRow {
  return { ...row, rates: runs.map(({ rate }) => rate) };
}

/** Programs that say their version if they are asked. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  nginx: ["nginx", "-v"],
  wrk: ["wrk", "--version"],
  oha: ["oha", "--version"],
  k6: ["k6", "version"],
  locust: ["locust", "--version"],
} satisfies Partial<Record<ContenderName | "nginx", readonly string[]>>;

/** The versions of Deno and of the programs that are installed. */
export async function versions(): Promise<Record<string, string>> {
  const found: Record<string, string> = { deno: Deno.version.deno };
  for (const [name, [program, ...args]] of Object.entries(ASKED)) {
    try {
      const { stdout, stderr } = await new Deno.Command(program!, { args }).output();
      const decoder = new TextDecoder();
      const version = /\d+\.\d+\.\d+/.exec(decoder.decode(stdout) + decoder.decode(stderr));
      if (version !== null) found[name] = version[0];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}

/** What the figures were measured on. */
export async function machine(): Promise<HttpResult["machine"]> {
  const info = await Deno.readTextFile("/proc/cpuinfo");
  return {
    processor: /^model name\s*: (.*)$/m.exec(info)?.[1] ?? "unknown",
    cores: navigator.hardwareConcurrency,
    system: `Linux ${Deno.osRelease()}`,
  };
}

/** The text of the file: figures have five digits. */
export function resultText(result: HttpResult): string {
  const round = (_key: string, value: unknown): unknown =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
  return `${JSON.stringify(result, round, 2)}\n`;
}
