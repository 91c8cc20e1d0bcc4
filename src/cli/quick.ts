/**
 * `aiotest quick`: requests to one URL, as fast as they are answered, without a test file.
 *
 * @module
 */

import type { Host } from "../core/host.ts";
import { FastHttpUser } from "../user/fast_http_user.ts";
import type { RequestOptions } from "../user/http_user.ts";
import type { UserClass } from "../user/user.ts";
import type { Options } from "./options.ts";
import { type QuickOptions, readQuickOptions } from "./quick_options.ts";
import { RequestQuota } from "./quick_quota.ts";
import { QUICK_RUN_TIME } from "./quick_settings.ts";
import { runLocal } from "./run_local.ts";
import { defaultsOf } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

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
