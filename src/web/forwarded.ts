/**
 * Who has sent a request: the process at the other end of the connection, or a client of a reverse proxy.
 * What a proxy says about its client is believed only if the proxy is trusted, because any client can send
 * the same headers.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";
import { plainAddress } from "../core/network.ts";
import { isLoopback } from "./allowed_hosts.ts";
import { basePath } from "./base_path.ts";

/** The sender of a request. */
export interface Client {
  /** The address that limits apply to and the log names. */
  readonly address: string;
  /** Whether it is a process of this machine, with no proxy in between that may serve others. */
  readonly isLocal: boolean;
  /** Whether the browser uses HTTPS; null if that is unknown. */
  readonly isSecure: boolean | null;
  /** The values of `Host` that trusted proxies have received, that of the nearest proxy last. */
  readonly hosts: readonly string[];
  /** The path that a trusted proxy has removed, without a slash at its end; mostly empty. */
  readonly prefix: string;
}

/** Headers that only proxies add. */
const FROM_PROXY =
  /^(?:forwarded|via|true-client-ip|cf-connecting-ip|x-(?:forwarded|original|envoy)-.*|x-(?:real|client|cluster-client)-ip)$/;

/** The most general network that can be trusted. A larger one would contain clients. */
const MIN_BITS = 8;

/**
 * A network of proxies, as an address or as `ADDRESS/BITS`; null if it is neither. Returns it with its
 * bits.
 */
export function proxyNetwork(text: string): string | null {
  const [, address = "", bits] = /^\[?([^\]/]+)\]?(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0 || address.includes("%")) return null;
  const most = version === 4 ? 32 : 128;
  const given = bits === undefined ? most : Number(bits);
  return given >= MIN_BITS && given <= most ? `${address.toLowerCase()}/${given}` : null;
}

/** The proxies whose headers are believed. */
export class TrustedProxies {
  readonly #networks = new BlockList();

  /** @param networks as {@link proxyNetwork} returns them. */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = "", bits] = network.split("/");
      this.#networks.addSubnet(address, Number(bits), familyOf(address));
    }
  }

  /**
   * Who has sent a request.
   *
   * @param peer the address at the other end of the connection.
   */
  clientOf(headers: Headers, peer: string): Client {
    if (!this.#trusts(peer)) {
      const isLocal = isLoopback(peer) && !cameThroughProxy(headers);
      return { address: peer, isLocal, isSecure: null, hosts: [], prefix: "" };
    }
    const classic = classicHops(headers);
    const standard = standardHops(headers.get("forwarded") ?? "");
    const hosts = [...standard.hosts, ...classic.hosts];
    const prefix = basePath(headers.get("x-forwarded-prefix") ?? "") ?? "";
    // A proxy adds the headers of one kind, and may pass on those of the other kind from any client.
    if (isGiven(classic) && isGiven(standard)) {
      return { address: peer, isLocal: false, isSecure: null, hosts, prefix };
    }
    const { addresses, schemes } = isGiven(standard) ? standard : classic;
    const address = this.#nearestClient(addresses);
    const scheme = schemes.at(-1)?.toLowerCase();
    return {
      address: address ?? peer,
      isLocal: address !== null && isLoopback(address),
      isSecure: scheme === "https" ? true : scheme === "http" ? false : null,
      hosts,
      prefix,
    };
  }

  /** The last address that is not a trusted proxy, or the first one if all are; null if it is unknown. */
  #nearestClient(addresses: readonly (string | null)[]): string | null {
    const index = addresses.findLastIndex((address) => address === null || !this.#trusts(address));
    return addresses[Math.max(0, index)] ?? null;
  }

  #trusts(address: string): boolean {
    const [plain = ""] = address.split("%");
    return isIP(plain) !== 0 && this.#networks.check(plain, familyOf(plain));
  }
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

function cameThroughProxy(headers: Headers): boolean {
  return [...headers.keys()].some((name) => FROM_PROXY.test(name));
}

/** What proxies say about a request, in the order in which it passed them. */
interface Hops {
  /** Null for one that is not an address, such as `unknown`. */
  readonly addresses: readonly (string | null)[];
  readonly schemes: readonly string[];
  readonly hosts: readonly string[];
}

function isGiven({ addresses, schemes, hosts }: Hops): boolean {
  return addresses.length + schemes.length + hosts.length > 0;
}

/** `X-Forwarded-For` and its like. */
function classicHops(headers: Headers): Hops {
  const list = (name: string): string[] =>
    (headers.get(name) ?? "").split(",").map((item) => item.trim()).filter((item) => item !== "");
  return {
    addresses: list("x-forwarded-for").map(addressIn),
    schemes: list("x-forwarded-proto"),
    hosts: list("x-forwarded-host"),
  };
}

/** A list whose items can contain commas in quotes. */
const ITEMS = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g;

/** The longest `Forwarded` that is read, to bound the time that this takes. */
const MAX_FORWARDED = 2_000;

/** `Forwarded`, as RFC 7239 defines it. */
function standardHops(header: string): Hops {
  if (header.length > MAX_FORWARDED) return { addresses: [null], schemes: [], hosts: [] };
  const items = (header.match(ITEMS) ?? []).map((item) => {
    const pairs = item.matchAll(/([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/gi);
    return new Map(
      [...pairs].map(([, name, quoted, plain]) => [
        name!.toLowerCase(),
        quoted?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "",
      ]),
    );
  });
  const values = (name: string): string[] => items.flatMap((item) => item.get(name) ?? []);
  return {
    // Without `for`, the proxy does not say whom it serves.
    addresses: items.map((item) => addressIn(item.get("for") ?? "")),
    schemes: values("proto"),
    hosts: values("host"),
  };
}

/** The address of `10.0.0.1`, `10.0.0.1:80`, `::1` or `[::1]:80`; null if it is none. */
function addressIn(text: string): string | null {
  const inner = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^([^:]+):\d+$/, "$1");
  return isIP(inner) === 0 ? null : plainAddress(inner);
}
