/**
 * How connections of TLS are set up, and the checks of what users write.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { messageText, UsageError } from "../core/errors.ts";
import { didYouMean, nearestWord } from "../core/spelling.ts";
import { shown } from "../core/text.ts";

/** The oldest version of TLS that a connection can be required to use. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** How to connect with TLS, checked and complete. Certificates and keys are PEM texts. */
export interface TlsSettings {
  /** The client's certificate, followed by its intermediate certificates; `null` for none. */
  readonly cert: string | null;
  /** The private key of {@link cert}. */
  readonly key: string | null;
  /** Trusted authorities, in addition to those of the system. */
  readonly ca: readonly string[];
  /** The name that is sent (SNI) and that the certificate is checked against; `null`: the URL's. */
  readonly serverName: string | null;
  /** `null`: the runtime's choice, TLS 1.2. */
  readonly minVersion: TlsVersion | null;
  /** `false`: each connection must make a full handshake. `null`: as the transport does it. */
  readonly resume: false | null;
  /** Whether to accept any certificate. */
  readonly insecure: boolean;
  /** Whether to connect in the way that tells most about the handshake; default: in the fastest way. */
  readonly isInspected?: boolean;
}

/** No client certificate, the system's authorities, and full handshakes. */
export const DEFAULT_TLS: TlsSettings = Object.freeze({
  cert: null,
  key: null,
  ca: Object.freeze([]),
  serverName: null,
  minVersion: null,
  resume: null,
  insecure: false,
});

/**
 * How users of a class connect with TLS. Certificates and keys are texts in PEM, not names of files.
 *
 * ```ts
 * import { FastHttpUser } from "aiotest";
 *
 * export class BankTest extends FastHttpUser {
 *   static override host = "https://bank.test";
 *   static override tls = ({ id }: FastHttpUser) => ({
 *     cert: Deno.readTextFileSync(`client${id}.pem`),
 *     key: Deno.readTextFileSync(`client${id}.key`),
 *   });
 *
 *   async testAccounts(): Promise<void> {
 *     await this.session.get("/accounts");
 *   }
 * }
 * ```
 */
export interface TlsOptions {
  /** The client's certificate, followed by intermediate certificates, if there are any. */
  readonly cert?: string;
  /** The private key of the certificate, without a password. */
  readonly key?: string;
  /** Authorities to trust, in addition to those of the system. */
  readonly ca?: string | readonly string[];
  /** The name that is sent (SNI) and that the certificate is checked against, instead of the URL's. */
  readonly serverName?: string;
  /** The oldest version of TLS to accept. */
  readonly minVersion?: TlsVersion;
  /**
   * `false`: no connection resumes the session of an earlier one. Those of a FastHttpUser never do, while
   * an HttpUser resumes its own sessions and cannot be told not to.
   */
  readonly resume?: false;
}

/**
 * Checks what a user has written.
 *
 * @param input {@link TlsOptions}, of any type in fact.
 * @param place where it is written, such as `ShopTest.tls`.
 * @param placeOf where a member is written, for messages; `place.member` by default.
 * @param defaults what applies for members that are not given. A certificate and its key go together.
 * @throws UsageError that names the place, and says what is accepted.
 */
export function tlsSettings(
  input: unknown,
  place: string,
  placeOf: (member: keyof TlsOptions) => string = (member) => `${place}.${member}`,
  defaults: TlsSettings = DEFAULT_TLS,
): TlsSettings {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new UsageError(
      `${place} = ${shown(input)}: must be an object with ${MEMBERS.join(", ")}`,
    );
  }
  checkMembers(input, place);
  const { cert, key, ca, serverName, minVersion, resume } = input as Record<string, unknown>;
  const pair = clientCertificate(cert, key, placeOf);
  const settings: TlsSettings = {
    cert: pair === null ? defaults.cert : pair.cert,
    key: pair === null ? defaults.key : pair.key,
    ca: isMissing(ca) ? defaults.ca : authorities(ca, placeOf("ca")),
    serverName: isMissing(serverName)
      ? defaults.serverName
      : checkServerName(serverName, placeOf("serverName")),
    minVersion: isMissing(minVersion)
      ? defaults.minVersion
      : checkVersion(minVersion, placeOf("minVersion")),
    resume: isMissing(resume) ? defaults.resume : checkResume(resume, placeOf("resume")),
    insecure: defaults.insecure,
  };
  return Object.freeze(settings);
}

const MEMBERS: readonly (keyof TlsOptions)[] = [
  "cert",
  "key",
  "ca",
  "serverName",
  "minVersion",
  "resume",
];

/** What other programs call the members. */
const OTHER_NAMES: ReadonlyMap<string, keyof TlsOptions> = new Map([
  ["certificate", "cert"],
  ["clientcert", "cert"],
  ["privatekey", "key"],
  ["clientkey", "key"],
  ["cacert", "ca"],
  ["cacerts", "ca"],
  ["sni", "serverName"],
  ["hostname", "serverName"],
  ["version", "minVersion"],
  ["minimumversion", "minVersion"],
  ["session", "resume"],
]);

function isMissing(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function checkMembers(input: object, place: string): void {
  for (const name of Object.keys(input)) {
    if (MEMBERS.some((member) => member === name)) continue;
    const hint = /insecure|rejectunauthorized/i.test(name)
      ? "To accept any certificate, use --insecure."
      : didYouMean(
        nearestWord(name, MEMBERS, { otherNames: OTHER_NAMES }),
        `It can have ${MEMBERS.join(", ")}.`,
      );
    throw new UsageError(`${place}.${name}: unknown member`, hint);
  }
}

function clientCertificate(
  cert: unknown,
  key: unknown,
  placeOf: (member: keyof TlsOptions) => string,
): { readonly cert: string; readonly key: string } | null {
  if (isMissing(cert) && isMissing(key)) return null;
  if (isMissing(key)) {
    throw new UsageError(`${placeOf("cert")}: a certificate without its private key`, KEY_HINT);
  }
  if (isMissing(cert)) {
    throw new UsageError(
      `${placeOf("key")}: a private key without its certificate`,
      "Give the certificate as well.",
    );
  }
  const [certificate] = certificates(cert, placeOf("cert"));
  const privateKey = readKey(key, placeOf("key"));
  if (!matches(certificate!, privateKey)) {
    throw new UsageError(
      `${placeOf("key")}: does not belong to the certificate (${subject(certificate!)})`,
      "The certificate of this key comes first, before those that signed it.",
    );
  }
  return { cert: cert as string, key: key as string };
}

const KEY_HINT = "Give the private key as well.";

function matches(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    return false;
  }
}

function subject({ subject }: X509Certificate): string {
  return subject.trim().replaceAll("\n", ", ");
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** The certificates of a text in PEM, at least one. */
function certificates(value: unknown, place: string): X509Certificate[] {
  const text = pemText(value, place, "a certificate");
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) {
    throw new UsageError(
      /PRIVATE KEY-----/.test(text)
        ? `${place}: a private key where a certificate is expected`
        : `${place}: no complete certificate between BEGIN CERTIFICATE and END CERTIFICATE`,
    );
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      const which = blocks.length === 1 ? "the certificate" : `certificate ${index + 1}`;
      throw new UsageError(
        `${place}: ${which} cannot be read (${messageText(error)})`,
        "",
        error,
      );
    }
  });
}

function readKey(value: unknown, place: string): KeyObject {
  const text = pemText(value, place, "a private key");
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw new UsageError(
      `${place}: the private key is encrypted with a password`,
      "Decrypt it: openssl pkey -in encrypted.key -out plain.key",
    );
  }
  if (!/-----BEGIN (RSA |EC )?PRIVATE KEY-----/.test(text)) {
    throw new UsageError(
      `${place}: no private key in PEM`,
      "It must begin with -----BEGIN PRIVATE KEY-----, RSA PRIVATE KEY or EC PRIVATE KEY.",
    );
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (error) {
    throw new UsageError(
      `${place}: the private key cannot be read (${messageText(error)})`,
      "",
      error,
    );
  }
  if (!isSupported(key)) {
    throw new UsageError(
      `${place}: TLS cannot use this kind of key (${kindOf(key)})`,
      "Use RSA with at least 2048 bits, ECDSA with P-256, P-384 or P-521, or Ed25519.",
    );
  }
  return key;
}

const CURVES: readonly (string | undefined)[] = ["prime256v1", "secp384r1", "secp521r1"];

/** Whether the runtime's TLS can sign with a key. */
function isSupported(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
): boolean {
  if (type === "rsa") return (details?.modulusLength ?? 0) >= 2048;
  return type === "ed25519" || (type === "ec" && CURVES.includes(details?.namedCurve));
}

function kindOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  const size = details?.namedCurve ?? details?.modulusLength;
  return size === undefined ? `${type}` : `${type}, ${size}`;
}

/** A path where a text is expected is the most likely mistake. */
function pemText(value: unknown, place: string, kind: string): string {
  if (typeof value !== "string") {
    throw new UsageError(`${place}: must be ${kind} in PEM, as a string`);
  }
  if (/-----BEGIN /.test(value)) return value;
  const looksLikePath = /^[^\n]{1,200}\.\w{1,5}$/.test(value.trim());
  throw looksLikePath
    ? new UsageError(
      `${place} = ${shown(value)}: must be ${kind} in PEM, not the name of a file`,
      `Read the file: Deno.readTextFileSync(${JSON.stringify(value)})`,
    )
    : new UsageError(
      `${place}: not ${kind} in PEM`,
      "PEM is text that begins with -----BEGIN. A file in DER can be converted by openssl.",
    );
}

function authorities(value: unknown, place: string): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const [index, text] of texts.entries()) {
    certificates(text, Array.isArray(value) ? `${place}[${index}]` : place);
  }
  return Object.freeze(texts.map(String));
}

function checkServerName(value: unknown, place: string): string {
  const isName = typeof value === "string" && value !== "" && value.length <= 253 &&
    isIP(value) === 0 && /^[\w-]+(\.[\w-]+)*\.?$/.test(value);
  if (isName) return value;
  throw new UsageError(
    `${place} = ${shown(value)}: must be the name of a host, such as "example.com"`,
  );
}

function checkVersion(value: unknown, place: string): TlsVersion {
  if (value === "TLSv1.2" || value === "TLSv1.3") return value;
  throw new UsageError(`${place} = ${shown(value)}: must be "TLSv1.2" or "TLSv1.3"`);
}

function checkResume(value: unknown, place: string): false {
  if (value === false) return value;
  throw new UsageError(
    `${place} = ${shown(value)}: must be false, or left out`,
    "A FastHttpUser cannot resume sessions: each of its connections makes a full handshake.",
  );
}
