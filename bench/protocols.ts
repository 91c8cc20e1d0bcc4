/**
 * Compares HTTP/2 over TLS with h2load and with native `fetch`, in turns.
 * `deno task bench protocols [--runs N] [--seconds S]`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { positive } from "./support/arguments.ts";
import { median } from "./support/comparison.ts";
import { aiotestArgs, type Contender, type OwnResult } from "./support/contender.ts";
import { measure } from "./support/measurement.ts";
import { type Nginx, startNginx } from "./support/nginx.ts";

const CORES = { target: 0, client: 1 } as const;

/** The goals: at least half of h2load's rate, and four times that of `fetch`. */
const GOALS = { h2load: 0.5, fetch: 4 } as const;

interface Shape {
  readonly connections: number;
  /** Requests of a connection at a time. */
  readonly streams: number;
}

const SHAPES: readonly Shape[] = [{ connections: 64, streams: 1 }, { connections: 8, streams: 8 }];

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

/** What the contenders say themselves is not used: nginx counts. */
const NO_RESULT: OwnResult = {
  requests: 0,
  rate: 0,
  meanMs: null,
  p50Ms: null,
  p99Ms: null,
  failures: {},
  fairness: null,
};

function h2load({ streams }: Shape): Contender {
  return {
    program: "h2load",
    exchanges: ["get"],
    tls: "only",
    opensFirst: false,
    failureCode: 0,
    args: ({ url, connections, seconds }) => [
      ...["-t1", `-c${connections}`, `-m${streams}`, `-D${seconds}`],
      url,
    ],
    ownResult: () => NO_RESULT,
  };
}

function user(className: string, { streams }: Shape): Contender {
  return {
    program: Deno.execPath(),
    exchanges: ["get"],
    tls: "only",
    opensFirst: false,
    failureCode: 1,
    args: (load) =>
      aiotestArgs("http2_user_test.ts", load)
        .filter((arg, at, all) => arg !== "-T" && all[at - 1] !== "-T")
        .concat("--user-classes", className, "--streams", String(streams)),
    ownResult: () => NO_RESULT,
  };
}

async function compare(nginx: Nginx, shape: Shape, runs: number, seconds: number): Promise<void> {
  const contenders = {
    h2load: h2load(shape),
    FastHttpUser: user("Http2Test", shape),
    fetch: user("FetchTest", shape),
  };
  const rates: Record<string, number[]> = {};
  const costs: Record<string, number[]> = {};
  for (let run = 0; run < runs; run++) {
    for (const [name, contender] of Object.entries(contenders)) {
      // With native fetch, all users share one connection.
      const connections = name === "fetch" ? 1 : shape.connections;
      const load = { exchange: "get", isTls: true, connections } as const;
      const started = name === "fetch" ? withUsers(contender, shape.connections) : contender;
      const { rate, cpuMicroseconds } = await measure(started, nginx, load, {
        seconds,
        cores: CORES,
      });
      (rates[name] ??= []).push(rate);
      (costs[name] ??= []).push(cpuMicroseconds);
    }
  }
  say(`\n${shape.connections} users, ${shape.streams} at a time`);
  for (const name of Object.keys(contenders)) {
    say(
      `${name.padEnd(12)} ${median(rates[name]!).toFixed(0).padStart(7)}/s ` +
        `${median(costs[name]!).toFixed(1).padStart(6)} µs of processor time per request`,
    );
  }
  for (const [name, goal] of Object.entries(GOALS)) {
    const ratio = median(rates.FastHttpUser!.map((rate, run) => rate / rates[name]![run]!));
    say(`FastHttpUser has ${ratio.toFixed(2)} times the rate of ${name} (goal: ${goal})`);
  }
}

/** The same contender with another number of users than of connections, and time to start them all. */
function withUsers(contender: Contender, users: number): Contender {
  return {
    ...contender,
    args: (load) => contender.args({ ...load, connections: users, seconds: load.seconds + 4 }),
  };
}

const { values } = parseArgs({
  args: [...args],
  options: { runs: { type: "string" }, seconds: { type: "string" } },
});
const runs = positive("--runs", values.runs ?? "5");
const seconds = positive("--seconds", values.seconds ?? "3");
const folder = await Deno.makeTempDir();
const nginx = await startNginx(folder, CORES.target);
try {
  const target: Nginx = { ...nginx, url: () => nginx.http2Url };
  for (const shape of SHAPES) await compare(target, shape, runs, seconds);
} finally {
  await nginx.stop();
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(0);
