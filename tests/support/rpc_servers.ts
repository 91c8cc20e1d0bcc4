import type { Clock } from "../../src/core/clock.ts";
import type { LoadedFeeder } from "../../src/shared/feeders.ts";
import { RpcServer, type RpcServerOptions } from "../../src/shared/rpc.ts";
import { SharedServices } from "../../src/shared/services.ts";

/** The RPC server of a master with these feeders and a constant random number. */
export function rpcServerWith(
  clock: Clock,
  feeders: readonly LoadedFeeder[] = [],
  changes: Partial<RpcServerOptions> & { readonly iterations?: number | null } = {},
): RpcServer {
  const { iterations = null } = changes;
  return new RpcServer({
    services: new SharedServices({ feeders, clock, random: () => 0.5, iterations }),
    node: "master",
    names: ["master", "all"],
    clock,
    deliver: () => {},
    warn: () => {},
    ...changes,
  });
}
