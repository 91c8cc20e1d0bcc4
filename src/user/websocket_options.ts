/**
 * What the methods of a WebSocketUser take, and how that is checked.
 *
 * @module
 */

import type { Tags } from "../core/tags.ts";
import { shown } from "../core/text.ts";
import { type Auth, type Fields, headerPairs } from "../http/request_options.ts";
import type { HeaderPairs } from "../http/transport.ts";
import type { WebSocketMessage } from "../websocket/frames.ts";
import { checkNames } from "./option_checks.ts";

// The public part of the websocket layer, which mod.ts must not import itself.
export type { WebSocketMessage } from "../websocket/frames.ts";

/** Options of `connect`. */
export interface ConnectOptions {
  /** The name in reports. Default: the path of the URL without its query. */
  readonly name?: string;
  /** Added to the query of the URL. */
  readonly params?: Fields;
  /** Headers of the request that opens the connection. They replace those of the session. */
  readonly headers?: HeadersInit;
  /** Application protocols to offer, the preferred one first. */
  readonly protocols?: string | readonly string[];
  /** Credentials of the request; `null`: none, even if the session has some. */
  readonly auth?: Auth | null;
  /** Time limit in seconds until the connection is open. Default: the class's `timeout`. */
  readonly timeout?: number;
  /** Parts of the name that reports also show by themselves, such as `{ room: "large" }`. */
  readonly tags?: Tags;
}

/**
 * Which message is waited for: one that equals a string, that a regular expression matches, or for which a function
 * returns `true`. Strings and expressions never match a binary message.
 */
export type MessageMatch = string | RegExp | ((message: WebSocketMessage) => boolean);

/** Options of `receive`. */
export interface ReceiveOptions {
  /** Time limit in seconds. Default: the class's `timeout`. */
  readonly timeout?: number;
  /** Which message to wait for; others before it are passed over. Default: the next one. */
  readonly match?: MessageMatch;
}

/** Options of `ask`. */
export interface AskOptions {
  /** The name in reports. Default: the name of the connection and ` ask`. */
  readonly name?: string;
  /** Time limit in seconds. Default: the class's `timeout`. */
  readonly timeout?: number;
  /** Parts of the name that reports also show by themselves. */
  readonly tags?: Tags;
}

/** Options of `ping`. */
export interface PingOptions {
  /** The name in reports. Default: the name of the connection and ` ping`. */
  readonly name?: string;
  /** Time limit in seconds. Default: the class's `timeout`. */
  readonly timeout?: number;
  /** Parts of the name that reports also show by themselves. */
  readonly tags?: Tags;
}

/** What is sent for a message. @throws TypeError if it cannot be sent. */
export function contentOf(message: unknown): string | Uint8Array {
  if (typeof message === "string") return message;
  if (message instanceof Uint8Array) return message;
  if (ArrayBuffer.isView(message)) {
    return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  }
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  // Both would be sent as {}.
  const isUnsendable = message instanceof Blob || message instanceof Promise;
  const text: string | undefined = isUnsendable ? undefined : JSON.stringify(message);
  if (text !== undefined) return text;
  throw new TypeError(
    `the message is ${shown(message)}, expected a string, bytes or what can be written as JSON` +
      (message instanceof Promise ? "; await it first" : ""),
  );
}

/** Whether a message matches; `null` if any message does. @throws TypeError if `match` is invalid. */
export function matcher(
  match: MessageMatch | undefined,
): ((message: WebSocketMessage) => boolean) | null {
  if (match === undefined) return null;
  if (typeof match === "function") return match;
  if (typeof match === "string") return (message) => message === match;
  // With the flags g and y, an expression begins where its last match has ended.
  if (match instanceof RegExp) {
    return (message) => typeof message === "string" && message.search(match) >= 0;
  }
  throw notMatch(match);
}

/** The error of a `match` that is invalid. */
export function notMatch(match: unknown): TypeError {
  return new TypeError(
    `match: ${shown(match)}, expected a string, a regular expression or a function`,
  );
}

const CONNECT_OPTIONS: readonly string[] = [
  "name",
  "params",
  "headers",
  "protocols",
  "auth",
  "timeout",
  "tags",
];

/**
 * What is sent for the options of `connect`: protocols and headers, and the other options as they are.
 *
 * @throws TypeError if an option is invalid.
 */
export function connectParts(options: ConnectOptions): {
  readonly protocols: readonly string[];
  readonly headers: HeaderPairs;
  readonly rest: Omit<ConnectOptions, "protocols" | "headers">;
} {
  checkNames("connect", options, CONNECT_OPTIONS);
  const { protocols: given = [], headers: own = {}, ...rest } = options;
  const protocols = typeof given === "string" ? [given] : [...given];
  checkProtocols(protocols);
  const headers = headerPairs(own);
  checkOwnHeaders(headers);
  return { protocols, headers, rest };
}

function checkProtocols(protocols: readonly unknown[]): void {
  const isToken = (one: unknown): boolean =>
    typeof one === "string" && /^[!#$%&'*+.^_`|~\w-]+$/.test(one);
  if (protocols.every(isToken) && new Set(protocols).size === protocols.length) return;
  throw new TypeError(
    `protocols: ${shown(protocols)}, expected different names like ["chat.v1"]`,
  );
}

/** Headers that connect sends itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
]);

function checkOwnHeaders(pairs: HeaderPairs): void {
  const own = pairs.find(([name]) => OWN_HEADERS.has(name.toLowerCase()));
  if (own === undefined) return;
  const hint = own[0].toLowerCase() === "sec-websocket-protocol"
    ? "; use the option protocols"
    : "";
  throw new TypeError(`headers: connect sends ${own[0]} itself${hint}`);
}
