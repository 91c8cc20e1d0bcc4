import { UsageError } from "../core/errors.ts";
import { isLoopback } from "../web/host_rules.ts";
import type { WebSettings } from "./web_settings.ts";

/** What decides whether somebody can start a test that waits for it. */
export type StartOptions = Pick<WebSettings, "noAutostart" | "noWeb" | "webHost" | "webToken">;

/**
 * Checks that a test which waits to be started can be started.
 *
 * ```ts
 * import { checkStartable } from "./start_check.ts";
 * import assert from "node:assert/strict";
 *
 * const options = { noAutostart: true, noWeb: false, webHost: "0.0.0.0", webToken: null };
 * assert.throws(() => checkStartable(options), /nobody could start the test/);
 * checkStartable({ ...options, webToken: "s3cret" });
 * ```
 *
 * @throws UsageError where nobody could, with what to do.
 */
export function checkStartable({ noAutostart, noWeb, webHost, webToken }: StartOptions): void {
  if (!noAutostart) return;
  if (noWeb) {
    throw new UsageError(
      "--no-autostart cannot go with --no-web: the test is started in the dashboard",
      "Leave one of them out.",
    );
  }
  if (webToken !== null || isLoopback(webHost)) return;
  throw new UsageError(
    `--no-autostart needs --web-token with --web-host ${webHost}: nobody could start the test, ` +
      "as without a token the dashboard is only to look at",
    "A token is better given as AIOTEST_WEB_TOKEN.",
  );
}
