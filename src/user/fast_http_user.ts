/**
 * A user that sends HTTP requests with aiotest's own engine.
 *
 * @module
 */

import { DNS_ORDERS } from "../http/address_order.ts";
import { areOneFamily, isSourceAddress } from "../http/local_addresses.ts";
import { MAX_REDIRECTS } from "../http/redirects.ts";
import { QueuedTransport } from "../http/request_queue.ts";
import { ObservedSocketTransport } from "../http/observed_socket_transport.ts";
import { SocketTransport, type TransportSettings } from "../http/socket_transport.ts";
import { Http2Pool } from "../http2/http2_pool.ts";
import { ObservedHttp2Pool } from "../http2/observed_http2_pool.ts";
import { Http2Transport } from "../http2/http2_transport.ts";
import { MAX_BODY_SIZE, type Transport } from "../http/transport.ts";
import { upgradeUrl } from "../http/url_resolver.ts";
import { checkTls, type ClassTls, userTls } from "./class_tls.ts";
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

/** @internal Adds to the transport of a user what other kinds of requests need. */
export type ExtendTransport = (transport: Transport, settings: TransportSettings) => Transport;

function unchanged(transport: Transport): Transport {
  return transport;
}

const DNS_TEXT = '"first", "rotate" or "random"';

/**
 * A simulated user of a website, with its own connections and cookies. It uses aiotest's own HTTP/1.1
 * engine, which needs a fraction of the processor time of an {@link HttpUser} and reports everything that
 * happens on its connections.
 *
 * ```ts
 * import { FastHttpUser } from "aiotest";
 *
 * export class ShopTest extends FastHttpUser {
 *   static override host = "http://127.0.0.1:8000";
 *
 *   async testSearch(): Promise<void> {
 *     await this.session.get("/search", { params: { q: "F22" } });
 *   }
 * }
 * ```
 */
export class FastHttpUser extends User {
  /** Default time limit of a request in seconds, including redirects. */
  static timeout = 60;
  /** Time limit in seconds for opening a connection. */
  static connectTimeout = 10;
  /** Time limit in seconds from sending a request to the first byte of its response. */
  static headersTimeout: number = Infinity;
  /** Time limit in seconds between two parts of a response body. */
  static bodyTimeout: number = Infinity;
  /** Largest response body in bytes, before and after decoding. */
  static maxBodySize: number = MAX_BODY_SIZE;
  /** Redirects that a request follows at most; with 0, the redirect is the response. `--max-redirects` replaces it. */
  static maxRedirects: number = MAX_REDIRECTS;
  /**
   * The version of HTTP: 1 for HTTP/1.1; 2 for HTTP/2, without TLS by prior knowledge; `"auto"` for HTTP/2 if the
   * server offers it over TLS, and HTTP/1.1 otherwise. Over HTTP/2, all requests of a user share one connection.
   * In TypeScript, write `static override http = 2 as const`.
   */
  static http: 1 | 2 | "auto" = 1;
  /**
   * Whose connections of HTTP/2 they are: each user has its own, or all users of the class on a node share them,
   * as many as the server's limit of streams asks for.
   */
  static connections: "own" | "shared" = "own";
  /** Whether connections are kept for further requests. If not, each request opens its own. */
  static keepAlive = true;
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
   * IP addresses of the machine that connections leave from, in turn; empty for the system's choice.
   * `--local-address` replaces them.
   */
  static localAddresses: readonly string[] = [];
  /**
   * Where connections to a name with several addresses begin: at each address in turn, always at the first one,
   * or at a random one. `--dns` replaces it.
   */
  static dns: "first" | "rotate" | "random" = "rotate";
  /**
   * How to connect with TLS, or a function that is called once for each user. The user that it gets has no
   * fields of its own class yet. `--client-cert`, `--client-key` and `--ca` replace what they name.
   */
  static tls: ClassTls<FastHttpUser> = null;

  /** @internal */
  static override [checkOptions](options: ClassOptions): void {
    checkHttpHost(this.host, options);
    checkTls(this.tls, options);
  }

  /** @internal */
  static override [checkFields](check: FieldCheck): void {
    checkHttpLimits(check, "timeout", "connectTimeout", "headersTimeout", "bodyTimeout");
    checkSessionFields(check, this.headers);
    check("http", (value) => value === 1 || value === 2 || value === "auto", '1, 2 or "auto"');
    check(
      "connections",
      (value) => value === "own" || (value === "shared" && this.http !== 1),
      this.http === 1
        ? '"own", because only HTTP/2 can share connections (static http = 2)'
        : '"own" or "shared"',
    );
    check("keepAlive", (value) => typeof value === "boolean", "true or false");
    check(
      "localAddresses",
      (value) => Array.isArray(value) && value.every(isSourceAddress) && areOneFamily(value),
      'a list of IP addresses, all IPv4 or all IPv6, like ["10.0.0.2"]',
    );
    check("dns", (value) => (DNS_ORDERS as readonly unknown[]).includes(value), DNS_TEXT);
  }

  /** Sends the requests of this user. */
  readonly session: Session;

  /** Opens no connection. A subclass with its own constructor must call `super(context)`. */
  constructor(context: UserContext);
  /** @internal */
  constructor(context: UserContext, extend?: ExtendTransport);
  constructor(context: UserContext, extend: ExtendTransport = unchanged) {
    super(context);
    const { clock, http, observers } = context;
    const { localAddresses, dns } = http.options;
    const settings = this.constructor as typeof FastHttpUser;
    const tls = userTls(this, settings.tls, http);
    const version = settings.http;
    const options: TransportSettings = {
      connectMs: settings.connectTimeout * 1000,
      headersMs: settings.headersTimeout * 1000,
      bodyMs: settings.bodyTimeout * 1000,
      maxBodySize: settings.maxBodySize,
      keepAlive: settings.keepAlive,
      tls: observers.inspectsTls ? { ...tls, isInspected: true } : tls,
      localAddresses: localAddresses.length > 0 ? localAddresses : settings.localAddresses,
      dns: dns ?? settings.dns,
      protocols: ["http/1.1"],
    };
    const sharedBy = settings.connections === "shared" ? settings : null;
    const isObserved = !observers.exchanges.every(({ ignoresWire }) => ignoresWire);
    const Sockets = isObserved ? ObservedSocketTransport : SocketTransport;
    const Pool = isObserved ? ObservedHttp2Pool : Http2Pool;
    const http1 = version === 2 ? null : new Sockets(clock, http, options);
    const sockets = version === 1
      ? http1!
      : new Http2Transport(clock, http, options, http1, sharedBy, Pool);
    const { socketQueue } = http;
    const queued = socketQueue === null ? sockets : new QueuedTransport(sockets, socketQueue);
    const host = upgradeUrl(this.host);
    const userClass = this.constructor.name;
    const transport = observedTransport(extend(queued, options), userClass, context);
    this.session = new Session(transport, context, {
      userClass,
      host,
      urls: http.urls(host),
      timeout: settings.timeout,
      maxRedirects: http.options.maxRedirects ?? settings.maxRedirects,
      headers: http.headers(settings.headers),
    });
  }

  /** @internal */
  override [renewSession](): void {
    this.session.renew();
  }

  /** Closes the connections; called by the runner. */
  override [Symbol.dispose](): void {
    this.session.close();
    super[Symbol.dispose]();
  }
}

explainClient(FastHttpUser.prototype);
