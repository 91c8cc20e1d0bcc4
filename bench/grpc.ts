/**
 * Measures the processor time of unary gRPC calls, beside a plain client of `@grpc/grpc-js`, in turns, against the same
 * server, which answers with frames that are always the same.
 * `deno task bench grpc [--runs N] [--seconds S] [--users N]`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { cpuSeconds } from "../tests/support/machine.ts";
import { positive } from "./support/arguments.ts";
import { median } from "./support/comparison.ts";
import { aiotestArgs } from "./support/contender.ts";
import { sleep, startPinned } from "./support/process.ts";

const CORES = { target: 0, client: 1 } as const;

/** How many times the processor time of aiotest a call of grpc-js takes at least. */
const GOAL = 5;

/** Until all connections are open, and code has been compiled. */
const WARM_SECONDS = 2;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);
const script = (name: string): string => new URL(`support/${name}`, import.meta.url).pathname;

/** The stub, in a process of its own. */
class Stub implements Disposable {
  readonly address: string;
  readonly #counts: string;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, ports: string) {
    const [port, counts] = ports.trim().split(" ");
    this.#child = child;
    this.address = `127.0.0.1:${port}`;
    this.#counts = `http://127.0.0.1:${counts}/counts`;
  }

  static async start(): Promise<Stub> {
    const child = new Deno.Command("taskset", {
      args: ["-c", `${CORES.target}`, Deno.execPath(), "run", "-A", "-q", script("grpc_stub.ts")],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    return new Stub(child, new TextDecoder().decode(value));
  }

  async calls(): Promise<number> {
    return (await (await fetch(this.#counts)).json()).calls;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

interface Figures {
  readonly rate: number;
  readonly cpuMicroseconds: number;
}

/** Measures a client in the middle of its run, by what the server and the system have counted. */
async function measured(
  stub: Stub,
  clientArgs: readonly string[],
  seconds: number,
): Promise<Figures> {
  const client = startPinned(CORES.client, Deno.execPath(), clientArgs);
  for (const start = await stub.calls(); await stub.calls() === start;) {
    if (!client.running) throw new Error((await client.ended).printed.stderr);
    await sleep(0.1);
  }
  await sleep(WARM_SECONDS);
  const before = {
    calls: await stub.calls(),
    cpu: await cpuSeconds(client.pid),
    at: performance.now(),
  };
  await sleep(seconds);
  const calls = await stub.calls() - before.calls;
  const cpu = await cpuSeconds(client.pid) - before.cpu;
  const took = (performance.now() - before.at) / 1000;
  client.kill();
  await client.ended;
  return { rate: calls / took, cpuMicroseconds: cpu / calls * 1e6 };
}

const { values } = parseArgs({
  args: [...args],
  options: {
    runs: { type: "string" },
    seconds: { type: "string" },
    users: { type: "string" },
  },
});
const runs = positive("--runs", values.runs ?? "3");
const seconds = positive("--seconds", values.seconds ?? "4");
const users = positive("--users", values.users ?? "16");
const folder = await Deno.makeTempDir();
const stub = await Stub.start();
const long = String(seconds + WARM_SECONDS + 60);
const clients = {
  GrpcUser: aiotestArgs("grpc_user_test.ts", {
    url: `http://${stub.address}`,
    exchange: "get",
    connections: users,
    seconds: Number(long),
    folder,
  }),
  "grpc-js": ["run", "-A", "-q", script("grpc_js_client.ts"), stub.address, String(users), long],
};
const all: Record<string, Figures[]> = { GrpcUser: [], "grpc-js": [] };
for (let run = 0; run < runs; run++) {
  for (const [name, clientArgs] of Object.entries(clients)) {
    const figures = await measured(stub, clientArgs, seconds);
    all[name]!.push(figures);
    say(
      `${name.padEnd(9)} ${figures.rate.toFixed(0).padStart(7)} calls/s, ` +
        `${figures.cpuMicroseconds.toFixed(1).padStart(6)} µs of processor time each`,
    );
  }
}
const ratios = all.GrpcUser!.map((own, run) =>
  all["grpc-js"]![run]!.cpuMicroseconds / own.cpuMicroseconds
);
say(
  `A call of grpc-js takes ${
    median(ratios).toFixed(1)
  } times the processor time of GrpcUser's (goal: ${GOAL})`,
);
stub[Symbol.dispose]();
await Deno.remove(folder, { recursive: true });
Deno.exit(median(ratios) >= GOAL ? 0 : 1);
