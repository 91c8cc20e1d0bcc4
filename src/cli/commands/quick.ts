/**
 * `aiotest quick`: requests to one URL, as fast as they are answered, without a test file.
 *
 * @module
 */

import type { Option } from "commander";
import { resolve } from "node:path";
import { errorText, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { UrlResolver } from "../../http/url_resolver.ts";
import { FastHttpUser } from "../../user/fast_http_user.ts";
import type { RequestOptions } from "../../user/http_user.ts";
import type { UserClass } from "../../user/user.ts";
import { ownOptions, parseAll, type ParsedArguments } from "../flag_parser.ts";
import type { Options } from "../options.ts";
import { runLocal } from "../run_local.ts";
import {
  CLUSTER_SETTINGS,
  defaultsOf,
  QUICK_RUN_TIME,
  QUICK_SETTINGS,
  type QuickSettings,
  SETTINGS,
  WEB_SETTINGS,
} from "../settings.ts";
import { findConfigFile, kebabCase, Sources } from "../sources.ts";

// The command line of `aiotest quick`.

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

/** Counts down the requests of a run that sends a fixed number of them. */
export class RequestQuota {
  /** Resolves when the last request is over, whether it failed or not. */
  readonly done: Promise<void>;
  readonly #markDone: () => void;
  #unsent: number;
  #pending: number;

  /** @param requests 1 or more; Infinity: they never run out. */
  constructor(requests: number) {
    this.#unsent = this.#pending = requests;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#markDone = resolve;
  }

  /** Whether one more may be sent; whoever was told so calls {@link settle} when it is over. */
  take(): boolean {
    if (this.#unsent === 0) return false;
    this.#unsent--;
    return true;
  }

  /** A request is over, and has been counted. */
  settle(): void {
    this.#pending--;
    if (this.#pending === 0) this.#markDone();
  }
}

/** Users started a second, so many that the last starts with the first. */
const ALL_AT_ONCE = 1e9;

/** Sends requests to the URL that the command line names; resolves with the exit code. */
export async function runQuick(host: Host): Promise<number> {
  const options = await readQuickOptions(host);
  const quota = new RequestQuota(options.requests ?? Infinity);
  const exports = { QuickTest: quickUser(options, quota) };
  return await runLocal(host, exports, runOptions(options), quota.done);
}

/** A user that sends the one request again and again, until there are no more to send. */
function quickUser(options: QuickOptions, quota: RequestQuota): UserClass {
  const { url, method, header, body } = options;
  const headers = header.map(([name, value]): [string, string] => [name, value]);
  const request: RequestOptions = body === null ? { headers } : { headers, body };
  return class QuickTest extends FastHttpUser {
    static override waitTime = 0;
    static override timeout = options.timeout;

    async testRequest(): Promise<void> {
      // Ending with the last request, and not before, a user is neither busy nor cut off by the run's end.
      if (!quota.take()) return await quota.done;
      try {
        await this.session.request(method, url, request);
      } finally {
        quota.settle();
      }
    }
  };
}

function runOptions(options: QuickOptions): Options {
  const { rate, requests, runTime } = options;
  return {
    ...defaultsOf(SETTINGS),
    ...options,
    // In place of a test file's name, for reports.
    aiotestfile: `aiotest quick ${options.url}`,
    noWeb: true,
    rate: rate ?? ALL_AT_ONCE,
    runTime: runTime ?? (requests === null ? QUICK_RUN_TIME : null),
    given: new Set(),
    extra: {},
  };
}
