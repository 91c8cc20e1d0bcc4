/**
 * Headers that are sent with every request of a user.
 *
 * @module
 */

import { messageText } from "../core/errors.ts";
import { asText } from "../core/text.ts";
import { checkField } from "./request_encoder.ts";
import { hasHeader, headerPairs, headerText } from "./request_options.ts";
import type { HeaderPairs } from "./transport.ts";

/** Headers that describe the body of one request. */
const OF_ONE_BODY: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);

/**
 * Headers that are sent with every request of one user: those of its class, and those that its test sets. The
 * headers of a single request take precedence. Names are not case-sensitive.
 *
 * ```ts
 * import { FastHttpUser } from "aiotest";
 *
 * export class ShopTest extends FastHttpUser {
 *   static override host = "http://127.0.0.1:8000";
 *   static override headers = { "accept-language": "de" };
 *
 *   override async onStart(): Promise<void> {
 *     const res = await this.session.post("/login", { json: { username: "admin" } });
 *     this.session.headers.set("authorization", `Bearer ${(await res.json()).token}`);
 *   }
 *
 *   async testOrders(): Promise<void> {
 *     await this.session.get("/orders");
 *   }
 * }
 * ```
 */
export class SessionHeaders {
  #sent: HeaderPairs;
  readonly #initial: HeaderPairs;
  #pairs: HeaderPairs;
  #authorization: string | null = null;

  /** Creates the headers of one user, at first `initial`, those of its class. */
  constructor(initial: HeaderPairs) {
    this.#sent = this.#pairs = this.#initial = initial;
  }

  /** @internal What is sent; another array after each change. */
  get sent(): HeaderPairs {
    return this.#sent;
  }

  /** The value of a header; `undefined` if it is not set. */
  get(name: string): string | undefined {
    return this.#pairs.find(isNamed(name))?.[1];
  }

  /** Whether a header is set. */
  has(name: string): boolean {
    return this.#pairs.some(isNamed(name));
  }

  /**
   * Sets a header, in place of one with the same name.
   *
   * @throws TypeError if name or value cannot be sent, or if the header describes the body of a single request:
   *   `Content-Length` and `Transfer-Encoding`.
   */
  set(name: string, value: string): void {
    const pair = [asText(name), headerText(name, value)] as const;
    const problem = problemOf(pair);
    if (problem !== null) throw new TypeError(`headers: ${problem}`);
    const index = this.#pairs.findIndex(isNamed(name));
    this.#change(index < 0 ? [...this.#pairs, pair] : this.#pairs.with(index, pair));
  }

  /** Removes a header, also one of the user class. Returns whether it was set. */
  delete(name: string): boolean {
    const matches = isNamed(name);
    const isSet = this.#pairs.some(matches);
    if (isSet) this.#change(this.#pairs.filter((pair) => !matches(pair)));
    return isSet;
  }

  /** All headers in the order in which they are sent, as `[name, value]`. */
  entries(): IterableIterator<[name: string, value: string]> {
    return this.#pairs.map(([name, value]): [string, string] => [name, value]).values();
  }

  /** As {@link entries}. */
  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.entries();
  }

  /** @internal Sends an `Authorization` header unless one is set; `null`: no longer. */
  authorize(authorization: string | null): void {
    this.#authorization = authorization;
    this.#change(this.#pairs);
  }

  /** @internal Restores the headers of the user class. */
  reset(): void {
    this.#authorization = null;
    this.#change(this.#initial);
  }

  #change(pairs: HeaderPairs): void {
    this.#pairs = pairs;
    const authorization = this.#authorization;
    this.#sent = authorization === null || hasHeader(pairs, "authorization")
      ? pairs
      : [...pairs, ["authorization", authorization]];
  }
}

function isNamed(name: string): (pair: HeaderPairs[number]) => boolean {
  const lower = asText(name).toLowerCase();
  return ([other]) => other.toLowerCase() === lower;
}

/** Why a header cannot be sent with every request; `null` if it can. */
function problemOf([name, value]: HeaderPairs[number]): string | null {
  if (OF_ONE_BODY.has(name.toLowerCase())) {
    return `${name} describes the body of a single request, so it cannot be sent with all of them`;
  }
  try {
    checkField(name, value);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is expected of the headers of a user class, and what is not so; `null` if they can be sent. */
export function expectedOfHeaders(headers: unknown): string | null {
  const expected = 'names and values like { "accept-language": "de" }';
  if (typeof headers !== "object" || headers === null) return expected;
  try {
    for (const pair of headerPairs(headers as HeadersInit)) {
      const problem = problemOf(pair);
      if (problem !== null) return `${expected}, but ${problem}`;
    }
    return null;
  } catch (error) {
    return `${expected}, but ${messageText(error).replace(/^headers: /, "")}`;
  }
}
