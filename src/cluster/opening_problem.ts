import { errorText } from "../core/errors.ts";

/**
 * Why a connection with the master cannot be opened, for whoever has started the worker.
 *
 * ```ts
 * import { openingProblem } from "./opening_problem.ts";
 * import assert from "node:assert/strict";
 *
 * const refused = new Deno.errors.ConnectionRefused("Connection refused (os error 111)");
 * assert.equal(openingProblem(refused), "nobody listens there");
 * ```
 */
export function openingProblem(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) return "nobody listens there";
  if (error instanceof Deno.errors.InvalidData) {
    if (error.message.endsWith("UnknownIssuer")) {
      return "its certificate is not signed by the authority in --tls-ca";
    }
    if (error.message.includes("InvalidContentType")) {
      return "it does not speak TLS; where workers have --tls-ca, the master needs --tls-cert";
    }
    return error.message;
  }
  return errorText(error);
}
