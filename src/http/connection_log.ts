/**
 * What `-L DEBUG` says about connections, look-ups and retries of FastHttpUser. Paths are left out of it as far as
 * possible, because they can contain secrets.
 *
 * @module
 */

import { debugLog } from "../core/debug_log.ts";
import { messageText } from "../core/errors.ts";
import type { Socket, SocketFacts } from "../net/socket.ts";
import type { Origin } from "./proxies.ts";
import type { WireRequest } from "./transport.ts";

/** What the log calls a connection, and when it was opened, in milliseconds. */
export interface LoggedConnection {
  readonly name: string;
  readonly openedAt: number;
}

/** How long each step of opening a connection has taken, in milliseconds; -1 for a step that was not needed. */
interface OpeningTimes {
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
}

/** Logs that a connection is open; `null` if connections are not logged. @param number of the connection. */
export function logOpened(
  number: number,
  origin: Origin,
  dialed: OpeningTimes & { readonly socket: Socket },
  openedAt: number,
): LoggedConnection | null {
  if (!debugLog.isOn) return null;
  const { dnsMs, connectMs, tlsMs } = dialed;
  const facts = dialed.socket.facts?.() ?? { remote: null, tls: null };
  const name = `Connection ${number} to ${originText(origin)}`;
  const steps = [["look-up", dnsMs], ["connect", connectMs], ["TLS", tlsMs]] as const;
  const times = steps.filter(([, ms]) => ms >= 0).map(([step, ms]) =>
    `${step} ${ms.toFixed(1)} ms`
  );
  const at = facts.remote === null ? "" : ` at ${facts.remote}`;
  const text = `${name}${at} is open: ${times.join(", ")}${tlsText(facts)}.`;
  debugLog.add("connections", text);
  return { name, openedAt };
}

/** Logs that no connection could be opened. */
export function logNotOpened(origin: Origin, error: unknown, ms: number): void {
  if (!debugLog.isOn) return;
  const after = `after ${ms.toFixed(1)} ms`;
  debugLog.add("connections", `No connection to ${originText(origin)} ${after}: ${reason(error)}.`);
}

/** Logs that a connection was closed. */
export function logClosed({ name, openedAt }: LoggedConnection, why: string, now: number): void {
  const seconds = ((now - openedAt) / 1000).toFixed(3);
  debugLog.add("connections", `${name} is closed after ${seconds} s: ${why}.`);
}

/** Logs that a request is sent again. @param wasSeen whether the server may have read it before. */
export function logRetry({ method, url }: WireRequest, error: unknown, wasSeen: boolean): void {
  if (!debugLog.isOn) return;
  const counted = wasSeen
    ? "the server may have read it, so this counts as a retry"
    : "the server has not read it, so this does not count as a retry";
  const request = `${method} ${url.origin}${url.pathname}`;
  debugLog.add(
    "retries",
    `${request} is sent again: ${reason(error)}; ${counted}.`,
  );
}

/** Logs what a name was looked up to. */
export function logLookup(hostname: string, result: readonly string[] | Error, ms: number): void {
  if (!debugLog.isOn) return;
  const took = `${ms.toFixed(1)} ms`;
  debugLog.add(
    "names",
    result instanceof Error
      ? `Look-up of ${hostname} has failed after ${took}: ${reason(result)}.`
      : `Look-up of ${hostname}: ${result.join(", ")} (${took}).`,
  );
}

/** Logs that an address of a name was not reached, and others were tried. */
export function logUnreachable(address: string, port: number): void {
  if (!debugLog.isOn) return;
  debugLog.add(
    "connections",
    `${address} port ${port} did not accept a connection in time: trying another address.`,
  );
}

function originText({ secure, authority }: Origin): string {
  return `${secure ? "https" : "http"}://${authority}`;
}

function tlsText({ tls }: SocketFacts): string {
  if (tls === null) return "";
  const { version, cipher, subject, issuer, validTo } = tls;
  return `; ${version}, ${cipher}, certificate for ${subject} from ${issuer}, valid to ${validTo}`;
}

function reason(error: unknown): string {
  return messageText(error).replace(/\.$/, "");
}
