import { encode } from "@msgpack/msgpack";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import { peerText } from "../core/text.ts";
import { VERSION } from "../core/version.ts";
import type { Channel } from "./channel.ts";
import { commonProtocol, type Message, NO_TESTFILE, PROTOCOL, ProtocolError } from "./protocol.ts";

/**
 * Waits for the peer's next message; null: it has closed the connection.
 *
 * Throws a ProtocolError where the peer refuses, sends what is no message, or takes too long; `ifLate`
 * says what is said of that.
 */
type NextMessage = (ifLate?: string) => Promise<Message | null>;

const HANDSHAKE_SECONDS = 2;

const TOO_LATE = `the handshake took longer than ${HANDSHAKE_SECONDS} s`;

/**
 * Talks with a peer that is not known yet, for 2 s at most. Where that fails the peer is told why, as
 * far as it listens, and the channel is closed before this rejects.
 *
 * Rejects with what `talk` and its messages throw.
 */
async function handshake<Result>(
  channel: Channel,
  clock: Clock,
  talk: (next: NextMessage) => Promise<Result>,
): Promise<Result> {
  const late = Promise.withResolvers<"late">();
  const timer = clock.setTimer(() => late.resolve("late"), HANDSHAKE_SECONDS * 1000);
  let refused = false;
  const next = async (ifLate = TOO_LATE): Promise<Message | null> => {
    // The limit comes first: a peer that talks without end must not outrun it.
    const message = await Promise.race([late.promise, channel.receive()]);
    if (message === "late") throw new ProtocolError("busy", ifLate);
    if (message?.type !== "ERROR") return message;
    refused = true;
    throw new ProtocolError(message.code, peerText(message.text));
  };
  try {
    return await talk(next);
  } catch (error) {
    if (refused) channel.close();
    else channel.refuse(asProtocolError(error), clock);
    await channel.flushed();
    throw error;
  } finally {
    clock.clearTimer(timer);
  }
}

function asProtocolError(error: unknown): ProtocolError {
  return error instanceof ProtocolError ? error : new ProtocolError("busy", errorText(error));
}

// How master and worker prove to each other that they know the token, without saying it.
//
// A proof covers everything that the two have agreed on, so nobody between them can change any of it,
// and both nonces, so no proof is good for a second connection.

/** What stands for a proof where there is no token. */
export const NO_PROOF: Uint8Array<ArrayBuffer> = new Uint8Array(0);

const NONCE_BYTES = 16;

/** Random bytes that nobody can foretell: not to be chosen, so not to be handed in. */
export function newNonce(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
}

/**
 * A worker's proof: of HELLO, and of JOIN but for its proof. Empty without a token.
 */
export function workerProof(
  token: string | null,
  hello: Message<"HELLO">,
  join: Message<"JOIN">,
): Uint8Array {
  return proofOf(token, ["worker", hello, { ...join, mac: NO_PROOF }]);
}

/** The master's proof: of HELLO, JOIN and WELCOME but for their proofs. Empty without a token. */
export function masterProof(
  token: string | null,
  hello: Message<"HELLO">,
  join: Message<"JOIN">,
  welcome: Message<"WELCOME">,
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
  agreed: readonly (string | Message<"HELLO"> | Message<"JOIN"> | Message<"WELCOME">)[],
): Uint8Array {
  if (token === null) return NO_PROOF;
  const bytes = encode(agreed, { sortKeys: true });
  return new Uint8Array(createHmac("sha256", token).update(bytes).digest());
}

// The master's side of the handshake.

/** What the master tells a worker that it lets in. */
export interface AcceptedPlace {
  readonly runId: string;
  /** The last report of the worker that was applied; 0 where none was. */
  readonly ackedSeq: number;
}

/** On what terms a master lets workers in. */
export interface JoinTerms<Place extends AcceptedPlace> {
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
  admit(join: Message<"JOIN">, address: string): Place;
}

/** A worker that was let in. */
export interface AcceptedWorker<Place extends AcceptedPlace> {
  readonly join: Message<"JOIN">;
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
export function acceptWorker<Place extends AcceptedPlace>(
  channel: Channel,
  address: string,
  terms: JoinTerms<Place>,
  clock: Clock,
): Promise<AcceptedWorker<Place> | null> {
  return handshake(channel, clock, async (next) => {
    const hello: Message<"HELLO"> = {
      type: "HELLO",
      protocolMin: PROTOCOL,
      protocolMax: PROTOCOL,
      epoch: terms.epoch,
      nonce: newNonce(),
    };
    channel.send(hello);
    const join = await receiveJoin(next);
    if (join === null) return null;
    check(hello, join, terms);
    const place = terms.admit(join, address);
    channel.send(welcomeTo(hello, join, place, terms));
    channel.admit();
    return { join, place };
  });
}

async function receiveJoin(next: NextMessage): Promise<Message<"JOIN"> | null> {
  const message = await next();
  if (message === null || message.type === "JOIN") return message;
  throw new ProtocolError("protocol", `${message.type} before JOIN`);
}

/** In this order: who does not know the token learns nothing about the test. */
function check(
  hello: Message<"HELLO">,
  join: Message<"JOIN">,
  terms: Omit<JoinTerms<AcceptedPlace>, "admit">,
): void {
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
  hello: Message<"HELLO">,
  join: Message<"JOIN">,
  { runId, ackedSeq }: AcceptedPlace,
  { token, epoch, heartbeatSeconds, leaseSeconds, filesHash }: Omit<
    JoinTerms<AcceptedPlace>,
    "admit"
  >,
): Message<"WELCOME"> {
  const welcome: Message<"WELCOME"> = {
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

/**
 * What is to be said where there is no token.
 */
export function openPortWarning(where: string): string {
  return `There is no token: anyone who can reach ${where} can join this run. ` +
    "Set --token or AIOTEST_TOKEN on both sides.";
}

// A worker's side of the handshake.

/** Who a worker says that it is. */
export type WorkerIdentity = Pick<
  Message<"JOIN">,
  "workerId" | "incarnation" | "host" | "pid" | "cpus" | "testfileHash"
>;

/** What a worker needs to introduce itself. */
export interface JoinOptions {
  /** Null: none. */
  readonly token: string | null;
  readonly clock: Clock;
}

/** What came of it. */
export interface JoinedMaster {
  readonly hello: Message<"HELLO">;
  readonly welcome: Message<"WELCOME">;
  /** What the person who started the worker should know: the same each time, so to be said once. */
  readonly warnings: readonly string[];
}

/**
 * Introduces a worker to its master.
 *
 * Rejects with a ProtocolError: the master's own where it has refused, `token` where it has not proved
 * that it knows the token, `busy` where it closed the connection without a word or took too long. The
 * channel is closed then.
 */
export function joinMaster(
  channel: Channel,
  identity: WorkerIdentity,
  { token, clock }: JoinOptions,
): Promise<JoinedMaster> {
  return handshake(channel, clock, async (next) => {
    const hello = await helloOf(next);
    const join = joinOf(hello, identity, token);
    channel.send(join);
    const welcome = await welcomeOf(next);
    if (!sameProof(masterProof(token, hello, join, welcome), welcome.mac)) {
      throw new ProtocolError("token", "the master did not prove that it knows the token");
    }
    channel.admit();
    const warnings = token === null ? [openPortWarning("the master's port")] : [];
    return { hello, welcome, warnings };
  });
}

/** A master that waits for TLS says nothing to somebody who does not begin with it. */
const SILENT = "it does not say HELLO; where a master has --tls-cert, workers need --tls-ca";

async function helloOf(next: NextMessage): Promise<Message<"HELLO">> {
  const message = await spoken(() => next(SILENT));
  if (message.type === "HELLO") return message;
  throw new ProtocolError("protocol", `${message.type} before HELLO`);
}

async function welcomeOf(next: NextMessage): Promise<Message<"WELCOME">> {
  for (;;) {
    const message = await spoken(next);
    if (message.type === "WELCOME") return message;
    // Some networks deliver what they are given twice; the first HELLO counts.
    if (message.type === "HELLO") continue;
    throw new ProtocolError("protocol", `${message.type} before WELCOME`);
  }
}

async function spoken(next: NextMessage): Promise<Message> {
  const message = await next();
  if (message !== null) return message;
  throw new ProtocolError("busy", "the master closed the connection");
}

function joinOf(
  hello: Message<"HELLO">,
  identity: WorkerIdentity,
  token: string | null,
): Message<"JOIN"> {
  const { workerId, incarnation, host, pid, cpus, testfileHash } = identity;
  const join: Message<"JOIN"> = {
    type: "JOIN",
    protocol: commonProtocol(
      { min: hello.protocolMin, max: hello.protocolMax },
      { min: PROTOCOL, max: PROTOCOL },
    ),
    version: VERSION,
    workerId,
    incarnation,
    host,
    pid,
    cpus,
    testfileHash,
    nonce: newNonce(),
    mac: NO_PROOF,
  };
  return { ...join, mac: workerProof(token, hello, join) };
}
