import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { parse } from "../support/command_line.ts";
import { isMissing } from "../support/machine.ts";
import { type AiotestRun, MigrationPage } from "../support/migration.ts";
import type { Finished } from "../support/process.ts";
import { ShopTarget } from "../support/shop_target.ts";
import { sideBySide } from "../support/side_by_side.ts";

/** Requests and failures by method and name. */
type Counts = Record<string, { readonly requests: number; readonly failures: number }>;

/** What Locust has printed: it changed between versions where its tables go. */
function printed({ stdout, stderr }: Finished): string {
  return stderr + stdout;
}

/** The counts that Locust prints at the end. */
function countsOfLocust(run: Finished): Counts {
  const table = printed(run).split(/^Type +Name +# reqs.*$/m).at(-1)!.split("Aggregated")[0]!;
  return Object.fromEntries(
    [...table.matchAll(/^(\w+) +(\S.*?) +(\d+) +(\d+)\(/gm)].map(
      ([, method, name, requests, failures]) => [
        `${method} ${name}`,
        { requests: Number(requests), failures: Number(failures) },
      ],
    ),
  );
}

/** How often each error occurred, with as much of its text as all versions of Locust have. */
function errorsOfLocust(run: Finished): Record<string, number> {
  const [, table = ""] = printed(run).split("# occurrences");
  const rows = [...table.matchAll(/^(\d+) +(\w+ \S+): \w+\(.*?('nothing found'|code=\d+)\) *$/gm)];
  return Object.fromEntries(
    rows.map(([, count, name, error]) => [`${name}: ${error}`, Number(count)]),
  );
}

function countsOf({ summary }: AiotestRun): Counts {
  return Object.fromEntries(
    summary.requests.map(({ method, name, requests, failures }) => [
      `${method} ${name}`,
      { requests, failures },
    ]),
  );
}

/** What a shop has answered. */
function countsAt(shop: ShopTarget): Counts {
  const failures: Record<string, number> = {
    "GET /search": shop.emptySearches,
    "GET /articles/[id]": shop.missingArticles,
    "POST /orders": shop.refusedOrders,
  };
  return Object.fromEntries(
    Object.entries(shop.seen).map(([name, requests]) => [
      name,
      { requests, failures: failures[name] ?? 0 },
    ]),
  );
}

function failedAt(shop: ShopTarget): boolean {
  return Object.values(countsAt(shop)).some(({ failures }) => failures > 0);
}

/** The page's files and a shop, for one of the two tools. */
class Side implements AsyncDisposable {
  readonly shop: ShopTarget;
  readonly page: MigrationPage;

  private constructor(shop: ShopTarget, page: MigrationPage) {
    this.shop = shop;
    this.page = page;
  }

  static async open(): Promise<Side> {
    const shop = new ShopTarget();
    return new Side(shop, await MigrationPage.open("docs/from-locust.md", shop.url));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page[Symbol.asyncDispose]();
    await this.shop[Symbol.asyncDispose]();
  }

  locust(rest: string): Promise<Finished> {
    return this.page.run(this.page.command(`locust -f ${rest}`));
  }

  aiotest(rest: string): Promise<AiotestRun> {
    return this.page.runAiotest(this.page.command(`aiotest -f ${rest}`));
  }

  /** Runs four minutes in three seconds, with users that hardly wait. */
  async hurry(file: string): Promise<void> {
    const path = `${this.page.folder}/${file}`;
    const text = await Deno.readTextFile(path);
    const end = (seconds: string): string => String({ 60: 1, 180: 2, 240: 3 }[seconds]);
    const faster = text.replace("between(1, 3)", "between(0, 0.02)")
      .replaceAll(
        /((?:"end"|untilSeconds): )(\d+)/g,
        (_, key, seconds) => `${key}${end(seconds)}`,
      )
      .replaceAll(/(users"?: \d)0/g, "$1");
    await Deno.writeTextFile(path, faster);
  }

  /** The first line of a CSV file. */
  async header(file: string): Promise<string> {
    return (await Deno.readTextFile(`${this.page.folder}/${file}`)).split(/\r?\n/)[0]!;
  }
}

const compare = sideBySide("the tests of docs/from-locust.md count as the page says", 2);
const ignore = isMissing("locust");

compare("a whole test: each tool reports what the service has seen", async () => {
  await using theirs = await Side.open();
  await using ours = await Side.open();
  await Promise.all([theirs.hurry("shop.py"), ours.hurry("shop.ts")]);
  const [locust, aiotest] = await Promise.all([theirs.locust("shop.py"), ours.aiotest("shop.ts")]);
  assert.deepEqual(countsOfLocust(locust), countsAt(theirs.shop));
  assert.deepEqual(countsOf(aiotest), countsAt(ours.shop));
  assert.equal(locust.code, failedAt(theirs.shop) ? 1 : 0);
  assert.equal(aiotest.code, failedAt(ours.shop) ? 1 : 0);
  for (const name of ["stats", "stats_history", "failures", "exceptions"]) {
    const file = `july_${name}.csv`;
    const header = await ours.header(file);
    assert.ok(header.startsWith(await theirs.header(file)), `${file}: ${header}`);
  }
}, { ignore });

compare("a fixed number of iterations: both report the same", async () => {
  await using theirs = await Side.open();
  await using ours = await Side.open();
  const [locust, aiotest] = await Promise.all([
    theirs.locust("visit.py"),
    ours.aiotest("visit.ts"),
  ]);
  assert.deepEqual(countsOf(aiotest), {
    "POST /login": { requests: 4, failures: 0 },
    "GET /": { requests: 20, failures: 0 },
    "GET /old": { requests: 20, failures: 0 },
    "GET /search": { requests: 20, failures: 6 },
    "GET /articles/[id]": { requests: 20, failures: 4 },
    "GET /missing": { requests: 20, failures: 0 },
    "POST /orders": { requests: 20, failures: 5 },
  });
  assert.deepEqual(countsOfLocust(locust), countsOf(aiotest));
  assert.deepEqual(theirs.shop.seen, ours.shop.seen);
  // A redirect is one request, but the service has also seen where it leads.
  const seen = { ...countsOf(aiotest), "GET /": { requests: 40, failures: 0 } };
  assert.deepEqual(countsAt(ours.shop), seen);
  assert.deepEqual(errorsOfLocust(locust), {
    "GET /search: 'nothing found'": 6,
    "POST /orders: code=503": 5,
    "GET /articles/[id]: code=404": 4,
  });
  assert.deepEqual(aiotest.summary.failures, [
    { method: "GET", name: "/search", error: "nothing found", count: 6 },
    { method: "POST", name: "/orders", error: "HTTP 503", count: 5 },
    { method: "GET", name: "/articles/[id]", error: "HTTP 404", count: 4 },
  ]);
  assert.deepEqual([locust.code, aiotest.code], [1, 1]);
}, { ignore });

compare("checks that throw, rounded percentiles and errors in a flow differ", async () => {
  await using theirs = await Side.open();
  await using ours = await Side.open();
  const [locust, aiotest] = await Promise.all([
    theirs.locust("differences.py --headless --only-summary OneUser"),
    ours.aiotest("differences.ts --user-classes OneTest"),
  ]);
  assert.deepEqual(countsOfLocust(locust), {
    "GET /after": { requests: 1, failures: 0 },
    "SQL insert": { requests: 1, failures: 0 },
  });
  assert.deepEqual(theirs.shop.seen, { "GET /checked": 1, "GET /after": 1 });
  assert.match(printed(locust), /^AssertionError$/m);
  assert.match(printed(locust), /^ValueError: a bug in the test$/m);
  assert.match(printed(locust).split("(approximated)")[1]!, /^SQL +insert +150 /m);

  assert.deepEqual(countsOf(aiotest), {
    "GET /checked": { requests: 1, failures: 1 },
    "SQL insert": { requests: 1, failures: 0 },
  });
  assert.deepEqual(ours.shop.seen, { "GET /checked": 1 });
  const { requests, userErrors } = aiotest.summary;
  assert.equal(requests.find(({ name }) => name === "insert")!.latencyMs.p50, 147);
  assert.deepEqual(userErrors.map(({ error, count }) => [error, count]), [[
    "a bug in the test",
    1,
  ]]);
  assert.deepEqual([locust.code, aiotest.code], [1, 1]);
}, { ignore });

compare("a user whose start fails is gone in Locust, and an error here", async () => {
  await using theirs = await Side.open();
  await using ours = await Side.open();
  const [locust, aiotest] = await Promise.all([
    theirs.locust("differences.py --headless --only-summary -t 1s NoAccountUser"),
    ours.aiotest("differences.ts --user-classes NoAccountTest"),
  ]);
  assert.deepEqual([locust.code, countsOfLocust(locust)], [0, {}]);
  assert.match(printed(locust), /ValueError: no account/);
  assert.deepEqual([aiotest.code, countsOf(aiotest)], [1, {}]);
  assert.deepEqual(aiotest.summary.userErrors.map(({ error }) => error), ["no account"]);
}, { ignore });

compare("a nested task set as a loop runs", async () => {
  await using ours = await Side.open();
  const line = ours.page.command("aiotest -f forum.ts").replace("-t 30s", "-t 1s");
  const { code, stderr, summary } = await ours.page.runAiotest(line);
  assert.equal(code, 0, stderr);
  assert.ok(summary.totals.requests > 0);
});

Deno.test({
  name: "each option of Locust is known here, or the error says what to write instead",
  ignore,
  async fn(): Promise<void> {
    const { stdout } = await new Deno.Command("locust", { args: ["--help"] }).output();
    const flags = new TextDecoder().decode(stdout).matchAll(/^ +(?:-\w[^-]*, )?(--[a-z-]+)/gm);
    const foreign: string[] = [];
    for (const flag of new Set([...flags].map(([, name]) => name!))) {
      if (["--help", "--version", "--config"].includes(flag)) continue;
      const error: unknown = await parse({ args: [flag] }).catch((thrown) => thrown);
      if (!(error instanceof UsageError) || !error.message.endsWith("unknown option")) continue;
      foreign.push(flag);
      assert.doesNotMatch(error.hint, /^(?:|For all options.*)$/, flag);
    }
    assert.ok(foreign.includes("--headless"), foreign.join());
  },
});
