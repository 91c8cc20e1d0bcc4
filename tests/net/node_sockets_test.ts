import { nodeSockets } from "../../src/net/node_sockets.ts";
import { socketContract } from "./socket_contract.ts";

const sockets = nodeSockets();

socketContract({
  name: "node:net",
  open: (port, handler) =>
    sockets.open({ address: "127.0.0.1", port, localAddress: null }, handler),
  drain: () => sockets.drain(),
  writesAtOnce: true,
  knowsResets: true,
});
