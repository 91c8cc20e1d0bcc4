import type { Identity } from "./raw_server.ts";

/** The certificates that tests serve with; certs/make.sh makes them. */
export const IDENTITIES = ["good", "expired", "wrong_host", "self_signed"] as const;

/** Who signed all of {@link IDENTITIES} but `self_signed`, in PEM; no system trusts it. */
export function testAuthority(): string {
  return read("ca.pem");
}

/** One of the certificates with its key: for 127.0.0.1 and localhost, but for `wrong_host`. */
export function identity(name: typeof IDENTITIES[number]): Identity {
  return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
}

/**
 * A client certificate with its key: signed by {@link testAuthority}, the same as a certificate of version 1,
 * and one that is self-signed.
 */
export function clientIdentity(name: "client" | "client_v1" | "client_stranger"): Identity {
  return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
}

/** The key of `client`, encrypted with a password. */
export function encryptedClientKey(): string {
  return read("client_encrypted.key");
}

function read(name: string): string {
  return Deno.readTextFileSync(new URL(`./certs/${name}`, import.meta.url));
}
