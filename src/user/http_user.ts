/**
 * A user that sends HTTP requests through native `fetch`.
 *
 * @module
 */

import { FetchTransport } from "../http/fetch_transport.ts";
import type { UserContext } from "./context.ts";
import { Session } from "./session.ts";
import { User, type UserClass } from "./user.ts";

/**
 * One simulated user of a site, with its own connections and its own cookies.
 *
 * ```ts ignore
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
  /** Seconds for a request that does not say, its redirects included. */
  static timeout = 60;

  /** What its tests send requests with. */
  readonly session: Session;

  /** Opens nothing: connections come with the first request. */
  constructor(context: UserContext) {
    super(context);
    const { timeout } = this.constructor as typeof HttpUser;
    const { clock, http } = context;
    const transport = new FetchTransport(clock, http.deadlines);
    const { host } = this;
    this.session = new Session(transport, context, { host, urls: http.urls(host), timeout });
  }

  /** Closes its connections; what it still has under way is neither settled nor counted. */
  override [Symbol.dispose](): void {
    this.session.close();
    super[Symbol.dispose]();
  }
}

// What a test file sees of the room below.
export type { BodyContent, BodyOptions } from "../http/request_options.ts";
export type { Cookie, CookieStore } from "../http/cookies.ts";
export type { Fields, FieldValue } from "../http/request_options.ts";
export type { HttpResponse } from "../http/http_response.ts";
export { RequestError } from "../http/request_error.ts";
export type { RequestErrorCode } from "../http/request_error.ts";
export type { RequestOptions } from "../http/request_options.ts";

/** The same class under its other name. */
export { HttpUser as AsyncHttpUser };

/**
 * Why a user class cannot do what `--insecure` asks for, as a sentence for the person at the command
 * line; null where it can. To be asked before anything starts.
 */
export function insecureProblem(userClass: UserClass): string | null {
  if (!(userClass.prototype instanceof HttpUser)) return null;
  return `--insecure: ${userClass.name} is an HttpUser, and native fetch always verifies ` +
    "certificates; let it extend FastHttpUser instead, which can accept any";
}
