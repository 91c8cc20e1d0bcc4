import assert from "node:assert/strict";
import { blocksOf } from "../support/doc_page.ts";
import { steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";
import {
  assertPassed,
  recipePages,
  type RecipeRun,
  recipeText,
  runRecipe,
} from "../support/recipe_page.ts";
import {
  accountsTarget,
  countsOf,
  formsTarget,
  jobsTarget,
  loginTarget,
  pagesTarget,
  pollsOf,
  tokenTarget,
  uploadsTarget,
} from "../support/recipe_targets.ts";
import { sideBySide } from "../support/side_by_side.ts";
import type { Target } from "../support/target.ts";

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

/** How a name for tests tells what is in the environment. */
function withEnv(env: Readonly<Record<string, string>>): string {
  return Object.keys(env).length === 0 ? "in one process" : "in two processes";
}

Deno.test("the code of every recipe is the file that the page links to", async () => {
  for (const page of recipePages()) {
    const text = await recipeText(page);
    const code = blocksOf(text).find(({ kind }) => kind === "code")?.text ?? "";
    if (!code.includes("export class")) continue;
    const name = /\]\(\.\.\/\.\.\/(examples\/\w+\.ts)\)/.exec(text)?.[1];
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
  const metric = summary.metrics.find(({ name }) => name === "polls_per_job");
  assert.ok(metric?.type === "trend");
  assert.deepEqual([metric.count, metric.figures.min, metric.figures.max], [30, 1, 3]);
});

test("the pages of a list are read in their order", async () => {
  await using target = pagesTarget();
  const { counted, summary } = await passed("pagination.md", target);
  assert.deepEqual(counted, { "GET /articles": [80, 0] });
  assert.equal(target.lists(), 20);
  assert.equal(summary.groups[0]?.count, 20);
});
