/**
 * The command line of `aiotest quick`.
 *
 * @module
 */

import { resolve } from "node:path";
import type { Option } from "commander";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { UrlResolver } from "../http/url_resolver.ts";
import { CLUSTER_SETTINGS } from "./cluster_settings.ts";
import { kebabCase } from "./config_file.ts";
import { ownOptions, parseAll, type ParsedArguments } from "./flag_parser.ts";
import { QUICK_SETTINGS, type QuickSettings } from "./quick_settings.ts";
import { SETTINGS } from "./settings.ts";
import { WEB_SETTINGS } from "./web_settings.ts";
import { findConfigFile, Sources } from "./sources.ts";

/** All that `quick` is told, validated. */
export interface QuickOptions extends Omit<QuickSettings, "data" | "method"> {
  /** Absolute, `http:` or `https:`, as it was given. */
  readonly url: string;
  readonly method: string;
  /** What every request has as its body; null: none. */
  readonly body: Uint8Array<ArrayBuffer> | null;
}

const HELP = "aiotest quick --help";

/** Flags that mean something only where there is a test file, and what to say of them. */
const UNFIT: Readonly<Record<string, string>> = {
  aiotestfile: "which has no test file",
  host: "which takes the whole URL; a header is set with --header",
  tags: "which has no test file",
  "exclude-tags": "which has no test file",
  redis: "which has no test file",
  "show-users-weight": "which has no user classes",
  iterations: "where --requests says how many",
  "show-shape": "whose load does not change",
  otlp: "whose runs are short",
  ...Object.fromEntries(
    Object.keys(WEB_SETTINGS).map((name) => [kebabCase(name), "which has no dashboard"]),
  ),
  ...Object.fromEntries(
    Object.keys(CLUSTER_SETTINGS).map((name) => [kebabCase(name), "which runs in one process"]),
  ),
};

/** The flags that `quick` knows, with those that it only knows to refuse. */
function quickFlags(): Option[] {
  return ownOptions({ ...SETTINGS, ...QUICK_SETTINGS });
}

/**
 * Reads flags, environment and configuration file, and the file that holds the body.
 *
 * @throws UsageError where the URL, a flag, a variable or a key is missing, unknown or no good.
 */
export async function readQuickOptions(host: Host): Promise<QuickOptions> {
  const parsed = parseAll(host.args, quickFlags(), HELP);
  checkFlags(parsed);
  const url = readUrl(parsed.operands);
  const sources = new Sources(parsed.flags, host, await findConfigFile(parsed.flags, host));
  const { data, method, ...values } = sources.readAll(QUICK_SETTINGS).values;
  sources.checkFileKeys(Object.keys({ ...SETTINGS, ...QUICK_SETTINGS }));
  const body = data === null ? null : await readBody(host, data);
  return { ...values, url, method: method ?? (body === null ? "GET" : "POST"), body };
}

function checkFlags({ flags }: ParsedArguments): void {
  for (const [name, reason] of Object.entries(UNFIT)) {
    if (flags.has(name)) throw new UsageError(`--${name} cannot go with quick, ${reason}`);
  }
}

function readUrl([, url, stray]: readonly string[]): string {
  if (url === undefined) {
    throw new UsageError("quick: the URL is missing", "Try: aiotest quick http://127.0.0.1:8000/");
  }
  if (stray !== undefined) {
    throw new UsageError(
      `quick: one URL is needed, and ${stray} is a second one`,
      `${HELP} shows the options.`,
    );
  }
  try {
    new UrlResolver("").resolve(url);
  } catch {
    throw new UsageError(
      `quick ${url}: a URL that starts with http:// or https:// is needed`,
      !url.includes("://") && URL.canParse(`http://${url}`) ? `Did you mean http://${url}?` : "",
    );
  }
  return url;
}

async function readBody(host: Host, data: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!data.startsWith("@")) return new TextEncoder().encode(data);
  const path = resolve(host.cwd, data.slice(1));
  if (!await host.isFile(path)) {
    throw new UsageError(
      `--data ${data}: there is no file ${path}`,
      "A text, or @ and the name of a file, is needed.",
    );
  }
  try {
    return await host.readFile(path);
  } catch (error) {
    throw new UsageError(`--data ${data}: cannot be read: ${errorText(error)}`, "", error);
  }
}
