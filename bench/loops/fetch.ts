/**
 * Native `fetch`. As in `HttpUser`, each user has its own client.
 *
 * @module
 */

import { ORDER } from "../support/order.ts";
import type { Exchange } from "../support/scenario.ts";
import type { Connections } from "./connections.ts";

/** Creates the clients; connections are opened by the first requests. */
export function fetchConnections(url: URL, users: number, exchange: Exchange): Connections {
  const clients = Array.from({ length: users }, () => Deno.createHttpClient({}));
  const headers = { "content-type": "application/json" };
  return {
    exchange: exchange === "post"
      ? async (user) => {
        const body = JSON.stringify(ORDER);
        const client = clients[user]!;
        const response = await fetch(url, { client, method: "POST", headers, body });
        await response.json();
        return response.ok;
      }
      : async (user) => {
        const response = await fetch(url, { client: clients[user]! });
        await response.arrayBuffer();
        return response.ok;
      },
    stop: () => Promise.resolve(),
  };
}
