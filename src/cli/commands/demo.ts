import { type Clock, type Random, sleep, systemClock, systemRandom } from "../../core/clock.ts";
import type { Host } from "../../core/host.ts";
import type { Options } from "../options.ts";
import { checkStartable } from "../role.ts";
import { runLocal } from "../run_local.ts";
import { DEMO } from "../settings.ts";

// A small shop to test: login, search, cart and order, with latencies that vary and a failure now and
// then. It listens on loopback only.

/** A shop that is open. */
export interface DemoShop {
  /** Where it listens, as `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Requests that it has answered. */
  readonly served: number;
  /** Resolves when the last answer is out and the port is free. */
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  /** Milliseconds: half of the answers take less, a few take several times as long. */
  readonly medianMs: number;
}

const GOODS = ["F22 model kit", "F22 poster", "glue", "paint", "brush"];

/** The share of orders that cannot be taken, so that a report has a failure to show. */
const FAILING_ORDERS = 0.04;

/** How far latencies spread: at 0.5, one in forty takes over 2.7 times the median. */
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

/** A number of the standard normal distribution (Box and Muller, 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Opens a shop on this machine, tests it, and closes it again. */
export async function runDemo(host: Host, options: Options): Promise<number> {
  checkStartable(options);
  const shop = openDemoShop(systemClock, systemRandom);
  try {
    host.stderr.write(`A small shop is open at ${shop.url}; now and then an order fails there.\n`);
    const test = await import("../../../examples/shop.ts");
    const json = options.json ?? DEMO.json;
    const exitCode = await runLocal(host, { ...test }, {
      ...options,
      // In place of a test file's name, for reports.
      aiotestfile: "aiotest demo",
      host: shop.url,
      redis: null,
      users: options.given.has("users") ? options.users : DEMO.users,
      rate: options.given.has("rate") ? options.rate : DEMO.rate,
      runTime: options.runTime ?? DEMO.runTime,
      json,
      exitCodeOnError: options.given.has("exitCodeOnError")
        ? options.exitCodeOnError
        : DEMO.exitCodeOnError,
    });
    host.stderr.write(`The same as JSON is in ${json}.\n`);
    return exitCode;
  } finally {
    await shop.close();
  }
}
