/**
 * Hides what may be a secret in requests and responses that are shown.
 *
 * @module
 */

import { hideCredentials } from "./text.ts";

/** What is shown in place of a secret. */
export const HIDDEN = "…";

/** Last words of the names of fields whose values are secrets, in lower case and without separators. */
const SECRET_WORDS =
  /(?:^|-)(?:password|passwd|pwd|passphrase|secret|token|api-?key|access-?key|private-?key|jwt)$/;

/** Whether the value of a header, a parameter or a field with this name is taken for a secret. */
export function isSecretName(name: string): boolean {
  const words = name.replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1-$2").replaceAll(/[_.\s]/g, "-");
  return SECRET_WORDS.test(words.toLowerCase());
}

/** The value of a header without secrets: cookies without their values, and credentials without all but their kind. */
export function maskedHeader(name: string, value: string): string {
  switch (name.toLowerCase()) {
    case "authorization":
    case "proxy-authorization":
      return value.replace(/^(\S+\s+)?.*$/s, (_, scheme = "") => `${scheme}${HIDDEN}`);
    case "cookie":
      return value.split(";").map(maskedPair).join(";");
    case "set-cookie":
      return value.replace(/^[^;]*/, maskedPair);
  }
  return isSecretName(name) ? HIDDEN : maskedUrl(value);
}

function maskedPair(pair: string): string {
  const at = pair.indexOf("=");
  return at < 0 ? pair.trim() === "" ? pair : HIDDEN : `${pair.slice(0, at + 1)}${HIDDEN}`;
}

/** A URL, or a text with URLs, without users, passwords, and the values of parameters that are secrets. */
export function maskedUrl(text: string): string {
  const hidden = text.includes("@") ? hideCredentials(text) : text;
  return hidden.replaceAll(
    /([?&#;])([^=&#;?\s]{1,100})=([^&#;\s]*)/g,
    (all, mark, name) => isSecretName(decoded(name)) ? `${mark}${name}=${HIDDEN}` : all,
  );
}

/** JSON, also a part of it, without the values of fields that are secrets. */
export function maskedJson(text: string): string {
  return text.replaceAll(
    /"((?:[^"\\]|\\.){1,100})"(\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|-?\d[\d.eE+-]*)/g,
    (all, name, colon) => isSecretName(name) ? `"${name}"${colon}"${HIDDEN}"` : all,
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
