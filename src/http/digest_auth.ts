/**
 * HTTP Digest authentication (RFC 7616).
 *
 * @module
 */

import { createHash } from "node:crypto";
import { setBounded } from "../core/bounded_map.ts";
import type { Random } from "../core/clock.ts";
import type { WireBody, WireRequest } from "./transport.ts";

/** User and password for Digest authentication. */
export interface DigestCredentials {
  readonly user: string;
  readonly password: string;
}

/** What a server demands. */
interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  /** `null` if the server sends none. */
  readonly opaque: string | null;
  /** As the server writes it; `null` if it does not name one. */
  readonly algorithm: string | null;
  /** What `node:crypto` calls the algorithm. */
  readonly hash: string;
  /** Whether the session of the nonce is part of the secret. */
  readonly isSession: boolean;
  /** The kinds of protection that the server offers; empty for the old scheme without any. */
  readonly protections: readonly Protection[];
  /** Whether the name of the user is sent as a hash. */
  readonly hidesUser: boolean;
  /** Whether the server expects UTF-8. */
  readonly isUtf8: boolean;
  /** Whether credentials were right, and only their nonce is too old. */
  readonly isStale: boolean;
  /** Prefixes of the URLs that the credentials are for; empty for all of the origin. */
  readonly urls: readonly string[];
}

/** Of the request alone, or also of its body. */
type Protection = "auth" | "auth-int";

/** A challenge, and what is reused for all requests that answer it. */
interface ProtectionSpace {
  readonly challenge: Challenge;
  readonly credentials: DigestCredentials;
  readonly clientNonce: string;
  readonly secret: string;
  /** How many requests have used the nonce. */
  uses: number;
}

/** What is known of a request when it is authorized. */
type DigestRequest = Pick<WireRequest, "method" | "url" | "body">;

/** A target can redirect to any number of origins. */
const MAX_SPACES = 32;

/** What one user knows of the servers that have asked for Digest authentication. */
export class DigestAuth {
  readonly #makeNonce: () => string;
  readonly #spaces = new Map<string, ProtectionSpace>();

  /** @param makeNonce makes client nonces. */
  constructor(makeNonce: () => string) {
    this.#makeNonce = makeNonce;
  }

  /** The Authorization header of a request; `null` if its server has not asked for one yet. */
  authorization(credentials: DigestCredentials, request: DigestRequest): string | null {
    const space = this.#spaces.get(keyOf(credentials, request.url));
    if (space === undefined || space.credentials.password !== credentials.password) return null;
    const { urls } = space.challenge;
    if (urls.length > 0 && !urls.some((prefix) => request.url.href.startsWith(prefix))) return null;
    return authorizationOf(space, request);
  }

  /**
   * Reads the challenge of a response with status 401, for later requests. Returns `null` if there is none that
   * can be answered, or else whether the credentials were right and only their nonce is too old.
   *
   * @param header the values of `WWW-Authenticate`, joined by commas.
   */
  learn(
    credentials: DigestCredentials,
    url: URL,
    header: string | null,
  ): { readonly isStale: boolean } | null {
    const challenge = header === null ? null : challengeOf(header, url);
    if (challenge === null) return null;
    const clientNonce = this.#makeNonce();
    const space = {
      challenge,
      credentials,
      clientNonce,
      secret: secretOf(challenge, credentials, clientNonce),
      uses: 0,
    };
    setBounded(this.#spaces, keyOf(credentials, url), space, MAX_SPACES);
    return challenge;
  }
}

/** A client nonce, which need only be different from others. */
export function clientNonce(random: Random): string {
  const part = (): string => Math.floor(random() * 2 ** 32).toString(16).padStart(8, "0");
  return part() + part();
}

function keyOf({ user }: DigestCredentials, { origin }: URL): string {
  return `${origin} ${user}`;
}

/** Texts of a server are bytes with one character each; those of a test are sent as UTF-8. */
function digest(hash: string, ...parts: readonly (string | Uint8Array)[]): string {
  const hashed = createHash(hash);
  parts.forEach((part, index) => {
    if (index > 0) hashed.update(":");
    if (typeof part === "string") hashed.update(part, "latin1");
    else hashed.update(part);
  });
  return hashed.digest("hex");
}

const encoder = new TextEncoder();

/** The part of an answer that depends on the password: `H(A1)`. */
function secretOf(
  { hash, realm, nonce, isSession }: Challenge,
  { user, password }: DigestCredentials,
  clientNonce: string,
): string {
  const secret = digest(hash, encoder.encode(user), realm, encoder.encode(password));
  return isSession ? digest(hash, secret, nonce, clientNonce) : secret;
}

/** The value of an Authorization header; `null` if the server demands what cannot be done with this body. */
function authorizationOf(space: ProtectionSpace, request: DigestRequest): string | null {
  const { challenge, credentials, clientNonce, secret } = space;
  const { hash, realm, nonce, opaque, algorithm, protections, hidesUser } = challenge;
  const { method, url, body } = request;
  const protection = protections.includes("auth") ? "auth" : protections[0] ?? null;
  const bodyHash = protection === "auth-int" ? hashOfBody(hash, body) : "";
  if (bodyHash === null) return null;
  const uri = url.pathname + url.search;
  const action = protection === "auth-int"
    ? digest(hash, method, uri, bodyHash)
    : digest(hash, method, uri);
  const fields = [
    hidesUser
      ? `username="${digest(hash, encoder.encode(credentials.user), realm)}"`
      : userField(credentials.user, challenge.isUtf8),
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
  ];
  if (protection === null) {
    fields.push(`response="${digest(hash, secret, nonce, action)}"`);
  } else {
    const uses = (++space.uses).toString(16).padStart(8, "0");
    const response = digest(hash, secret, nonce, uses, clientNonce, protection, action);
    fields.push(`qop=${protection}`, `nc=${uses}`, `cnonce="${clientNonce}"`);
    fields.push(`response="${response}"`);
  }
  if (algorithm !== null) fields.push(`algorithm=${algorithm}`);
  if (opaque !== null) fields.push(`opaque=${quoted(opaque)}`);
  if (hidesUser) fields.push("userhash=true");
  return `Digest ${fields.join(", ")}`;
}

/** `null` for a stream, which could only be hashed after it was sent. */
function hashOfBody(hash: string, body: WireBody): string | null {
  return body instanceof ReadableStream ? null : digest(hash, body ?? "");
}

function userField(user: string, isUtf8: boolean): string {
  const isAscii = /^[\x20-\x7e]*$/.test(user);
  if (isUtf8 && !isAscii) return `username*=UTF-8''${escaped(user)}`;
  const bytes = isAscii ? user : String.fromCharCode(...encoder.encode(user));
  return `username=${quoted(bytes)}`;
}

/** Like encodeURIComponent, which leaves some characters that RFC 8187 does not allow, and refuses others. */
function escaped(text: string): string {
  return [...encoder.encode(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[\w!#$&+.^`|~-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** The names of `node:crypto`, by those of challenges in lower case. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ["md5", "md5"],
  ["sha-256", "sha256"],
  ["sha-512-256", "sha512-256"],
]);

/** The first Digest challenge that can be answered, as servers put the best one first; `null` if there is none. */
function challengeOf(header: string, url: URL): Challenge | null {
  for (const { scheme, fields } of challengesOf(header)) {
    const challenge = scheme === "digest" ? readChallenge(fields, url) : null;
    if (challenge !== null) return challenge;
  }
  return null;
}

function readChallenge(fields: ReadonlyMap<string, string>, url: URL): Challenge | null {
  const realm = fields.get("realm");
  const nonce = fields.get("nonce");
  const algorithm = fields.get("algorithm") ?? null;
  const [, name = "", session = ""] = /^(.*?)(-sess)?$/.exec((algorithm ?? "MD5").toLowerCase())!;
  const hash = HASHES.get(name);
  const offered = fields.get("qop")?.toLowerCase().split(",").map((one) => one.trim());
  const protections = offered?.filter((one) => one === "auth" || one === "auth-int") ?? [];
  const isKnown = offered === undefined || protections.length > 0;
  if (realm === undefined || nonce === undefined || hash === undefined || !isKnown) return null;
  const isTrue = (name: string): boolean => fields.get(name)?.toLowerCase() === "true";
  return {
    realm,
    nonce,
    opaque: fields.get("opaque") ?? null,
    algorithm,
    hash,
    isSession: session !== "",
    protections,
    hidesUser: isTrue("userhash"),
    isUtf8: fields.get("charset")?.toLowerCase() === "utf-8",
    isStale: isTrue("stale"),
    urls: urlsOf(fields.get("domain") ?? "", url),
  };
}

/** The URLs of a `domain` that are of the server itself. */
function urlsOf(domain: string, { origin }: URL): string[] {
  return domain.split(/\s+/).filter((text) => text !== "").flatMap((text) => {
    const url = URL.parse(text, origin);
    return url === null || url.origin !== origin ? [] : [url.href];
  });
}

/** One challenge of any scheme, with the names of its fields in lower case. */
interface RawChallenge {
  readonly scheme: string;
  readonly fields: Map<string, string>;
}

/** The challenges in the values of `WWW-Authenticate`. What follows an error in them is ignored. */
function challengesOf(header: string): RawChallenge[] {
  const found: RawChallenge[] = [];
  let at = 0;
  const next = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match === null) return null;
    at = pattern.lastIndex;
    return match[1] ?? match[0];
  };
  for (;;) {
    next(/[\s,]*/y);
    const name = next(TOKEN);
    if (name === null) return found;
    next(/\s*/y);
    if (next(/=\s*/y) === null) {
      found.push({ scheme: name.toLowerCase(), fields: new Map() });
      next(TOKEN_68);
      continue;
    }
    const text = next(/"((?:[^"\\]|\\[^])*)"/y)?.replaceAll(/\\([^])/g, "$1") ?? next(TOKEN);
    const fields = found.at(-1)?.fields;
    if (text === null || fields === undefined) return found;
    if (!fields.has(name.toLowerCase())) fields.set(name.toLowerCase(), text);
  }
}

const TOKEN = /[\w!#$%&'*+.^`|~-]+/y;

/** What some schemes have instead of fields, such as `Negotiate YII=`. */
const TOKEN_68 = /[\w.~+/-]+=*(?=\s*(?:,|$))/y;
