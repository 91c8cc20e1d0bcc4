/**
 * The options for TLS to the target: the files that they name, and how they reach the workers.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { DEFAULT_TLS, type TlsSettings, tlsSettings } from "../net/tls_settings.ts";
import { isLoopback } from "../web/allowed_hosts.ts";
import { type FileReader, readPemFile } from "./option_files.ts";
import { isPem } from "./option_types.ts";
import type { Options } from "./options.ts";
import type { OtherFile } from "./report_files.ts";
import { environmentName, flagOf } from "./setting_types.ts";
import type { MasterSettings } from "./role.ts";
import type { ForwardedOptions } from "./sources.ts";

type TlsOptionName = "clientCert" | "clientKey" | "ca";

/**
 * Reads and checks the files of a client certificate, its key, and trusted authorities.
 *
 * @throws UsageError that names the option and the file, but never shows what is in it.
 */
export async function targetTls(
  host: FileReader,
  { clientCert, clientKey, ca, insecure }: Pick<Options, TlsOptionName | "insecure">,
): Promise<TlsSettings> {
  if (clientCert !== null && clientKey === null) {
    throw new UsageError("--client-cert needs --client-key");
  }
  if (clientKey !== null && clientCert === null) {
    throw new UsageError("--client-key needs --client-cert");
  }
  const authorities = await Promise.all(ca.map((file) => readAuthorities(host, file)));
  const input = {
    cert: clientCert === null ? null : await pemText(host, "clientCert", clientCert),
    key: clientKey === null ? null : await pemText(host, "clientKey", clientKey),
  };
  return tlsSettings(
    input,
    "--client-cert",
    (member) =>
      member === "key" ? placeOf("clientKey", clientKey!) : placeOf("clientCert", clientCert!),
    { ...DEFAULT_TLS, insecure, ca: authorities },
  );
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g;

/** The certificates of a file, without the comments of a bundle: workers get them as well. */
async function readAuthorities(
  host: FileReader,
  file: string,
): Promise<string> {
  const text = await pemText(host, "ca", file);
  tlsSettings({ ca: text }, "--ca", () => placeOf("ca", file));
  return (text.match(CERTIFICATE) ?? []).join("\n");
}

async function pemText(
  host: FileReader,
  name: TlsOptionName,
  file: string,
): Promise<string> {
  if (isPem(file)) return file;
  if (!isFileName(file)) {
    throw new UsageError(
      `${placeOf(name, file)}: expected a file in PEM, or its contents`,
      "PEM is text that begins with -----BEGIN.",
    );
  }
  return await readPemFile(host, flagOf(name).slice(2), file);
}

function placeOf(name: TlsOptionName, file: string): string {
  return isFileName(file) && !isPem(file) ? `${flagOf(name)} ${file}` : `${flagOf(name)}`;
}

/** If not, it is probably a key in another form, and must not be shown. */
function isFileName(text: string): boolean {
  return text.length <= 255 && !/[\r\n]|^[\w+/=]{100,}$/.test(text);
}

/** The files that the options name. */
export function targetFiles(
  { clientCert, clientKey, ca }: Pick<Options, TlsOptionName>,
): OtherFile[] {
  const named: readonly (readonly [TlsOptionName, string | null])[] = [
    ["clientCert", clientCert],
    ["clientKey", clientKey],
    ...ca.map((file) => ["ca", file] as const),
  ];
  return named.flatMap(([name, path]) =>
    path === null || isPem(path) ? [] : [{ what: `the file of ${flagOf(name)}`, path }]
  );
}

/**
 * The options for workers that were not given their own: the contents of the files.
 *
 * @throws UsageError if workers cannot be trusted with the private key.
 */
export function forwardedTls(
  { cert, key, ca }: TlsSettings,
  { token }: Pick<MasterSettings, "token">,
): ForwardedOptions {
  if (key !== null && token === null) {
    throw new UsageError(
      "--client-key on a master needs --token: without one, any process that reaches the master gets " +
        "the private key",
      "Set AIOTEST_TOKEN on the master and the workers, or give --client-cert and --client-key to each " +
        "worker instead.",
    );
  }
  return {
    ...(cert === null || key === null ? {} : {
      [environmentName("clientCert")]: cert,
      [environmentName("clientKey")]: key,
    }),
    ...(ca.length === 0 ? {} : { [environmentName("ca")]: ca.join("\n") }),
  };
}

/** A warning if others on the network can read the private key on its way to the workers; else `null`. */
export function exposedKeyWarning(
  { key }: TlsSettings,
  { tls, bindHost }: Pick<MasterSettings, "tls" | "bindHost">,
): string | null {
  if (key === null || tls !== null || isLoopback(bindHost)) return null;
  return "The private key of --client-key is sent to workers unencrypted. To encrypt it, start the master " +
    "with --tls-cert and --tls-key, or give --client-cert and --client-key to each worker instead.";
}

/** What a master has forwarded, without its client certificate if the worker was given one of its own. */
export function withoutForeignKey(
  forwarded: ForwardedOptions,
  given: Options["given"],
): ForwardedOptions {
  if (!given.has("clientCert") && !given.has("clientKey")) return forwarded;
  const pair = [environmentName("clientCert"), environmentName("clientKey")];
  return Object.fromEntries(Object.entries(forwarded).filter(([name]) => !pair.includes(name)));
}
