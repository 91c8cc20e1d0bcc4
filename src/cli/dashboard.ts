/**
 * Opens the dashboard of a run.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { systemClock } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { urlHost } from "../core/network.ts";
import { VERSION } from "../core/version.ts";
import { tlsSettings } from "../net/tls_settings.ts";
import { isAnyAddress } from "../web/allowed_hosts.ts";
import { type DashboardOptions, DashboardServer } from "../web/server.ts";
import { type FileReader, readPemFile } from "./option_files.ts";
import type { Options } from "./options.ts";
import { checkWebTls } from "./role.ts";

/** The run that the dashboard shows and controls. */
export type ShownRun = Pick<
  DashboardOptions,
  "control" | "log" | "metrics" | "metadata" | "reported" | "history"
>;

/** Options of the dashboard. */
type WebOptions = Pick<
  Options,
  | "noAutostart"
  | "noWeb"
  | "webHost"
  | "webAllowedHost"
  | "webBasePath"
  | "webTrustedProxy"
  | "webTlsCert"
  | "webTlsKey"
  | "webPort"
  | "webToken"
  | "given"
>;

/**
 * Opens the dashboard and logs its URL. Returns `null` if the options turn it off, or if the default port
 * is in use and the test can run without a dashboard.
 *
 * @throws UsageError if it cannot listen on the host or port of the options, or its certificate cannot
 * be used.
 */
export async function openDashboard(
  host: Host,
  options: WebOptions,
  run: ShownRun,
): Promise<DashboardServer | null> {
  if (options.noWeb) return null;
  const { webHost: bindHost } = options;
  const tls = await webTls(host, options);
  const server = new DashboardServer({
    ...run,
    bindHost,
    allowedHosts: options.webAllowedHost,
    trustedProxies: options.webTrustedProxy,
    basePath: options.webBasePath,
    tls,
    port: options.webPort,
    maxConnections: maxConnections(await host.openFileLimit()),
    hostname: host.hostname,
    token: options.webToken,
    clock: systemClock,
    version: VERSION,
    serve: (at, handle) => host.serveWeb(at, handle),
    info: (text) => logger.info(text),
    warn: (text) => logger.warn(text),
  });
  try {
    const port = await server.start();
    const name = isAnyAddress(bindHost) ? "127.0.0.1" : urlHost(bindHost);
    const others = isAnyAddress(bindHost) ? " (and all other addresses of this machine)" : "";
    const scheme = tls === null ? "http" : "https";
    logger.info(`Dashboard: ${scheme}://${name}:${port}${options.webBasePath}/${others}`);
    if (options.noAutostart) logger.info("Waiting for the test to be started in the dashboard.");
    return server;
  } catch (error) {
    return withoutDashboard(error, options);
  }
}

/**
 * The dashboard's certificate and its key; `null`: none.
 *
 * @throws UsageError that names the option and the file, but never shows what is in it.
 */
async function webTls(
  host: FileReader,
  { webTlsCert, webTlsKey }: Pick<WebOptions, "webTlsCert" | "webTlsKey">,
): Promise<DashboardOptions["tls"]> {
  checkWebTls({ webTlsCert, webTlsKey });
  if (webTlsCert === null || webTlsKey === null) return null;
  const cert = await readPemFile(host, "web-tls-cert", webTlsCert);
  const key = await readPemFile(host, "web-tls-key", webTlsKey);
  const places = { cert: `--web-tls-cert ${webTlsCert}`, key: `--web-tls-key ${webTlsKey}` };
  tlsSettings(
    { cert, key },
    "--web-tls-cert",
    (member) => places[member === "key" ? "key" : "cert"],
  );
  // The files of authorities have comments between their certificates.
  const [own = cert] = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(cert) ?? [];
  checkValidity(new X509Certificate(own), places.cert);
  return { cert, key };
}

/** Browsers refuse a certificate outside its time. */
function checkValidity({ validFrom, validTo }: X509Certificate, place: string): void {
  const now = systemClock.wallTime();
  if (now > Date.parse(validTo)) {
    throw new UsageError(`${place}: the certificate expired on ${day(validTo)}`, RENEW);
  }
  if (now < Date.parse(validFrom)) {
    throw new UsageError(`${place}: the certificate is not valid before ${day(validFrom)}`, RENEW);
  }
}

const RENEW = "Use another certificate, or leave out --web-tls-cert and --web-tls-key.";

function day(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}

/** The most connections that a dashboard accepts, and the least on machines with few descriptors. */
const CONNECTIONS = { most: 256, least: 16 };

/** Leaves at least seven of eight file descriptors to the users of the test. */
function maxConnections(openFileLimit: number | null): number {
  const share = Math.floor((openFileLimit ?? Infinity) / 8);
  return Math.max(CONNECTIONS.least, Math.min(share, CONNECTIONS.most));
}

/** Returns `null` if the run can continue without a dashboard, and throws otherwise. */
function withoutDashboard(
  error: unknown,
  { noAutostart, webHost, webPort, given }: WebOptions,
): null {
  const isInUse = error instanceof Deno.errors.AddrInUse;
  // A test that waits to be started needs the dashboard.
  const isRequired = given.has("webHost") || given.has("webPort") || noAutostart;
  if (!isRequired) {
    const reason = isInUse
      ? `port ${webPort} is already in use. To use any free port: --web-port 0.`
      : `it cannot listen on ${webHost}:${webPort}: ${errorText(error)}.`;
    logger.warn(`There is no dashboard: ${reason}`);
    return null;
  }
  if (isInUse) {
    throw new UsageError(
      `--web-port ${webPort}: the port is already in use`,
      `To use any free port: --web-port 0.${
        noAutostart ? "" : " To run without a dashboard: --no-web."
      }`,
    );
  }
  const place = given.has("webPort") && !given.has("webHost")
    ? `--web-port ${webPort}: the dashboard cannot listen on this port`
    : `--web-host ${webHost}: the dashboard cannot listen on this address`;
  throw new UsageError(
    `${place}: ${errorText(error)}`,
    "Use a name or an address of this machine, * for all addresses, or --no-web.",
  );
}
