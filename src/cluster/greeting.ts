/**
 * The master's side of the handshake.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { Channel } from "./channel.ts";
import { NO_TESTFILE } from "./bundle_message.ts";
import { handshake, type NextMessage } from "./handshake.ts";
import { type Hello, type Join, PROTOCOL, type Welcome } from "./message.ts";
import { masterProof, newNonce, NO_PROOF, sameProof, workerProof } from "./proof.ts";
import { ProtocolError } from "./protocol_error.ts";
import { commonProtocol } from "./protocol_range.ts";

/** What the master tells a worker that it lets in. */
export interface Admission {
  readonly runId: string;
  /** The last report of the worker that was applied; 0 where none was. */
  readonly ackedSeq: number;
}

/** On what terms a master lets workers in. */
export interface JoinTerms<Place extends Admission> {
  /** Null: whoever comes is let in. */
  readonly token: string | null;
  /** SHA-256 of the test file's text, as hexadecimal digits. */
  readonly testfileHash: string;
  readonly allowDifferentTestfile: boolean;
  /** Hash of the files for workers without a test file, which may join with it; empty: there are none. */
  readonly filesHash: string;
  /** 1, and one more each time that the run's master was restarted. */
  readonly epoch: number;
  readonly heartbeatSeconds: number;
  readonly leaseSeconds: number;
  /**
   * Finds a place for a worker that has proved itself.
   *
   * @throws ProtocolError with `duplicate`, `run` or `busy` where there is none.
   */
  admit(join: Join, address: string): Place;
}

/** A worker that was let in. */
export interface Greeting<Place extends Admission> {
  readonly join: Join;
  /** What `admit` has given. */
  readonly place: Place;
}

/**
 * Lets a worker in, or not; null where it went without a word.
 *
 * Rejects with the ProtocolError that says why the worker was refused; it has been told, and the
 * channel is closed.
 *
 * @param address the worker's, without its port
 */
export function greet<Place extends Admission>(
  channel: Channel,
  address: string,
  terms: JoinTerms<Place>,
  clock: Clock,
): Promise<Greeting<Place> | null> {
  return handshake(channel, clock, async (next) => {
    const hello: Hello = {
      type: "HELLO",
      protocolMin: PROTOCOL,
      protocolMax: PROTOCOL,
      epoch: terms.epoch,
      nonce: newNonce(),
    };
    channel.send(hello);
    const join = await joinOf(next);
    if (join === null) return null;
    check(hello, join, terms);
    const place = terms.admit(join, address);
    channel.send(welcomeTo(hello, join, place, terms));
    channel.admit();
    return { join, place };
  });
}

async function joinOf(next: NextMessage): Promise<Join | null> {
  const message = await next();
  if (message === null || message.type === "JOIN") return message;
  throw new ProtocolError("protocol", `${message.type} before JOIN`);
}

/** In this order: who does not know the token learns nothing about the test. */
function check(hello: Hello, join: Join, terms: Omit<JoinTerms<Admission>, "admit">): void {
  const { token, testfileHash, filesHash, allowDifferentTestfile } = terms;
  commonProtocol({ min: PROTOCOL, max: PROTOCOL }, { min: join.protocol, max: join.protocol });
  if (!sameProof(workerProof(token, hello, join), join.mac)) {
    throw new ProtocolError("token", token === null ? TOKEN_UNKNOWN : TOKEN_WRONG);
  }
  if (join.testfileHash === NO_TESTFILE) {
    if (filesHash === "") throw new ProtocolError("testfile", NO_FILES);
  } else if (![testfileHash, filesHash].includes(join.testfileHash) && !allowDifferentTestfile) {
    throw new ProtocolError(
      "testfile",
      `the worker has another test file than the master: ${join.testfileHash} is not ${testfileHash}; ` +
        "with --allow-different-testfile the master takes it all the same",
    );
  }
}

/** A master whose port is open to everyone sends its files to nobody. */
const NO_FILES = "it has no test file, and this master sends none: name it with -f";

/** The same for a wrong and a missing one. */
const TOKEN_WRONG =
  "the token is wrong or missing: set the same --token or AIOTEST_TOKEN on both sides";

/** Such a worker would leave at once, as this master cannot prove itself. */
const TOKEN_UNKNOWN =
  "the worker has a token, the master has none: set the same --token or AIOTEST_TOKEN on both sides";

function welcomeTo(
  hello: Hello,
  join: Join,
  { runId, ackedSeq }: Admission,
  { token, epoch, heartbeatSeconds, leaseSeconds, filesHash }: Omit<JoinTerms<Admission>, "admit">,
): Welcome {
  const welcome: Welcome = {
    type: "WELCOME",
    runId,
    epoch,
    ackedSeq,
    heartbeatSeconds,
    leaseSeconds,
    filesHash,
    mac: NO_PROOF,
  };
  return { ...welcome, mac: masterProof(token, hello, join, welcome) };
}
