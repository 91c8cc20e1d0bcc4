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

/** Scheduled and completed iterations, and whether any did not start or did not end. */
function iterationsOf({ iterations }: Summary): Record<string, number> {
  const { scheduled, completed, dropped, interrupted } = iterations!;
  return { scheduled, completed, dropped, interrupted };
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
  const [run, crossed, shape, ...rest] = await commandsOf(path);
  assert.deepEqual(rest, []);
  await using shop = new Shop();
  await using page = await MigrationPage.open(path, shop.url);

  const { code, stdout, summary } = await page.runAiotest(run!);
  assert.equal(code, 0, stdout);
  assert.deepEqual(requestsOf(summary), {
    "GET /": 60,
    "GET /articles/:id": 60,
    "POST /cart": 12,
    "POST /pay": 12,
  });
  assert.deepEqual(Object.fromEntries(shop.seen), {
    "POST /login": 1,
    "GET /": 60,
    "GET /home": 60,
    "GET /articles/:id": 60,
    "POST /cart": 12,
    "POST /pay": 12,
  });
  assert.equal(shop.seen.values().reduce((sum, count) => sum + count), 205);
  assert.equal(summary.totals.requests, 144);
  assert.equal(summary.totals.failures, 0);
  assert.deepEqual(summary.userErrors, []);
  assert.deepEqual(summary.classes.map(({ name, completed }) => [name, completed]), [
    ["BrowseTest", 60],
    ["OrderTest", 12],
  ]);
  assert.deepEqual(
    iterationsOf(summary),
    { scheduled: 60, completed: 60, dropped: 0, interrupted: 0 },
  );
  assert.deepEqual(checksOf(summary), { "in stock": [45, 15], paid: [12, 0] });
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

  const drawn = await page.run(shape!);
  assert.equal(drawn.code, 0, drawn.stderr);
  assert.match(drawn.stdout, /^Peak: 50 users, reached within 1m$/m);
  assert.match(drawn.stdout, /^Time: 6m30s$/m);
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
  assert.deepEqual(
    iterationsOf(summary),
    { scheduled: 30, completed: 30, dropped: 0, interrupted: 0 },
  );
  assert.deepEqual(requestsOf(summary), {
    "GET article": 60,
    "POST cart": 30,
    "POST login": 30,
    "POST pay": 30,
  });
  assert.deepEqual(Object.fromEntries(shop.seen), {
    "POST /login": 30,
    "GET /articles/:id": 60,
    "POST /cart": 30,
    "POST /pay": 30,
  });
  assert.equal(shop.connections.size, 30);
  assert.deepEqual(summary.failures, [
    { method: "GET", name: "article", error: "HTTP 410", count: 30 },
  ]);
  assert.deepEqual(
    summary.groups.map(({ name, count, failures }) => [name, count, failures]),
    [["checkout", 30, 0]],
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
  assert.deepEqual(
    iterationsOf(summary),
    { scheduled: 28, completed: 28, dropped: 0, interrupted: 0 },
  );
  assert.deepEqual(requestsOf(summary), {
    "GET /": 28,
    "GET /articles/:id": 56,
    "POST /login": 28,
    "POST /orders": 28,
  });
  assert.deepEqual(Object.fromEntries(shop.seen), {
    "GET /": 28,
    "GET /home": 28,
    "POST /login": 28,
    "GET /articles/:id": 56,
    "POST /orders": 28,
  });
  assert.equal(shop.seen.values().reduce((sum, count) => sum + count), 168);
  assert.equal(summary.totals.requests, 140);
  assert.equal(summary.totals.failures, 0);
  assert.equal(shop.connections.size, 28);
  assert.deepEqual(checksOf(summary), {
    "200 or 410": [56, 0],
    "order has an id": [28, 0],
    "status of the order": [28, 0],
  });
  assert.deepEqual(summary.userErrors, []);
  assert.equal(passedThresholds(summary), 3);
});
