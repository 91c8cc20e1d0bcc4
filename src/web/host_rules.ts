/** Names of this machine that lead to nobody else. */
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** Addresses to listen at that stand for all of the machine's. */
const ALL_INTERFACES = ["0.0.0.0", "::"];

/** What a dashboard is called. */
export interface Site {
  /** The name or address that it listens at. */
  readonly bindHost: string;
  readonly port: number;
  /** The machine's own name. */
  readonly hostname: string;
}

/** Whether only this machine reaches what listens at a name or an address. */
export function isLoopback(bindHost: string): boolean {
  return bindHost.toLowerCase() === "localhost" || bindHost === "::1" ||
    /^127(?:\.\d{1,3}){3}$/.test(bindHost);
}

/** Whether what listens at an address is reached by every address of the machine. */
export function isEverywhere(bindHost: string): boolean {
  return ALL_INTERFACES.includes(bindHost);
}

/** A name or an address as it stands in a URL. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * Which names a request may call the dashboard by.
 *
 * A page of somebody else's whose name has been made to lead here (DNS rebinding) is of the same origin
 * as the dashboard, as far as a browser can tell. It gives itself away by its own name, which stands in
 * the request's `Host`.
 *
 * ```ts
 * import { HostRules } from "./host_rules.ts";
 * import assert from "node:assert/strict";
 *
 * const rules = new HostRules({ bindHost: "127.0.0.1", port: 8089, hostname: "laptop" });
 * assert.equal(rules.allow("localhost:8089"), true);
 * assert.equal(rules.allow("evil.example:8089"), false);
 * ```
 */
export class HostRules {
  readonly #names: readonly string[];
  readonly #port: number;
  readonly #everywhere: boolean;

  constructor({ bindHost, port, hostname }: Site) {
    this.#everywhere = isEverywhere(bindHost);
    const own = this.#everywhere ? hostname : urlHost(bindHost);
    this.#names = [...LOOPBACK_NAMES, own.toLowerCase()];
    this.#port = port;
  }

  /** Whether the text of a `Host` means this dashboard. */
  allow(host: string): boolean {
    const match = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(host);
    if (match === null) return false;
    const name = match[1]!.toLowerCase();
    // Behind a container's or a tunnel's port, the dashboard's own is not the one that people see.
    if (this.#everywhere) return this.#names.includes(name) || isNobodyElses(name);
    return this.#names.includes(name) && Number(match[2] ?? HTTP_PORT) === this.#port;
  }
}

const HTTP_PORT = 80;

/**
 * Names that nobody can make lead here: addresses lead where they say, and a name without a dot, such as
 * that of a container, is looked up on the spot.
 */
function isNobodyElses(name: string): boolean {
  return name.startsWith("[") || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(name) || /^[\w-]+$/.test(name);
}
