/**
 * Opens the dashboard of a run.
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

/** The run that the dashboard shows and controls. */
export type ShownRun = Pick<DashboardOptions, "control" | "log" | "metrics" | "reported">;

/** Accepted by `--web-host` in place of 0.0.0.0. */
const EVERYWHERE = "*";

/**
 * Opens the dashboard and logs its URL. Returns `null` if the options turn it off, or if the default port
 * is in use and the test can run without a dashboard.
 *
 * @throws UsageError if it cannot listen on the host or port of the options.
 */
export function openDashboard(
  host: Host,
  options: Pick<Options, "noAutostart" | "noWeb" | "webHost" | "webPort" | "webToken" | "given">,
  run: ShownRun,
): DashboardServer | null {
  if (options.noWeb) return null;
  const bindHost = options.webHost === EVERYWHERE ? "0.0.0.0" : options.webHost;
  const server = new DashboardServer({
    ...run,
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
    const others = isAnyAddress(bindHost) ? " (and all other addresses of this machine)" : "";
    logger.info(`Dashboard: http://${name}:${port}/${others}`);
    if (options.noAutostart) logger.info("Waiting for the test to be started in the dashboard.");
    return server;
  } catch (error) {
    return withoutDashboard(error, options);
  }
}

/** Returns `null` if the run can continue without a dashboard, and throws otherwise. */
function withoutDashboard(
  error: unknown,
  { noAutostart, webHost, webPort, given }: Pick<
    Options,
    "noAutostart" | "webHost" | "webPort" | "given"
  >,
): null {
  if (!(error instanceof Deno.errors.AddrInUse)) {
    throw new UsageError(
      `--web-host ${webHost}: the dashboard cannot listen on this address: ${errorText(error)}`,
      "Use a name or an address of this machine, * for all addresses, or --no-web.",
    );
  }
  // A test that waits to be started needs the dashboard.
  if (given.has("webPort") || noAutostart) {
    throw new UsageError(
      `--web-port ${webPort}: the port is already in use`,
      `To use any free port: --web-port 0.${
        noAutostart ? "" : " To run without a dashboard: --no-web."
      }`,
    );
  }
  logger.warn(
    `There is no dashboard: port ${webPort} is already in use. To use any free port: --web-port 0.`,
  );
  return null;
}
