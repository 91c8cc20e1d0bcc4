/**
 * Checks of user classes that have a session: host, static fields, and a name of Locust.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { asText, hideCredentials } from "../core/text.ts";
import { expectedOfHeaders } from "../http/session_headers.ts";
import type { ClassOptions, FieldCheck, User } from "./user.ts";

/**
 * Checks the host of a user class that has a session. Without a host, its tests must use absolute URLs.
 *
 * @param classHost the class's own host, which `--host` replaces.
 * @throws UsageError if the host is not the URL of an HTTP server.
 */
export function checkHttpHost(classHost: string, { name, host }: ClassOptions): void {
  const url = host ?? classHost;
  const problem = hostProblem(url);
  if (problem === null) return;
  const text = hideCredentials(asText(url));
  throw new UsageError(
    host === null
      ? `${name}.host is ${JSON.stringify(text)}: ${problem.expected}`
      : `--host ${text}: ${problem.expected}, because ${name} sends HTTP requests`,
    problem.hint,
  );
}

/** What is wrong with a host; `null` if it is valid, or empty. */
function hostProblem(text: string): { readonly expected: string; readonly hint: string } | null {
  if (text === "") return null;
  const url = /^https?:\/\/[^\s]+$/i.test(text) ? URL.parse(text) : null;
  if (url === null) {
    const expected = "expected a URL that starts with http:// or https://";
    return { expected, hint: hostHint(text) };
  }
  // A relative URL would be appended to it.
  if (!/[?#]/.test(text)) return null;
  return {
    expected: "expected a URL without a query and fragment",
    hint: "Write the query in the URLs of the requests, or as their option params.",
  };
}

/** The host that was probably meant. */
function hostHint(text: string): string {
  const trimmed = text.trim();
  const [, scheme = "", rest = trimmed] = /^([a-z]*)(?::\/+|\/\/)(.*)$/i.exec(trimmed) ?? [];
  const guess = `${/s$/i.test(scheme) ? "https" : "http"}://${rest}`;
  return /\s/.test(guess) || rest === "" || !URL.canParse(guess)
    ? ""
    : `Did you mean ${hideCredentials(guess)}?`;
}

/** Checks the static fields of a user class that limit its requests and responses. */
export function checkHttpLimits(check: FieldCheck, ...timeLimits: readonly string[]): void {
  for (const field of timeLimits) {
    check(
      field,
      (value) => typeof value === "number" && value > 0,
      "a number of seconds over 0, or Infinity for no limit",
    );
  }
  check(
    "maxBodySize",
    (value) => typeof value === "number" && value >= 0,
    "a number of bytes, 0 or more, or Infinity for no limit",
  );
  check(
    "maxRedirects",
    (value) => value === Infinity || (Number.isInteger(value) && (value as number) >= 0),
    "a whole number of 0 or more, or Infinity for no limit",
  );
}

/** Checks the static fields of a user class about its sessions: how long they last, and their headers. */
export function checkSessionFields(check: FieldCheck, headers: unknown): void {
  check("session", (value) => value === "user" || value === "iteration", '"user" or "iteration"');
  const expected = expectedOfHeaders(headers);
  if (expected !== null) check("headers", () => false, expected);
}

/**
 * Makes users say what to write if a test uses Locust's name of the session. It is not part of their types, and a
 * user can have a `client` of its own.
 */
export function explainClient(prototype: User): void {
  Object.defineProperty(prototype, "client", {
    configurable: true,
    get(): never {
      throw new TypeError("this.client is not part of aiotest: use this.session");
    },
    set(this: User, value: unknown): void {
      const own = { value, writable: true, enumerable: true, configurable: true };
      Object.defineProperty(this, "client", own);
    },
  });
}
