/**
 * The dashboard of a run, for the command line.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { VERSION } from "../core/version.ts";
import { isAnyAddress, urlHost } from "../web/security.ts";
import { type DashboardOptions, DashboardServer } from "../web/server.ts";
import type { Options } from "./options.ts";

/** What the dashboard shows and changes. */
export type Shown = Pick<DashboardOptions, "control" | "log" | "metrics" | "reported">;

/** What `--web-host` may say instead of 0.0.0.0. */
const EVERYWHERE = "*";

/**
 * Opens the dashboard that the options ask for, and says where it is. Null where there is none: it is not
 * wanted, or somebody else has the port that nobody asked for, and the test can do without.
 *
 * @throws UsageError where it cannot listen where it was told to.
 */
export function openDashboard(
  host: Host,
  options: Pick<Options, "noAutostart" | "noWeb" | "webHost" | "webPort" | "webToken" | "given">,
  shown: Shown,
): DashboardServer | null {
  if (options.noWeb) return null;
  const bindHost = options.webHost === EVERYWHERE ? "0.0.0.0" : options.webHost;
  const server = new DashboardServer({
    ...shown,
    bindHost,
    port: options.webPort,
    hostname: host.hostname,
    token: options.webToken,
    clock: systemClock,
    version: VERSION,
    serve: (at, handle) => host.serveWeb(at, handle),
    info: (text) => logger.info(text),
    warn: (text) => logger.warn(text),
  });
  try {
    const port = server.start();
    const name = isAnyAddress(bindHost) ? "127.0.0.1" : urlHost(bindHost);
    const beside = isAnyAddress(bindHost) ? " (and at every address of this machine)" : "";
    logger.info(`Dashboard: http://${name}:${port}/${beside}`);
    if (options.noAutostart) logger.info("The test begins when it is started there.");
    return server;
  } catch (error) {
    return withoutDashboard(error, options);
  }
}

/** Null where the run can do without; throws otherwise. */
function withoutDashboard(
  error: unknown,
  { noAutostart, webHost, webPort, given }: Pick<
    Options,
    "noAutostart" | "webHost" | "webPort" | "given"
  >,
): null {
  if (!(error instanceof Deno.errors.AddrInUse)) {
    throw new UsageError(
      `--web-host ${webHost}: the dashboard cannot listen there: ${errorText(error)}`,
      "A name or an address of this machine is needed, * for all of them, or --no-web.",
    );
  }
  // Without a dashboard, nobody could start a test that waits for it.
  if (given.has("webPort") || noAutostart) {
    throw new UsageError(
      `--web-port ${webPort}: somebody else listens there`,
      `--web-port 0 takes any port that is free${
        noAutostart ? "" : ", and --no-web goes without"
      }.`,
    );
  }
  logger.warn(
    `There is no dashboard: somebody else listens at port ${webPort}. --web-port 0 takes a free one.`,
  );
  return null;
}
