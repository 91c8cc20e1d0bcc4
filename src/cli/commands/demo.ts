/**
 * `aiotest demo`: tests a small web shop that it starts itself.
 *
 * @module
 */

import { resolve } from "node:path";
import { type Clock, type Random, sleep, systemClock, systemRandom } from "../../core/clock.ts";
import { ExitCode } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import type { Options } from "../options.ts";
import { checkSampleOptions, checkStartable } from "../role.ts";
import { runLocal } from "../run_local.ts";

/** Starts the shop, tests it, and stops it again; resolves with the exit code. */
export async function runDemo(host: Host, options: Options): Promise<number> {
  checkStartable(options);
  checkSampleOptions(options);
  const shop = openDemoShop(systemClock, systemRandom);
  try {
    host.stderr.write(`Started a small web shop at ${shop.url}. Some orders fail on purpose.\n`);
    const test = await import("../../../examples/shop.ts");
    const exitCode = await runLocal(host, { ...test }, {
      ...options,
      // Shown in reports in place of a test file.
      aiotestfile: "aiotest demo",
      host: shop.url,
      redis: null,
      noHistory: options.noHistory || options.history === null,
    });
    if (exitCode === ExitCode.passed && options.exitCodeOnError === ExitCode.passed) {
      host.stderr.write(PASSED_ANYWAY);
    }
    const { json } = options;
    if (json !== null && await host.isFile(resolve(host.cwd, json))) {
      host.stderr.write(`The summary is also in ${json} (JSON).\n`);
    }
    return exitCode;
  } finally {
    await shop.close();
  }
}

const PASSED_ANYWAY =
  "The demo passes even if orders fail: it sets --exit-code-on-error 0 (default 1).\n";

/** A small web shop: login, search, cart and order, with varying latencies and occasional failures. */
export interface DemoShop {
  /** `http://127.0.0.1:PORT`: it listens on loopback only. */
  readonly url: string;
  /** Number of requests answered. */
  readonly served: number;
  /** Resolves when the last response has been sent and the port is free. */
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  /** Milliseconds: half of the responses take less, a few take several times as long. */
  readonly medianMs: number;
}

const GOODS = ["F22 model kit", "F22 poster", "glue", "paint", "brush"];

/** Share of orders that fail, so that the report shows failures. */
const FAILING_ORDERS = 0.04;

/** Spread of the latencies: at 0.5, one in forty takes over 2.7 times the median. */
const SPREAD = 0.5;

/** Opens a shop on a free port. */
export function openDemoShop(clock: Clock, random: Random): DemoShop {
  let served = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { status, body, medianMs } = reply(request, random);
      await request.body?.cancel();
      await sleep(clock, medianMs * Math.exp(SPREAD * normal(random)));
      served++;
      return Response.json(body, { status });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    get served(): number {
      return served;
    },
    close: () => server.shutdown(),
  };
}

function reply(request: Request, random: Random): Reply {
  const { pathname, searchParams } = new URL(request.url);
  const route = `${request.method} ${pathname}`;
  if (route === "POST /login") {
    return { status: 200, body: { token: crypto.randomUUID() }, medianMs: 20 };
  }
  if (!request.headers.has("authorization")) {
    return { status: 401, body: { error: "log in first" }, medianMs: 1 };
  }
  switch (route) {
    case "GET /search": {
      const wanted = (searchParams.get("q") ?? "").toLowerCase();
      const items = GOODS.filter((name) => name.toLowerCase().includes(wanted));
      return { status: 200, body: { found: items.length > 0, items }, medianMs: 8 };
    }
    case "GET /cart":
      return { status: 200, body: { items: GOODS.slice(0, 2), total: 42.5 }, medianMs: 4 };
    case "POST /cart":
      return { status: 201, body: { added: true }, medianMs: 6 };
    case "POST /order":
      return random() < FAILING_ORDERS
        ? { status: 503, body: { error: "the warehouse does not answer" }, medianMs: 60 }
        : { status: 201, body: { order: crypto.randomUUID() }, medianMs: 30 };
    default:
      return { status: 404, body: { error: "no such page" }, medianMs: 1 };
  }
}

/** A random number with standard normal distribution (Box and Muller, 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
