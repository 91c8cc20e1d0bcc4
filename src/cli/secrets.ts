/**
 * What must not stand in a report that is handed on.
 *
 * @module
 */

/** Parts of a name, any of which makes what it names a secret. */
const SECRET_PART = /token|secret|passw|passphrase|credential|apikey|private|jwt|bearer/;

/** Words of a name that do. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  ...["auth", "authorization", "cookie", "key", "pass", "passcode", "pin", "pwd", "session", "sig"],
  ...["signature"],
]);

/** Names that seem secret, and are those of files. */
const NO_SECRETS: ReadonlySet<string> = new Set(["tls-key"]);

/**
 * Whether a name is that of something secret, such as a flag of a test file.
 *
 * ```ts
 * import { looksSecret } from "./secrets.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(["apiKey", "shop-password", "keyboard"].map(looksSecret), [true, true, false]);
 * ```
 */
export function looksSecret(name: string): boolean {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, "$1-$2").replaceAll("_", "-").toLowerCase();
  if (NO_SECRETS.has(words)) return false;
  return SECRET_PART.test(words) || words.split("-").some((word) => SECRET_WORDS.has(word));
}

/**
 * A text, but for what is secret in it where it is a URL: user and password, and parameters of that
 * name.
 *
 * ```ts
 * import { publicText } from "./secrets.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(publicText("redis://:s3cret@box:6379/0"), "redis://…@box:6379/0");
 * assert.equal(publicText("https://x.example/?key=1&q=a"), "https://x.example/?key=…&q=a");
 * assert.equal(publicText("a@b"), "a@b");
 * ```
 */
export function publicText(text: string): string {
  const [, scheme] = /^[^]*?([a-z][a-z\d+.-]*:\/\/)/i.exec(text) ?? [];
  if (scheme === undefined) return text;
  const shown = withoutUser(text, scheme);
  return shown.replaceAll(
    /([?&])([^=&#\s]*)=([^&#\s]*)/g,
    (all, mark: string, name: string) => looksSecret(decoded(name)) ? `${mark}${name}=…` : all,
  );
}

/** Where a text is no URL after all, all that may be a password is left out. */
function withoutUser(text: string, scheme: string): string {
  const start = text.indexOf(scheme) + scheme.length;
  const [head, rest] = [text.slice(0, start), text.slice(start)];
  const authority = /^[^/?#\s]*/.exec(rest)![0];
  const at = URL.canParse(scheme + rest) ? authority.lastIndexOf("@") : rest.lastIndexOf("@");
  return at < 0 ? text : `${head}…${rest.slice(at)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
