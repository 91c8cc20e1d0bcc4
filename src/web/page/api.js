// @ts-check
/// <reference lib="dom" />
/**
 * Requests of the page to its server.
 *
 * @module
 */

import { reasonOf } from "./connection.js";

/** What is written in front of a run that is not there. */
const AWAY = "The server does not answer.";

/**
 * Asks for the stream of events.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<Response>}
 */
export function openStream(signal) {
  return fetch("api/stream", { signal, cache: "no-store", headers: { "X-Aiotest": "1" } });
}

/**
 * Sends a command; rejects with an error whose message is a sentence for people.
 *
 * @param {"start" | "stop" | "target" | "login" | "logout"} command
 * @param {Readonly<Record<string, number | string>>} [body]
 * @returns {Promise<void>}
 */
export async function send(command, body = {}) {
  const request = {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Aiotest": "1" },
    body: JSON.stringify(body),
  };
  const response = await fetch(`api/${command}`, request).catch(() => {
    throw new Error(AWAY);
  });
  if (!response.ok) throw new Error(await reasonOf(response));
  await response.body?.cancel();
}
