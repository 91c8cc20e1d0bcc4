import { HttpNode } from "../http/http_node.ts";
import { Proxies } from "../http/proxies.ts";
import type { UserContext } from "./context.ts";

/** What all users of a node have in common. */
export type NodeContext = Omit<UserContext, "id" | "signal" | "passes">;

/** What the runner knows of its node. */
export interface NodeFacts extends Omit<NodeContext, "http"> {
  /** An environment variable, or undefined: those that name proxies are looked at. */
  readonly env: (name: string) => string | undefined;
}

/**
 * Makes what the users of a node share.
 *
 * @throws UsageError where a variable names a proxy that is none.
 */
export function nodeContext({ env, ...facts }: NodeFacts): NodeContext {
  const proxies = new Proxies(env);
  const http = new HttpNode(facts.clock, { insecure: facts.insecure, proxies, caCerts: [] });
  return { ...facts, http };
}
