import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/**
 * What a peer says, as it may stand in a log: on one line, not too long, and without anything that a
 * terminal would obey. Nobody has let the peer in yet.
 */
export function peerText(text: string): string {
  const line = text.toWellFormed().replaceAll(NOT_PLAIN, "?");
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line;
}

const MAX_LENGTH = 500;

/** Control characters, ends of lines, and what is not seen or turns the direction of a line. */
const NOT_PLAIN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Digits of the digest that a changed text ends with. */
const DIGEST_DIGITS = 8;

/**
 * A text as it can be sent. One that is too long is cut; what UTF-8 cannot carry is replaced, and so is
 * a byte order mark in front, which decoders drop. What was changed ends with a digest of what it was:
 * names that were two stay two, whoever adds them up.
 *
 * @param max UTF-16 units that the text may have; enough for the digest.
 */
export function clippedText(text: string, max: number): string {
  if (text.length <= max && !text.startsWith(BYTE_ORDER_MARK) && text.isWellFormed()) return text;
  const digest = createHash("sha256").update(Buffer.from(text, "utf16le")).digest("hex");
  const end = `…${digest.slice(0, DIGEST_DIGITS)}`;
  const kept = text.slice(0, max - end.length).toWellFormed();
  return (kept.startsWith(BYTE_ORDER_MARK) ? REPLACEMENT + kept.slice(1) : kept) + end;
}

const BYTE_ORDER_MARK = "\ufeff";
const REPLACEMENT = "\ufffd";
