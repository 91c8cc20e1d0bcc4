/**
 * The load generators that are compared: how to start each, and how to read its result.
 *
 * @module
 */

import { RUNTIME_FLAGS } from "../../build/project.ts";
import type { LoopKind, LoopResult } from "../loops/connections.ts";
import type { ContenderName, Exchange, Scenario } from "./scenario.ts";
import { fairnessOf, percentile } from "./user_figures.ts";

/** The load, which is the same for every contender. */
export interface Load {
  /** The URL that is requested. */
  readonly url: string;
  readonly exchange: Exchange;
  readonly connections: number;
  /** How long the contender runs: opening the connections, and {@link openSeconds}. */
  readonly seconds: number;
  /** How long it runs once its connections are open. */
  readonly openSeconds: number;
  /** A folder for files that it writes, empty at the start. */
  readonly folder: string;
}

/** The result that a contender reports. Figures that it does not report are `null`. */
export interface OwnResult {
  readonly requests: number;
  /** Requests per second while all users were running. */
  readonly rate: number;
  readonly meanMs: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** The number of failed requests by their error, or all under one name. */
  readonly failures: Readonly<Record<string, number>>;
  /** p10 divided by p90 of the requests of each user. */
  readonly fairness: number | null;
}

/** The output of a contender. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** A load generator. */
export interface Contender {
  /** The program: a name that must be on PATH, or a path. */
  readonly program: string;
  readonly exchanges: readonly Exchange[];
  /** Whether it can use TLS; `"only"` if it can do nothing else. */
  readonly tls: boolean | "only";
  /** Whether it sends nothing before all connections are open. */
  readonly opensFirst: boolean;
  /** The exit code if it ran to its end, but some requests failed. */
  readonly failureCode: number;
  /** The arguments of the program. */
  args(load: Load): string[];
  /** Reads its result from its output, or from the files in the load's folder. */
  ownResult(printed: Printed, load: Load): OwnResult | Promise<OwnResult>;
}

const SUPPORT = "bench/support";

/** The authority of the target's certificate, in PEM. */
const AUTHORITY = "tests/support/certs/ca.pem";

const ALL: readonly Exchange[] = ["get", "post", "connect"];

const MS = { us: 0.001, ms: 1, s: 1000, m: 60_000 } as const;

/** All contenders. */
export const CONTENDERS: Readonly<Record<ContenderName, Contender>> = {
  wrk: {
    program: "wrk",
    exchanges: ALL,
    tls: true,
    opensFirst: false,
    failureCode: 0,
    args: ({ url, exchange, connections, seconds }) => [
      ...["-t1", `-c${connections}`, `-d${seconds}s`, "--latency"],
      ...(exchange === "post" ? ["-s", `${SUPPORT}/post_order.lua`] : []),
      ...(exchange === "connect" ? ["-H", "Connection: close"] : []),
      url,
    ],
    ownResult: ({ stdout }) => {
      const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/
        .exec(stdout)?.slice(1).map(Number) ?? [];
      const [connect = 0, read = 0, write = 0, timeout = 0] = errors;
      const status = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
      return {
        requests: numberAfter(stdout, /(\d+) requests in/),
        rate: numberAfter(stdout, /Requests\/sec:\s*([\d.]+)/),
        meanMs: wrkMs(stdout, "Latency"),
        p50Ms: wrkMs(stdout, "50%"),
        p99Ms: wrkMs(stdout, "99%"),
        failures: counted({ connect, read, write, timeout, status }),
        fairness: null,
      };
    },
  },
  hey: {
    program: "hey",
    exchanges: ["get"],
    tls: false,
    opensFirst: false,
    failureCode: 0,
    args: ({ url, connections, seconds }) => [
      ...["-z", `${seconds}s`, "-c", String(connections), "-cpus", "1"],
      url,
    ],
    ownResult: ({ stdout }) => {
      const errors = stdout.slice(stdout.indexOf("Error distribution:")).matchAll(/\[(\d+)\]/g);
      const isFailed = stdout.includes("Error distribution:");
      return {
        requests: numberAfter(stdout, /\[200\]\s+(\d+) responses/),
        rate: numberAfter(stdout, /Requests\/sec:\s*([\d.]+)/),
        meanMs: numberAfter(stdout, /Average:\s*([\d.]+) secs/) * 1000,
        p50Ms: numberAfter(stdout, /50%+ in ([\d.]+) secs/) * 1000,
        p99Ms: numberAfter(stdout, /99%+ in ([\d.]+) secs/) * 1000,
        failures: counted({ errors: isFailed ? total([...errors].map(([, n]) => Number(n))) : 0 }),
        fairness: null,
      };
    },
  },
  oha: {
    program: "oha",
    exchanges: ["get"],
    tls: false,
    opensFirst: false,
    failureCode: 0,
    args: ({ url, connections, seconds }) => [
      ...["-z", `${seconds}s`, "-c", String(connections), "--no-tui", "--output-format", "json"],
      url,
    ],
    ownResult: ({ stdout }) => {
      const { summary, latencyPercentiles, statusCodeDistribution, errorDistribution } = JSON.parse(
        stdout,
      ) as OhaResult;
      const requests = total(Object.values(statusCodeDistribution));
      // Those that the end of the run cut off are no failures of the target.
      const { "aborted due to deadline": _, ...failures } = errorDistribution;
      return {
        requests,
        rate: requests / summary.total,
        meanMs: summary.average * 1000,
        p50Ms: latencyPercentiles.p50 * 1000,
        p99Ms: latencyPercentiles.p99 * 1000,
        failures,
        fairness: null,
      };
    },
  },
  k6: {
    program: "k6",
    exchanges: ["get"],
    tls: false,
    opensFirst: false,
    failureCode: 0,
    args: ({ url, connections, seconds, folder }) => [
      ...["run", "--quiet", "--no-usage-report", "-u", String(connections), "-d", `${seconds}s`],
      ...["--summary-trend-stats", "avg,med,p(99)", "--summary-export", `${folder}/out.json`],
      ...["-e", `TARGET=${url}`, `${SUPPORT}/k6_script.txt`],
    ],
    ownResult: async (_printed, { folder }) => {
      const { metrics } = JSON.parse(await Deno.readTextFile(`${folder}/out.json`)) as K6Result;
      return {
        requests: metrics.http_reqs.count,
        rate: metrics.http_reqs.rate,
        meanMs: metrics.http_req_duration.avg,
        p50Ms: metrics.http_req_duration.med,
        p99Ms: metrics.http_req_duration["p(99)"],
        failures: counted({ failed: metrics.http_req_failed?.passes ?? 0 }),
        fairness: null,
      };
    },
  },
  locust: {
    program: "locust",
    exchanges: ["get"],
    tls: false,
    opensFirst: false,
    failureCode: 1,
    args: ({ url, connections, seconds }) => [
      ...["-f", `${SUPPORT}/locustfile.py`, "--headless", "--only-summary", "-H", url],
      ...["-u", String(connections), "-r", "1000", "-t", `${seconds}s`],
    ],
    // Its CSV file lacks the last seconds; the table at the end is complete.
    ownResult: ({ stderr }) => ({
      requests: numberAfter(stderr, /Aggregated\s+(\d+)/),
      rate: numberAfter(stderr, /Aggregated.*\|\s*([\d.]+)/),
      meanMs: null,
      p50Ms: null,
      p99Ms: null,
      failures: counted({ failed: numberAfter(stderr, /Aggregated\s+\d+\s+(\d+)/) }),
      fairness: null,
    }),
  },
  "epoll-loop": bareLoop("epoll", ["get", "post"], false),
  "sockets-loop": bareLoop("sockets", ["get", "post"], false),
  "node-loop": bareLoop("node", ["get", "post"], false),
  "tcp-loop": bareLoop("tcp", ["get", "post"], false),
  "tls-loop": bareLoop("tls", ["get", "post"], "only"),
  fetch: bareLoop("fetch", ["get", "post"], true),
  quick: {
    ...aiotest("", ["get"]),
    args: ({ url, ...load }) => [...sourceArgs([]), "quick", url, ...loadArgs(load)],
    ownResult: async (_printed, load) => summaryResult(await readSummary(load), null),
  },
  HttpUser: aiotest("http_user_test.ts", ["get", "post"]),
  "FastHttpUser-node": aiotest("fast_http_user_test.ts", ALL, ["--deny-ffi"]),
  "FastHttpUser-exe": {
    ...aiotest("fast_http_user_test.ts", ALL),
    program: "dist/aiotest",
    tls: false,
    args: (load) => userArgs("fast_http_user_test.ts", load),
  },
  "FastHttpUser-features": aiotest("features_user_test.ts", ["get"]),
  FastHttpUser: aiotest("fast_http_user_test.ts", ALL),
};

/** Whether a contender can run a scenario. */
export function canRun(name: ContenderName, { exchange, isTls }: Scenario): boolean {
  const { exchanges, tls } = CONTENDERS[name];
  return exchanges.includes(exchange) && (isTls ? tls !== false : tls !== "only");
}

interface OhaResult {
  readonly summary: { readonly total: number; readonly average: number };
  readonly latencyPercentiles: { readonly p50: number; readonly p99: number };
  readonly statusCodeDistribution: Readonly<Record<string, number>>;
  readonly errorDistribution: Readonly<Record<string, number>>;
}

interface K6Result {
  readonly metrics: {
    readonly http_reqs: { readonly count: number; readonly rate: number };
    readonly http_req_duration: {
      readonly avg: number;
      readonly med: number;
      readonly "p(99)": number;
    };
    /** It "passes" if the request has failed. */
    readonly http_req_failed?: { readonly passes: number };
  };
}

function bareLoop(
  kind: LoopKind,
  exchanges: readonly Exchange[],
  tls: Contender["tls"],
): Contender {
  return {
    program: Deno.execPath(),
    exchanges,
    tls,
    opensFirst: kind !== "fetch",
    failureCode: 0,
    args: ({ url, exchange, connections, seconds, openSeconds }) => [
      ...["run", "-A", "--cert", AUTHORITY, "bench/loops/run.ts", kind, exchange, url],
      // The first requests of fetch open its connections.
      ...[String(connections), String(kind === "fetch" ? seconds : openSeconds)],
    ],
    ownResult: ({ stdout }) => {
      const { failures, requestsOfUsers, seconds, latenciesMs } = JSON.parse(stdout) as LoopResult;
      const sorted = latenciesMs.toSorted((a, b) => a - b);
      const requests = total(requestsOfUsers);
      return {
        requests,
        rate: requests / seconds,
        meanMs: total(sorted) / sorted.length,
        p50Ms: percentile(sorted, 0.5),
        p99Ms: percentile(sorted, 0.99),
        failures: counted({ failed: failures }),
        fairness: fairnessOf(requestsOfUsers),
      };
    },
  };
}

/** aiotest with a test file of this folder, from source. */
export function aiotest(
  file: string,
  exchanges: readonly Exchange[],
  denoFlags: readonly string[] = [],
): Contender {
  return {
    program: Deno.execPath(),
    exchanges,
    tls: true,
    opensFirst: false,
    failureCode: 1,
    args: (load) => [...sourceArgs(denoFlags), ...userArgs(file, load)],
    ownResult: async (_printed, load) => {
      const counts: UserCounts = JSON.parse(await Deno.readTextFile(countsFile(load)));
      return summaryResult(await readSummary(load), counts);
    },
  };
}

/** aiotest of another checkout, with the test files of this one and its own flags of the runtime. */
export async function ofCheckout(contender: Contender, root: string): Promise<Contender> {
  const project = await import(`file://${root}/build/project.ts`);
  const flags = project.RUNTIME_FLAGS as readonly string[];
  return {
    ...contender,
    args: (load) =>
      contender.args(load)
        .map((arg) => arg === "cli.ts" ? `${root}/cli.ts` : arg)
        .flatMap((arg) =>
          RUNTIME_FLAGS[0] === arg ? flags : RUNTIME_FLAGS.includes(arg) ? [] : arg
        ),
  };
}

/** Users started per second: enough for all to start at once. */
const ALL_AT_ONCE = 1_000_000;

/**
 * The arguments of Deno to run a test file of this folder.
 *
 * @param rate users started per second.
 */
export function aiotestArgs(
  file: string,
  load: Omit<Load, "openSeconds">,
  rate = ALL_AT_ONCE,
): string[] {
  const { url, exchange } = load;
  return [
    ...sourceArgs([]),
    ...["-f", `${SUPPORT}/${file}`, "-T", exchange, "-H", url],
    ...loadArgs(load, rate),
  ];
}

function sourceArgs(denoFlags: readonly string[]): string[] {
  return ["run", "-A", ...denoFlags, ...RUNTIME_FLAGS, "--cert", AUTHORITY, "cli.ts"];
}

/** The arguments of aiotest for a test file that counts the requests of its users. */
function userArgs(file: string, load: Load): string[] {
  const { url, exchange } = load;
  const name = exchange === "connect" ? "new_connections_test.ts" : file;
  return [
    ...["-f", `${SUPPORT}/${name}`, "-T", exchange, "-H", url],
    ...[...loadArgs(load), "--counts", countsFile(load)],
  ];
}

function loadArgs(
  { connections, seconds, folder }: Pick<Load, "connections" | "seconds" | "folder">,
  rate = ALL_AT_ONCE,
): string[] {
  return [
    ...["-u", String(connections), "-r", String(rate), "-t", `${seconds}s`],
    ...["--json", `${folder}/out.json`],
  ];
}

function countsFile({ folder }: Load): string {
  return `${folder}/counts.json`;
}

/** What a test file writes that counts the requests of its users. */
export interface UserCounts {
  readonly requestsOfUsers: readonly number[];
  /** From the start of the first user to the end of the last. */
  readonly seconds: number;
}

/** The parts of aiotest's summary that are read here. */
interface SummaryParts {
  readonly totals: {
    readonly requests: number;
    readonly rate: number;
    readonly latencyMs: {
      readonly mean: number | null;
      readonly p50: number | null;
      readonly p99: number | null;
    };
  };
  readonly failures: readonly { readonly error: string; readonly count: number }[];
}

async function readSummary({ folder }: Load): Promise<SummaryParts> {
  return JSON.parse(await Deno.readTextFile(`${folder}/out.json`));
}

function summaryResult({ totals, failures }: SummaryParts, counts: UserCounts | null): OwnResult {
  const { requests, rate, latencyMs } = totals;
  return {
    requests,
    rate: counts === null ? rate : requests / counts.seconds,
    meanMs: latencyMs.mean,
    p50Ms: latencyMs.p50,
    p99Ms: latencyMs.p99,
    failures: failures.reduce<Record<string, number>>((counts, { error, count }) => {
      counts[error] = (counts[error] ?? 0) + count;
      return counts;
    }, {}),
    fairness: counts === null ? null : fairnessOf(counts.requestsOfUsers),
  };
}

function numberAfter(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1]);
}

/** A time in a line of wrk, such as "Latency   630.12us". */
function wrkMs(text: string, label: string): number | null {
  const found = new RegExp(`^\\s*${label}\\s+([\\d.]+)(us|ms|s|m)\\b`, "m").exec(text);
  return found === null ? null : Number(found[1]) * MS[found[2] as keyof typeof MS];
}

function counted(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
