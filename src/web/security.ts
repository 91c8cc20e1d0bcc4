/**
 * Who may use the dashboard: access tokens, and the login sessions of browsers.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { plainAddress } from "../core/network.ts";

/** The result of checking a client's credentials. */
export type AuthResult =
  | { readonly kind: "granted" }
  | { readonly kind: "denied" }
  /** Too many wrong tokens; the client may try again after this many seconds. */
  | { readonly kind: "limited"; readonly seconds: number };

const GRANTED: AuthResult = { kind: "granted" };
const DENIED: AuthResult = { kind: "denied" };

const COOKIE = "aiotest";
const SESSION_BYTES = 32;

/** When one more browser logs in, the oldest session ends. */
const MAX_SESSIONS = 1_000;

/**
 * Checks the token and keeps the sessions of browsers that have logged in.
 *
 * An invalid cookie does not count as a wrong token: session IDs cannot be guessed, and browsers
 * keep sending the cookies of earlier runs.
 */
export class Authenticator {
  readonly #token: string | null;
  readonly #limiter: LoginRateLimiter;
  readonly #warn: (text: string) => void;
  /** Hashed, so that the time of a look-up reveals nothing about the IDs. */
  readonly #sessions = new Set<string>();

  /**
   * @param token null: access needs no token.
   * @param warn receives a message when an address is blocked, at most once a minute per address.
   */
  constructor(token: string | null, clock: Clock, warn: (text: string) => void) {
    this.#token = token;
    this.#limiter = new LoginRateLimiter(clock);
    this.#warn = warn;
  }

  /** Whether access needs a token. */
  get hasToken(): boolean {
    return this.#token !== null;
  }

  /** Checks a request's session cookie or its `Authorization` header. */
  authenticate(headers: Headers, address: string): AuthResult {
    if (this.#token === null || this.#hasSession(headers)) return GRANTED;
    const given = /^Bearer +(.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    return given === undefined ? DENIED : this.checkToken(given, address);
  }

  /** Checks a token. */
  checkToken(given: string, address: string): AuthResult {
    if (this.#token === null) return GRANTED;
    const seconds = this.#limiter.secondsLeft(address);
    if (seconds > 0) return { kind: "limited", seconds };
    if (timingSafeEqual(sha256(given), sha256(this.#token))) return GRANTED;
    if (this.#limiter.recordFailure(address)) {
      this.#warn(
        `Too many wrong dashboard tokens from ${address}; the address is blocked for up to a minute.`,
      );
    }
    return DENIED;
  }

  /**
   * Starts a session. Returns its cookie, as a `Set-Cookie` value.
   *
   * @param secure whether the browser uses HTTPS.
   * @param path of the dashboard, with a slash at its end.
   */
  openSession(secure: boolean, path: string): string {
    const [oldest] = this.#sessions;
    if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(oldest!);
    const id = crypto.getRandomValues(new Uint8Array(SESSION_BYTES)).toHex();
    this.#sessions.add(sha256(id).toString("hex"));
    return `${COOKIE}=${id}; ${cookieAttributes(secure, path)}`;
  }

  /** Ends a request's session. Returns a `Set-Cookie` value that deletes the cookie. */
  closeSession(headers: Headers, path: string): string {
    for (const id of sessionIds(headers)) this.#sessions.delete(sha256(id).toString("hex"));
    return `${COOKIE}=; ${cookieAttributes(false, path)}; Max-Age=0`;
  }

  #hasSession(headers: Headers): boolean {
    return sessionIds(headers).some((id) => this.#sessions.has(sha256(id).toString("hex")));
  }
}

function cookieAttributes(secure: boolean, path: string): string {
  return `HttpOnly; SameSite=Strict; Path=${path}${secure ? "; Secure" : ""}`;
}

/**
 * The values of all cookies with our name. A browser sends the cookies of every port of a host, so
 * there may be several.
 */
function sessionIds(headers: Headers): string[] {
  return (headers.get("cookie") ?? "").split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${COOKIE}=`))
    .map((pair) => pair.slice(COOKIE.length + 1));
}

/** Hashes have equal lengths, so comparing two of them takes constant time. */
function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Wrong tokens that an address may send within {@link WINDOW_MS}. */
const MAX_FAILURES = 10;

/** Counted from the first wrong token. */
const WINDOW_MS = 60_000;

/** Bounds the memory, since an attacker may have any number of addresses. */
const MAX_ADDRESSES = 10_000;

interface Failures {
  count: number;
  /** When the first of them was recorded. */
  readonly since: number;
}

/**
 * Limits how fast an address can guess tokens: after ten wrong tokens within a minute, it is blocked
 * until the minute is over. Needs no timer, and delays no request.
 */
export class LoginRateLimiter {
  readonly #clock: Clock;
  /** By network, oldest first. */
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whole seconds until an address may try again; 0 if it may try now. */
  secondsLeft(address: string): number {
    const failures = this.#current(networkOf(address));
    if (failures === undefined || failures.count < MAX_FAILURES) return 0;
    return Math.ceil((failures.since + WINDOW_MS - this.#clock.now()) / 1000);
  }

  /** Counts a wrong token. Returns whether it blocks the address. */
  recordFailure(address: string): boolean {
    const key = networkOf(address);
    const failures = this.#current(key);
    if (failures !== undefined) return ++failures.count === MAX_FAILURES;
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= MAX_ADDRESSES) this.#failures.delete(oldest!);
    this.#failures.set(key, { count: 1, since: this.#clock.now() });
    return false;
  }

  #current(key: string): Failures | undefined {
    const failures = this.#failures.get(key);
    if (failures === undefined || this.#clock.now() < failures.since + WINDOW_MS) return failures;
    this.#failures.delete(key);
    return undefined;
  }
}

/** The /64 network of an IPv6 address, since one customer usually owns all of it. */
function networkOf(client: string): string {
  const address = plainAddress(client);
  if (!address.includes(":")) return address;
  const [head = "", tail = ""] = address.split("::");
  const front = head.split(":").filter((group) => group !== "");
  const back = tail.split(":").filter((group) => group !== "");
  const zeros = Array<string>(8 - front.length - back.length).fill("0");
  return [...front, ...zeros, ...back].slice(0, 4).join(":");
}
