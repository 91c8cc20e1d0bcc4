/**
 * The load generators that are compared: how to start each, and how to read its result.
 *
 * @module
 */

import { RUNTIME_FLAGS } from "../../build/project.ts";
import type { ContenderName, Exchange } from "./scenario.ts";

/** The load, which is the same for every contender. */
export interface Load {
  /** The URL that is requested. */
  readonly url: string;
  readonly exchange: Exchange;
  readonly connections: number;
  /** How long the contender runs. */
  readonly seconds: number;
  /** A folder for files that it writes, empty at the start. */
  readonly folder: string;
}

/** The result that a contender reports. */
export interface OwnCount {
  readonly requests: number;
  /** Requests per second. */
  readonly rate: number;
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
  /** The arguments of the program. */
  args(load: Load): string[];
  /** Reads its result from its output, or from the files in the load's folder. */
  ownCount(printed: Printed, load: Load): OwnCount | Promise<OwnCount>;
}

const SUPPORT = "bench/support";

/** The authority of the target's certificate, in PEM. */
const AUTHORITY = "tests/support/certs/ca.pem";

/** All contenders. */
export const CONTENDERS: Readonly<Record<ContenderName, Contender>> = {
  wrk: {
    program: "wrk",
    args: ({ url, exchange, connections, seconds }) => [
      ...["-t1", `-c${connections}`, `-d${seconds}s`],
      ...(exchange === "post" ? ["-s", `${SUPPORT}/post_order.lua`] : []),
      url,
    ],
    ownCount: ({ stdout }) => ({
      requests: numberAfter(stdout, /(\d+) requests in/),
      rate: numberAfter(stdout, /Requests\/sec:\s*([\d.]+)/),
    }),
  },
  hey: {
    program: "hey",
    args: ({ url, connections, seconds }) => [
      ...["-z", `${seconds}s`, "-c", String(connections), "-cpus", "1"],
      url,
    ],
    ownCount: ({ stdout }) => ({
      requests: numberAfter(stdout, /\[200\]\s+(\d+) responses/),
      rate: numberAfter(stdout, /Requests\/sec:\s*([\d.]+)/),
    }),
  },
  locust: {
    program: "locust",
    args: ({ url, connections, seconds }) => [
      ...["-f", `${SUPPORT}/locustfile.py`, "--headless", "--only-summary", "-H", url],
      ...["-u", String(connections), "-r", "1000", "-t", `${seconds}s`],
    ],
    // Its CSV file lacks the last seconds; the table at the end is complete.
    ownCount: ({ stderr }) => ({
      requests: numberAfter(stderr, /Aggregated\s+(\d+)/),
      rate: numberAfter(stderr, /Aggregated.*\|\s*([\d.]+)/),
    }),
  },
  fetch: {
    program: Deno.execPath(),
    args: ({ url, connections, seconds }) => [
      ...["run", "-A", `${SUPPORT}/fetch_loop.ts`],
      ...[url, String(connections), String(seconds)],
    ],
    ownCount: ({ stdout }) => JSON.parse(stdout) as OwnCount,
  },
  HttpUser: {
    program: Deno.execPath(),
    args: (load) => aiotestArgs("http_user_test.ts", load),
    ownCount: aiotestCount,
  },
  FastHttpUser: {
    program: Deno.execPath(),
    args: (load) => aiotestArgs("fast_http_user_test.ts", load),
    ownCount: aiotestCount,
  },
};

/** Users started per second: enough for all to start at once. */
const ALL_AT_ONCE = 1_000_000;

/**
 * The arguments of Deno to run a test file of this folder.
 *
 * @param rate users started per second.
 */
export function aiotestArgs(file: string, load: Load, rate = ALL_AT_ONCE): string[] {
  const { url, exchange, connections, seconds, folder } = load;
  return [
    ...["run", "-A", ...RUNTIME_FLAGS, "--cert", AUTHORITY, "cli.ts", "-f", `${SUPPORT}/${file}`],
    ...["-T", exchange, "-H", url, "-u", String(connections), "-r", String(rate)],
    ...["-t", `${seconds}s`, "--json", `${folder}/out.json`],
  ];
}

async function aiotestCount(_printed: Printed, { folder }: Load): Promise<OwnCount> {
  const text = await Deno.readTextFile(`${folder}/out.json`);
  return (JSON.parse(text) as { totals: OwnCount }).totals;
}

function numberAfter(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1]);
}
