import { FetchTransport } from "../../src/http/fetch_transport.ts";
import { testTransport } from "./transport_contract.ts";

testTransport({
  name: "fetch",
  create: (clock, node, caCerts) => new FetchTransport(clock, node.deadlines, caCerts),
  cannot: {
    "a GET may have a body": "fetch refuses it, and the request is BAD_REQUEST",
    "a POST is not sent again when a kept connection ends":
      "fetch sends it again by itself and does not say so",
    "a chunk size that is no number: BAD_RESPONSE":
      "fetch does not tell it from a body that breaks off",
    "gzip of unknown length is counted as it came": "fetch hides what it has decoded",
  },
});
