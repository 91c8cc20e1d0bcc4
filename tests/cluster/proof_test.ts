import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import {
  masterProof,
  newNonce,
  NO_PROOF,
  sameProof,
  workerProof,
} from "../../src/cluster/handshake.ts";
import type { Hello, Join, Welcome } from "../../src/cluster/protocol.ts";
import { joinFor } from "../support/joining.ts";

const HELLO: Hello = {
  type: "HELLO",
  protocolMin: 1,
  protocolMax: 2,
  epoch: 1,
  nonce: new Uint8Array(16).fill(1),
};
const JOIN: Join = joinFor(HELLO, "secret");
const WELCOME: Welcome = {
  type: "WELCOME",
  runId: "run-1",
  epoch: 1,
  ackedSeq: 5,
  heartbeatSeconds: 1,
  leaseSeconds: 5,
  filesHash: "",
  mac: NO_PROOF,
};

/** Another value for each field that is negotiated; a new field does not compile without one. */
const OTHER_HELLO: Omit<Hello, "type"> = {
  protocolMin: 0,
  protocolMax: 3,
  epoch: 2,
  nonce: new Uint8Array(16).fill(2),
};
const OTHER_JOIN: Omit<Join, "type" | "mac"> = {
  protocol: 2,
  version: "0.1.1",
  workerId: "worker-2",
  incarnation: "incarnation-2",
  host: "host-2",
  pid: 43,
  cpus: 9,
  testfileHash: "c3".repeat(32),
  nonce: new Uint8Array(16).fill(3),
};
const OTHER_WELCOME: Omit<Welcome, "type" | "mac"> = {
  runId: "run-2",
  epoch: 2,
  ackedSeq: 6,
  heartbeatSeconds: 2,
  leaseSeconds: 6,
  filesHash: "ab",
};

/** The message with one field changed, by the name of that field. */
function tampered<M extends object>(message: M, other: Partial<M>): [field: string, message: M][] {
  return Object.entries(other).map(([field, value]) => [field, { ...message, [field]: value }]);
}

Deno.test("a proof is the HMAC of its role and of both messages, fields by name", () => {
  const proof = workerProof("secret", { ...HELLO }, { ...JOIN });
  assert.equal(proof.length, 32);
  // The order in which fields were set is not part of what is proved.
  const reversed = Object.fromEntries(Object.entries(JOIN).reverse()) as unknown as Join;
  assert.deepEqual(workerProof("secret", HELLO, reversed), proof);
  assert.notDeepEqual(proof, new Uint8Array(createHmac("sha256", "secret").digest()));
});

for (const [field, hello] of tampered(HELLO, OTHER_HELLO)) {
  Deno.test(`both proofs cover ${field} of HELLO`, () => {
    assert.notDeepEqual(workerProof("secret", hello, JOIN), workerProof("secret", HELLO, JOIN));
    assert.notDeepEqual(
      masterProof("secret", hello, JOIN, WELCOME),
      masterProof("secret", HELLO, JOIN, WELCOME),
    );
  });
}

for (const [field, join] of tampered(JOIN, OTHER_JOIN)) {
  Deno.test(`both proofs cover ${field} of JOIN`, () => {
    assert.notDeepEqual(workerProof("secret", HELLO, join), workerProof("secret", HELLO, JOIN));
    assert.notDeepEqual(
      masterProof("secret", HELLO, join, WELCOME),
      masterProof("secret", HELLO, JOIN, WELCOME),
    );
  });
}

for (const [field, welcome] of tampered(WELCOME, OTHER_WELCOME)) {
  Deno.test(`the master's proof covers ${field} of WELCOME`, () => {
    assert.notDeepEqual(
      masterProof("secret", HELLO, JOIN, welcome),
      masterProof("secret", HELLO, JOIN, WELCOME),
    );
  });
}

Deno.test("letters that move from one field to the next change the proof", () => {
  const moved = { ...JOIN, workerId: "worker-1i", incarnation: "ncarnation-1" };
  assert.notDeepEqual(workerProof("secret", HELLO, moved), workerProof("secret", HELLO, JOIN));
});

Deno.test("a proof covers no proof, so it can be checked in the message that carries it", () => {
  const proof = workerProof("secret", HELLO, { ...JOIN, mac: NO_PROOF });
  assert.deepEqual(workerProof("secret", HELLO, { ...JOIN, mac: proof }), proof);
  const answer = masterProof("secret", HELLO, JOIN, WELCOME);
  assert.deepEqual(masterProof("secret", HELLO, JOIN, { ...WELCOME, mac: answer }), answer);
});

Deno.test("another token makes another proof, and none makes none", () => {
  assert.notDeepEqual(workerProof("Secret", HELLO, JOIN), workerProof("secret", HELLO, JOIN));
  assert.equal(workerProof(null, HELLO, JOIN).length, 0);
  assert.equal(masterProof(null, HELLO, JOIN, WELCOME).length, 0);
});

Deno.test("proofs of different lengths are not the same, and do not throw", () => {
  const proof = workerProof("secret", HELLO, JOIN);
  assert.equal(sameProof(proof, proof.slice()), true);
  assert.equal(sameProof(proof, proof.slice(1)), false);
  assert.equal(sameProof(proof, NO_PROOF), false);
  assert.equal(sameProof(NO_PROOF, NO_PROOF), true);
  assert.equal(sameProof(proof, proof.with(31, proof[31]! ^ 1)), false);
});

Deno.test("no nonce comes twice", () => {
  const nonces = new Set(Array.from({ length: 1_000 }, () => newNonce().toHex()));
  assert.equal(nonces.size, 1_000);
  assert.equal(newNonce().length, 16);
});
