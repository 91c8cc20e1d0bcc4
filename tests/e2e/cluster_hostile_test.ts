import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { joinMaster } from "../../src/cluster/handshake.ts";
import { systemClock } from "../../src/core/clock.ts";
import { connect, writeAll } from "../../src/core/network.ts";
import { Cluster } from "../support/cluster.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { HostileFrames, joinFrames } from "../support/hostile.ts";
import type { Outcome } from "../support/hostile_child.ts";
import { identity } from "../support/joining.ts";
import { memoryOf } from "../support/machine.ts";
import { lengthOf } from "../support/nightly.ts";
import { projectPath } from "../support/paths.ts";
import { report } from "../support/reports.ts";
import { printFigure, sleep } from "../support/timing.ts";

const MIB = 2 ** 20;

/** Frames against a master, and as many against a worker; half of them after a handshake. */
const FRAMES = lengthOf({ short: 50_000, full: 500_000 });

function anySeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** Attacks a master or a worker in a separate process. */
async function attack(part: string): Promise<void> {
  const seed = anySeed();
  const child = projectPath("tests/support/hostile_child.ts");
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--v8-flags=--expose-gc",
      child,
      part,
      String(seed),
      String(FRAMES),
    ],
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  assert.equal(code, 0, text(stderr));
  const { grownBytes, connections, seconds, isWell }: Outcome = JSON.parse(
    text(stdout),
  );
  const grown = grownBytes / MIB;
  printFigure(
    `${FRAMES} frames against a ${part}, seed ${seed}: memory`,
    "under +64 MiB",
    `${grown.toFixed(1)} MiB; ${connections} connections in ${seconds.toFixed(0)} s`,
  );
  assert.equal(isWell, true);
  assert.ok(grown < 64);
}

Deno.test("master and worker survive mutated frames, and their memory does not grow", async () => {
  await Promise.all([attack("master"), attack("worker")]);
});

type Frame = Uint8Array<ArrayBuffer>;

/** The number of frames against the master, and against a worker. */
const FRAMES_OF_SOCKETS = lengthOf({ short: 5_000, full: 25_000 });

/** Bursts of frames to a worker, after which one costs it its connection. */
const BURSTS = lengthOf({ short: 4, full: 15 });

/** After this time, the connection is closed from this side. */
const PATIENCE_MS = 3_000;

/** Sends all frames over a new connection; resolves when the master has closed it. */
async function visit(port: number, frames: readonly Frame[]): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const timer = setTimeout(() => conn.close(), PATIENCE_MS);
  try {
    for (const frame of frames) await writeAll(conn, frame);
    await conn.closeWrite();
    const buffer = new Uint8Array(16 * 1024);
    while (await conn.read(buffer) !== null);
  } catch {
    // It was closed before all was sent.
  }
  clearTimeout(timer);
  try {
    conn.close();
  } catch {
    // That was done above.
  }
}

/** Peers of the master at the same time. */
const ATTACKERS = 4;

/** Does something `times` times, for several peers at a time. */
async function repeat(times: number, act: (time: number) => Promise<void>): Promise<void> {
  let time = 0;
  await Promise.all(Array.from({ length: ATTACKERS }, async () => {
    while (time < times) await act(time++);
  }));
}

/** Two workers behind a proxy, whose 40 users have all started. */
async function walkingCluster(
  target: CountingTarget,
): Promise<{ cluster: Cluster; proxy: NonNullable<Cluster["proxy"]>; testfileHash: string }> {
  const cluster = await Cluster.start({
    fixture: "walks.ts",
    workers: 2,
    args: ["-H", target.url, "-u", "40", "-r", "40", "--wait", "0.2"],
    proxied: true,
  });
  const proxy = cluster.proxy!;
  let testfileHash = "";
  proxy.onFrame = ({ message }) => {
    if (message.type === "JOIN") testfileHash = message.testfileHash;
  };
  try {
    await target.until(() => target.visitsOf("/start", ["w1", "w2"]) === 40, 20_000);
    return { cluster, proxy, testfileHash };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

Deno.test("mutated frames over sockets during a run leave all counts exact", async () => {
  const seed = anySeed();
  const hostile = new HostileFrames(seed);
  await using target = new CountingTarget();
  const { cluster, proxy, testfileHash } = await walkingCluster(target);
  await using _ = cluster;
  const memory = async (): Promise<number[]> =>
    await Promise.all(
      [cluster.master, cluster.worker("w2")].map(async ({ pid }) => (await memoryOf(pid)).resident),
    );
  await sleep(2_000);
  const before = await memory();
  const from = performance.now();

  let [toWorker, toMaster] = [0, 0];
  const attackWorker = async (): Promise<void> => {
    for (let burst = 1; burst <= 400 && toWorker < FRAMES_OF_SOCKETS; burst++) {
      for (let n = 0; n < 250; n++) {
        toWorker += proxy.inject("w2", "toWorker", hostile.harmless());
      }
      // Which costs it its connection.
      if (burst % BURSTS === 0) toWorker += proxy.inject("w2", "toWorker", hostile.refused());
      await sleep(50);
    }
  };
  const attackMaster = async (): Promise<void> => {
    // Without a handshake, the first frame ends the connection, whatever it is.
    await repeat(FRAMES_OF_SOCKETS / 5, async () => {
      await visit(proxy.masterPort, [hostile.refused()]);
      toMaster += 1;
    });
    await repeat(FRAMES_OF_SOCKETS / 25, async (time) => {
      const harmless = Array.from({ length: 19 }, () => hostile.harmless());
      const join = joinFrames(`evil-${time % ATTACKERS}`, testfileHash);
      await visit(proxy.masterPort, [join, ...harmless, hostile.refused()]);
      toMaster += 20;
    });
  };
  await Promise.all([attackWorker(), attackMaster()]);
  const seconds = (performance.now() - from) / 1000;
  await sleep(1_000);
  const after = await memory();
  const [ofMaster, ofWorker] = after.map((bytes, index) => (bytes - before[index]!) / MIB);
  const { summary, stderr } = await cluster.stop();

  printFigure(
    `${toMaster} and ${toWorker} frames over sockets in ${
      seconds.toFixed(0)
    } s, seed ${seed}: memory`,
    "under +64 MiB",
    `${ofMaster!.toFixed(1)} MiB of the master, ${ofWorker!.toFixed(1)} MiB of the worker`,
  );
  assert.ok(toMaster === FRAMES_OF_SOCKETS && toWorker >= FRAMES_OF_SOCKETS);
  printFigure("frames over sockets: connections of the workers", "over 4", `${proxy.connections}`);
  assert.ok(proxy.connections > 4);
  printFigure("frames over sockets: requests", `${target.total}`, `${summary.totals.requests}`);
  assertEqualCounts(summary, target);
  for (const id of ["w1", "w2"]) {
    const { requests, complete } = summary.workers.find((row) => row.id === id)!;
    assert.equal(requests, target.totalOf(id));
    assert.equal(complete, true);
  }
  assert.doesNotMatch(stderr, /Uncaught|TypeError|RangeError/);
  assert.equal((await cluster.worker("w2").finished).code, 0);
  assert.ok(ofMaster! < 64 && ofWorker! < 64);
});

/** Reports of very many seconds each. */
const FLOOD = 60;
const FLOOD_SECONDS = 80_000;

/** Joins of one address, each under a new name. */
const JOINS = lengthOf({ short: 1_500, full: 15_000 });

/** Joins a master without a token. Returns why it was refused; `null` if it was not. */
async function stranger(
  port: number,
  name: string,
  testfileHash: string,
  act: (channel: Channel, runId: string) => void,
): Promise<string | null> {
  const channel = new Channel(await connect({ hostname: "127.0.0.1", port, tls: null }));
  try {
    const who = identity({ workerId: name, incarnation: name, testfileHash });
    const { welcome } = await joinMaster(channel, who, { token: null, clock: systemClock });
    channel.send({
      type: "STATE",
      users: 0,
      state: "ready",
      elapsedSeconds: 0,
      sockets: "epoll",
      exhausted: [],
      unprepared: false,
    });
    act(channel, welcome.runId);
    await channel.flushed();
    for (;;) {
      const message = await channel.receive();
      if (message === null) return null;
      if (message.type === "ERROR") return message.text;
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    channel.close();
  }
}

Deno.test("strangers that flood the master affect neither the counts of others nor its memory", async () => {
  await using target = new CountingTarget();
  const { cluster, proxy, testfileHash } = await walkingCluster(target);
  await using _ = cluster;
  await sleep(1_000);
  const memory = async (): Promise<number> => (await memoryOf(cluster.master.pid)).resident;
  const before = await memory();
  const seconds = Array.from({ length: FLOOD_SECONDS }, (_, second) => (
    { second, users: 1, peakUsers: 1, requests: 1, failures: 0, maxLagMs: 0 }
  ));
  const reasons = new Set<string>();
  await repeat(FLOOD, async (time) => {
    const flood = { from: 0, to: FLOOD_SECONDS - 1, seconds };
    const reason = await stranger(
      proxy.masterPort,
      `flood-${time}`,
      testfileHash,
      (channel, runId) => channel.send(report({ runId, seq: 1, ...flood })),
    );
    reasons.add(String(reason).replace(/\d+$/, "N"));
  });
  let admitted = 0;
  await repeat(JOINS, async (time) => {
    const reason = await stranger(
      proxy.masterPort,
      `guest-${time}`,
      testfileHash,
      (channel) => channel.close(),
    );
    if (reason === null) admitted++;
    else assert.match(reason, /too many workers of this address have disconnected/);
  });
  const grown = (await memory() - before) / MIB;
  // Those that were admitted are given up, and their users go back.
  await cluster.alongside(
    target.until(() => target.usersSince(performance.now() - 1_000).length === 40, 30_000),
  );
  const { summary, code, stderr } = await cluster.stop();

  assert.deepEqual([...reasons], [
    `invalid REPORT: it contains second ${FLOOD_SECONDS - 1}, and the latest possible is N`,
  ]);
  printFigure(`${JOINS} joins of one address: admitted`, "about 100 in 6 s", `${admitted}`);
  assert.ok(admitted >= 40 && admitted < JOINS / 2);
  printFigure(
    "floods of strangers: memory of the master",
    "under +256 MiB",
    `${grown.toFixed(1)} MiB`,
  );
  // Most of it is garbage; keeping the seconds alone would take 2.4 GB.
  assert.ok(grown < 256);
  printFigure("floods of strangers: requests", `${target.total}`, `${summary.totals.requests}`);
  assertEqualCounts(summary, target);
  for (const id of ["w1", "w2"]) {
    const { requests, complete } = summary.workers.find((row) => row.id === id)!;
    assert.deepEqual([requests, complete], [target.totalOf(id), true]);
  }
  assert.equal(summary.workers.length, 2);
  assert.ok(summary.timeline.length < 120, `${summary.timeline.length} seconds`);
  const { warnings } = summary;
  assert.ok(warnings.length <= 24, warnings.join("\n"));
  assert.match(warnings[0]!, /^Worker flood-\d+ was excluded from the run: invalid REPORT/);
  assert.match(
    warnings.at(-1)!,
    /^40 more warnings like these|were lost before their first report/,
  );
  assert.doesNotMatch(stderr, /Uncaught|TypeError|RangeError|Worker w\d has been silent/);
  assert.ok(stderr.split("\n").length < 500, "a flood of log lines");
  assert.deepEqual([summary.complete, code], [false, 4]);
});
