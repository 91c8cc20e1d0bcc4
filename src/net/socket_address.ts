/**
 * Addresses of sockets in the form that Linux expects: `sockaddr_in` and `sockaddr_in6`.
 *
 * @module
 */

import type { LibcSymbols } from "./libc.ts";
import { hostAndPort } from "./socket.ts";

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

/** The address and port of bytes that the system has filled in; `null` if their family is another one. */
export function decodeAddress(bytes: Uint8Array<ArrayBuffer>): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const family = view.getUint16(0, true);
  const port = view.getUint16(2);
  if (family === AF_INET) return hostAndPort(bytes.subarray(4, 8).join("."), port);
  if (family !== AF_INET6) return null;
  const groups = Array.from(
    { length: 8 },
    (_, index) => view.getUint16(8 + 2 * index).toString(16),
  );
  // A URL has the shortest form of it.
  return `${new URL(`http://[${groups.join(":")}]`).hostname}:${port}`;
}

/** The size of every address that {@link decodeAddress} reads. */
export const MAX_ADDRESS_SIZE = INET6_SIZE;

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
