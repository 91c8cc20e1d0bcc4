import { SocketTransport } from "../../src/http/socket_transport.ts";
import { MAX_BODY_SIZE } from "../../src/http/transport.ts";
import { testTransport } from "./transport_contract.ts";

testTransport({
  name: "socket engine",
  create: (clock, node) =>
    new SocketTransport(clock, node, {
      connectMs: 10_000,
      headersMs: Infinity,
      bodyMs: Infinity,
      maxBodySize: MAX_BODY_SIZE,
    }),
  cannot: {},
});
