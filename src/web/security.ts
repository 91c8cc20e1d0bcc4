/**
 * Who may look at the dashboard, where it has a token.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { Refusal } from "./http.ts";

/** Wrong tokens that an address may send in one go. */
const MOST_WRONG = 10;

/** How long they are held against it, in milliseconds. */
const WINDOW_MS = 60_000;

/** Addresses that are remembered; an attacker may have any number of them. */
const MOST_ADDRESSES = 10_000;

interface Guesses {
  wrong: number;
  /** When the first of them came. */
  readonly since: number;
}

/**
 * Slows down whoever guesses tokens. Ten wrong ones within a minute are free; then nothing that comes
 * from the address is even looked at until the minute is over. No timer runs, and nobody waits.
 */
export class GuessLimit {
  readonly #clock: Clock;
  /** In the order in which their minutes began. */
  readonly #addresses = new Map<string, Guesses>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whole seconds for which nothing of an address is looked at; 0: it may try. */
  secondsLeft(address: string): number {
    const guesses = this.#current(neighbourhood(address));
    if (guesses === undefined || guesses.wrong < MOST_WRONG) return 0;
    return Math.ceil((guesses.since + WINDOW_MS - this.#clock.now()) / 1000);
  }

  /** An address has sent a wrong token. Returns whether that was the one too many. */
  noteWrong(address: string): boolean {
    const key = neighbourhood(address);
    const guesses = this.#current(key);
    if (guesses !== undefined) return ++guesses.wrong === MOST_WRONG;
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size >= MOST_ADDRESSES) this.#addresses.delete(oldest!);
    this.#addresses.set(key, { wrong: 1, since: this.#clock.now() });
    return false;
  }

  #current(key: string): Guesses | undefined {
    const guesses = this.#addresses.get(key);
    if (guesses === undefined || this.#clock.now() < guesses.since + WINDOW_MS) return guesses;
    this.#addresses.delete(key);
    return undefined;
  }
}

/** The first half of an IPv6 address: whoever has one has all that begin so. */
function neighbourhood(address: string): string {
  if (!address.includes(":")) return address;
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [head = "", tail = ""] = address.split("::");
  const front = head.split(":").filter((group) => group !== "");
  const back = tail.split(":").filter((group) => group !== "");
  const zeros = Array<string>(8 - front.length - back.length).fill("0");
  return [...front, ...zeros, ...back].slice(0, 4).join(":");
}

/** What is thought of who asks: come in, say who you are, or wait so many seconds. */
export type Admission =
  | { readonly kind: "admitted" }
  | { readonly kind: "unknown" }
  | { readonly kind: "slowed"; readonly seconds: number };

const COOKIE = "aiotest";
const SESSION_BYTES = 32;

/** Browsers that are logged in at once; the one that came first has to log in again. */
const MOST_SESSIONS = 1_000;

const ADMITTED: Admission = { kind: "admitted" };
const UNKNOWN: Admission = { kind: "unknown" };

/**
 * Knows the token, and the browsers that have shown it. What is wrong in a cookie is held against
 * nobody: nobody guesses what is in one, and those of a run that has ended are wrong by themselves.
 */
export class TokenGate {
  readonly #token: string | null;
  readonly #limit: GuessLimit;
  readonly #warn: (text: string) => void;
  /** Hashes of what the cookies say, so that how long a look-up takes tells nothing of them. */
  readonly #sessions = new Set<string>();

  /**
   * @param token null: whoever asks is admitted.
   * @param warn told of those who guess, once a minute and address.
   */
  constructor(token: string | null, clock: Clock, warn: (text: string) => void) {
    this.#token = token;
    this.#limit = new GuessLimit(clock);
    this.#warn = warn;
  }

  /** Whether a token is asked for. */
  get hasToken(): boolean {
    return this.#token !== null;
  }

  /** Whether a request may come in, by its cookie or by its `Authorization`. */
  admit(headers: Headers, address: string): Admission {
    if (this.#token === null || this.#hasSession(headers)) return ADMITTED;
    const given = /^Bearer +(.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    return given === undefined ? UNKNOWN : this.tryToken(given, address);
  }

  /** Whether it is the token. */
  tryToken(given: string, address: string): Admission {
    if (this.#token === null) return ADMITTED;
    const seconds = this.#limit.secondsLeft(address);
    if (seconds > 0) return { kind: "slowed", seconds };
    if (timingSafeEqual(sha256(given), sha256(this.#token))) return ADMITTED;
    if (this.#limit.noteWrong(address)) {
      this.#warn(`Too many wrong tokens for the dashboard from ${address}: it has to wait.`);
    }
    return UNKNOWN;
  }

  /** A cookie for a browser that has shown the token. @param secure whether it came by TLS. */
  openSession(secure: boolean): string {
    const [oldest] = this.#sessions;
    if (this.#sessions.size >= MOST_SESSIONS) this.#sessions.delete(oldest!);
    const id = crypto.getRandomValues(new Uint8Array(SESSION_BYTES)).toHex();
    this.#sessions.add(sha256(id).toString("hex"));
    return `${COOKIE}=${id}; ${attributes(secure)}`;
  }

  /** Forgets a browser; the cookie tells it to forget as well. */
  closeSession(headers: Headers): string {
    for (const id of cookieValues(headers)) this.#sessions.delete(sha256(id).toString("hex"));
    return `${COOKIE}=; ${attributes(false)}; Max-Age=0`;
  }

  #hasSession(headers: Headers): boolean {
    return cookieValues(headers).some((id) => this.#sessions.has(sha256(id).toString("hex")));
  }
}

function attributes(secure: boolean): string {
  return `HttpOnly; SameSite=Strict; Path=/${secure ? "; Secure" : ""}`;
}

/** What the cookies of our name say. Those of another port of this machine may be among them. */
function cookieValues(headers: Headers): string[] {
  return (headers.get("cookie") ?? "").split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${COOKIE}=`))
    .map((pair) => pair.slice(COOKIE.length + 1));
}

/** Of the same length whatever it is of, so that comparing two takes as long whatever they are of. */
function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

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

/**
 * Why a request must not be answered at all, wherever it leads; null where it may. Only a browser sends
 * what is looked at here of its own accord, and it is browsers that other people's pages misuse.
 */
export function foreignness(request: Request, url: URL, rules: HostRules): Refusal | null {
  const { headers } = request;
  const host = headers.get("host") ?? "";
  // The two differ where the request line has a whole URL in it.
  if (!rules.allow(host) || !rules.allow(url.host)) {
    return { status: 403, error: "The request's Host is none of this dashboard's names." };
  }
  const origin = headers.get("origin");
  if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) {
    return { status: 403, error: "The request comes from a page of another origin." };
  }
  if (headers.get("sec-fetch-site") === "cross-site" && !opensPage(request, url)) {
    return { status: 403, error: "The request comes from another site." };
  }
  return null;
}

/** Whether somebody has followed a link to the page, as from a wiki: it tells nothing, and sees nothing. */
function opensPage({ method, headers }: Request, url: URL): boolean {
  return method === "GET" && url.pathname === "/" &&
    headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document";
}
