import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import type { MetricRow } from "../../src/stats/snapshot.ts";
import { ChatTarget } from "../support/chat_target.ts";
import { startExampleServer } from "../support/grpc_example_server.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest } from "../support/process.ts";
import {
  assertPassed,
  recipeCommands,
  RecipeFolder,
  recipePages,
  type RecipeRun,
  recipeText,
  runRecipe,
  withAddresses,
} from "../support/recipe_page.ts";
import {
  accountsTarget,
  countsOf,
  FEED_EVENTS,
  feedTarget,
  formsTarget,
  ForwardProxy,
  graphqlTarget,
  jobsTarget,
  loginTarget,
  modelTarget,
  pagesTarget,
  pollsOf,
  THINKING_MS,
  tokenTarget,
  uploadsTarget,
} from "../support/recipe_targets.ts";
import { simulatedRun } from "../support/simulated_summary.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { Target } from "../support/target.ts";
import { sleep } from "../support/timing.ts";

const test = sideBySide("recipes", 2);

/** What the pages call the service. */
const SERVICE = "http://127.0.0.1:8000";

/** How each run is repeated with workers. */
const PROCESSES: readonly Readonly<Record<string, string>>[] = [{}, { AIOTEST_PROCESSES: "2" }];

/** Runs the first command of a page against a target, which must end well. */
async function passed(
  page: string,
  target: Target,
  env: Readonly<Record<string, string>> = {},
): Promise<RecipeRun> {
  const run = await runRecipe(page, { addresses: { [SERVICE]: target.url }, env });
  assertPassed(run);
  return run;
}

function counter({ metrics }: Summary, name: string): number {
  const row = metrics.find((one) => one.name === name);
  assert.ok(row?.type === "counter", `${name} is missing`);
  return row.value;
}

function trend({ metrics }: Summary, name: string): Extract<MetricRow, { type: "trend" }> {
  const row = metrics.find((one) => one.name === name);
  assert.ok(row?.type === "trend", `${name} is missing`);
  return row;
}

/** How a name for tests tells what is in the environment. */
function withEnv(env: Readonly<Record<string, string>>): string {
  return Object.keys(env).length === 0 ? "in one process" : "in two processes";
}

Deno.test("the code of every recipe is the file that the page links to", async () => {
  for (const page of recipePages()) {
    const text = await recipeText(page);
    // The code comes first, if there is any.
    const code = /^```(?:ts|bash)\n([^]*?)^```$/m.exec(text)?.[1] ?? "";
    if (!/^(?:export class |#!)/m.test(code)) continue;
    const name = /\]\(\.\.\/\.\.\/(examples\/\w+\.\w+)\)/.exec(text)?.[1];
    assert.ok(name !== undefined, `${page} links to no file`);
    assert.equal(code, await Deno.readTextFile(projectPath(name)), page);
  }
});

Deno.test("the index leads to every recipe", async () => {
  const index = await recipeText("README.md");
  assert.deepEqual(recipePages().filter((page) => !index.includes(`](${page})`)), []);
});

for (const env of PROCESSES) {
  test(`one login is enough for all users, ${withEnv(env)}`, async () => {
    await using target = loginTarget();
    const { counted } = await passed("login-once.md", target, env);
    assert.deepEqual(counted, { "GET /orders": [200, 0] });
    assert.deepEqual(countsOf(target), { "POST /login": 1, "GET /orders": 200 });
  });

  test(`a token is replaced before it expires, by one user for all, ${withEnv(env)}`, async () => {
    await using target = tokenTarget();
    const { counted } = await passed("oauth2.md", target, env);
    const { mostAtOnce, uses } = target.seen;
    const clients = Number(env.AIOTEST_PROCESSES ?? 1);
    assert.ok(mostAtOnce <= clients, `${mostAtOnce} requests for a token at once`);
    // 40 iterations of a user take over 4 s, and a token is used for less than one.
    assert.ok(uses.size > 3 * clients, `${uses.size} tokens`);
    assert.deepEqual(counted, {
      "GET /reports": [800, 0],
      "POST access token": [uses.size, 0],
    });
    assert.equal([...uses.values()].reduce((sum, one) => sum + one), 800);
  });
}

test("each account logs in once", async () => {
  await using target = accountsTarget();
  assertAccounts(target, await passed("unique-accounts.md", target));
});

test("each account logs in once, with a master and two workers", async () => {
  await using target = accountsTarget();
  const port = String(steadyPort());
  const file = ["-f", projectPath("examples/accounts.ts")];
  const worker = (): ReturnType<typeof runAiotest> =>
    runAiotest([...file, "--worker", "--master-port", port]);
  const [run, ...workers] = await Promise.all([
    passed("unique-accounts.md", target, {
      AIOTEST_MASTER: "true",
      AIOTEST_EXPECT_WORKERS: "2",
      AIOTEST_MASTER_BIND_HOST: "127.0.0.1",
      AIOTEST_MASTER_BIND_PORT: port,
    }),
    worker(),
    worker(),
  ]);
  for (const { code, stderr } of workers) assert.equal(code, 0, stderr);
  assertAccounts(target, run);
});

/** That each of 100 users has logged in once, with an account of its own. */
function assertAccounts(target: ReturnType<typeof accountsTarget>, { counted }: RecipeRun): void {
  assert.equal(target.names.size, 100);
  assert.deepEqual(counted, { "POST /login": [100, 0], "GET search": [300, 0] });
  assert.deepEqual(countsOf(target), { "POST /login": 100, "GET /search": 300 });
}

test("forms are submitted with the token of their page", async () => {
  await using target = formsTarget();
  const { counted } = await passed("csrf-forms.md", target);
  assert.deepEqual(counted, {
    "GET /login": [10, 0],
    "POST /login": [10, 0],
    "GET /comments": [50, 0],
    "POST /comments": [50, 0],
  });
  assert.equal(new Set(target.comments).size, 50);
  assert.equal(target.count("/home"), 10);
});

test("uploads arrive as they were sent", async () => {
  await using target = uploadsTarget();
  const { counted, summary } = await passed("uploads.md", target);
  assert.deepEqual(counted, { "POST /photos": [12, 0], "PUT /videos/:name": [12, 0] });
  const distinct = (kind: string, of: "name" | "size" | "hash"): number =>
    new Set(target.uploads.filter((one) => one.kind === kind).map((one) => one[of])).size;
  for (const kind of ["photo", "video"]) {
    assert.deepEqual([distinct(kind, "name"), distinct(kind, "size")], [12, 1]);
    assert.equal(distinct(kind, "hash"), 1);
  }
  assert.deepEqual(new Set(target.uploads.map(({ size }) => size)), new Set([524_288, 4_194_304]));
  const bytes = target.requests.reduce((sum, { body }) => sum + body.length, 0);
  assert.equal(summary.totals.bytesSent, bytes);
});

test("jobs are asked for until they are done", async () => {
  await using target = jobsTarget();
  const { counted, summary } = await passed("polling.md", target);
  const polls = [...target.asked];
  for (const [id, times] of polls) assert.equal(times, pollsOf(id), `job ${id}`);
  const all = polls.reduce((sum, [, times]) => sum + times, 0);
  assert.deepEqual(counted, { "POST /exports": [30, 0], "GET /exports/:id": [all, 0] });
  assert.deepEqual(summary.groups.map(({ name, count, failures }) => [name, count, failures]), [
    ["export", 30, 0],
  ]);
  const { count, figures } = trend(summary, "polls_per_job");
  assert.deepEqual([count, figures.min, figures.max], [30, 1, 3]);
});

test("the pages of a list are read in their order", async () => {
  await using target = pagesTarget();
  const { counted, summary } = await passed("pagination.md", target);
  assert.deepEqual(counted, { "GET /articles": [80, 0] });
  assert.equal(target.lists(), 20);
  assert.equal(summary.groups[0]?.count, 20);
});

test("everything that is said in a chat is heard by the user who said it", async () => {
  await using target = new ChatTarget(20);
  const addresses = { "ws://127.0.0.1:8000": `ws://127.0.0.1:${target.port}` };
  const run = await runRecipe("websocket-chat.md", { addresses });
  assertPassed(run);
  assert.deepEqual(run.counted, { "WS /chat": [20, 0], "WS say": [40, 0] });
  const { opened, received, closedBy } = target.counts;
  assert.deepEqual([opened, received, closedBy], [20, 40, { 1000: 20 }]);
  assert.equal(counter(run.summary, "ws_messages_sent"), 40);
  assert.equal(counter(run.summary, "ws_closes_1000"), 20);
});

test("errors of GraphQL in a response with status 200 are failures of their operation", async () => {
  await using target = graphqlTarget();
  const run = await runRecipe("graphql.md", { addresses: { [SERVICE]: target.url } });
  assert.equal(run.code, 1, run.stdout + run.stderr);
  const { operations, refused } = target.executed;
  assert.deepEqual(operations, { FindArticle: 24, AddToCart: 24 });
  assert.deepEqual(run.counted, { "POST AddToCart": [24, refused], "POST FindArticle": [24, 0] });
  assert.equal(refused, 6);
  assert.deepEqual(run.summary.failures.map(({ error }) => error), ["SOLD_OUT"]);
});

test("every token of a language model is counted, and when the first one arrives", async () => {
  await using target = modelTarget();
  const addresses = { [SERVICE]: target.url };
  const { code, stdout, summary, counted } = await runRecipe("llm-streaming.md", { addresses });
  // A threshold can be crossed on a busy machine.
  assert.ok([0, 3].includes(code), stdout);
  assert.deepEqual(counted, { "POST /v1/chat/completions": [20, 0] });
  assert.equal(target.answers(), 20);
  assert.equal(counter(summary, "tokens"), 200);
  assert.equal(counter(summary, "stream_events"), 13 * 20);
  const first = trend(summary, "first_token_ms");
  assert.equal(first.count, 20);
  assert.ok(first.figures.min! >= THINKING_MS, String(first.figures.min));
  assert.equal(trend(summary, "stream_events_per_second").count, 20);
  assert.deepEqual(summary.checks.map(({ passed, failed }) => [passed, failed]), [[20, 0]]);
  const wrong = await runRecipe("llm-streaming.md", {
    addresses: { ...addresses, "LLM_API_KEY=secret": "LLM_API_KEY=guessed" },
    flags: ["-u", "5", "--iterations", "5"],
  });
  assert.deepEqual(wrong.summary.failures.map(({ error }) => error), ["HTTP 401: no key"]);
});

test("a feed is followed over many connections, and no event is missed", async () => {
  await using target = feedTarget();
  const { counted, summary } = await passed("server-sent-events.md", target);
  assert.deepEqual(counted, { "GET /feed": [40, 0] });
  assert.equal(target.sent(), 40 * FEED_EVENTS);
  assert.equal(counter(summary, "stream_events"), target.sent());
  assert.equal(counter(summary, "missed_events"), 0);
});

test("calls of gRPC of all kinds are counted", async () => {
  await using server = await startExampleServer();
  const addresses = { "127.0.0.1:50051": `127.0.0.1:${server.port}` };
  const run = await runRecipe("grpc.md", { addresses });
  assertPassed(run);
  assert.deepEqual(run.counted, {
    "GRPC missing item": [6, 0],
    "GRPC shop.Catalog/GetItem": [6, 0],
    "GRPC shop.Catalog/Search": [6, 0],
    "GRPC shop.Orders/Follow": [6, 0],
    "GRPC shop.Orders/Import": [6, 0],
  });
  assert.deepEqual(server.calls, { GetItem: 12, Search: 6, Import: 6, Follow: 6 });
  assert.equal(server.orders(), 6 * (20 + 3));
  assert.deepEqual(
    [...server.users].sort(),
    Array.from({ length: 6 }, (_, index) => `Bearer user${index + 1}`),
  );
  assert.deepEqual(run.summary.checks.map(({ failed }) => failed), [0, 0, 0, 0]);
});

test("with HTTP_PROXY, every request passes the proxy, and with NO_PROXY none", async () => {
  for (const [command, through] of [[0, 20], [1, 0]] as const) {
    await using target = new Target({ "/": () => new Response("ok") });
    await using proxy = await ForwardProxy.start("me:secret");
    const addresses = { [SERVICE]: target.url, "127.0.0.1:3128": `127.0.0.1:${proxy.port}` };
    const run = await runRecipe("proxy.md", { addresses, command });
    assertPassed(run);
    assert.deepEqual(run.counted, { "GET /": [20, 0] });
    assert.deepEqual(proxy.forwarded, Array(through).fill(`${target.url}/`));
    assert.equal(target.requests.filter(({ headers }) => headers.has("via")).length, through);
    assert.equal(target.count("/"), 20);
  }
});

test("the service sees each local address with its share of the users", async () => {
  await using target = new Target({ "/": () => new Response("ok") });
  const { counted } = await passed("client-addresses.md", target);
  assert.deepEqual(counted, { "GET /": [30, 0] });
  const peers: Record<string, number> = {};
  for (const connection of new Set(target.requests.map((one) => one.connection))) {
    const address = connection.slice(0, connection.lastIndexOf(":"));
    peers[address] = (peers[address] ?? 0) + 1;
  }
  assert.deepEqual(peers, { "127.0.0.2": 10, "127.0.0.3": 10, "127.0.0.4": 10 });
  // Other systems have one address only.
}, { ignore: Deno.build.os !== "linux" });

test("the load rises until the service breaks", async () => {
  let answered = 0;
  await using target = new Target({
    "/": () => new Response(null, { status: ++answered > 250 ? 503 : 200 }),
  });
  const run = await runRecipe("breaking-point.md", {
    addresses: { [SERVICE]: target.url },
    env: { STEP_SECONDS: "2" },
    command: 1,
  });
  const { passed: step = null, broke, threshold } = run.summary.breakingPoint!;
  // On a busy machine, the load may break the other threshold before.
  assert.equal(run.code, step === null ? 3 : 0, run.stdout + run.stderr);
  assert.equal(broke?.arrivalRate, (step?.arrivalRate ?? 0) + 100);
  if (threshold === "error_rate<1%") assert.equal(step?.arrivalRate, 100);
  const failures = Math.max(0, answered - 250);
  assert.deepEqual(run.counted, { "GET /": [answered, failures] });
  await using folder = await RecipeFolder.make();
  const [drawing] = await recipeCommands("breaking-point.md");
  const { code, stdout } = await folder.type(drawing!);
  assert.equal(code, 0);
  assert.match(stdout, /\n2,000 ┤/);
});

/** Runs the job of ci.md. @param medianMs of the baseline's latencies; null for no baseline. */
async function runJob(
  target: Target,
  runTime: string,
  medianMs: number | null = null,
): Promise<Finished> {
  await using folder = await RecipeFolder.make();
  if (medianMs !== null) {
    const names = [{ name: "/", rate: 10, median: medianMs, spread: 0.1 }];
    const baseline = { aiotest: "0.1.0", ...simulatedRun({ seconds: 20, names }, Math.random) };
    await Deno.writeTextFile(`${folder.path}/baseline.json`, JSON.stringify(baseline));
  }
  const [command] = await recipeCommands("ci.md");
  const line = withAddresses(command!, { [SERVICE]: target.url });
  const finished = await folder.type(line, { RUN_TIME: runTime });
  const { totals } = await folder.summary("result.json");
  assert.equal(totals.requests + totals.unfinished.count, target.count("/"));
  return finished;
}

test("a job in CI fails with too many errors, and with a regression", async () => {
  const answering = (status: number): Target =>
    new Target({
      "/": async () => {
        await sleep(30);
        return new Response(null, { status });
      },
    });
  const scenes = [
    { status: 200, baseline: null, runTime: "1s", code: 0, says: /There is no baseline\.json/ },
    { status: 200, baseline: 10_000, runTime: "6s", code: 0, says: / better\n/ },
    { status: 200, baseline: 1, runTime: "6s", code: 3, says: /^REGRESSION /m },
    { status: 503, baseline: 1, runTime: "1s", code: 3, says: /error_rate<1% .* crossed\n/ },
  ];
  await Promise.all(scenes.map(async ({ status, baseline, runTime, code, says }) => {
    await using target = answering(status);
    const job = await runJob(target, runTime, baseline);
    assert.equal(job.code, code, job.stdout + job.stderr);
    assert.match(job.stdout, says);
    const isCompared = job.stdout.includes("A  baseline.json");
    assert.equal(isCompared, status === 200 && baseline !== null);
  }));
});

test("a soak test shows the course of latencies, and of the memory of the service", async () => {
  let megabytes = 100;
  await using target = new Target({
    "/": () => new Response("ok"),
    "/metrics": () => new Response(`process_resident_memory_bytes ${++megabytes * 1e6}\n`),
  });
  await using folder = await RecipeFolder.make();
  const [run, drift, history] = await recipeCommands("soak-test.md");
  const line = withAddresses(run!, { [SERVICE]: target.url }).replace("-t 8h", "-t 4s");
  const env = { AIOTEST_NO_HISTORY: "", CI: "" };
  const { code, stdout, stderr } = await folder.type(line, env);
  // A threshold can be crossed on a busy machine.
  assert.ok([0, 3].includes(code), stdout + stderr);
  const { totals, requests, metrics } = await folder.summary("soak.json");
  assert.equal(totals.requests + totals.unfinished.count, target.requests.length);
  const row = metrics.find(({ name }) => name === "service_memory_mb");
  assert.ok(row?.type === "gauge");
  const scrapes = requests.find(({ name }) => name === "/metrics")!.requests;
  assert.deepEqual([row.min, row.max], [101, 100 + scrapes]);
  assert.ok((await Deno.stat(`${folder.path}/soak.html`)).size > 10_000);
  const tenths = await folder.type(drift!);
  assert.equal(tenths.code, 0, tenths.stderr);
  assert.match(tenths.stdout, /^\[[\d.]+(,[\d.]+){1,9}\]\n$/);
  const kept = await folder.type(history!, env);
  assert.match(kept.stdout, /soak/);
}, { ignore: isMissing("jq") });
