import { systemClock } from "../core/clock.ts";
import type { Host } from "../core/host.ts";
import { systemRandom } from "../core/random.ts";
import { DEMO } from "./demo_settings.ts";
import { openDemoShop } from "./demo_shop.ts";
import type { Options } from "./options.ts";
import { runLocal } from "./run_local.ts";
import { checkStartable } from "./start_check.ts";

/** Opens a shop on this machine, tests it, and closes it again. */
export async function runDemo(host: Host, options: Options): Promise<number> {
  checkStartable(options);
  const shop = openDemoShop(systemClock, systemRandom);
  try {
    host.stderr.write(`A small shop is open at ${shop.url}; now and then an order fails there.\n`);
    const test = await import("../../examples/shop.ts");
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
