import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { type Finished, runAiotest, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("aiotest quick", 2);

/** One request as the target saw it. */
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly headers: Headers;
}

/** A target that answers, and remembers what it was asked. */
interface Target {
  readonly url: string;
  readonly seen: Seen[];
  [Symbol.asyncDispose](): Promise<void>;
}

function openTarget(answer: () => Response | Promise<Response> = () => new Response("ok")): Target {
  const seen: Seen[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (req) => {
    const { method, headers } = req;
    const { pathname, search } = new URL(req.url);
    seen.push({ method, headers, url: pathname + search, body: await req.text() });
    return await answer();
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

interface Run extends Finished {
  readonly summary: Summary;
}

async function quick(target: Target, path: string, ...args: string[]): Promise<Run> {
  const json = await Deno.makeTempFile();
  const finished = await runAiotest(["quick", `${target.url}${path}`, "--json", json, ...args]);
  const text = await Deno.readTextFile(json);
  assert.notEqual(text, "", finished.stderr);
  await Deno.remove(json);
  return { ...finished, summary: JSON.parse(text) };
}

for (
  const [requests, users] of [[1, 1], [10, 50], [500, 7], [1000, 1000], [20_000, 50]] as const
) {
  test(`quick -n ${requests} -u ${users} sends exactly that many requests, and ends`, async () => {
    await using target = openTarget();
    const { code, summary, stderr } = await quick(
      target,
      "/a?b=c",
      ...["-n", String(requests), "-u", String(users)],
    );
    assert.equal(code, 0, stderr);
    assert.equal(target.seen.length, requests);
    assert.equal(summary.totals.requests, requests);
    assert.equal(summary.totals.failures, 0);
    assert.deepEqual(target.seen[0]!.url, "/a?b=c");
    assert.deepEqual(summary.requests.map(({ method, name }) => [method, name]), [["GET", "/a"]]);
  });
}

test("the run ends with the last response, without waiting for idle users", async () => {
  await using target = openTarget(async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return new Response("ok");
  });
  // A stop timeout that was waited for would show.
  const { summary } = await quick(target, "/", "-n", "5", "-u", "20", "-s", "30");
  assert.equal(target.seen.length, 5);
  assert.ok(summary.durationSeconds < 3, `${summary.durationSeconds} s`);
});

test("failed requests count for -n, and make the exit code 1", async () => {
  await using target = openTarget(() => new Response("no", { status: 503 }));
  const { code, summary } = await quick(target, "/", "-n", "30", "-u", "4");
  assert.equal(code, 1);
  assert.equal(target.seen.length, 30);
  assert.deepEqual(summary.failures, [
    { method: "GET", name: "/", error: "HTTP 503", count: 30 },
  ]);
});

test("-n ends even if the connection is refused", async () => {
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  closed.close();
  const url = `http://127.0.0.1:${closed.addr.port}/`;
  const { code, stdout } = await runAiotest(["quick", url, "-n", "25"]);
  assert.equal(code, 1);
  assert.match(stdout, /25 +GET +\/ +ECONNREFUSED/);
});

test("the options define the request", async () => {
  await using target = openTarget();
  const file = await Deno.makeTempFile();
  await Deno.writeFile(file, new TextEncoder().encode('{"name":"ü"}'));
  const headers = ["--header", "Content-Type: application/json", "--header", "X-Trace: a: b"];
  const { code } = await quick(target, "/login", "-n", "2", "-d", `@${file}`, ...headers);
  assert.equal(code, 0);
  await quick(target, "/plain", "-n", "1", "-m", "PUT", "-d", "a=1");
  await Deno.remove(file);
  const [first, second, third] = target.seen;
  assert.deepEqual([first!.method, first!.url, first!.body], ["POST", "/login", '{"name":"ü"}']);
  assert.equal(first!.headers.get("content-type"), "application/json");
  assert.equal(first!.headers.get("x-trace"), "a: b");
  assert.equal(second!.body, first!.body);
  assert.deepEqual([third!.method, third!.body], ["PUT", "a=1"]);
  assert.equal(third!.headers.get("content-type"), null);
});

test("without -n, all users run for the given time", async () => {
  await using target = openTarget();
  const { code, summary } = await quick(target, "/", "-t", "1", "-u", "30");
  assert.equal(code, 0);
  assert.ok(summary.durationSeconds >= 1 && summary.durationSeconds < 2);
  assert.equal(summary.timeline[0]!.users, 30);
  assert.equal(summary.totals.requests, target.seen.length);
});

test("Ctrl-C ends a quick run gracefully", async () => {
  await using target = openTarget();
  const run = startAiotest(["quick", `${target.url}/`, "-n", "100000000"]);
  while (target.seen.length < 100) await new Promise((resolve) => setTimeout(resolve, 20));
  run.kill("SIGINT");
  const { code, stdout } = await run.finished;
  assert.equal(code, 0);
  assert.match(stdout, /PASSED/);
});

test("invalid options are an error with exit code 2, and send nothing", async () => {
  await using target = openTarget();
  const { code, stdout, stderr } = await runAiotest(["quick", `${target.url}/`, "-n", "0"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.equal(stderr, "aiotest: --requests 0: expected a whole number of at least 1\n");
  assert.equal(target.seen.length, 0);
});
