/**
 * Sends the requests of one user's tests over a transport.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { errorText, isInstance, UsageError } from "../core/errors.ts";
import type { Lease } from "../core/lease.ts";
import { asText, shown } from "../core/text.ts";
import { neverSettles } from "../core/user_lifetime.ts";
import { CookieStore } from "../http/cookies.ts";
import { CheckResult, HttpResponse } from "../http/http_response.ts";
import { isRedirect, nextRequest } from "../http/redirects.ts";
import { RequestError } from "../http/request_error.ts";
import {
  encodeBody,
  hasHeader,
  requestHeaders,
  type RequestOptions,
  withQuery,
} from "../http/request_options.ts";
import type { Transport, WireRequest, WireResponse } from "../http/transport.ts";
import type { ResolvedUrl, UrlResolver } from "../http/url_resolver.ts";
import type { UserContext } from "./context.ts";
import type { IterationSlot } from "./iteration_slot.ts";
import type { Recorder } from "./recorder.ts";
import type { ClassOptions, FieldCheck } from "./user.ts";
import { PendingSample, type UserRequests } from "./user_requests.ts";

/**
 * Checks a response before its request is counted. The request fails if the check throws, rejects or calls
 * `res.failure("why")`. With `res.success()` it succeeds, whatever its status.
 */
export type Check = (res: HttpResponse) => unknown;

/** Settings of a session. */
export interface SessionSettings {
  /** The default URL of `cookies.set`. */
  readonly host: string;
  /** Resolves URLs against the host; users of the same host can share it. */
  readonly urls: UrlResolver;
  /** Default time limit of a request in seconds. */
  readonly timeout: number;
}

/**
 * Sends the requests of one user. Each request follows redirects, is checked, and is counted exactly
 * once.
 *
 * All methods resolve when the whole response has been received, whatever its status. They reject with a
 * RequestError if no complete response arrives. Invalid arguments, such as two bodies or a negative
 * timeout, reject with a TypeError or RangeError before anything is sent or counted.
 *
 * ```ts
 * import { FastHttpUser } from "aiotest";
 * import assert from "node:assert/strict";
 *
 * export class LoginTest extends FastHttpUser {
 *   static override host = "http://127.0.0.1:8000";
 *
 *   async testLogin(): Promise<void> {
 *     await this.session.post("/login", { json: { username: "admin" } }, async (res) => {
 *       assert.ok((await res.json()).token, "no token");
 *     });
 *   }
 * }
 * ```
 */
export class Session {
  /** The cookies of this user. */
  readonly cookies: CookieStore;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #lease: Lease;
  readonly #recorder: Recorder;
  readonly #requests: UserRequests;
  readonly #signal: AbortSignal;
  readonly #iterationSlot: IterationSlot | null;
  readonly #urls: UrlResolver;
  readonly #timeoutMs: number;
  readonly #onAbort = (): void => this.#transport.abort();
  #closed = false;

  /**
   * Creates a session; sends nothing.
   *
   * @param transport belongs to this session and is closed with it.
   */
  constructor(transport: Transport, context: UserContext, settings: SessionSettings) {
    this.cookies = new CookieStore(settings.host);
    this.#transport = transport;
    this.#clock = context.clock;
    this.#lease = context.lease;
    this.#recorder = context.recorder;
    this.#requests = context.requests;
    this.#signal = context.signal;
    this.#iterationSlot = context.iterationSlot;
    this.#urls = settings.urls;
    this.#timeoutMs = milliseconds(settings.timeout);
    this.#signal.addEventListener("abort", this.#onAbort);
  }

  /** Sends a GET; see {@link request}. */
  get(url: string, options?: RequestOptions, check?: Check): Promise<HttpResponse> {
    return this.request("GET", url, options, check);
  }

  /** Sends a HEAD; see {@link request}. */
  head(url: string, options?: RequestOptions, check?: Check): Promise<HttpResponse> {
    return this.request("HEAD", url, options, check);
  }

  /** Sends an OPTIONS; see {@link request}. */
  options(url: string, options?: RequestOptions, check?: Check): Promise<HttpResponse> {
    return this.request("OPTIONS", url, options, check);
  }

  /** Sends a DELETE; see {@link request}. */
  delete(url: string, options?: RequestOptions, check?: Check): Promise<HttpResponse> {
    return this.request("DELETE", url, options, check);
  }

  /** Sends a POST; see {@link request}. */
  post(url: string, options?: RequestOptions, check?: Check): Promise<HttpResponse> {
    return this.request("POST", url, options, check);
  }

  /** Sends a PUT; see {@link request}. */
  put(url: string, options?: RequestOptions, check?: Check): Promise<HttpResponse> {
    return this.request("PUT", url, options, check);
  }

  /** Sends a PATCH; see {@link request}. */
  patch(url: string, options?: RequestOptions, check?: Check): Promise<HttpResponse> {
    return this.request("PATCH", url, options, check);
  }

  /**
   * Sends a request.
   *
   * @param method in upper or lower case.
   * @param url absolute, or relative to the user's host.
   * @param check checks the response before the request is counted; its duration is not measured.
   */
  async request(
    method: string,
    url: string,
    options: RequestOptions = NO_OPTIONS,
    check?: Check,
  ): Promise<HttpResponse> {
    if (this.#closed) return neverSettles();
    if (typeof method !== "string") throw notText("method", method);
    if (typeof options !== "object" || options === null) throw notOptions(options);
    const sample = new PendingSample(method.toUpperCase());
    const target = this.#resolve(sample, url, options);
    const encoded = encodeBody(options);
    const { content, contentType } = encoded instanceof Promise ? await encoded : encoded;
    // The session can be closed while a form is encoded.
    if (this.#closed) return neverSettles();
    const timeoutMs = options.timeout === undefined
      ? this.#timeoutMs
      : milliseconds(options.timeout);
    const now = this.#clock.now();
    if (!this.#lease.holds(now)) return neverSettles();
    sample.startedAt = this.#iterationSlot === null ? now : this.#iterationSlot.measureFrom(now);
    let request: WireRequest = {
      method: sample.method,
      url: target.url,
      headers: requestHeaders(options, contentType, target.authorization),
      body: content,
      deadline: now + timeoutMs,
      counter: sample,
    };
    this.#requests.start(sample);
    let response: WireResponse;
    try {
      for (;;) {
        response = await this.#transport.exchange(this.#withCookies(request));
        if (this.#closed) return this.#cutOff(sample);
        sample.add(response);
        if (response.setCookies.length > 0) this.cookies.store(response.setCookies, request.url);
        if (!isRedirect(response.status) || options.redirect === "manual") break;
        const next = nextRequest(request, response, sample.redirects);
        if (next === null) break;
        request = next;
        sample.redirects++;
      }
    } catch (error) {
      if (this.#closed) return this.#cutOff(sample);
      throw this.#failed(sample, error);
    }
    sample.end(response.endedAt, response.status);
    const result = check === undefined ? null : new CheckResult(sample.error);
    const res = new HttpResponse(
      response,
      request.url,
      sample.redirects > 0,
      sample.latencyMs,
      sample.phases,
      result,
    );
    if (check !== undefined && result !== null) {
      sample.check = result;
      try {
        await check(res);
      } catch (thrown) {
        // A check that is cut off with its user has found nothing.
        if (!this.#wasCutOff(thrown)) result.checkThrew(thrown);
      }
      if (this.#closed) return this.#cutOff(sample);
      sample.error = result.close();
    }
    this.#requests.record(sample);
    return res;
  }

  /**
   * Closes the connections. Pending requests never settle, and are counted as unfinished. Later ones never
   * settle either, and are not counted.
   */
  close(): void {
    this.#closed = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#transport.close();
  }

  #resolve(sample: PendingSample, url: string, options: RequestOptions): ResolvedUrl {
    try {
      const { params } = options;
      const target = this.#urls.resolve(params === undefined ? url : withQuery(url, params));
      sample.name = asText(options.name ?? target.name);
      return target;
    } catch (error) {
      const text = asText(url);
      sample.name = asText(options.name ?? text.split(/[?#]/, 1)[0]);
      sample.startedAt = this.#clock.now();
      this.#requests.start(sample);
      throw this.#failed(
        sample,
        new RequestError("BAD_REQUEST", sample.method, text, errorText(error), error),
      );
    }
  }

  #withCookies(request: WireRequest): WireRequest {
    const cookie = this.cookies.header(request.url);
    if (cookie === "" || hasHeader(request.headers, "cookie")) return request;
    return { ...request, headers: [...request.headers, ["cookie", cookie]] };
  }

  /** Counts a request without a response; returns the error to reject with. */
  #failed(sample: PendingSample, error: unknown): unknown {
    this.#recorder.markCounted(error);
    const now = this.#clock.now();
    const code = isInstance(error, RequestError) ? error.code : null;
    if (code === "ABORTED") {
      this.#requests.cutOff(sample, now);
      return error;
    }
    sample.end(now, 0);
    sample.error = code ?? errorText(error);
    this.#requests.fail(sample, error);
    return error;
  }

  /** Counts a request of a closed session, unless that was done when its user ended. */
  #cutOff(sample: PendingSample): Promise<never> {
    this.#requests.cutOff(sample, this.#clock.now());
    return neverSettles();
  }

  #wasCutOff(thrown: unknown): boolean {
    return this.#signal.aborted && this.#recorder.isCounted(thrown);
  }
}

/**
 * Checks the host of a user class that has a session. Without a host, its tests must use absolute URLs.
 *
 * @param classHost the class's own host, which `--host` replaces.
 * @throws UsageError if the host is not the URL of an HTTP server.
 */
export function checkHttpHost(classHost: string, { name, host }: ClassOptions): void {
  const url = host ?? classHost;
  if (url === "" || (/^https?:\/\//i.test(url) && URL.canParse(url))) return;
  const expected = "expected a URL that starts with http:// or https://";
  throw new UsageError(
    host === null
      ? `${name}.host is ${JSON.stringify(url)}: ${expected}`
      : `--host ${url}: ${expected}, because ${name} sends HTTP requests`,
  );
}

/** Checks the static fields of a user class that limit its requests and responses. */
export function checkHttpLimits(check: FieldCheck, ...timeLimits: readonly string[]): void {
  for (const field of timeLimits) {
    check(
      field,
      (value) => typeof value === "number" && value > 0,
      "a number of seconds over 0, or Infinity for no limit",
    );
  }
  check(
    "maxBodySize",
    (value) => typeof value === "number" && value >= 0,
    "a number of bytes, 0 or more, or Infinity for no limit",
  );
  check(
    "maxRedirects",
    (value) => value === Infinity || (Number.isInteger(value) && (value as number) >= 0),
    "a whole number of 0 or more, or Infinity for no limit",
  );
}

const NO_OPTIONS: RequestOptions = {};

function milliseconds(seconds: number): number {
  if (typeof seconds === "number" && seconds > 0) return seconds * 1000;
  throw new RangeError(`timeout: ${shown(seconds)}, expected more than 0 seconds`);
}

function notOptions(value: unknown): TypeError {
  const hint = typeof value === "function" ? "; a check is the third argument" : "";
  return new TypeError(`options: ${shown(value)}, expected an object${hint}`);
}

function notText(what: string, value: unknown): TypeError {
  return new TypeError(`${what}: ${shown(value)}, expected a string`);
}
