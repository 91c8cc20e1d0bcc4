/**
 * The response that a test gets.
 *
 * @module
 */

import { errorText } from "../core/errors.ts";
import { RequestError } from "./request_error.ts";
import type { WireResponse } from "./transport.ts";

const decoder = new TextDecoder();

/** A response whose whole body is in. */
export class HttpResponse {
  /** HTTP's status code. */
  readonly status: number;
  /** Whether there were redirects. */
  readonly redirected: boolean;
  /** Milliseconds from just before the request was sent until the last byte of its body was in. */
  readonly latencyMs: number;
  readonly #wire: WireResponse;
  readonly #url: URL;
  readonly #verdict: Verdict | null;

  /** What its check may still decide is the `verdict`'s; null where there is no check. */
  constructor(
    wire: WireResponse,
    url: URL,
    redirected: boolean,
    latencyMs: number,
    verdict: Verdict | null,
  ) {
    this.status = wire.status;
    this.#url = url;
    this.redirected = redirected;
    this.latencyMs = latencyMs;
    this.#wire = wire;
    this.#verdict = verdict;
  }

  /** Where it came from, after all redirects. */
  get url(): string {
    return this.#url.href;
  }

  /** Whether the status is one of 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** Its headers, found by name in any case. */
  get headers(): Headers {
    return this.#wire.headers;
  }

  /**
   * The body, content codings undone. Every call gives the same bytes: copy them before you change them.
   *
   * @throws RequestError `BAD_ENCODING` where they cannot be undone.
   */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#wire.bytes();
  }

  /** The body as UTF-8. */
  async text(): Promise<string> {
    return decoder.decode(await this.#wire.bytes());
  }

  /**
   * The body as JSON.
   *
   * @throws SyntaxError where it is none.
   */
  async json(): ReturnType<Response["json"]> {
    return JSON.parse(await this.text());
  }

  /**
   * Counts the request as failed, whatever its status; for checks.
   *
   * @param why the label in reports: keep to few different texts.
   * @throws Error outside of the request's check, when it has been counted.
   */
  failure(why: string): void {
    this.#decide(errorText(why) || "failed");
  }

  /**
   * Counts the request as a success, whatever its status; for checks.
   *
   * @throws Error outside of the request's check, when it has been counted.
   */
  success(): void {
    this.#decide(null);
  }

  #decide(error: string | null): void {
    if (this.#verdict === null) throw new Error(COUNTED);
    this.#verdict.decide(error);
  }
}

/**
 * How a request is going to be counted, as long as that can still be changed.
 */
export class Verdict {
  #error: string | null;
  #failedByName = false;
  #closed = false;

  /** @param error why the status alone makes it a failure, or null. */
  constructor(error: string | null) {
    this.#error = error;
  }

  /**
   * Decides; the last word counts.
   *
   * @throws Error where the request has been counted.
   */
  decide(error: string | null): void {
    if (this.#closed) throw new Error(COUNTED);
    this.#error = error;
    this.#failedByName = error !== null;
  }

  /** A check threw: a failure, under its own name where the check had given it one before. */
  thrown(thrown: unknown): void {
    if (this.#failedByName) return;
    this.#error = thrown instanceof RequestError ? thrown.code : errorText(thrown);
  }

  /** The last word: the error, or null. */
  close(): string | null {
    this.#closed = true;
    return this.#error;
  }
}

const COUNTED =
  "The request has been counted already: success() and failure() can be called in its check only, " +
  "the function that is the last argument of the request";
