/**
 * Compares HTTP/2 over TLS with h2load and with native `fetch`, in turns.
 * `deno task bench protocols [--runs N] [--seconds S]`
 * `--base DIR` compares FastHttpUser of this checkout with that of another one, in pairs of runs.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { positive } from "./support/arguments.ts";
import { median } from "./support/comparison.ts";
import { ratioOf, ratioText, runPairs } from "./support/checkouts.ts";
import { aiotest, type Contender, type OwnResult } from "./support/contender.ts";
import { measure, type Measurement } from "./support/measurement.ts";
import { type Nginx, startNginx } from "./support/nginx.ts";
import { littleDeviation } from "./support/user_figures.ts";

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

/** What it says itself is not used: nginx counts. */
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
  const contender = aiotest("http2_user_test.ts", ["get"]);
  return {
    ...contender,
    tls: "only",
    args: (load) => [
      ...contender.args(load),
      ...["--user-classes", className, "--streams", String(streams)],
    ],
  };
}

async function compare(nginx: Nginx, shape: Shape, runs: number, seconds: number): Promise<void> {
  const contenders = {
    h2load: h2load(shape),
    FastHttpUser: user("Http2Test", shape),
    fetch: user("FetchTest", shape),
  };
  const measured: Record<string, Measurement[]> = {};
  for (let run = 0; run < runs; run++) {
    for (const [name, contender] of Object.entries(contenders)) {
      // With native fetch, all users share one connection.
      const connections = name === "fetch" ? 1 : shape.connections;
      const load = { exchange: "get", isTls: true, connections } as const;
      const started = name === "fetch" ? withUsers(contender, shape.connections) : contender;
      const result = await measure(started, nginx, load, { seconds, cores: CORES });
      (measured[name] ??= []).push(result);
    }
  }
  const figure = (name: string, of: (run: Measurement) => number): number =>
    median(measured[name]!.map(of));
  say(`\n${shape.connections} users, ${shape.streams} at a time`);
  const underWay = shape.connections * shape.streams;
  for (const name of Object.keys(contenders)) {
    const figures = [
      `${figure(name, ({ rate }) => rate).toFixed(0).padStart(7)}/s`,
      `${figure(name, (run) => run.cpuMicroseconds).toFixed(1).padStart(6)} µs of processor time`,
      `${figure(name, (run) => run.disturbed).toFixed(2)} of a core taken by others`,
    ];
    if (measured[name]!.every(({ own }) => own.fairness !== null)) {
      const latency = ({ own }: Measurement) =>
        1 + littleDeviation(own.meanMs ?? NaN, underWay, own.rate);
      figures.push(
        `p10 / p90 of users ${figure(name, ({ own }) => own.fairness!).toFixed(2)}`,
        `mean latency × rate / ${underWay} = ${figure(name, latency).toFixed(2)}`,
      );
    }
    say(`${name.padEnd(12)} ${figures.join(", ")}`);
  }
  for (const [name, goal] of Object.entries(GOALS)) {
    const ratio = (of: (run: Measurement) => number): string =>
      median(measured.FastHttpUser!.map((run, at) => of(run) / of(measured[name]![at]!)))
        .toFixed(2);
    say(
      `FastHttpUser has ${ratio(({ rate }) => rate)} times the rate of ${name} (goal: ${goal}), ` +
        `and takes ${ratio((run) => run.cpuMicroseconds)} times its processor time`,
    );
  }
}

/** Compares FastHttpUser with that of another checkout. */
async function compareCheckouts(
  nginx: Nginx,
  shape: Shape,
  base: string,
  runs: number,
  seconds: number,
): Promise<void> {
  const { connections, streams } = shape;
  say(`\n${connections} users, ${streams} at a time, base ${base}`);
  const load = { exchange: "get", isTls: true, connections } as const;
  const pairs = await runPairs(user("Http2Test", shape), nginx, load, {
    ...{ base, pairs: runs, seconds, cores: CORES },
    onPair: ({ base, now }, number) =>
      say(
        `pair ${number}: ${base.rate.toFixed(0)} → ${now.rate.toFixed(0)}/s, ` +
          `${base.cpuMicroseconds.toFixed(2)} → ${now.cpuMicroseconds.toFixed(2)} µs`,
      ),
  });
  say(`processor time: ${ratioText(ratioOf(pairs, (run) => run.cpuMicroseconds))} of the base`);
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
  options: {
    runs: { type: "string" },
    seconds: { type: "string" },
    base: { type: "string", default: "" },
  },
});
const runs = positive("--runs", values.runs ?? "5");
const seconds = positive("--seconds", values.seconds ?? "3");
const folder = await Deno.makeTempDir();
const nginx = await startNginx(folder, CORES.target);
try {
  const target: Nginx = { ...nginx, url: () => nginx.http2Url };
  const base = values.base === "" ? "" : Deno.realPathSync(values.base);
  for (const shape of SHAPES) {
    if (base === "") await compare(target, shape, runs, seconds);
    else await compareCheckouts(target, shape, base, runs, seconds);
  }
} finally {
  await nginx.stop();
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(0);
