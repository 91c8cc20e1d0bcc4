/**
 * What a peer says, as it may stand in a log: on one line, not too long, and without anything that a
 * terminal would obey. Nobody has let the peer in yet.
 *
 * ```ts
 * import { peerText } from "./peer_text.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(peerText("busy\nINFO all is well\x1b[2J"), "busy?INFO all is well?[2J");
 * assert.equal(peerText("x".repeat(2_000)).length, 500);
 * ```
 */
export function peerText(text: string): string {
  const line = text.toWellFormed().replaceAll(NOT_PLAIN, "?");
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line;
}

const MAX_LENGTH = 500;

/** Control characters, ends of lines, and what is not seen or turns the direction of a line. */
const NOT_PLAIN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
