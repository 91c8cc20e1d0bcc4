import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { ChatTarget } from "../support/chat_target.ts";
import { blocksOf } from "../support/doc_page.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("WebSocket", 2);

/** Each user says ten things, waits until it has heard each, and leaves. All in its room hear them, too. */
const CHAT = `
import { WebSocketUser } from "aiotest";
export class ChatTest extends WebSocketUser {
  static waitTime = 0;
  static iterations = 10;
  said = 0;
  async onStart() {
    await this.session.post("/login");
    await this.connect("/members", { name: "connect" });
  }
  async testSay() {
    const text = "user " + this.id + " says " + ++this.said;
    await this.group("talk", () => this.ask({ say: text }, (one) => JSON.parse(one).said === text, { name: "say" }));
  }
  async onStop() {
    await this.ask({ leave: true }, '{"left":true}', { name: "leave" });
    await this.close();
  }
}
`;

/** Runs a test file, and returns the exit code and the summary. */
async function run(
  text: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string; summary: Summary }> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/aiotestfile.ts`, text);
    const ended = await runAiotest(["--no-web", "--json", "out.json", ...args], { cwd });
    assert.ok(!/ at .*src\//.test(ended.stderr), ended.stderr);
    return { ...ended, summary: JSON.parse(await Deno.readTextFile(`${cwd}/out.json`)) };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

function metric({ metrics }: Summary, name: string): number {
  const row = metrics.find((one) => one.name === name);
  return row?.type === "counter" ? row.value : 0;
}

for (const more of [[], ["--processes", "2"]]) {
  test(`what the server counts is what is reported ${more.join(" ")}`, async () => {
    await using target = new ChatTarget(10);
    const host = `ws://127.0.0.1:${target.port}`;
    const load = ["-u", "40", "-r", "40", "-t", "20", "-H", host, ...more];
    const { code, stdout, stderr, summary } = await run(CHAT, ...load);
    assert.equal(code, 0, stdout + stderr);
    const { received, sent, opened, closedBy } = target.counts;
    assert.deepEqual([opened, received], [40, 440]);
    assert.ok(sent > received, String(sent));
    assert.equal(metric(summary, "ws_messages_sent"), received);
    assert.equal(metric(summary, "ws_messages_received"), sent);
    assert.deepEqual(closedBy, { 1000: 40 });
    assert.equal(metric(summary, "ws_closes_1000"), 40);
    const counted = summary.requests.map(({ method, name, requests, failures }) =>
      `${method} ${name} ${requests} ${failures}`
    );
    assert.deepEqual(counted.sort(), [
      "POST /login 40 0",
      "WS connect 40 0",
      "WS leave 40 0",
      "WS say 400 0",
    ]);
    assert.equal(summary.groups[0]?.count, 400);
    assert.equal(summary.requests.find(({ name }) => name === "connect")?.connections?.opened, 40);
  });
}

test("refusals, closes and time limits are failures that reports name", async () => {
  await using target = new ChatTarget();
  const { code, stdout, summary } = await run(
    `
import { RequestError, WebSocketUser } from "aiotest";
export class FailingTest extends WebSocketUser {
  static iterations = 1;
  async testAll() {
    for (const step of [
      () => this.connect("/members"),
      () => this.connect("/chat"),
      () => this.receive({ timeout: 0.1 }),
      () => this.ask("boom", "never"),
    ]) {
      try { await step(); } catch (error) {
        if (!(error instanceof RequestError)) throw error;
      }
    }
  }
}
`,
    ...["-u", "1", "-t", "20", "-H", `http://127.0.0.1:${target.port}`],
    ...["--threshold", "ws_closes_1006.count<1", "--threshold", "ws_messages_sent.count>=1"],
    ...["--threshold", "ws_closes_1011.count==1", "--threshold", "ws_closes_1003.count<1"],
  );
  assert.equal(code, 1, stdout);
  const errors = summary.failures.map(({ method, name, error, count }) =>
    `${method} ${name} ${error} ${count}`
  );
  assert.deepEqual(errors.sort(), [
    "WS /chat ask WS_CLOSED 1011 1",
    "WS /chat receive TIMEOUT 1",
    "WS /members HTTP 403 1",
  ]);
  assert.deepEqual(summary.userErrors, []);
  assert.equal(metric(summary, "ws_closes_1011"), 1);
});

test("users that are stopped leave with 1001, and nothing has failed", async () => {
  await using target = new ChatTarget();
  const { code, stdout, summary } = await run(
    `
import { WebSocketUser } from "aiotest";
export class ListeningTest extends WebSocketUser {
  async testListen() {
    await this.connect("/chat");
    await this.ask({ say: "x" }, "never");
  }
}
`,
    ...["-u", "5", "-r", "5", "-t", "2", "--stop-timeout", "0"],
    ...["-H", `ws://127.0.0.1:${target.port}`],
  );
  assert.equal(code, 0, stdout);
  assert.equal(summary.totals.failures, 0);
  assert.equal(metric(summary, "ws_closes_1001"), 5);
  assert.deepEqual(target.counts.closedBy, { 1001: 5 });
});

test("mistakes in a class are named before the run", async () => {
  const wrong = await runOnly(
    `import { WebSocketUser } from "aiotest";
export class ChatTest extends WebSocketUser {
  static maxMesageSize = 5;
  static compression = "yes";
  async testChat() {}
}
`,
  );
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /ChatTest\.compression is "yes"/);
  const misspelled = await runOnly(
    `import { WebSocketUser } from "aiotest";
export class ChatTest extends WebSocketUser {
  static maxMesageSize = 5;
  async testChat() {}
}
`,
  );
  assert.match(
    misspelled.stderr + misspelled.stdout,
    /maxMesageSize .*Did\s+you mean maxMessageSize/,
  );
});

/** Checks a test file with `aiotest check`. */
async function runOnly(text: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/aiotestfile.ts`, text);
    return await runAiotest(["check", "-f", "aiotestfile.ts"], { cwd });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

test("the examples of docs/websocket.md run", async () => {
  await using target = new ChatTarget(1);
  const load = ["-u", "3", "-r", "3", "-t", "3", "-H", `ws://127.0.0.1:${target.port}`];
  const page = blocksOf(await Deno.readTextFile(projectPath("docs/websocket.md")));
  const names: string[][] = [];
  for (const { text } of page.filter(({ kind }) => kind === "code")) {
    // The page's server answers to all messages, and not only to JSON.
    const file = text.replace('this.send("typing")', 'this.send({ say: "typing" })');
    const { code, stdout, summary } = await run(file, ...load);
    assert.equal(code, 0, stdout);
    assert.equal(summary.totals.failures, 0);
    names.push(summary.requests.map(({ method, name }) => `${method} ${name}`).sort());
  }
  assert.deepEqual(names, [["WS chat", "WS say hello"], ["WS /chat", "WS /chat ping"]]);
});

test("the example socket_io.ts runs, and answers pings", async () => {
  let pongs = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { searchParams } = new URL(request.url);
    if (searchParams.get("EIO") !== "4") return new Response(null, { status: 400 });
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.send('0{"sid":"a","upgrades":[],"pingInterval":25000}');
    socket.onmessage = ({ data }) => {
      if (data === "40") {
        socket.send('40{"sid":"b"}');
        socket.send("2");
      } else if (data === "3") pongs++;
      const [, number] = /^42(\d+)\["say",/.exec(data) ?? [];
      if (number === undefined) return;
      socket.send('42["said","somebody"]');
      socket.send(`43${number}["ok"]`);
    };
    return response;
  });
  const requests = await example("socket_io.ts", server.addr.port);
  assert.deepEqual(requests, ["WS /socket.io/", "WS join the namespace", "WS say"]);
  assert.ok(pongs >= 3, String(pongs));
  await server.shutdown();
});

/** Runs an example for two seconds. Returns its requests, none of which may have failed. */
async function example(name: string, port: number): Promise<string[]> {
  const json = await Deno.makeTempFile();
  const file = projectPath(`examples/${name}`);
  const host = `ws://127.0.0.1:${port}`;
  const started = startAiotest(
    ["-f", file, "-H", host, "-u", "3", "-r", "10", "-t", "2", "--json", json],
  );
  const { code, stdout, stderr } = await started.finished;
  assert.equal(code, 0, stdout + stderr);
  const summary: Summary = JSON.parse(await Deno.readTextFile(json));
  await Deno.remove(json);
  assert.equal(summary.totals.failures, 0);
  return summary.requests.map(({ method, name }) => `${method} ${name}`).sort();
}
