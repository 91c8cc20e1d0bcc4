/**
 * A user that sends HTTP requests through aiotest's own engine.
 *
 * @module
 */

import { SocketTransport } from "../http/socket_transport.ts";
import { MAX_BODY_SIZE } from "../http/transport.ts";
import type { UserContext } from "./context.ts";
import { Session } from "./session.ts";
import { User } from "./user.ts";

/**
 * One simulated user of a site, with its own connections and its own cookies. It costs a fraction of
 * what an HttpUser does, and hides nothing of what happens on its connections.
 *
 * ```ts ignore
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
  /** Seconds for a request that does not say, its redirects included. */
  static timeout = 60;
  /** Seconds to open a connection. */
  static connectTimeout = 10;
  /** Seconds from a request to the first byte of its response. */
  static headersTimeout: number = Infinity;
  /** Seconds between two pieces of a response's body. */
  static bodyTimeout: number = Infinity;
  /** Bytes that a response's body may have, as it comes and when it is decoded. */
  static maxBodySize: number = MAX_BODY_SIZE;

  /** What its tests send requests with. */
  readonly session: Session;

  /** A class with a constructor of its own hands what that is given to `super`. */
  constructor(context: UserContext) {
    super(context);
    const { clock, http } = context;
    const settings = this.constructor as typeof FastHttpUser;
    const transport = new SocketTransport(clock, http, {
      connectMs: settings.connectTimeout * 1000,
      headersMs: settings.headersTimeout * 1000,
      bodyMs: settings.bodyTimeout * 1000,
      maxBodySize: settings.maxBodySize,
    });
    const { host } = this;
    this.session = new Session(transport, context, {
      host,
      urls: http.urls(host),
      timeout: settings.timeout,
    });
  }

  /** Closes its connections; called by the runner. */
  override [Symbol.dispose](): void {
    this.session.close();
    super[Symbol.dispose]();
  }
}
