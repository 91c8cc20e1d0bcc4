/**
 * A server of streams for their benchmark: `stream_server.ts VERSION EVENTS MS`. It prints its address, and
 * what it has counted when it gets SIGTERM.
 *
 * @module
 */

import { denoHost } from "../../src/core/host.ts";
import { StreamTarget } from "../../tests/support/stream_target.ts";

const { args, stdout } = denoHost();
const [version, n = "10", ms = "100"] = args;
const target = await StreamTarget.start(version === "2" ? 2 : 1, { n, ms });
stdout.write(`${target.host}\n`);
Deno.addSignalListener("SIGTERM", () => {
  stdout.write(JSON.stringify(target.counts));
  Deno.exit(0);
});
