import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { blocksOf } from "../support/doc_page.ts";
import { MigrationPage } from "../support/migration.ts";
import { PROJECT_ROOT } from "../support/paths.ts";
import { sideBySide } from "../support/side_by_side.ts";

/** The shop of the pages: `/` redirects to `/home`, and article 4 is sold out. */
class Shop implements AsyncDisposable {
  readonly url: string;
  /** Requests by method and path, with `:id` in place of numbers. */
  readonly seen = new Map<string, number>();
  /** Client ports of the connections. */
  readonly connections = new Set<number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request, { remoteAddr }) => {
        const { pathname } = new URL(request.url);
        const name = `${request.method} ${pathname.replace(/\d+$/, ":id")}`;
        this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
        this.connections.add(remoteAddr.port);
        await request.bytes();
        if (pathname === "/") {
          return new Response(null, { status: 302, headers: { location: "/home" } });
        }
        if (pathname === "/articles/4") return new Response("sold out", { status: 410 });
        return Response.json({ id: 1, token: "t", items: [{}, {}] });
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** All commands of a page, except those for which something else has to be installed. */
async function commandsOf(path: string): Promise<string[]> {
  const page = await Deno.readTextFile(`${PROJECT_ROOT}/${path}`);
  return blocksOf(page)
    .filter(({ kind, obstacle }) => kind === "commands" && obstacle === null)
    .flatMap(({ text }) => text.split("\n"))
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function requestsOf({ requests }: Summary): Record<string, number> {
  return Object.fromEntries(requests.map((row) => [`${row.method} ${row.name}`, row.requests]));
}

function checksOf({ checks }: Summary): Record<string, readonly [number, number]> {
  return Object.fromEntries(checks.map(({ name, passed, failed }) => [name, [passed, failed]]));
}

/**
 * How many of the scheduled iterations ran. All others started too late on a busy machine, and were dropped
 * at the end of the load.
 */
function visitsOf({ iterations }: Summary, expected: number): number {
  const { scheduled, completed, dropped, interrupted } = iterations!;
  assert.deepEqual([scheduled, completed + dropped, interrupted], [expected, expected, 0]);
  return completed;
}

/** The values of counters, and how many values trends have. */
function amountsOf({ metrics }: Summary): Record<string, number> {
  return Object.fromEntries(metrics.flatMap((row) => {
    if (row.type === "counter") return [[row.name, row.value]];
    return row.type === "trend" ? [[row.name, row.count]] : [];
  }));
}

function passedThresholds({ thresholds }: Summary): number {
  return thresholds.filter(({ passed }) => passed).length;
}

const page = sideBySide("the tests of the pages do what those of the other tools do", 3);

page("k6: scenarios, setup, checks, groups, metrics, thresholds and their exit codes", async () => {
  const path = "docs/from-k6.md";
  const [run, crossed] = await commandsOf(path);
  await using shop = new Shop();
  await using page = await MigrationPage.open(path, shop.url);

  const { code, stdout, summary } = await page.runAiotest(run!);
  assert.equal(code, 0, stdout);
  const visits = visitsOf(summary, 60);
  assert.deepEqual(requestsOf(summary), {
    "GET /": visits,
    "GET /articles/:id": visits,
    "POST /cart": 12,
    "POST /pay": 12,
  });
  assert.deepEqual(Object.fromEntries(shop.seen), {
    "POST /login": 1,
    "GET /": visits,
    "GET /home": visits,
    "GET /articles/:id": visits,
    "POST /cart": 12,
    "POST /pay": 12,
  });
  assert.equal(shop.seen.values().reduce((sum, count) => sum + count), 3 * visits + 25);
  assert.equal(summary.totals.requests, 2 * visits + 24);
  assert.equal(summary.totals.failures, 0);
  assert.deepEqual(summary.userErrors, []);
  assert.deepEqual(summary.classes.map(({ name, completed }) => [name, completed]), [
    ["BrowseTest", visits],
    ["OrderTest", 12],
  ]);
  const soldOut = Math.floor(visits / 4);
  assert.deepEqual(checksOf(summary), {
    "in stock": [visits - soldOut, soldOut],
    paid: [12, 0],
  });
  assert.deepEqual(
    summary.groups.map(({ name, count, failures }) => [name, count, failures]),
    [["checkout", 12, 0]],
  );
  assert.deepEqual(amountsOf(summary), { orders: 12, cart_size: 12 });
  assert.equal(passedThresholds(summary), 6);

  const aborted = await page.runAiotest(crossed!);
  assert.equal(aborted.code, 3, aborted.stdout);
  assert.deepEqual(
    aborted.summary.thresholds.filter(({ expression }) => expression === "checks==100%")
      .map(({ passed }) => passed),
    [false],
  );
});

page("k6: stages become ramps, which are drawn, and one user tries the test", async () => {
  const path = "docs/from-k6.md";
  const [, , shape, ...rest] = await commandsOf(path);
  assert.deepEqual(rest, []);
  await using shop = new Shop();
  await using page = await MigrationPage.open(path, shop.url);

  const drawn = await page.run(shape!);
  assert.equal(drawn.code, 0, drawn.stderr);
  assert.match(drawn.stdout, /^Peak: 50 users, reached within 1m$/m);
  assert.match(drawn.stdout, /^Time: 6m30s$/m);

  const once = await page.run(shape!.replace("--show-shape", "--once"));
  assert.equal(once.code, 0, once.stdout);
  assert.deepEqual(Object.fromEntries(shop.seen), { "GET /": 1, "GET /home": 1 });
});

page("Gatling: a feeder, arrivals that are new visitors, assertions", async () => {
  const path = "docs/from-gatling.md";
  const [accounts, run, ...rest] = await commandsOf(path);
  assert.deepEqual(rest, []);
  await using shop = new Shop();
  await using page = await MigrationPage.open(path, shop.url);
  assert.equal((await page.run(accounts!)).code, 0);

  const { code, stdout, summary } = await page.runAiotest(run!);
  assert.equal(code, 0, stdout);
  const visits = visitsOf(summary, 30);
  assert.deepEqual(requestsOf(summary), {
    "GET article": 2 * visits,
    "POST cart": visits,
    "POST login": visits,
    "POST pay": visits,
  });
  assert.deepEqual(Object.fromEntries(shop.seen), {
    "POST /login": visits,
    "GET /articles/:id": 2 * visits,
    "POST /cart": visits,
    "POST /pay": visits,
  });
  assert.equal(shop.connections.size, visits);
  assert.deepEqual(summary.failures, [
    { method: "GET", name: "article", error: "HTTP 410", count: visits },
  ]);
  assert.deepEqual(
    summary.groups.map(({ name, count, failures }) => [name, count, failures]),
    [["checkout", visits, 0]],
  );
  assert.deepEqual(summary.userErrors, []);
  assert.equal(passedThresholds(summary), 3);
});

page("Artillery: phases, a payload, captures, expectations and ensure", async () => {
  const path = "docs/from-artillery.md";
  const [accounts, run, ...rest] = await commandsOf(path);
  assert.deepEqual(rest, []);
  await using shop = new Shop();
  await using page = await MigrationPage.open(path, shop.url);
  assert.equal((await page.run(accounts!)).code, 0);

  const { code, stdout, summary } = await page.runAiotest(run!);
  assert.equal(code, 0, stdout);
  const visits = visitsOf(summary, 28);
  assert.deepEqual(requestsOf(summary), {
    "GET /": visits,
    "GET /articles/:id": 2 * visits,
    "POST /login": visits,
    "POST /orders": visits,
  });
  assert.deepEqual(Object.fromEntries(shop.seen), {
    "GET /": visits,
    "GET /home": visits,
    "POST /login": visits,
    "GET /articles/:id": 2 * visits,
    "POST /orders": visits,
  });
  assert.equal(shop.seen.values().reduce((sum, count) => sum + count), 6 * visits);
  assert.equal(summary.totals.requests, 5 * visits);
  assert.equal(summary.totals.failures, 0);
  assert.equal(shop.connections.size, visits);
  assert.deepEqual(checksOf(summary), {
    "200 or 410": [2 * visits, 0],
    "order has an id": [visits, 0],
    "status of the order": [visits, 0],
  });
  assert.deepEqual(summary.userErrors, []);
  assert.equal(passedThresholds(summary), 3);
});
