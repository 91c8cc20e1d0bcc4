/**
 * A user that sends HTTP requests with native `fetch`.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { FetchTransport } from "../http/fetch_transport.ts";
import { DNS_TTL_MS } from "../http/dns_cache.ts";
import { QueuedTransport } from "../http/request_queue.ts";
import { MAX_REDIRECTS } from "../http/redirects.ts";
import { MAX_BODY_SIZE } from "../http/transport.ts";
import { checkTls, type ClassTls, userTls } from "./class_tls.ts";
import type { SharedHttpState } from "../http/shared_http_state.ts";
import type { TlsSettings } from "../net/tls_settings.ts";
import type { UserContext } from "./context.ts";
import { observedTransport } from "./observers.ts";
import { Session } from "./session.ts";
import {
  checkHttpHost,
  checkHttpLimits,
  checkSessionFields,
  explainClient,
} from "./session_checks.ts";
import {
  checkFields,
  checkOptions,
  type ClassOptions,
  type FieldCheck,
  renewSession,
  type SessionScope,
  User,
} from "./user.ts";

/**
 * A simulated user of a website, with its own connections and cookies. It uses native `fetch`, including
 * HTTP/2; {@link FastHttpUser} generates several times the load.
 *
 * ```ts
 * import { HttpUser } from "aiotest";
 *
 * export class ShopTest extends HttpUser {
 *   static override host = "http://127.0.0.1:8000";
 *
 *   async testSearch(): Promise<void> {
 *     await this.session.get("/search", { params: { q: "F22" } });
 *   }
 * }
 * ```
 */
export class HttpUser extends User {
  /** Default time limit of a request in seconds, including redirects. */
  static timeout = 60;

  /** The largest response body in bytes, after decompression. Longer ones fail with `TOO_LARGE`. */
  static maxBodySize: number = MAX_BODY_SIZE;

  /** Redirects that a request follows at most; with 0, the redirect is the response. `--max-redirects` replaces it. */
  static maxRedirects: number = MAX_REDIRECTS;

  /**
   * How long cookies and connections last. With `"iteration"`, each iteration begins without any, as a new
   * visitor would; those of `onStart` are not kept. In TypeScript, write
   * `static override session = "iteration" as const`.
   */
  static session: SessionScope = "user";

  /**
   * Headers that are sent with every request. Those of a single request, and what a user sets in
   * `this.session.headers`, replace them.
   */
  static headers: HeadersInit = {};

  /**
   * A client certificate, its key, and authorities to trust; or a function that returns them and is called once
   * for each user. `--client-cert`, `--client-key` and `--ca` replace what they name.
   */
  static tls: ClassTls<HttpUser> = null;

  /** @internal */
  static override [checkOptions](options: ClassOptions): void {
    checkHttpHost(this.host, options);
    const { localAddresses, connectTo, dns, dnsTtlMs } = options.connections;
    checkFetchTls(options.name, checkTls(this.tls, options));
    if (options.connections.tls.insecure) {
      throw unavailable("--insecure", options, "always verifies certificates");
    }
    if (localAddresses.length > 0) {
      throw unavailable("--local-address", options, "chooses the local address itself");
    }
    if (connectTo.length > 0) {
      throw unavailable("--connect-to", options, "connects to the URL's host");
    }
    if (dns !== null) throw unavailable("--dns", options, "chooses the address itself");
    if (dnsTtlMs !== DNS_TTL_MS) {
      throw unavailable("--dns-ttl", options, "looks up names for each connection");
    }
  }

  /** @internal */
  static override [checkFields](check: FieldCheck): void {
    checkHttpLimits(check, "timeout");
    checkSessionFields(check, this.headers);
    const others = [
      "connectTimeout",
      "headersTimeout",
      "bodyTimeout",
      "http",
      "connections",
      "keepAlive",
      "localAddresses",
      "dns",
    ];
    for (const field of others) {
      check(
        field,
        (value) => value === undefined,
        "no value, because only a FastHttpUser has this setting",
      );
    }
  }

  /** Sends the requests of this user. */
  readonly session: Session;

  /** Opens no connection. A subclass with its own constructor must call `super(context)`. */
  constructor(context: UserContext) {
    super(context);
    const { timeout, maxBodySize, maxRedirects, headers, tls } = this
      .constructor as typeof HttpUser;
    const { clock, http } = context;
    const queued = new QueuedTransport(
      new FetchTransport(clock, http.deadlines, maxBodySize, fetchTls(this, tls, http)),
      http.fetchQueue,
    );
    const { host } = this;
    const userClass = this.constructor.name;
    const transport = observedTransport(queued, userClass, context);
    this.session = new Session(transport, context, {
      userClass,
      host,
      urls: http.urls(host),
      timeout,
      maxRedirects: http.options.maxRedirects ?? maxRedirects,
      headers: http.headers(headers),
    });
  }

  /** @internal */
  override [renewSession](): void {
    this.session.renew();
  }

  /** Closes the connections; called by the runner. Pending requests neither settle nor count. */
  override [Symbol.dispose](): void {
    this.session.close();
    super[Symbol.dispose]();
  }
}

explainClient(HttpUser.prototype);

function fetchTls(user: HttpUser, tls: ClassTls<HttpUser>, http: SharedHttpState): TlsSettings {
  const settings = userTls(user, tls, http);
  checkFetchTls(user.constructor.name, settings);
  return settings;
}

/** @throws UsageError if native `fetch` cannot do what a class says about TLS. */
function checkFetchTls(name: string, tls: TlsSettings | null): void {
  if (tls === null) return;
  const member = tls.serverName !== null
    ? "serverName"
    : tls.minVersion !== null
    ? "minVersion"
    : tls.resume === false
    ? "resume"
    : null;
  if (member === null) return;
  throw new UsageError(
    `${name}.tls.${member}: ${name} is an HttpUser, and native fetch has no such setting`,
    "Extend FastHttpUser instead, which has it.",
  );
}

function unavailable(option: string, { name }: ClassOptions, reason: string): UsageError {
  return new UsageError(
    `${option}: ${name} is an HttpUser, and native fetch ${reason}`,
    "Extend FastHttpUser instead, which has this option.",
  );
}

// The public part of the http layer, which mod.ts must not import itself.
export type { Cookie, CookieStore } from "../http/cookies.ts";
export type { Check, HttpResponse, ResponseTimings } from "../http/http_response.ts";
export type { ServerSentEvent } from "../http/event_stream.ts";
export type { HtmlElement } from "../http/html_element.ts";
export { RequestError } from "../http/request_error.ts";
export type { RequestErrorCode } from "../http/request_error.ts";
export type {
  Auth,
  BodyContent,
  BodyOptions,
  Fields,
  FieldValue,
  RequestOptions,
  ResourceOptions,
  StreamOptions,
} from "../http/request_options.ts";
export type { SessionHeaders } from "../http/session_headers.ts";

/** Another name of the same class. */
export { HttpUser as AsyncHttpUser };
