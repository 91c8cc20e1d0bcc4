/**
 * The Huffman code of HPACK (RFC 7541, section 5.2 and appendix B).
 *
 * @module
 */

/**
 * The length of each symbol's code in bits, in base 36: of the 256 bytes, and of the end of a string. The code
 * is canonical, so the lengths define it: shorter codes come first, and among equals those of smaller symbols.
 */
const LENGTHS = "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq" +
  "u";

/** The code of the end of a string: it must not occur in one. */
const EOS = 256;

const SYMBOLS = 257;

const codes = new Uint32Array(SYMBOLS);
const lengths = new Uint8Array(SYMBOLS);

/** For each node of the code tree and the next four bits: the next node, and the byte that they complete. */
const nextNodes = new Int16Array(SYMBOLS * 16);
const emitted = new Int16Array(SYMBOLS * 16);
/** The number of bits of ones that lead to a node, if only those do and they are fewer than eight; else -1. */
const padding = new Int8Array(SYMBOLS);

/** No string leads there. */
const INVALID = -1;
const NOTHING = -1;

buildCodes();
buildTables();

function buildCodes(): void {
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    lengths[symbol] = Number.parseInt(LENGTHS[symbol]!, 36);
  }
  const sorted = Array.from({ length: SYMBOLS }, (_, symbol) => symbol)
    .sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  let code = 0;
  let length = lengths[sorted[0]!]!;
  for (const symbol of sorted) {
    // More than 30 bits never occur, so numbers are exact.
    code *= 2 ** (lengths[symbol]! - length);
    length = lengths[symbol]!;
    codes[symbol] = code++;
  }
}

/** An inner node of the code tree: children are nodes from 0, or symbols as `-2 - symbol`. */
interface Node {
  zero: number;
  one: number;
}

function buildTables(): void {
  const nodes: Node[] = [{ zero: INVALID, one: INVALID }];
  for (let symbol = 0; symbol < SYMBOLS; symbol++) addCode(nodes, symbol);
  padding.fill(-1);
  for (let node = 0, bits = 0; bits < 8; bits++, node = nodes[node]!.one) padding[node] = bits;
  for (let node = 0; node < nodes.length; node++) {
    for (let nibble = 0; nibble < 16; nibble++) addStep(nodes, node, nibble);
  }
}

function addCode(nodes: Node[], symbol: number): void {
  let node = 0;
  for (let bit = lengths[symbol]! - 1; bit >= 0; bit--) {
    const side = (codes[symbol]! >>> bit) & 1 ? "one" : "zero";
    if (bit === 0) nodes[node]![side] = -2 - symbol;
    else {
      if (nodes[node]![side] === INVALID) {
        nodes[node]![side] = nodes.push({ zero: INVALID, one: INVALID }) - 1;
      }
      node = nodes[node]![side];
    }
  }
}

/** Codes have at least five bits, so four bits complete at most one of them. */
function addStep(nodes: readonly Node[], from: number, nibble: number): void {
  const step = from * 16 + nibble;
  let node = from;
  emitted[step] = NOTHING;
  for (let bit = 3; bit >= 0; bit--) {
    const child = (nibble >>> bit) & 1 ? nodes[node]!.one : nodes[node]!.zero;
    if (child === -2 - EOS) {
      nextNodes[step] = INVALID;
      return;
    }
    if (child <= -2) {
      emitted[step] = -2 - child;
      node = 0;
    } else node = child;
  }
  nextNodes[step] = node;
}

/** How many bytes a string has when it is encoded. Each character of it is one byte. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += lengths[text.charCodeAt(i)]!;
  return (bits + 7) >>> 3;
}

/** Encodes a string; returns the position after it. @param text each character is one byte. */
export function huffmanEncode(text: string, into: Uint8Array, start: number): number {
  let at = start;
  // Not more than 7 bits are pending before a code of at most 30 is added.
  let pending = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    pending = pending * 2 ** lengths[symbol]! + codes[symbol]!;
    count += lengths[symbol]!;
    while (count >= 8) {
      count -= 8;
      const byte = Math.floor(pending / 2 ** count);
      into[at++] = byte;
      pending -= byte * 2 ** count;
    }
  }
  // The last byte is filled with the first bits of the code of the end: ones.
  if (count > 0) into[at++] = (pending << (8 - count)) | (0xff >>> count);
  return at;
}

let scratch = new Uint8Array(4096);

/**
 * Decodes a string, each byte to one character.
 *
 * @throws RangeError if it is invalid.
 */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number): string {
  // The shortest code has five bits.
  const most = ((end - start) * 8) / 5 + 1;
  if (scratch.length < most) scratch = new Uint8Array(most * 2);
  let length = 0;
  let node = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    for (let step = node * 16 + (byte >>> 4), half = 0; half < 2; half++) {
      node = nextNodes[step]!;
      if (node === INVALID) throw new RangeError("the end of the string is inside it");
      if (emitted[step]! !== NOTHING) scratch[length++] = emitted[step]!;
      step = node * 16 + (byte & 15);
    }
  }
  if (padding[node] === -1) throw new RangeError("the padding is not the beginning of the end");
  return latin1Text(scratch, 0, length);
}

/** The bytes from one position to another as text, each byte as one character. */
export function latin1Text(bytes: Uint8Array, start: number, end: number): string {
  // Functions have a limited number of arguments.
  if (end - start <= 1024) {
    return String.fromCharCode.apply(null, bytes.subarray(start, end) as never);
  }
  let text = "";
  for (let at = start; at < end; at += 1024) {
    text += latin1Text(bytes, at, Math.min(at + 1024, end));
  }
  return text;
}
