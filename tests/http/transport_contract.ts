/**
 * The contract of transports: how a session behaves over any of them.
 *
 * @module
 */

import { authContract } from "./contract/auth.ts";
import { batchContract } from "./contract/batches.ts";
import { bodyContract } from "./contract/bodies.ts";
import { connectionContract } from "./contract/connections.ts";
import { cookieContract } from "./contract/cookies.ts";
import { countingContract } from "./contract/counting.ts";
import { defaultHeaderContract } from "./contract/default_headers.ts";
import { encodingContract } from "./contract/encodings.ts";
import { failureContract } from "./contract/failures.ts";
import { pageContract } from "./contract/pages.ts";
import { redirectContract } from "./contract/redirects.ts";
import { requestContract } from "./contract/requests.ts";
import { stoppingContract } from "./contract/stopping.ts";
import { streamContract } from "./contract/streams.ts";
import { type Contract, type TransportUnderTest, World } from "./contract/world.ts";

/** Registers a test for each row of the contract. Rows that a transport cannot fulfil are ignored. */
export function testTransport(transport: TransportUnderTest): void {
  const unknown = new Set(Object.keys(transport.cannot));
  const contract: Contract = (title, run) => {
    const reason = transport.cannot[title];
    unknown.delete(title);
    Deno.test({
      name: `${transport.name}: ${title}${reason === undefined ? "" : ` (cannot: ${reason})`}`,
      ignore: reason !== undefined,
      fn: async () => {
        await using world = new World(transport.create);
        await run(world);
      },
    });
  };
  requestContract(contract);
  defaultHeaderContract(contract);
  authContract(contract);
  bodyContract(contract);
  encodingContract(contract);
  redirectContract(contract);
  cookieContract(contract);
  countingContract(contract);
  connectionContract(contract);
  batchContract(contract);
  pageContract(contract);
  failureContract(contract);
  stoppingContract(contract);
  streamContract(contract);
  if (unknown.size > 0) throw new Error(`no row of the contract: ${[...unknown].join("; ")}`);
}
