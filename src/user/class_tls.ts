/**
 * The static field `tls` of user classes that send HTTP requests.
 *
 * @module
 */

import { type SharedHttpState, tlsOf } from "../http/shared_http_state.ts";
import type { TlsOptions, TlsSettings } from "../net/tls_settings.ts";
import type { ClassOptions, User } from "./user.ts";

// The public part of the net layer, which mod.ts must not import itself.
export type { TlsOptions, TlsVersion } from "../net/tls_settings.ts";

/** What a class says about TLS: options, a function that returns those of a user, or `null` for nothing. */
export type ClassTls<AnyUser extends User> = TlsOptions | ((user: AnyUser) => TlsOptions) | null;

/**
 * How all users of a class connect with TLS, by the command line and the class; `null` if a function of the
 * class decides for each user.
 *
 * @throws UsageError that names the class and the member, and says what is accepted.
 */
export function checkTls<AnyUser extends User>(
  tls: ClassTls<AnyUser>,
  { name, connections }: ClassOptions,
): TlsSettings | null {
  return typeof tls === "function" ? null : tlsOf(tls, `${name}.tls`, connections.tls);
}

/**
 * How one user connects with TLS.
 *
 * @throws UsageError if a function of the class does not return options; what the function throws.
 */
export function userTls<AnyUser extends User>(
  user: AnyUser,
  tls: ClassTls<AnyUser>,
  http: SharedHttpState,
): TlsSettings {
  const { name } = user.constructor;
  // A user without a number only shows which tests its class has. It is created before options are checked,
  // and on masters, which may not have the files that the function reads.
  if (user.id === 0) return http.options.tls;
  return typeof tls === "function"
    ? http.tls(tls(user), `${name}.tls()`)
    : http.tls(tls, `${name}.tls`);
}
