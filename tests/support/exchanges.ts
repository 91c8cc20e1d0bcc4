import type { Clock } from "../../src/core/clock.ts";
import type { StockedFeeder } from "../../src/shared/feeders.ts";
import { Exchange, type ExchangeOptions } from "../../src/shared/rpc.ts";
import { ClusterHub } from "../../src/shared/services.ts";

/** A master's exchange, with these feeders, and a random number that is always the same. */
export function exchangeOf(
  clock: Clock,
  feeders: readonly StockedFeeder[] = [],
  changes: Partial<ExchangeOptions> & { readonly passes?: number | null } = {},
): Exchange {
  const { passes = null } = changes;
  return new Exchange({
    hub: new ClusterHub({ feeders, clock, random: () => 0.5, passes }),
    node: "master",
    names: ["master", "all"],
    clock,
    deliver: () => {},
    warn: () => {},
    ...changes,
  });
}
