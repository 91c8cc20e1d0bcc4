/**
 * Looking into a head that the parser has found to be well-formed.
 *
 * @module
 */

import { BLANK, CLASSES, COLON, LF } from "./byte_classes.ts";

/** Longer texts are made of pieces, because a function takes only so many arguments. */
const MAX_ARGUMENTS = 4096;

/**
 * All of a head's fields.
 *
 * ```ts
 * import { headersOf } from "./head_fields.ts";
 * import assert from "node:assert/strict";
 *
 * const head = new TextEncoder().encode("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nVia: a\r\nvia: b\r\n\r\n");
 * assert.deepEqual([...headersOf(head)], [["etag", '"1"'], ["via", "a, b"]]);
 * ```
 */
export function headersOf(head: Uint8Array): Headers {
  const headers = new Headers();
  eachField(head, (nameStart, nameEnd, valueStart, valueEnd) => {
    headers.append(latin1(head, nameStart, nameEnd), latin1(head, valueStart, valueEnd));
  });
  return headers;
}

/** The value of every `Set-Cookie`, in their order. */
export function setCookiesOf(head: Uint8Array): string[] {
  return valuesOf(head, "set-cookie");
}

/** A field's value, those of several joined as {@link Headers} does; null where there is none. */
export function fieldOf(head: Uint8Array, lowerName: string): string | null {
  const values = valuesOf(head, lowerName);
  return values.length === 0 ? null : values.join(", ");
}

function valuesOf(head: Uint8Array, lowerName: string): string[] {
  const values: string[] = [];
  eachField(head, (nameStart, nameEnd, valueStart, valueEnd) => {
    if (nameEnd - nameStart !== lowerName.length) return;
    for (let i = 0; i < lowerName.length; i++) {
      if (lowerCase(head[nameStart + i]!) !== lowerName.charCodeAt(i)) return;
    }
    values.push(latin1(head, valueStart, valueEnd));
  });
  return values;
}

type Visit = (nameStart: number, nameEnd: number, valueStart: number, valueEnd: number) => void;

function eachField(head: Uint8Array, visit: Visit): void {
  // The last line is the empty one.
  const end = head.length - 2;
  for (let at = head.indexOf(LF) + 1; at < end;) {
    const nameStart = at;
    while (head[at] !== COLON) at++;
    const nameEnd = at++;
    while (isBlank(head[at]!)) at++;
    const valueStart = at;
    while (head[at] !== LF) at++;
    let valueEnd = at++ - 1;
    while (valueEnd > valueStart && isBlank(head[valueEnd - 1]!)) valueEnd--;
    visit(nameStart, nameEnd, valueStart, valueEnd);
  }
}

function isBlank(byte: number): boolean {
  return (CLASSES[byte]! & BLANK) !== 0;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** Each byte is a character, as `fetch` has it; the runtime's own latin1 is Windows' instead. */
function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at += MAX_ARGUMENTS) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(to, at + MAX_ARGUMENTS)));
  }
  return text;
}
