import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { joinMaster, type WorkerIdentity } from "../../src/cluster/handshake.ts";
import { ProtocolError } from "../../src/cluster/protocol.ts";
import { systemClock as clock } from "../../src/core/clock.ts";
import { connect } from "../../src/core/network.ts";
import { Cluster } from "../support/cluster.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { allGone, childrenOf } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { printFigure } from "../support/timing.ts";

const test = sideBySide("who may join a run", 2);

const TOKEN = "correct horse battery staple";
const WAITING = /Waiting for workers at \S+:(\d+)\./;
const OPEN_PORT = /There is no token: anyone who can reach \S.* can join this run/g;

/** A small load, which ends by itself. */
function load(target: CountingTarget, seconds: number): string[] {
  return ["-H", target.url, "-u", "4", "-r", "50", "-s", "1", "-t", String(seconds)];
}

function certificate(name: string): string {
  return projectPath(`tests/support/certs/${name}`);
}

/** Connects to a cluster's port. */
async function dial(cluster: Cluster): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname: "127.0.0.1", port: await portOf(cluster) });
}

async function portOf(cluster: Cluster): Promise<number> {
  return Number(await cluster.master.tells(WAITING));
}

/** Asserts that only one worker took part in a run. */
async function assertUntouched(cluster: Cluster, target: CountingTarget): Promise<Finished> {
  const result = await cluster.ended();
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual(result.summary.workers.map(({ id, state }) => `${id} ${state}`), [
    "w1 finished",
  ]);
  assert.equal(result.summary.complete, true);
  assertEqualCounts(result.summary, target);
  return result;
}

test("only workers with the token can join, and the token is in no log", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 0,
    args: [...load(target, 2), "--token", TOKEN, "-L", "DEBUG"],
  });
  const outputs: string[] = [];
  for (const [name, args] of [["wrong", ["--token", "guess"]], ["missing", []]] as const) {
    const { code, stdout, stderr } = await cluster.join(name, args).finished;
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /The master at 127\.0\.0\.1:\d+ refuses this worker: the token is wrong or missing: set the same --token or AIOTEST_TOKEN on both sides/,
    );
    outputs.push(stdout, stderr);
  }
  const right = cluster.join("w1", ["--token", TOKEN, "-L", "DEBUG"]);
  const master = await assertUntouched(cluster, target);
  const { code, stdout, stderr } = await right.finished;
  assert.equal(code, 0, stderr);
  outputs.push(stdout, stderr, master.stdout, master.stderr);
  assert.match(
    master.stderr,
    /WARNING +Refused a connection from 127\.0\.0\.1: the token is wrong or missing/,
  );
  assert.equal(outputs.some((text) => text.includes(TOKEN)), false, "the token is in a log");
  assert.equal(outputs.some((text) => text.match(OPEN_PORT)), false, "a port with a token is open");
});

test("a worker with a token does not run for a master without one", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 0,
    args: load(target, 1),
  });
  const { code, stderr } = await cluster.join("w1", ["--token", TOKEN]).finished;
  assert.equal(code, 2);
  assert.match(stderr, /the worker has a token, the master has none/);
});

test("workers on the same machine get the token where other users cannot see it", async () => {
  await using target = new CountingTarget();
  const parent = startAiotest(
    [
      ...[
        "-f",
        projectPath("tests/e2e/fixtures/visits.ts"),
        "--processes",
        "2",
        ...load(target, 2),
      ],
      ...["-L", "DEBUG"],
    ],
    { env: { AIOTEST_TOKEN: TOKEN } },
  );
  await target.reached(5);
  const children = childrenOf(parent.pid);
  assert.equal(children.length, 2);
  for (const pid of children) {
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
    assert.match(words, /--worker-name/);
    assert.equal(words.includes(TOKEN), false, words);
  }
  const { code, stdout, stderr } = await parent.finished;
  assert.equal(code, 0, stderr);
  assert.equal(`${stdout}${stderr}`.includes(TOKEN), false, "the token is in a log");
  await allGone(children, 1_000);
});

test("without a token, each side warns once that the port is open", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 1,
    args: load(target, 4),
    proxied: true,
  });
  await target.reached(5);
  for (let cuts = 0; cuts < 2; cuts++) {
    cluster.proxy!.cut();
    const before = target.total;
    await target.reached(before + 5);
  }
  const { stderr } = await assertUntouched(cluster, target);
  const worker = await cluster.worker("w1").finished;
  assert.equal(stderr.match(OPEN_PORT)?.length, 1, stderr);
  assert.equal(worker.stderr.match(OPEN_PORT)?.length, 1, worker.stderr);
  assert.equal(worker.stderr.match(/Joined the master/g)?.length, 3, worker.stderr);
});

test("with TLS, workers that trust the master's authority join; others report the reason within seconds", async () => {
  await using target = new CountingTarget();
  const files = ["--tls-cert", certificate("good.pem"), "--tls-key", certificate("good.key")];
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 0,
    args: [...load(target, 2), ...files, "--token", TOKEN],
  });
  const strangers = [
    [["--tls-ca", certificate("self_signed.pem")], "not signed by the authority in --tls-ca"],
    [[], "the master does not send HELLO; if it has --tls-cert, workers need --tls-ca"],
  ] as const;
  await Promise.all(strangers.map(async ([args, reason]) => {
    const worker = cluster.join(reason, ["--token", TOKEN, "--reconnect-timeout", "3", ...args]);
    await worker.says(reason);
    const { code, stderr } = await worker.finished;
    assert.equal(code, 4, stderr);
    assert.match(stderr, /^aiotest: Cannot reach the master at 127\.0\.0\.1:\d+ for 3 s: /m);
  }));
  cluster.join("w1", ["--token", TOKEN, "--tls-ca", certificate("ca.pem")]);
  await assertUntouched(cluster, target);
});

test("a worker that expects TLS does not join a master without it", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 1,
    args: load(target, 3),
  });
  const worker = cluster.join("w2", [
    ...["--tls-ca", certificate("ca.pem"), "--reconnect-timeout", "1"],
  ]);
  const { code, stderr } = await worker.finished;
  assert.equal(code, 4);
  assert.match(
    stderr,
    /it does not use TLS; if workers have --tls-ca, the master needs --tls-c/,
  );
  const master = await assertUntouched(cluster, target);
  assert.match(
    master.stderr,
    /Refused .*The peer uses TLS: if workers have --tls-ca, the master needs/,
  );
});

const STRANGER: WorkerIdentity = {
  workerId: "stranger",
  incarnation: "stranger",
  host: "elsewhere",
  pid: 1,
  cpus: 1,
  testfileHash: "00",
};

/** Tries to join with a wrong token; returns what the answer was. */
async function intrude(port: number): Promise<ProtocolError["code"] | "in" | "gone"> {
  let channel: Channel;
  try {
    channel = new Channel(await connect({ hostname: "127.0.0.1", port, tls: null }));
  } catch {
    return "gone";
  }
  try {
    await joinMaster(channel, STRANGER, { token: "guess", clock });
    return "in";
  } catch (error) {
    return error instanceof ProtocolError ? error.code : "gone";
  } finally {
    channel.close();
  }
}

Deno.test("10,000 attempts with a wrong token fail, and a worker with the right one joins within 5 s", async () => {
  const joins = 10_000;
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 0,
    args: ["-H", target.url, "-u", "4", "-r", "50", "--token", TOKEN],
  });
  const port = await portOf(cluster);
  const answers = new Map<string, number>();
  let left = joins;
  const begun = performance.now();
  // More than the listener accepts at a time: some only get an error of type busy.
  const attackers = Array.from({ length: 16 }, async () => {
    for (let tries = 0; left > 0 && tries < joins; tries++) {
      const answer = await intrude(port);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      if (answer === "token") left--;
    }
  });
  // In the midst of it.
  for (let waits = 0; left > 0.8 * joins && waits < 4_000; waits++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const since = performance.now();
  const worker = cluster.join("w1", ["--token", TOKEN]);
  await worker.says("Joined the master");
  const joinedMs = performance.now() - since;
  const during = left > 0;
  await Promise.all(attackers);
  const seconds = (performance.now() - begun) / 1000;
  printFigure(
    `${joins} joins with a wrong token in ${seconds.toFixed(1)} s`,
    "none let in, a right one within 5 s",
    `${answers.get("in") ?? 0} let in, the right one after ${joinedMs.toFixed(0)} ms` +
      `${during ? ", while they came" : ""}`,
  );
  assert.equal(answers.get("in"), undefined);
  assert.ok(answers.get("token")! >= joins, JSON.stringify([...answers]));
  assert.ok(joinedMs < 5_000, `after ${joinedMs} ms`);
  await target.reached(5);
  cluster.master.kill("SIGINT");
  const { stderr } = await assertUntouched(cluster, target);
  const refusals = stderr.match(/Refused/g)?.length ?? 0;
  assert.ok(refusals > 0 && refusals <= seconds + 8, `${refusals} lines in ${seconds} s`);
});

test("a worker with another test file is refused with both hashes, unless that is allowed", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  const own = await Deno.readTextFile(projectPath("tests/e2e/fixtures/visits.ts"));
  const other = `${own}// Changed since.\n`;
  await Deno.writeTextFile(file, other);
  try {
    for (const allowed of [false, true]) {
      await using target = new CountingTarget();
      await using cluster = await Cluster.start({
        fixture: "visits.ts",
        workers: 0,
        args: [...load(target, 1), ...(allowed ? ["--allow-different-testfile"] : [])],
      });
      const { code, stderr } = await runAiotest([
        ...["-f", file, "--worker", "--worker-name", "w1"],
        ...["--master-port", String(await portOf(cluster))],
      ]);
      assert.equal(code, allowed ? 0 : 2, stderr);
      if (allowed) {
        await assertUntouched(cluster, target);
      } else {
        const hashes = await Promise.all([other, own].map(sha256));
        assert.ok(
          stderr.includes(`a different test file than the master: ${hashes.join(" is not ")}`),
        );
      }
    }
  } finally {
    await Deno.remove(file);
  }
});

async function sha256(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).toHex();
}

test("a second worker with the same name waits, and says why", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 1,
    args: load(target, 4),
  });
  await target.reached(1);
  const port = String(await portOf(cluster));
  const second = await runAiotest([
    ...["-f", projectPath("tests/e2e/fixtures/visits.ts"), "--worker", "--worker-name", "w1"],
    ...["--master-port", port, "--reconnect-timeout", "1"],
  ]);
  assert.equal(second.code, 4);
  assert.match(
    second.stderr,
    /INFO .*does not accept this worker yet \(a worker named w1 is already connected\)/,
  );
  assert.match(second.stderr, /^Give this worker another name with --worker-name\.$/m);
  await assertUntouched(cluster, target);
});

test("a port in use is reported at once", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const { code, stdout, stderr } = await runAiotest([
    ...["-f", projectPath("tests/e2e/fixtures/visits.ts"), "-H", "http://127.0.0.1:9", "--master"],
    ...["--master-bind-host", "127.0.0.1", "--master-bind-port", String(port)],
  ]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.equal(
    stderr,
    `aiotest: The master cannot listen on 127.0.0.1:${port}: the port is already in use\n` +
      "Choose another address with --master-bind-host and --master-bind-port.\n",
  );
});

test("an invalid certificate is reported at once", async () => {
  const { code, stderr } = await runAiotest([
    ...["-f", projectPath("tests/e2e/fixtures/visits.ts"), "-H", "http://127.0.0.1:9", "--master"],
    ...["--master-bind-host", "127.0.0.1", "--master-bind-port", "0"],
    ...["--tls-cert", certificate("good.pem"), "--tls-key", certificate("expired.key")],
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /^aiotest: Invalid --tls-cert or --tls-key: .*KeyMismatch/);
});

test("HTTP requests and random bytes at the port do not affect the run", async () => {
  await using target = new CountingTarget();
  await using cluster = await Cluster.start({
    fixture: "visits.ts",
    workers: 1,
    args: load(target, 3),
  });
  await target.reached(1);
  const noise = [
    new TextEncoder().encode("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    crypto.getRandomValues(new Uint8Array(60_000)),
    new Uint8Array(60_000),
    new Uint8Array(0),
  ];
  await Promise.all(noise.map(async (bytes) => {
    const conn = await dial(cluster);
    try {
      await conn.write(bytes);
      for (const into = new Uint8Array(1024); await conn.read(into) !== null;);
    } catch {
      // The master has closed it.
    }
    conn.close();
  }));
  const { stderr } = await assertUntouched(cluster, target);
  assert.match(stderr, /Refused /);
  assert.doesNotMatch(stderr, /^ +at /m, "a stack trace");
});
