/**
 * A bare loop: users that only send requests and wait for the responses, over one kind of connection. It is
 * the highest rate that a user in TypeScript can reach over it. `deno run -A bench/loops/run.ts KIND
 * EXCHANGE URL USERS SECONDS` prints a `LoopResult` as JSON. The seconds count from when all connections are
 * open.
 *
 * @module
 */

import process from "node:process";
import type { Exchange } from "../support/scenario.ts";
import type { Connections, LoopKind, LoopResult } from "./connections.ts";
import { epollConnections } from "./epoll.ts";
import { fetchConnections } from "./fetch.ts";
import { socketConnections } from "./sockets.ts";
import { nodeConnections, tcpConnections, tlsConnections } from "./streams.ts";
import { workloadOf } from "./workload.ts";

/**
 * One of this many latencies is measured, as reading the clock is not free. It divides no usual number of
 * users, so that each user's requests are among them.
 */
const SAMPLED = 97;

function connect(kind: LoopKind, exchange: Exchange, url: URL, users: number):
  | Connections
  | Promise<Connections> {
  const target = { hostname: url.hostname, port: Number(url.port), users };
  const workload = workloadOf(exchange, url);
  const open = {
    epoll: () => epollConnections(target, workload),
    sockets: () => socketConnections(target, workload),
    node: () => nodeConnections(target, workload),
    tcp: () => tcpConnections(target, workload),
    tls: () => tlsConnections(target, workload),
    fetch: () => fetchConnections(url, users, exchange),
  };
  return open[kind]();
}

async function run(connections: Connections, users: number, forMs: number): Promise<LoopResult> {
  const requestsOfUsers = new Array<number>(users).fill(0);
  const latenciesMs: number[] = [];
  let failures = 0;
  let turn = 0;
  const start = performance.now();
  const untilMs = start + forMs;

  async function user(index: number): Promise<void> {
    for (let now = start; now < untilMs; now = performance.now()) {
      const isSuccess = await connections.exchange(index);
      if (turn++ % SAMPLED === 0) latenciesMs.push(performance.now() - now);
      requestsOfUsers[index]!++;
      if (isSuccess) continue;
      failures++;
      return;
    }
  }

  await Promise.all(requestsOfUsers.map((_, index) => user(index)));
  const seconds = (performance.now() - start) / 1000;
  await connections.stop();
  return { failures, requestsOfUsers, seconds, latenciesMs };
}

const [kind, exchange, url, users, seconds] = Deno.args;
const connections = await connect(
  kind as LoopKind,
  exchange as Exchange,
  new URL(url!),
  Number(users),
);
const result = await run(connections, Number(users), Number(seconds) * 1000);
process.stdout.write(JSON.stringify(result));
Deno.exit(0);
