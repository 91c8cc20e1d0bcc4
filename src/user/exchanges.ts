/**
 * Leads the requests of a session to their last responses: over redirects, and over challenges for Digest
 * authentication.
 *
 * @module
 */

import type { Random } from "../core/clock.ts";
import { type CookieStore, withCookies } from "../http/cookies.ts";
import { clientNonce, DigestAuth, type DigestCredentials } from "../http/digest_auth.ts";
import type { HttpResponse } from "../http/http_response.ts";
import { isRedirect, nextRequest, type RedirectedRequest } from "../http/redirects.ts";
import {
  type BodyReader,
  ExchangePhases,
  type HeaderPairs,
  type Transport,
  type WireBody,
  type WireRequest,
  type WireResponse,
} from "../http/transport.ts";
import { PendingSample } from "./user_requests.ts";

/** Learns how a request ends; exactly one of its methods is called, once. */
export interface RequestOutcome {
  /** Its last response has arrived, and is added to its counter. */
  answered(request: SessionRequest, response: WireResponse): void;
  failed(request: SessionRequest, error: unknown): void;
}

/** The exchanges of one user. */
export class Exchanges {
  /** Whether requests follow redirects. */
  readonly followsRedirects: boolean;
  /** Whether the user has ended. */
  isClosed = false;
  readonly #transport: Transport;
  readonly #cookies: CookieStore;
  readonly #random: Random;
  readonly #maxRedirects: number;
  /** What servers have asked for; `null` until one has. */
  #digestAuth: DigestAuth | null = null;

  constructor(
    transport: Transport,
    cookies: CookieStore,
    random: Random,
    maxRedirects: number,
  ) {
    this.#transport = transport;
    this.#cookies = cookies;
    this.#random = random;
    this.#maxRedirects = maxRedirects;
    this.followsRedirects = maxRedirects > 0;
  }

  /** Hands a request to the transport. */
  start(request: SessionRequest): void {
    const ownHeaders = request.digest === null
      ? request.ownHeaders
      : this.#withDigest(request, request.digest);
    const cookies = this.#cookies.header(request.url);
    request.headers = cookies === "" ? ownHeaders : withCookies(ownHeaders, cookies);
    this.#transport.exchange(request);
  }

  /** Forgets what servers have asked for. */
  renew(): void {
    this.#digestAuth = null;
  }

  /** Keeps the cookies that a response sets, once if it is the last one of its request. */
  storeCookies(request: SessionRequest, { setCookies }: WireResponse): void {
    if (setCookies.length > 0 && !request.isAnswered) this.#cookies.store(setCookies, request.url);
  }

  /** Whether a response, of which the head is known, is the last one of its request in any case. */
  isLast({ digest, keepsRedirects }: SessionRequest, { status }: WireResponse): boolean {
    if (digest !== null && status === 401) return false;
    return keepsRedirects || !isRedirect(status);
  }

  /** Called by a request that has a complete response. */
  received(request: SessionRequest, response: WireResponse): void {
    if (this.isClosed) return request.outcome.failed(request, null);
    request.counter.add(response);
    try {
      if (response.setCookies.length > 0) this.storeCookies(request, response);
      if (request.digest !== null && response.status === 401) {
        if (this.#answersChallenge(request, request.digest, response)) return;
      }
      if (isRedirect(response.status) && !request.keepsRedirects) {
        const { method, url, ownHeaders, body, counter } = request;
        // Cookies and answers to challenges are those of the next URL, and the response may have changed them.
        const next = nextRequest(
          { method, url, headers: ownHeaders, body },
          response,
          counter.redirects,
          this.#maxRedirects,
        );
        if (next !== null) return this.#follow(request, response, next);
      }
    } catch (error) {
      return request.outcome.failed(request, error);
    }
    request.outcome.answered(request, response);
  }

  #withDigest(request: SessionRequest, credentials: DigestCredentials): HeaderPairs {
    const authorization = this.#digestAuth?.authorization(credentials, request) ?? null;
    return authorization === null
      ? request.ownHeaders
      : [...request.ownHeaders, ["authorization", authorization]];
  }

  /**
   * Sends a request again with what the server has asked for. Returns `false` if that cannot be done, or was done:
   * once, and once more if the nonce has become too old meanwhile.
   */
  #answersChallenge(
    request: SessionRequest,
    credentials: DigestCredentials,
    response: WireResponse,
  ): boolean {
    const header = response.headers.get("www-authenticate");
    const digestAuth = this.#digestAuth ??= new DigestAuth(() => clientNonce(this.#random));
    const challenge = digestAuth.learn(credentials, request.url, header);
    if (challenge === null || request.body instanceof ReadableStream) return false;
    if (request.challenges >= (challenge.isStale ? 2 : 1)) return false;
    request.challenges++;
    this.#continue(request, response);
    this.start(request);
    return true;
  }

  /** Prepares a request for another exchange, after a response that is not its last one. */
  #continue(request: SessionRequest, { endedAt }: WireResponse): void {
    if (request.counter.phases === null) {
      request.counter.phases = new ExchangePhases();
      request.counter.phases.addResponse(endedAt - request.sentAt, 0);
    }
    request.sentAt = endedAt;
  }

  #follow(request: SessionRequest, response: WireResponse, next: RedirectedRequest): void {
    this.#continue(request, response);
    if (next.url.origin !== request.url.origin) request.digest = null;
    request.challenges = 0;
    request.counter.redirects++;
    request.method = next.method;
    request.firstUrl ??= request.url;
    request.url = next.url;
    request.ownHeaders = next.headers;
    request.body = next.body;
    this.start(request);
  }
}

/** A request of a session on its way. Most are used again after they were counted. */
export class SessionRequest implements WireRequest {
  readonly counter = new PendingSample(this);
  method = "";
  url: URL = NO_URL;
  /** Before it was redirected; `null` if it was not. */
  firstUrl: URL | null = null;
  /** Without the cookies of the session. */
  ownHeaders: HeaderPairs = NO_HEADERS;
  headers: HeaderPairs = NO_HEADERS;
  body: WireBody = null;
  reader: BodyReader | null = null;
  deadline = Infinity;
  sentAt = 0;
  hasCheck = false;
  /** The next one on the session's list of those that can be used again. */
  nextSpare: SessionRequest | null = null;
  /** For Digest authentication, or `null`. */
  digest: DigestCredentials | null = null;
  /** How many challenges for it were answered. */
  challenges = 0;
  /** Whether a redirect is a response like others. */
  keepsRedirects = false;
  /** Whether its last response has begun, and was seen. */
  isAnswered = false;
  outcome: RequestOutcome;
  resolve: (response: HttpResponse) => void = doNothing;
  reject: (error: unknown) => void = doNothing;
  /** Of the promise that its test waits for. */
  readonly executor = (
    resolve: (response: HttpResponse) => void,
    reject: (error: unknown) => void,
  ): void => {
    this.resolve = resolve;
    this.reject = reject;
  };
  readonly #exchanges: Exchanges;

  constructor(exchanges: Exchanges, outcome: RequestOutcome) {
    this.#exchanges = exchanges;
    this.outcome = outcome;
  }

  get requestedUrl(): string {
    const url = this.firstUrl ?? this.url;
    return url === NO_URL ? "" : url.href;
  }

  received(response: WireResponse): void {
    this.#exchanges.received(this, response);
  }

  failed(error: unknown): void {
    this.outcome.failed(this, error);
  }

  /** Prepares it for the next request, and drops what would keep memory. */
  clear(): void {
    this.counter.clear();
    this.url = NO_URL;
    this.firstUrl = null;
    this.ownHeaders = this.headers = NO_HEADERS;
    this.body = null;
    this.digest = null;
    this.challenges = 0;
    this.resolve = this.reject = doNothing;
  }
}

const NO_URL = new URL("about:blank");
const NO_HEADERS: HeaderPairs = [];

function doNothing(): void {}
