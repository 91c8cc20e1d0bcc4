/**
 * What the URLs that tests write mean: where they lead, and what they are reported under.
 *
 * @module
 */

/** A URL as a test wrote it, understood. */
export interface ResolvedUrl {
  /** Absolute, without fragment and credentials; shared, so it must not be changed. */
  readonly url: URL;
  /** The path without its query: the default name of requests. */
  readonly name: string;
  /** The Authorization header that stands for the URL's `user:password@`, or null. */
  readonly authorization: string | null;
}

/** Enough for the fixed URLs of any test; those with an id in them come and go. */
const MAX_ENTRIES = 1000;

/**
 * URLs joined to one host. It keeps the last thousand, because parsing one costs more than most of what
 * else is done for a request; users of the same host can share it.
 */
export class UrlResolver {
  readonly #host: string;
  readonly #known = new Map<string, ResolvedUrl>();

  /** @param host what relative URLs are joined to, path included; may be empty. */
  constructor(host: string) {
    this.#host = host.replace(/\/+$/, "");
  }

  /**
   * Understands a URL.
   *
   * @throws TypeError where it is relative and there is no host, or where it is no HTTP URL.
   */
  resolve(text: string): ResolvedUrl {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const resolved = understand(this.#join(text));
    if (this.#known.size >= MAX_ENTRIES) this.#forgetOldest();
    this.#known.set(text, resolved);
    return resolved;
  }

  #join(text: string): string {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
    if (this.#host === "") {
      throw new TypeError(
        `${JSON.stringify(text)} is relative, and there is no host to join it to`,
      );
    }
    return text === "" || /^[/?#]/.test(text) ? this.#host + text : `${this.#host}/${text}`;
  }

  #forgetOldest(): void {
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

function understand(text: string): ResolvedUrl {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TypeError(`${JSON.stringify(text)} is no URL that begins with http:// or https://`);
  }
  const { username, password } = url;
  const authorization = username === "" && password === ""
    ? null
    : basicAuthorization(decodeURIComponent(username), decodeURIComponent(password));
  url.hash = "";
  url.username = "";
  url.password = "";
  return { url, name: url.pathname, authorization };
}

/** The value of an Authorization header for HTTP's Basic scheme, in UTF-8. */
export function basicAuthorization(user: string, password: string): string {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
