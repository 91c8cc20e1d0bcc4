import { HttpNode } from "../http/http_node.ts";
import type { UserContext } from "./context.ts";

/** What all users of a node have in common. */
export type NodeContext = Omit<UserContext, "id" | "signal">;

/** Makes what the users of a node share, from what the runner knows of it. */
export function nodeContext(known: Omit<NodeContext, "http">): NodeContext {
  return { ...known, http: new HttpNode(known.clock) };
}
