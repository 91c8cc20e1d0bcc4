/**
 * Text that others have chosen, made safe for sending. It is apart from `text.ts`, because it needs
 * `node:crypto`, whose loading every start of the command would otherwise wait for.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/**
 * Makes text sendable. Text that is too long is cut, lone surrogates are replaced because UTF-8
 * cannot encode them, and so is a leading byte order mark because decoders drop it. Changed text
 * ends with a digest of the original, so that two different names stay different.
 *
 * @param max UTF-16 units that the result may have; at least 9, for the digest.
 */
export function clippedText(text: string, max: number): string {
  if (text.length <= max && !text.startsWith(BYTE_ORDER_MARK) && text.isWellFormed()) return text;
  const digest = createHash("sha256").update(Buffer.from(text, "utf16le")).digest("hex");
  const end = `…${digest.slice(0, DIGEST_DIGITS)}`;
  const kept = text.slice(0, max - end.length).toWellFormed();
  return (kept.startsWith(BYTE_ORDER_MARK) ? REPLACEMENT + kept.slice(1) : kept) + end;
}

const BYTE_ORDER_MARK = "\ufeff";

const DIGEST_DIGITS = 8;

/** Stands for what UTF-8 cannot encode. */
const REPLACEMENT = "\ufffd";
