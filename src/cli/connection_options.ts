/**
 * The options that say how to connect to the target.
 *
 * @module
 */

import { parseConnectTo } from "../http/connect_to.ts";
import { type ConnectionOptions, DEFAULT_CONNECTIONS } from "../http/shared_http_state.ts";
import type { Options } from "./options.ts";

/** What the options say about connections to the target. */
export function connectionOptions({ insecure, connectTo }: Options): ConnectionOptions {
  const rules = connectTo.flatMap((text) => parseConnectTo(text) ?? []);
  return { ...DEFAULT_CONNECTIONS, insecure, connectTo: rules };
}
