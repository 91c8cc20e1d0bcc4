/**
 * Who may look at the dashboard, where it has a token.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { GuessLimit } from "./guess_limit.ts";

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
