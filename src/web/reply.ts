/**
 * Answers, all of them with the headers that keep a browser from doing anything else with them.
 *
 * @module
 */

/** A status that says no, and why. */
export interface Refusal {
  readonly status: number;
  /** A sentence. */
  readonly error: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is answered beside a body. */
export interface ReplyOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const HEADERS = {
  "Content-Security-Policy":
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** An answer of any type. @param type the body's media type. */
export function reply(
  type: string,
  body: BodyInit | null,
  { status = 200, headers = {} }: ReplyOptions = {},
): Response {
  return new Response(body, { status, headers: { ...HEADERS, "Content-Type": type, ...headers } });
}

/** An answer in JSON. */
export function jsonReply(value: unknown, options: ReplyOptions = {}): Response {
  return reply("application/json; charset=utf-8", `${JSON.stringify(value)}\n`, options);
}

/** An answer that says no. */
export function refusalReply({ status, error, headers = {} }: Refusal): Response {
  return jsonReply({ error }, { status, headers });
}
