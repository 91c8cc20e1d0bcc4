/**
 * Names of requests, classes and tests, from the URLs that they are for.
 *
 * @module
 */

import { pascalCase } from "./code.ts";
import type { Call, Text } from "./draft.ts";

/**
 * The name of a request in reports: its path, with `:id` for what looks like an identifier, so that there is a
 * name for each kind of request and not one for each order.
 */
export function requestName(path: Text): string {
  const parts = typeof path === "string" ? [path] : path.parts;
  const text = parts.map((part) =>
    typeof part === "string" ? part : part.kind === "host" ? "" : `:${part.name}`
  ).join("");
  return text.split("/").map((segment) => {
    if (segment.startsWith(":")) return segment;
    return looksLikeId(segment) ? ":id" : segment;
  }).join("/");
}

/** Whether a segment of a path names one thing of many. */
export function looksLikeId(segment: string): boolean {
  if (/^\d+$/.test(segment)) return true;
  if (/^[\da-f]{8}-?(?:[\da-f]{4}-?){3}[\da-f]{12}$/i.test(segment)) return true;
  if (/^[\da-f]{12,}$/i.test(segment) && /\d/.test(segment)) return true;
  // Other random text: long, with digits among letters, and not made of words.
  if (!/^[\w-]{10,}$/.test(segment)) return false;
  const digits = segment.match(/\d/g)?.length ?? 0;
  const hasBothCases = /[a-z]/.test(segment) && /[A-Z]/.test(segment);
  return digits >= 2 && (hasBothCases || digits * 4 >= segment.length) &&
    !/^v?\d+[-.]/.test(segment);
}

/** What the service of an origin is called, such as `Shop` for `https://www.shop.example`. */
export function serviceName(origin: string): string {
  const { hostname } = new URL(origin);
  if (/^[\d.]+$|:|^localhost$/.test(hostname)) return "Service";
  const labels = hostname.split(".");
  const names = labels.length === 1 ? labels : labels.slice(0, -1);
  return pascalCase(names.find((label) => !GENERAL.has(label)) ?? "", "Service")
    .replace(/^(?=\d)/, "Service");
}

/** Labels of host names that do not tell one service from another. */
const GENERAL: ReadonlySet<string> = new Set(["www", "api", "app", "m", "web"]);

/** The name of the class of an API with this title. */
export function className(title: string): string {
  const name = pascalCase(title.replace(/\btest$/i, ""), "Api");
  return `${/^\d/.test(name) ? "Api" : ""}${name}Test`;
}

/** A name for the test of a single request, such as `testPostOrders`. */
export function testName({ method, url: { path } }: Pick<Call, "method" | "url">): string {
  const words = requestName(path).split("/").filter((segment) => !segment.startsWith(":"));
  return `test${pascalCase(`${method.toLowerCase()} ${words.join(" ")}`, "Request")}`;
}
