/**
 * The response that a test receives.
 *
 * @module
 */

import { errorText, isInstance } from "../core/errors.ts";
import type { HtmlElement } from "./html_element.ts";
import { RequestError } from "./request_error.ts";
import type { ExchangePhases, WireResponse } from "./transport.ts";

/** Where the time of a response went, with redirects. All times are milliseconds, and 0 for what did not happen. */
export interface ResponseTimings {
  /** Looking up the address of the server. */
  readonly dnsMs: number;
  /** Opening the connection. */
  readonly connectMs: number;
  /** The TLS handshake. */
  readonly tlsMs: number;
  /** From sending the request to the first byte of the response. */
  readonly ttfbMs: number;
  /** From the first to the last byte of the response. */
  readonly downloadMs: number;
}

/** Counts the results of checks that do not fail their requests. */
export interface CheckSink {
  /** As {@link HttpResponse.check}. */
  check(name: string, ok: unknown): boolean;
}

/** A complete response. */
export class HttpResponse {
  /** HTTP status code. */
  readonly status: number;
  /** Whether redirects were followed. */
  readonly redirected: boolean;
  /** Milliseconds from sending the request to the last byte of the response, including redirects. */
  readonly latencyMs: number;
  readonly #wire: WireResponse;
  readonly #phases: ExchangePhases | null;
  readonly #url: URL;
  readonly #check: CheckResult | null;
  readonly #checks: CheckSink;

  /** The check decides by `check` how the request counts; it is `null` without one. */
  constructor(
    wire: WireResponse,
    url: URL,
    redirected: boolean,
    latencyMs: number,
    phases: ExchangePhases | null,
    check: CheckResult | null,
    checks: CheckSink,
  ) {
    this.status = wire.status;
    this.#url = url;
    this.redirected = redirected;
    this.latencyMs = latencyMs;
    this.#wire = wire;
    this.#phases = phases;
    this.#check = check;
    this.#checks = checks;
  }

  /** @internal The response as the transport has received it. */
  static wire(res: HttpResponse): WireResponse {
    return res.#wire;
  }

  /** The URL of the response after all redirects. */
  get url(): string {
    return this.#url.href;
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /**
   * Where the time went. On a connection that was open already, there is no look-up, connect and handshake.
   * An `HttpUser` does not see its connections, so there it is the first byte and the download only.
   */
  get timings(): ResponseTimings {
    const phases = this.#phases;
    if (phases === null) {
      return { dnsMs: 0, connectMs: 0, tlsMs: 0, ttfbMs: this.latencyMs, downloadMs: 0 };
    }
    const { dnsMs, connectMs, tlsMs, ttfbMs, downloadMs } = phases;
    return {
      dnsMs: Math.max(0, dnsMs),
      connectMs: Math.max(0, connectMs),
      tlsMs: Math.max(0, tlsMs),
      ttfbMs: Math.max(0, ttfbMs),
      downloadMs: Math.max(0, downloadMs),
    };
  }

  /**
   * The response headers; names are case-insensitive. Bytes beyond ASCII in a value are one character each, as
   * in `fetch`, whatever their charset.
   */
  get headers(): Headers {
    return this.#wire.headers;
  }

  /**
   * The decoded body. Each call returns the same array, so copy it before you change it.
   *
   * @throws RequestError `BAD_ENCODING` if the body cannot be decoded; `TOO_LARGE`.
   */
  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return promised(() => this.#wire.bytes());
  }

  /**
   * The body as text, in the charset of its byte order mark or else of its content type; otherwise UTF-8.
   *
   * @throws RequestError as {@link bytes}; `BAD_ENCODING` if the charset is unknown.
   */
  text(): Promise<string> {
    return promised(() => this.#wire.text());
  }

  /**
   * The body as an HTML page, decoded as in {@link text}, whose elements can be found by CSS selectors. Each call
   * reads the page again, so keep the result.
   *
   * ```ts
   * import { FastHttpUser } from "aiotest";
   *
   * export class LoginTest extends FastHttpUser {
   *   static override host = "http://127.0.0.1:8000";
   *
   *   async testLogin(): Promise<void> {
   *     const page = await (await this.session.get("/login")).html();
   *     const csrf = page.find("input[name=csrf]")?.attr("value");
   *     await this.session.post("/login", { form: { username: "admin", csrf } });
   *   }
   * }
   * ```
   *
   * @throws RangeError if the page has over 8 Mi characters, or if its elements are nested over 512 deep.
   */
  async html(): Promise<HtmlElement> {
    // Most tests never need it, and it takes time to load.
    const { parsePage } = await import("./html_element.ts");
    return parsePage(this.#wire.text());
  }

  /**
   * The body as JSON, decoded as in {@link text}.
   *
   * @throws SyntaxError if the body is not JSON.
   */
  json(): ReturnType<Response["json"]> {
    return promised(() => JSON.parse(this.#wire.text()));
  }

  /**
   * Counts the request as a failure, whatever its status. Call it in a check.
   *
   * @param why the error that reports show; use only a few different ones.
   * @throws Error if the request has already been counted, because it was called outside its check.
   */
  failure(why: string): void {
    this.#decide(why === "" ? "failed" : errorText(why));
  }

  /**
   * Counts the request as a success, whatever its status. Call it in a check.
   *
   * @throws Error if the request has already been counted, because it was called outside its check.
   */
  success(): void {
    this.#decide(null);
  }

  /**
   * Counts whether something about the response was as expected. It does not fail the request: reports show
   * how often each check passed. Call it at any time, in the check of the request or after it.
   *
   * ```ts
   * import { FastHttpUser } from "aiotest";
   *
   * export class LoginTest extends FastHttpUser {
   *   async testLogin(): Promise<void> {
   *     const res = await this.session.post("/login", { json: { username: "admin" } });
   *     res.check("has a token", (await res.json()).token !== undefined);
   *   }
   * }
   * ```
   *
   * @param name the name in reports; use only a few different ones.
   * @param ok whether it passed: any value, which counts as in an `if`.
   * @returns `ok` as `true` or `false`.
   * @throws TypeError if `ok` is a function or a promise, which would always pass, or if the name is not a string.
   */
  check(name: string, ok: unknown): boolean {
    return this.#checks.check(name, ok);
  }

  #decide(error: string | null): void {
    if (this.#check === null) throw new Error(COUNTED);
    this.#check.decide(error);
  }
}

/**
 * Checks a response before its request is counted. The request fails if the check throws, rejects or calls
 * `res.failure("why")`. With `res.success()` it succeeds, whatever its status.
 */
export type Check = (res: HttpResponse) => unknown;

/** Like an async function that awaits nothing, which would need one promise more. */
function promised<Result>(get: () => Result): Promise<Result> {
  return new Promise((resolve) => resolve(get()));
}

/** How a request will be counted. Its check can change it. */
export class CheckResult {
  #error: string | null;
  #failedByName = false;
  #closed = false;

  /** @param error the failure that follows from the status, or `null`. */
  constructor(error: string | null) {
    this.#error = error;
  }

  /**
   * Decides; the last call counts.
   *
   * @throws Error if the request has been counted.
   */
  decide(error: string | null): void {
    if (this.#closed) throw new Error(COUNTED);
    this.#error = error;
    this.#failedByName = error !== null;
  }

  /**
   * Handles an error thrown by the check. An error that the check gave with `failure` takes precedence. The
   * failure by the status is kept, because it is often the reason.
   */
  checkThrew(thrown: unknown): void {
    if (this.#failedByName) return;
    if (isInstance(thrown, RequestError)) this.#error = thrown.code;
    else if (this.#error === null) this.#error = errorText(thrown);
    else this.#error = errorText(`${this.#error}: ${errorText(thrown)}`);
  }

  /** Ends the check; returns the error, or `null`. */
  close(): string | null {
    this.#closed = true;
    return this.#error;
  }
}

const COUNTED =
  "The request has already been counted: call success() and failure() only in its check, " +
  "the function that is the last argument of the request";
