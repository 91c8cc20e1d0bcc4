/**
 * The addresses of this machine that connections leave from.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";

/** Addresses that belong to no machine: unspecified, multicast and broadcast. */
const SHARED = new BlockList();
SHARED.addSubnet("0.0.0.0", 8);
SHARED.addSubnet("224.0.0.0", 3);
SHARED.addAddress("::", "ipv6");
SHARED.addSubnet("ff00::", 8, "ipv6");

/** Whether a value is an IP address that one machine can have; an IPv6 address can have a zone. */
export function isSourceAddress(value: unknown): value is string {
  const family = typeof value === "string" ? isIP(value) : 0;
  if (family === 0) return false;
  return !SHARED.check((value as string).replace(/%.*/, ""), family === 6 ? "ipv6" : "ipv4");
}

/** Whether all addresses are IPv4, or all are IPv6. A connection has both ends in the same family. */
export function areOneFamily(addresses: readonly string[]): boolean {
  return new Set(addresses.map(isIP)).size <= 1;
}
