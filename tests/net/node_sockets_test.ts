import assert from "node:assert/strict";
import { nodeSockets } from "../../src/net/node_sockets.ts";
import { Recorder } from "./socket_contract.ts";
import { tcpContract } from "./tcp_contract.ts";

tcpContract(nodeSockets());

Deno.test("node:net: errors are in words, and keep their code", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const client = new Recorder();
  const socket = nodeSockets().open({ address: "127.0.0.1", port, localAddress: null }, client);
  await client.has("error");
  socket.close();
  const { message, code } = client.error as NodeJS.ErrnoException;
  assert.deepEqual([message, code], ["Connection refused", "ECONNREFUSED"]);
});

Deno.test("node:net: an address that is none is an error of the handler", async () => {
  const client = new Recorder();
  const to = { address: "127.0.0.1", port: 80, localAddress: "nowhere" };
  const socket = client.call(() => nodeSockets().open(to, client));
  assert.equal(socket.write(new Uint8Array(1)), true);
  await client.has("error ERR_INVALID_IP_ADDRESS");
  socket.close();
});
