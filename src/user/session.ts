/**
 * What a user's tests send requests with, over whatever transport.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { Lease } from "../core/lease.ts";
import { neverSettles } from "../core/user_lifetime.ts";
import { CookieStore } from "../http/cookies.ts";
import { HttpResponse, Verdict } from "../http/http_response.ts";
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
import type { Sample } from "../stats/request_stats.ts";
import type { UserContext } from "./context.ts";
import type { IterationSlot } from "./iteration_slot.ts";
import type { Recorder } from "./recorder.ts";

/**
 * Looks at a response before the request is counted: a throw makes it a failure, and so does
 * `res.failure("why")`; `res.success()` makes it none. A promise is awaited.
 */
export type Check = (res: HttpResponse) => unknown;

/** What every session needs beside its user's context. */
export interface SessionSettings {
  /** What `cookies.set` takes where it gets no URL. */
  readonly host: string;
  /** Joins URLs to the host; may be shared by users of the same host. */
  readonly urls: UrlResolver;
  /** Seconds for a request that does not say. */
  readonly timeout: number;
}

/**
 * One user's requests: each of them is sent, followed through its redirects, checked, and counted
 * exactly once.
 *
 * All methods resolve once the whole body is in, whatever the status, and reject with a RequestError
 * where no response came. With a TypeError or a RangeError they reject what cannot be meant, such as
 * two bodies or a negative timeout, before anything is sent or counted.
 *
 * ```ts ignore
 * const res = await this.session.post("/login", { json: { username: "admin" } }, async (res) => {
 *   assert.ok((await res.json()).token);
 * });
 * ```
 */
export class Session {
  /** What servers have set for this user. */
  readonly cookies: CookieStore;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #lease: Lease;
  readonly #recorder: Recorder;
  readonly #signal: AbortSignal;
  readonly #iterationSlot: IterationSlot | null;
  readonly #urls: UrlResolver;
  readonly #timeoutMs: number;
  readonly #onAbort = (): void => this.#transport.abort();
  #closed = false;

  /**
   * Sends nothing yet.
   *
   * @param transport belongs to this session alone, and is closed with it.
   */
  constructor(transport: Transport, context: UserContext, settings: SessionSettings) {
    this.cookies = new CookieStore(settings.host);
    this.#transport = transport;
    this.#clock = context.clock;
    this.#lease = context.lease;
    this.#recorder = context.recorder;
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
   * @param method in any case.
   * @param url absolute, or joined to the user's host.
   * @param check looks at the response before the request is counted; its time is not measured.
   */
  async request(
    method: string,
    url: string,
    options: RequestOptions = NO_OPTIONS,
    check?: Check,
  ): Promise<HttpResponse> {
    if (this.#closed) return neverSettles();
    const sample = new PendingSample(method.toUpperCase());
    const target = this.#resolve(sample, url, options);
    const encoded = encodeBody(options);
    const { content, contentType } = encoded instanceof Promise ? await encoded : encoded;
    // The session may have been closed while a form was encoded.
    if (this.#closed) return neverSettles();
    const timeoutMs = options.timeout === undefined
      ? this.#timeoutMs
      : milliseconds(options.timeout);
    const now = this.#clock.now();
    if (!this.#lease.holds(now)) return neverSettles();
    sample.startedAt = this.#iterationSlot === null ? now : this.#iterationSlot.origin(now);
    let request: WireRequest = {
      method: sample.method,
      url: target.url,
      headers: requestHeaders(options, contentType, target.authorization),
      body: content,
      deadline: now + timeoutMs,
    };
    let response: WireResponse;
    try {
      for (;;) {
        response = await this.#transport.exchange(this.#withCookies(request));
        if (this.#closed) return neverSettles();
        sample.add(response);
        if (response.setCookies.length > 0) this.cookies.store(response.setCookies, request.url);
        if (!isRedirect(response.status) || options.redirect === "manual") break;
        const next = nextRequest(request, response, sample.redirects);
        if (next === null) break;
        request = next;
        sample.redirects++;
      }
    } catch (error) {
      if (this.#closed) return neverSettles();
      throw this.#failed(sample, error);
    }
    sample.end(response.endedAt, response.status);
    const verdict = check === undefined ? null : new Verdict(sample.error);
    const res = new HttpResponse(
      response,
      request.url,
      sample.redirects > 0,
      sample.latencyMs,
      verdict,
    );
    if (check !== undefined && verdict !== null) {
      try {
        await check(res);
      } catch (thrown) {
        verdict.thrown(thrown);
      }
      if (this.#closed) return neverSettles();
      sample.error = verdict.close();
    }
    this.#recorder.record(sample);
    return res;
  }

  /**
   * Closes the connections. What is under way, and whatever is asked for later, never settles and is
   * not counted.
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
      sample.name = options.name ?? target.name;
      return target;
    } catch (error) {
      sample.name = options.name ?? url.split(/[?#]/, 1)[0]!;
      sample.startedAt = this.#clock.now();
      throw this.#failed(
        sample,
        new RequestError("BAD_REQUEST", sample.method, url, errorText(error), error),
      );
    }
  }

  #withCookies(request: WireRequest): WireRequest {
    const cookie = this.cookies.header(request.url);
    if (cookie === "" || hasHeader(request.headers, "cookie")) return request;
    return { ...request, headers: [...request.headers, ["cookie", cookie]] };
  }

  /** Counts a request that never got its response, and gives back what it rejects with. */
  #failed(sample: PendingSample, error: unknown): unknown {
    this.#recorder.markCounted(error);
    if (!(error instanceof RequestError)) return error;
    // What was cut off because its user had to stop says nothing about the target.
    if (error.code === "ABORTED") return error;
    sample.end(this.#clock.now(), 0);
    sample.retries += error.retries;
    sample.error = error.code;
    this.#recorder.record(sample);
    return error;
  }
}

const NO_OPTIONS: RequestOptions = {};

function milliseconds(seconds: number): number {
  if (!(seconds > 0)) throw new RangeError(`timeout: ${seconds}, seconds over 0 are needed`);
  return seconds * 1000;
}

/** What is measured of one request on its way through its redirects; at its end, the sample. */
class PendingSample implements Sample {
  readonly method: string;
  name = "";
  status = 0;
  latencyMs = 0;
  endedAt = 0;
  bytesReceived = 0;
  bytesSent = 0;
  retries = 0;
  error: string | null = null;
  startedAt = 0;
  redirects = 0;

  constructor(method: string) {
    this.method = method;
  }

  add(response: WireResponse): void {
    this.bytesReceived += response.bytesReceived;
    this.bytesSent += response.bytesSent;
    this.retries += response.retries;
  }

  end(endedAt: number, status: number): void {
    this.endedAt = endedAt;
    this.latencyMs = endedAt - this.startedAt;
    this.status = status;
    if (status >= 400) this.error = `HTTP ${status}`;
  }
}
