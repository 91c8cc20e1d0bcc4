/**
 * The servers and security schemes of OpenAPI documents.
 *
 * @module
 */

import { asList, asObject, asText, type Json } from "./document.ts";

/** Where an API is. */
export interface Server {
  readonly url: string;
  /** Such as `https://shop.example`. */
  readonly origin: string;
  /** The path before those of the operations, without a slash at its end. */
  readonly base: string;
}

/** The server of a document that names none. */
export const NO_SERVER: Server = { url: "", origin: "http://127.0.0.1:8000", base: "" };

/** The first server of a list that has an absolute URL, or else only a path; `null` if there is none. */
export function serverOf(servers: readonly unknown[]): Server | null {
  const found = servers.flatMap((server) => {
    const { url, variables } = asObject(server);
    const filled = asText(url).replaceAll(/\{([^{}]+)\}/g, (_, name) => {
      const { default: value, enum: values } = asObject(asObject(variables)[name]);
      return String(value ?? asList(values)[0] ?? name);
    });
    const parsed = URL.parse(filled, NO_SERVER.origin);
    if (parsed === null || !/^https?:$/.test(parsed.protocol) || filled === "") return [];
    return [{ url: filled, origin: parsed.origin, base: parsed.pathname.replace(/\/+$/, "") }];
  });
  return found.find(({ url }) => /^https?:/i.test(url)) ?? found[0] ?? null;
}

/** Whether a security scheme can be converted. */
export function isSupported(scheme: Json): boolean {
  return kindOfScheme(scheme) !== null;
}

/** What a request needs for a security scheme; `null` if it is not converted. */
export function kindOfScheme(
  { type, scheme, name, in: place }: Json,
): "basic" | "digest" | "bearer" | "apiKey" | null {
  if (type === "oauth2" || type === "openIdConnect") return "bearer";
  if (type === "apiKey") {
    return typeof name === "string" && ["header", "query", "cookie"].includes(asText(place))
      ? "apiKey"
      : null;
  }
  const lower = asText(scheme).toLowerCase();
  return type === "http" && (lower === "basic" || lower === "digest" || lower === "bearer")
    ? lower
    : null;
}
