/**
 * `aiotest quick`: sends requests to one URL as fast as they are answered, without a test file.
 *
 * @module
 */

import { resolve } from "node:path";
import { systemReason, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { hideCredentials } from "../../core/text.ts";
import { UrlResolver } from "../../http/url_resolver.ts";
import { FastHttpUser } from "../../user/fast_http_user.ts";
import type { RequestOptions } from "../../user/http_user.ts";
import type { UserClass } from "../../user/user.ts";
import { checkFlags, parseAll, quickFlags } from "../flag_parser.ts";
import type { Options } from "../options.ts";
import type { OtherFile } from "../report_files.ts";
import { checkSampleOptions } from "../role.ts";
import { runLocal } from "../run_local.ts";
import { QUICK_RUN_TIME } from "../load_settings.ts";
import { defaultsOf } from "../setting_types.ts";
import {
  OPTION_NAMES,
  QUICK_SETTINGS,
  SETTINGS,
  type Settings,
  type SettingsOf,
} from "../settings.ts";
import { configFiles, findConfigFile, Sources } from "../sources.ts";

/** The options of `quick`, validated. */
export interface QuickOptions extends Omit<SettingsOf<"quick">, "data" | "method"> {
  /** Absolute, `http:` or `https:`, as it was given. */
  readonly url: string;
  readonly method: string;
  /** The body of every request; `null`: none. */
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** The configuration file and the file of the body, as far as there are any. */
  readonly readFrom: readonly OtherFile[];
  /** With `--once`, the settings that were given. */
  readonly given?: ReadonlySet<string>;
}

const HELP = "aiotest quick --help";

/** Users started per second: the last one starts with the first. */
const ALL_AT_ONCE = 1e9;

/** Sends requests to the URL on the command line; resolves with the exit code. */
export async function runQuick(host: Host): Promise<number> {
  const options = await readQuickOptions(host);
  const quota = new RequestQuota(options.once ? Infinity : options.requests ?? Infinity);
  const exports = { QuickTest: quickUser(options, quota) };
  return await runLocal(host, exports, runOptions(options), quota.done);
}

/** A user that repeats the request until the quota is used up. */
function quickUser(options: QuickOptions, quota: RequestQuota): UserClass {
  const { url, method, header, body } = options;
  const headers = header.map(([name, value]): [string, string] => [name, value]);
  const request: RequestOptions = body === null ? { headers } : { headers, body };
  return class QuickTest extends FastHttpUser {
    // All requests name their host. This is for checks before the run.
    static override host = new URL(url).origin;
    static override waitTime = 0;
    static override timeout = options.timeout;
    static override http = options.http2 ? 2 as const : 1 as const;

    async testRequest(): Promise<void> {
      // The user waits for the last request of all: it neither spins nor is cut off when the run ends.
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
  const { rate, requests, runTime, history, noHistory, given = new Set() } = options;
  return {
    ...defaultsOf(SETTINGS),
    ...options,
    // Shown in reports in place of a test file.
    aiotestfile: `aiotest quick ${options.url}`,
    noWeb: true,
    // It is called in any directory.
    noHistory: noHistory || history === null,
    rate: rate ?? ALL_AT_ONCE,
    runTime: runTime ?? (requests === null ? QUICK_RUN_TIME : null),
    given: given as ReadonlySet<keyof Settings>,
    extra: {},
  };
}

/**
 * Reads flags, environment and configuration file, and the file that holds the body.
 *
 * @throws UsageError if the URL, a flag, a variable or a key is missing, unknown or invalid.
 */
export async function readQuickOptions(host: Host): Promise<QuickOptions> {
  const parsed = parseAll(host.args, quickFlags(), HELP);
  checkFlags(parsed.flags, "quick");
  const url = readUrl(parsed.operands);
  const config = await findConfigFile(parsed.flags, host);
  const sources = new Sources(parsed.flags, host, config);
  const { values: { data, method, ...values }, given } = sources.readAll(QUICK_SETTINGS);
  sources.checkFileKeys(Object.keys({ ...SETTINGS, ...QUICK_SETTINGS }));
  sources.checkVariables(host.envNames(), OPTION_NAMES, quickFlags(), true);
  checkSampleOptions(values);
  const body = data === null ? null : await readBody(host, data);
  const readFrom = configFiles(config);
  if (data?.startsWith("@")) readFrom.push({ what: "the file of --data", path: data.slice(1) });
  return {
    ...values,
    url,
    method: method ?? (body === null ? "GET" : "POST"),
    body,
    readFrom,
    ...(values.once ? { given } : {}),
  };
}

function readUrl([, url, stray]: readonly string[]): string {
  if (url === undefined) {
    throw new UsageError("quick: missing URL", "Try: aiotest quick http://127.0.0.1:8000/");
  }
  if (stray !== undefined) {
    throw new UsageError(
      `quick: expected one URL, but there is a second one: ${hideCredentials(stray)}`,
      `For all options, run ${HELP}.`,
    );
  }
  try {
    new UrlResolver("").resolve(url);
  } catch {
    const shown = hideCredentials(url);
    throw new UsageError(
      `quick ${shown}: expected a URL that starts with http:// or https://`,
      !url.includes("://") && URL.canParse(`http://${url}`)
        ? `Did you mean http://${shown}?`
        : /^(wss?|grpcs?):/i.test(url)
        ? "quick sends HTTP requests. WebSocket and gRPC need a test file: see WebSocketUser and GrpcUser."
        : "",
    );
  }
  return url;
}

async function readBody(host: Host, data: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!data.startsWith("@")) return new TextEncoder().encode(data);
  const path = resolve(host.cwd, data.slice(1));
  if (!await host.isFile(path)) {
    throw new UsageError(
      `--data ${data}: file not found: ${path}`,
      "The value is a string, or @ and a file name.",
    );
  }
  try {
    return await host.readFile(path);
  } catch (error) {
    throw new UsageError(`--data ${data}: cannot read the file: ${systemReason(error)}`, "", error);
  }
}

/** Hands out the requests of a run that sends a fixed number of them. */
export class RequestQuota {
  /** Resolves when the last request has succeeded or failed. */
  readonly done: Promise<void>;
  readonly #markDone: () => void;
  #unsent: number;
  #pending: number;

  /** @param requests 1 or more; Infinity: no limit. */
  constructor(requests: number) {
    this.#unsent = this.#pending = requests;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#markDone = resolve;
  }

  /** Whether one more may be sent; if so, the caller calls {@link settle} when it is over. */
  take(): boolean {
    if (this.#unsent === 0) return false;
    this.#unsent--;
    return true;
  }

  /** To be called when a request is over and counted. */
  settle(): void {
    this.#pending--;
    if (this.#pending === 0) this.#markDone();
  }
}
