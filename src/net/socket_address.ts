/**
 * Addresses of sockets in the form that Linux expects: `sockaddr_in` and `sockaddr_in6`.
 *
 * @module
 */

import type { LibcSymbols } from "./libc.ts";

/** Address families. */
export const AF_INET = 2;
export const AF_INET6 = 10;

const INET_SIZE = 16;
const INET6_SIZE = 28;

/** An address and a port. */
export interface EncodedAddress {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Encodes an IP address, which can have a zone if it is of IPv6: `fe80::1%eth0`.
 *
 * @returns the address, or `null` if it is no IP address or the zone does not exist.
 */
export function encodeAddress(
  libc: LibcSymbols,
  address: string,
  port: number,
): EncodedAddress | null {
  const family = address.includes(":") ? AF_INET6 : AF_INET;
  const bytes = new Uint8Array(family === AF_INET ? INET_SIZE : INET6_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, true);
  // In network byte order, as the address itself.
  view.setUint16(2, port);
  const [ip = "", zone] = address.split("%", 2);
  const at = family === AF_INET ? 4 : 8;
  if (libc.inet_pton(family, cString(ip), bytes.subarray(at)) !== 1) return null;
  if (zone !== undefined) {
    if (family === AF_INET) return null;
    const index = /^\d+$/.test(zone) ? Number(zone) : libc.if_nametoindex(cString(zone));
    if (index === 0) return null;
    view.setUint32(24, index, true);
  }
  return { family, bytes };
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
