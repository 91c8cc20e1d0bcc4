import type { TransportSettings } from "../../src/http/socket_transport.ts";
import { MAX_BODY_SIZE } from "../../src/http/transport.ts";

/** The settings of a user class without any of its own, apart from those of TLS. */
export const TRANSPORT_SETTINGS: Omit<TransportSettings, "tls"> = {
  connectMs: 10_000,
  headersMs: Infinity,
  bodyMs: Infinity,
  maxBodySize: MAX_BODY_SIZE,
  keepAlive: true,
  localAddresses: [],
  dns: "rotate",
  protocols: ["http/1.1"],
};
