/**
 * How master and worker prove to each other that they know the token, without saying it.
 *
 * A proof covers everything that the two have agreed on, so nobody between them can change any of it,
 * and both nonces, so no proof is good for a second connection.
 *
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { encode } from "@msgpack/msgpack";
import type { Hello, Join, Welcome } from "./message.ts";

/** What stands for a proof where there is no token. */
export const NO_PROOF: Uint8Array<ArrayBuffer> = new Uint8Array(0);

const NONCE_BYTES = 16;

/** Random bytes that nobody can foretell: not to be chosen, so not to be handed in. */
export function newNonce(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
}

/**
 * A worker's proof: of HELLO, and of JOIN but for its proof. Empty without a token.
 *
 * ```ts
 * import { sameProof, workerProof } from "./proof.ts";
 * import assert from "node:assert/strict";
 *
 * const hello = { type: "HELLO", protocolMin: 1, protocolMax: 1, epoch: 1, nonce: new Uint8Array(16) } as const;
 * const join = {
 *   type: "JOIN", protocol: 1, version: "0.1.0", workerId: "w1", incarnation: "i1", host: "h", pid: 1, cpus: 8,
 *   testfileHash: "00", nonce: new Uint8Array(16), mac: new Uint8Array(0),
 * } as const;
 * const proof = workerProof("secret", hello, join);
 * assert.equal(proof.length, 32);
 * assert.equal(sameProof(proof, workerProof("secret", hello, join)), true);
 * assert.equal(sameProof(proof, workerProof("secret", hello, { ...join, cpus: 9 })), false);
 * assert.equal(workerProof(null, hello, join).length, 0);
 * ```
 */
export function workerProof(token: string | null, hello: Hello, join: Join): Uint8Array {
  return proofOf(token, ["worker", hello, { ...join, mac: NO_PROOF }]);
}

/** The master's proof: of HELLO, JOIN and WELCOME but for their proofs. Empty without a token. */
export function masterProof(
  token: string | null,
  hello: Hello,
  join: Join,
  welcome: Welcome,
): Uint8Array {
  return proofOf(token, [
    "master",
    hello,
    { ...join, mac: NO_PROOF },
    { ...welcome, mac: NO_PROOF },
  ]);
}

/** Whether two proofs are the same, in a time that says nothing of where they differ. */
export function sameProof(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whole messages with the names of their fields: no field can be forgotten, or taken for another. */
function proofOf(
  token: string | null,
  agreed: readonly (string | Hello | Join | Welcome)[],
): Uint8Array {
  if (token === null) return NO_PROOF;
  const bytes = encode(agreed, { sortKeys: true });
  return new Uint8Array(createHmac("sha256", token).update(bytes).digest());
}
