/**
 * Sends the requests of one user's tests over a transport.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { errorText, isInstance, PreparationError } from "../core/errors.ts";
import type { Lease } from "../core/lease.ts";
import { localFailureOf } from "../core/local_failures.ts";
import { logger } from "../core/logger.ts";
import { tagsText } from "../core/tags.ts";
import { asText, hideCredentials, shown } from "../core/text.ts";
import { neverSettles } from "../core/user_lifetime.ts";
import { CookieStore } from "../http/cookies.ts";
import type { DigestCredentials } from "../http/digest_auth.ts";
import { type Check, CheckResult, HttpResponse } from "../http/http_response.ts";
import { OF_ORIGIN } from "../http/redirects.ts";
import { RequestError } from "../http/request_error.ts";
import { SessionHeaders } from "../http/session_headers.ts";
import {
  type Auth,
  basicOf,
  checkOptions,
  digestOf,
  encodeBody,
  type EncodedBody,
  encodeFields,
  hasHeader,
  NO_BODY,
  requestHeaders,
  type RequestOptions,
  type ResourceOptions,
  resourceOptions,
  type StreamOptions,
  withQuery,
} from "../http/request_options.ts";
import type { SharedHttpState } from "../http/shared_http_state.ts";
import {
  ExchangePhases,
  type HeaderPairs,
  type Transport,
  type WireResponse,
} from "../http/transport.ts";
import { NoHostError, type ResolvedUrl, type UrlResolver } from "../http/url_resolver.ts";
import {
  type BatchCall,
  batchCalls,
  type BatchItem,
  type BatchOptions,
  forEachByOrigin,
  PER_ORIGIN,
  perOriginOf,
} from "./batch.ts";
import type { UserContext } from "./context.ts";
import { Exchanges, type RequestOutcome, SessionRequest } from "./exchanges.ts";
import type { IterationSlot } from "./iteration_slot.ts";
import type { FailureKeeper } from "./observers.ts";
import { timeoutMs } from "./option_checks.ts";
import { pageResources } from "./page_resources.ts";
import type { Recorder } from "./recorder.ts";
import {
  ResponseStream,
  type StreamFunction,
  type StreamResponse,
  type StreamSession,
} from "./streams.ts";
import type { UserRequests } from "./user_requests.ts";

/** Settings of a session. */
export interface SessionSettings {
  /** The name of the user class, for messages. */
  readonly userClass: string;
  /** The default URL of `cookies.set`. */
  readonly host: string;
  /** Resolves URLs against the host; users of the same host can share it. */
  readonly urls: UrlResolver;
  /** Default time limit of a request in seconds. */
  readonly timeout: number;
  /** How many redirects a request follows; with 0, a redirect is a response like others. */
  readonly maxRedirects: number;
  /** Headers of all requests; default: none. */
  readonly headers?: HeaderPairs;
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
  /** Headers that are sent with every request of this user, at first those of its class. */
  readonly headers: SessionHeaders;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #lease: Lease;
  readonly #recorder: Recorder;
  readonly #failures: FailureKeeper | null;
  readonly #requests: UserRequests;
  readonly #signal: AbortSignal;
  readonly #iterationSlot: IterationSlot | null;
  readonly #userClass: string;
  readonly #urls: UrlResolver;
  readonly #timeoutMs: number;
  readonly #exchanges: Exchanges;
  readonly #http: Pick<SharedHttpState, "isNewOtherHost">;
  readonly #onAbort = (): void => this.#transport.abort();
  readonly #outcome: RequestOutcome = {
    answered: (request, response) => this.#answered(request, response),
    failed: (request, error) => this.#failed(request, error),
  };
  #auth: Auth | null = null;
  /** For Digest authentication of all requests, or `null`. */
  #digest: DigestCredentials | null = null;
  /** A list of requests that have ended, to be used again. */
  #spare: SessionRequest | null = null;
  /** How many there are. */
  #spares = 0;
  /** When the measurement of requests begins that a batch starts at once, if that is before they start; else NaN. */
  #batchFrom = NaN;
  #closed = false;

  /**
   * Creates a session; sends nothing.
   *
   * @param transport belongs to this session and is closed with it.
   */
  constructor(transport: Transport, context: UserContext, settings: SessionSettings) {
    this.cookies = new CookieStore(settings.host);
    this.headers = new SessionHeaders(settings.headers ?? NO_HEADERS);
    this.#transport = transport;
    this.#clock = context.clock;
    this.#lease = context.lease;
    this.#recorder = context.recorder;
    this.#failures = context.observers.failures ?? null;
    this.#requests = context.requests;
    this.#signal = context.signal;
    this.#iterationSlot = context.iterationSlot;
    this.#userClass = settings.userClass;
    this.#urls = settings.urls;
    this.#timeoutMs = timeoutMs(settings.timeout);
    this.#exchanges = new Exchanges(
      transport,
      this.cookies,
      context.random,
      settings.maxRedirects,
    );
    this.#http = context.http;
    this.#signal.addEventListener("abort", this.#onAbort);
  }

  /**
   * Credentials of all requests of this user; `null`: none. An `Authorization` header of the session or of a
   * request, the option `auth`, and the user and password of a URL take precedence.
   *
   * ```ts
   * import { FastHttpUser } from "aiotest";
   *
   * export class DeviceTest extends FastHttpUser {
   *   static override host = "http://127.0.0.1:8000";
   *
   *   override onStart(): void {
   *     this.session.auth = { digest: [`device${this.id}`, "secret"] };
   *   }
   *
   *   async testStatus(): Promise<void> {
   *     await this.session.get("/status");
   *   }
   * }
   * ```
   *
   * @throws TypeError if it is neither `[user, password]` nor `{ digest: [user, password] }`.
   */
  get auth(): Auth | null {
    return this.#auth;
  }

  set auth(auth: Auth | null) {
    const given = auth ?? null;
    this.headers.authorize(basicOf(given));
    this.#digest = digestOf(given);
    this.#auth = given;
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
  request(
    method: string,
    url: string,
    options: RequestOptions = NO_OPTIONS,
    check?: Check,
  ): Promise<HttpResponse> {
    if (this.#closed) return neverSettles();
    // Most requests need no async function, which would take longer than most of what it does.
    try {
      if (typeof method !== "string") throw notText("method", method);
      if (options !== NO_OPTIONS) {
        if (typeof options !== "object" || options === null) throw notOptions(options);
        checkOptions(options);
        const resources = resourceOptions(options.resources);
        if (resources !== null) return this.#page(method, url, options, resources, check);
      }
      const { params } = options;
      const query = params === undefined ? null : encodeFields(params, "params");
      const request = this.#take(method.toUpperCase(), options);
      const target = this.#resolve(request, url, query, options);
      const encoded = encodeBody(options);
      if (encoded instanceof Promise) {
        return this.#sendEncoded(request, target, encoded, options, check);
      }
      return this.#send(request, target, encoded, options, check);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a request, and lets a function read the response while it arrives: the chunks of its body, or its
   * server-sent events. It is counted once, when the function has returned. Its latency is that of the whole stream.
   *
   * The stream ends when the response is complete, when the test leaves a loop over it, or when the function returns.
   * It fails as other requests do, also if the function throws. In metrics, how long the first byte and the first
   * event took, and how many events there were, are distributions of their own.
   *
   * ```ts
   * import { FastHttpUser } from "aiotest";
   *
   * export class ChatTest extends FastHttpUser {
   *   static override host = "http://127.0.0.1:8000";
   *
   *   async testAsk(): Promise<void> {
   *     const question = { prompt: "Why is the sky blue?", stream: true };
   *     await this.session.stream("POST", "/completions", { json: question }, async (res) => {
   *       let answer = "";
   *       for await (const event of res.events()) {
   *         if (event.data !== "[DONE]") answer += JSON.parse(event.data).text;
   *       }
   *       res.check("has an answer", answer !== "");
   *     });
   *   }
   * }
   * ```
   *
   * @param method in upper or lower case.
   * @param url absolute, or relative to the user's host.
   * @param read reads the response. Without it, all of the response is read, and dropped.
   * @returns the response, with its figures, when the stream has ended.
   * @throws RequestError if the response is not complete, and TypeError or RangeError if an argument is invalid, as
   *   {@link request}.
   */
  async stream(
    method: string,
    url: string,
    options: StreamOptions = NO_OPTIONS,
    read?: StreamFunction,
  ): Promise<StreamResponse> {
    if (this.#closed) return neverSettles();
    if (typeof method !== "string") throw notText("method", method);
    if (typeof options !== "object" || options === null) {
      throw notOptions(options, "the function that reads the stream is the fourth argument");
    }
    checkOptions(options);
    checkStreamOptions(options, read);
    const { params, timeout } = options;
    const query = params === undefined ? null : encodeFields(params, "params");
    const request = this.#take(method.toUpperCase(), options);
    const target = this.#resolve(request, url, query, options);
    const encoding = encodeBody(options);
    const encoded = encoding instanceof Promise ? await encoding : encoding;
    // The session can be closed while a form is encoded.
    if (this.#closed) return neverSettles();
    const stream = new ResponseStream(request, this.#streamSession, timeout !== undefined);
    if (!this.#prepare(request, target, encoded, options)) return neverSettles();
    this.#exchanges.start(request);
    return await stream.read(read);
  }

  get #streamSession(): StreamSession {
    const exchanges = this.#exchanges;
    return {
      clock: this.#clock,
      requests: this.#requests,
      exchanges,
      fail: (request, error) => {
        if (this.#goesOn(error)) return this.#count(request, error);
        this.#requests.cutOff(request.counter, this.#clock.now());
        return null;
      },
      goesOn: (error) => this.#goesOn(error),
      keepFailure: (request, response) => this.#keepFailure(request, response, null),
      wasCutOff: (thrown) => this.#wasCutOff(thrown),
    };
  }

  /**
   * Sends a GET that reports show under another method.
   *
   * @internal
   */
  getAs(method: string, url: string, options: RequestOptions, check: Check): Promise<HttpResponse> {
    if (this.#closed) return neverSettles();
    try {
      const { params } = options;
      const query = params === undefined ? null : encodeFields(params, "params");
      const request = this.#take("GET", options);
      request.counter.method = method;
      const target = this.#resolve(request, url, query, options);
      return this.#send(request, target, NO_BODY, options, check);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends requests in parallel, over as many connections as needed, and resolves when all of them have ended.
   * Each is counted as if it were sent alone.
   *
   * The result contains, in the order of the requests, the response of each, or the RequestError of one without a
   * complete response. A RequestError has the status 0, so `status` tells failures apart in both.
   *
   * ```ts
   * import { FastHttpUser } from "aiotest";
   *
   * export class ShopTest extends FastHttpUser {
   *   static override host = "http://127.0.0.1:8000";
   *
   *   async testFrontPage(): Promise<void> {
   *     const [news, cart] = await this.session.batch([
   *       "/news",
   *       ["GET", "/cart", { name: "cart" }],
   *       { method: "POST", url: "/visits", json: { page: "/" } },
   *     ]);
   *     if (news.status !== 200 || cart.status !== 200) return;
   *     await this.session.get("/checkout");
   *   }
   * }
   * ```
   *
   * @param items each a URL to get, a list `[method, url, options, check]`, or an object with `method`, `url`,
   *   `check` and the options of a request.
   * @throws TypeError or RangeError if an item is not a valid request; then none is sent, as far as that is known
   *   before. RequestError `ABORTED` if the user is stopped.
   */
  async batch<const Items extends readonly BatchItem[]>(
    items: Items,
    options: BatchOptions = {},
  ): Promise<{ -readonly [Index in keyof Items]: HttpResponse | RequestError }> {
    const perOrigin = perOriginOf(options);
    const calls = batchCalls(items);
    this.#beginBatch();
    const ended = forEachByOrigin<BatchCall, HttpResponse | RequestError>(
      calls,
      ({ url }) => this.#originOf(url),
      perOrigin,
      ({ method, url, options, check }) => this.request(method, url, options, check),
      asResult,
    );
    this.#batchFrom = NaN;
    return await ended as { -readonly [Index in keyof Items]: HttpResponse | RequestError };
  }

  /** Requests a page, and then what it names. */
  async #page(
    method: string,
    url: string,
    options: RequestOptions,
    resources: ResourceOptions,
    check: Check | undefined,
  ): Promise<HttpResponse> {
    const page = await this.request(method, url, { ...options, resources: false }, check);
    const asked = this.#urls.resolve(url);
    const { fetched, otherHosts } = await pageResources(page, asked.url.hostname, resources);
    for (const host of otherHosts) this.#explainOtherHost(host);
    await forEachByOrigin<URL, HttpResponse | RequestError>(
      fetched,
      ({ origin }) => origin,
      PER_ORIGIN,
      (resource) => this.#resource(resource, asked, options, resources),
      asResult,
    );
    return page;
  }

  /** Requests what a page names. Credentials of the page's request are sent to its own origin only. */
  #resource(
    url: URL,
    page: ResolvedUrl,
    { auth, timeout }: RequestOptions,
    resources: ResourceOptions,
  ): Promise<HttpResponse> {
    if (this.#closed) return neverSettles();
    const isOwn = url.origin === page.url.origin;
    const request = this.#take("GET", NO_OPTIONS);
    // The URL objects of a resolver are cached, and with them what was encoded for them.
    const target = this.#urls.resolve(url.href);
    request.counter.name = resources.name || target.name;
    return this.#send(
      request,
      isOwn ? { ...target, authorization: page.authorization } : target,
      NO_BODY,
      isOwn ? { auth, timeout } : { ...FOREIGN, timeout },
      undefined,
    );
  }

  #explainOtherHost(host: string): void {
    if (!this.#http.isNewOtherHost(host)) return;
    logger.warn(
      `Resources of ${host} are not fetched, because it is not the host of their page. ` +
        `To fetch them, write resources: { hosts: [${JSON.stringify(host)}] }.`,
    );
  }

  /** All requests that start at once were held up if the iteration began late, not only the first one. */
  #beginBatch(): void {
    if (this.#iterationSlot === null) return;
    const now = this.#clock.now();
    const from = this.#iterationSlot.measureFrom(now);
    if (from < now) this.#batchFrom = from;
  }

  /** The origin of a URL; empty if it is invalid, which its request reports. */
  #originOf(url: string): string {
    try {
      return this.#urls.resolve(url).url.origin;
    } catch {
      return "";
    }
  }

  async #sendEncoded(
    request: SessionRequest,
    target: ResolvedUrl,
    encoding: Promise<EncodedBody>,
    options: RequestOptions,
    check: Check | undefined,
  ): Promise<HttpResponse> {
    const encoded = await encoding;
    // The session can be closed while a form is encoded.
    if (this.#closed) return neverSettles();
    return await this.#send(request, target, encoded, options, check);
  }

  #send(
    request: SessionRequest,
    target: ResolvedUrl,
    encoded: EncodedBody,
    options: RequestOptions,
    check: Check | undefined,
  ): Promise<HttpResponse> {
    if (!this.#prepare(request, target, encoded, options)) return neverSettles();
    request.hasCheck = check !== undefined;
    const response = new Promise<HttpResponse>(request.executor);
    this.#exchanges.start(request);
    return check === undefined ? response : this.#check(request, response, check);
  }

  /** Completes a request that is about to be sent. Returns `false` if it must not be sent. */
  #prepare(
    request: SessionRequest,
    target: ResolvedUrl,
    { content, contentType }: EncodedBody,
    options: RequestOptions,
  ): boolean {
    const limitMs = options.timeout === undefined ? this.#timeoutMs : timeoutMs(options.timeout);
    const now = this.#clock.now();
    if (!this.#lease.holds(now)) return false;
    request.sentAt = now;
    request.counter.startedAt = this.#iterationSlot === null
      ? now
      : this.#measureFrom(this.#iterationSlot, now);
    // The wait for the start of an iteration is part of the latency, but of no phase.
    if (request.counter.startedAt !== now) request.counter.phases = new ExchangePhases();
    request.url = target.url;
    request.ownHeaders = requestHeaders(
      options,
      contentType,
      target.authorization,
      this.headers.sent,
    );
    request.body = content;
    const digest = options.auth === undefined ? this.#digest : digestOf(options.auth);
    if (digest !== null && !hasHeader(request.ownHeaders, "authorization")) request.digest = digest;
    request.deadline = now + limitMs;
    this.#requests.start(request.counter);
    return true;
  }

  #measureFrom(slot: IterationSlot, now: number): number {
    // Comparisons with NaN are false.
    return this.#batchFrom < now ? this.#batchFrom : slot.measureFrom(now);
  }

  #answered(request: SessionRequest, response: WireResponse): void {
    const sample = request.counter;
    sample.end(response.endedAt);
    sample.status = response.status;
    if (response.status >= 400) this.#refused(request, response);
    const check = request.hasCheck ? sample.check = new CheckResult(sample.error) : null;
    const res = new HttpResponse(
      response,
      request.url,
      sample.redirects > 0,
      sample.latencyMs,
      sample.phases,
      check,
      this.#requests,
    );
    if (check === null) this.#requests.record(sample);
    request.resolve(res);
    if (check === null) this.#giveBack(request);
  }

  /** The status says that a request has failed, unless its check says something else. */
  #refused(request: SessionRequest, response: WireResponse): void {
    request.counter.error = `HTTP ${response.status}`;
    if (!request.hasCheck) this.#keepFailure(request, response, null);
  }

  /** Keeps a failed request as an example of others, if there are too few. */
  #keepFailure(
    request: SessionRequest,
    response: WireResponse | null,
    error: RequestError | null,
  ): void {
    const { counter, method, url, headers, body, sentAt } = request;
    const failures = this.#failures;
    if (failures === null || !counter.isPending || request.requestedUrl === "") return;
    if (!failures.admits(counter.method, counter.name, counter.error ?? "")) return;
    const exchange = {
      ...{ method, url, headers, body, error, sentAt, counter },
      // What has arrived of a stream is shown, too.
      response: response ?? request.reader?.view?.response ?? null,
      attempts: [],
      phases: counter.phases,
    };
    const sender = { userClass: this.#userClass, user: this.#requests };
    failures.failed({ sample: counter, sender, exchange });
  }

  /** Runs the check of a request, in the context of its user, and counts the request. */
  async #check(
    request: SessionRequest,
    response: Promise<HttpResponse>,
    check: Check,
  ): Promise<HttpResponse> {
    const res = await response;
    const result = request.counter.check!;
    try {
      await check(res);
    } catch (thrown) {
      // A check that is cut off with its user has found nothing.
      if (!this.#wasCutOff(thrown)) {
        result.checkThrew(thrown);
        this.#requests.checkThrew(thrown);
      }
    }
    if (this.#closed) {
      this.#requests.cutOff(request.counter, this.#clock.now());
      return neverSettles();
    }
    request.counter.error = result.close();
    if (request.counter.error !== null) this.#keepFailure(request, HttpResponse.wire(res), null);
    this.#requests.record(request.counter);
    this.#giveBack(request);
    return res;
  }

  /**
   * Closes the connections. Pending requests never settle, and are counted as unfinished. Later ones never
   * settle either, and are not counted.
   */
  close(): void {
    this.#closed = this.#exchanges.isClosed = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#transport.close();
  }

  /**
   * Forgets cookies and credentials, restores the headers of the class and closes the connections: the next
   * request is that of a new visitor. Pending requests never settle, and are counted as unfinished.
   *
   * @internal
   */
  renew(): void {
    this.cookies.clear();
    this.headers.reset();
    this.#auth = this.#digest = null;
    this.#exchanges.renew();
    this.#transport.close();
  }

  #take(method: string, options: RequestOptions): SessionRequest {
    let request = this.#spare;
    if (request === null) {
      request = new SessionRequest(this.#exchanges, this.#outcome);
    } else {
      this.#spare = request.nextSpare;
      this.#spares--;
    }
    request.method = request.counter.method = method;
    const { tags } = options;
    // The sample may have been used for another request before.
    request.counter.tags = tags === undefined ? "" : tagsText(tags);
    request.keepsRedirects = !this.#exchanges.followsRedirects || options.redirect === "manual";
    return request;
  }

  /** Keeps a counted request for a later one, because a new one would cost the garbage collector more. */
  #giveBack(request: SessionRequest): void {
    if (this.#spares === MAX_SPARES) return;
    request.clear();
    request.nextSpare = this.#spare;
    this.#spare = request;
    this.#spares++;
  }

  #resolve(
    request: SessionRequest,
    url: string,
    query: string | null,
    options: RequestOptions,
  ): ResolvedUrl {
    try {
      const target = this.#urls.resolve(query === null ? url : withQuery(url, query));
      request.counter.name = asText(options.name || target.name);
      return target;
    } catch (error) {
      if (isInstance(error, NoHostError)) throw this.#noHost(url);
      const text = hideCredentials(asText(url));
      request.counter.name = asText(options.name || text.split(/[?#]/, 1)[0]);
      request.counter.startedAt = this.#clock.now();
      this.#requests.start(request.counter);
      throw this.#count(
        request,
        new RequestError("BAD_REQUEST", request.method, text, errorText(error), error),
      );
    }
  }

  /** Without a host, the test cannot run; that its URLs are relative is only known now. */
  #noHost(url: string): PreparationError {
    const error = new PreparationError(
      `${this.#userClass} has no host, so it cannot request ${shown(hideCredentials(asText(url)))}`,
      'Set static host = "http://127.0.0.1:8000" in the class, or give -H http://127.0.0.1:8000.',
    );
    this.#recorder.unprepared(error);
    return error;
  }

  #failed(request: SessionRequest, error: unknown): void {
    if (this.#goesOn(error)) request.reject(this.#count(request, error));
    else this.#requests.cutOff(request.counter, this.#clock.now());
  }

  /** Counts a request without a response; returns the error to reject with. */
  #count(request: SessionRequest, error: unknown): unknown {
    this.#recorder.markCounted(error);
    const now = this.#clock.now();
    const code = isInstance(error, RequestError) ? error.code : null;
    if (code === "ABORTED") {
      this.#requests.cutOff(request.counter, now);
      return error;
    }
    request.counter.end(now);
    request.counter.status = 0;
    request.counter.error = code ?? errorText(error);
    request.counter.phases ??= new ExchangePhases();
    if (isInstance(error, RequestError) && localFailureOf(error) === null) {
      this.#keepFailure(request, null, error);
    }
    this.#requests.fail(request.counter, error);
    return error;
  }

  /** Whether the test of a failed request goes on: not if its user has ended, or the session was renewed. */
  #goesOn(error: unknown): boolean {
    if (this.#closed) return false;
    return !isInstance(error, RequestError) || error.code !== "ABORTED" || this.#signal.aborted;
  }

  #wasCutOff(thrown: unknown): boolean {
    return this.#signal.aborted && this.#recorder.isCounted(thrown);
  }
}

/** Options of requests to an origin that must not get the credentials of another one. */
const FOREIGN: RequestOptions = {
  auth: null,
  headers: Object.fromEntries(OF_ORIGIN.map((name) => [name, undefined])),
};

/** A request of a batch that has failed does not lose the others; one that is cut off ends the batch. */
function asResult(error: unknown): RequestError {
  if (isInstance(error, RequestError) && error.code !== "ABORTED") return error;
  throw error;
}

/** A user mostly has no more requests in progress. */
const MAX_SPARES = 8;

const NO_HEADERS: HeaderPairs = [];

const NO_OPTIONS: RequestOptions = {};

function notOptions(
  value: unknown,
  placeOfFunction = "a check is the third argument",
): TypeError {
  const hint = typeof value === "function" ? `; ${placeOfFunction}` : "";
  return new TypeError(`options: ${shown(value)}, expected an object${hint}`);
}

function checkStreamOptions({ resources = false }: RequestOptions, read: unknown): void {
  if (resources !== false) {
    throw new TypeError("resources: a stream is no page; request the page with get");
  }
  if (read === undefined || typeof read === "function") return;
  throw new TypeError(`${shown(read)}, expected a function that reads the stream`);
}

function notText(what: string, value: unknown): TypeError {
  return new TypeError(`${what}: ${shown(value)}, expected a string`);
}
