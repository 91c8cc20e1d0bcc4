import { createServer, type Server, type Socket as Peer } from "node:net";
import { TLSSocket } from "node:tls";
import { nodeSockets } from "../../src/net/node_sockets.ts";
import { DEFAULT_TLS, type TlsSettings } from "../../src/net/tls_settings.ts";
import { openTls } from "../../src/net/tls_sockets.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { socketContract } from "./socket_contract.ts";

const sockets = nodeSockets();
const trusting: TlsSettings = { ...DEFAULT_TLS, ca: [testAuthority()] };

/** The connections of TCP below those of TLS. */
const lower = new WeakMap<Peer, Peer>();

function listen(track: (peer: Peer) => void, accept: (peer: Peer) => void): Server {
  return createServer({ allowHalfOpen: true }, (raw) => {
    const peer = new TLSSocket(raw, { isServer: true, ...identity("good") });
    lower.set(peer, raw);
    // Neither of the two closes the other one in all cases.
    peer.on("error", () => {});
    peer.on("close", () => raw.destroy());
    raw.on("error", () => {});
    raw.on("close", () => peer.destroy());
    track(peer);
    peer.on("secure", () => accept(peer));
  });
}

const common = {
  listen,
  reset: (peer: Peer) => void lower.get(peer)!.resetAndDestroy(),
  drain: () => sockets.drain(),
};

function to(port: number, settings: TlsSettings): Parameters<typeof openTls>[0] {
  return {
    sockets,
    address: "127.0.0.1",
    port,
    localAddress: null,
    hostname: "localhost",
    settings,
    over: null,
  };
}

socketContract({
  ...common,
  name: "TLS of the runtime",
  open: (port, handler) => openTls(to(port, trusting), handler),
  writesAtOnce: false,
  knowsResets: true,
});

socketContract({
  ...common,
  name: "node:tls",
  open: (port, handler) =>
    openTls({ ...to(port, { ...trusting, minVersion: "TLSv1.3" }) }, handler),
  writesAtOnce: false,
  knowsResets: true,
});
