/**
 * A worker's side of the handshake.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { VERSION } from "../core/version.ts";
import type { Channel } from "./channel.ts";
import { handshake, type NextMessage } from "./handshake.ts";
import { type Hello, type Join, type Message, PROTOCOL, type Welcome } from "./message.ts";
import { openPortWarning } from "./open_port_warning.ts";
import { masterProof, newNonce, NO_PROOF, sameProof, workerProof } from "./proof.ts";
import { ProtocolError } from "./protocol_error.ts";
import { commonProtocol } from "./protocol_range.ts";

/** Who a worker says that it is. */
export type WorkerIdentity = Pick<
  Join,
  "workerId" | "incarnation" | "host" | "pid" | "cpus" | "testfileHash"
>;

/** What a worker needs to introduce itself. */
export interface IntroductionOptions {
  /** Null: none. */
  readonly token: string | null;
  readonly clock: Clock;
}

/** What came of it. */
export interface Introduction {
  readonly hello: Hello;
  readonly welcome: Welcome;
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
export function introduce(
  channel: Channel,
  identity: WorkerIdentity,
  { token, clock }: IntroductionOptions,
): Promise<Introduction> {
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

async function helloOf(next: NextMessage): Promise<Hello> {
  const message = await spoken(() => next(SILENT));
  if (message.type === "HELLO") return message;
  throw new ProtocolError("protocol", `${message.type} before HELLO`);
}

async function welcomeOf(next: NextMessage): Promise<Welcome> {
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

function joinOf(hello: Hello, identity: WorkerIdentity, token: string | null): Join {
  const { workerId, incarnation, host, pid, cpus, testfileHash } = identity;
  const join: Join = {
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
