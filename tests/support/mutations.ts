/** Returns a whole number from 0 up to, but not including, its argument. */
export type Below = (below: number) => number;

/** Pseudo-random numbers; the same seed gives the same numbers. */
export function numbers(seed: number): Below {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Bytes = Uint8Array<ArrayBuffer>;

/** First bytes of values with a size, which then claim more bytes than there are. */
const CLAIMS = [0x8f, 0x9f, 0xbf, 0xc4, 0xc5, 0xc6, 0xc7, 0xc9, 0xd9, 0xda, 0xdb];
const HUGE = [0xdc, 0xdd, 0xde, 0xdf];

/** Changes one or more bytes, possibly in place. */
const MUTATIONS: readonly ((bytes: Bytes, below: Below) => Bytes)[] = [
  (bytes, below) => {
    bytes[below(bytes.length)]! ^= 1 << below(8);
    return bytes;
  },
  (bytes, below) => {
    bytes[below(bytes.length)] = below(256);
    return bytes;
  },
  (bytes, below) => {
    bytes[below(bytes.length)] = CLAIMS[below(CLAIMS.length)]!;
    return bytes;
  },
  (bytes, below) => spliced(bytes, below(bytes.length + 1), 0, [below(256)]),
  (bytes, below) => spliced(bytes, below(bytes.length), 1 + below(4), []),
  (bytes, below) => bytes.slice(0, below(bytes.length + 1)),
  (bytes, below) => {
    const claim = [HUGE[below(HUGE.length)]!, ...Array(4).fill(below(256))];
    return spliced(bytes, below(bytes.length), 1, claim);
  },
  (bytes, below) => {
    const nest = Array(below(50)).fill(below(2) === 0 ? 0x91 : 0x81);
    return spliced(bytes, below(bytes.length), 0, nest);
  },
  (bytes, below) => {
    // Repeats a part of the message elsewhere.
    const from = below(bytes.length);
    return spliced(bytes, below(bytes.length), 0, bytes.subarray(from, from + below(40)));
  },
];

/**
 * A frame with one to three changes. Half of them get the right length again, so that their content is
 * checked.
 */
export function mutated(frame: Bytes, below: Below): Bytes {
  let bytes = frame.slice();
  for (let left = 1 + below(3); left > 0 && bytes.length > 0; left--) {
    bytes = MUTATIONS[below(MUTATIONS.length)]!(bytes, below);
  }
  if (below(2) === 0 && bytes.length > 4) {
    new DataView(bytes.buffer).setUint32(0, bytes.length - 4);
  }
  return bytes;
}

/** Like `Array.prototype.splice`, but returns new bytes. */
function spliced(bytes: Bytes, at: number, removed: number, added: ArrayLike<number>): Bytes {
  const rest = bytes.subarray(at + removed);
  const all = new Uint8Array(at + added.length + rest.length);
  all.set(bytes.subarray(0, at));
  all.set(added, at);
  all.set(rest, at + added.length);
  return all;
}
