import { Channel } from "../../src/cluster/channel.ts";
import {
  type JoinTerms,
  NO_PROOF,
  type WorkerIdentity,
  workerProof,
} from "../../src/cluster/handshake.ts";
import { type Message, PROTOCOL } from "../../src/cluster/protocol.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { memoryStreams } from "./memory_stream.ts";

/** The two ends of one connection. */
export function channels(): { readonly master: Channel; readonly worker: Channel } {
  const [one, other] = memoryStreams();
  return { master: new Channel(one), worker: new Channel(other) };
}

/** The hash of the master's test file. */
export const MASTER_HASH = "a1".repeat(32);

/** Another hash. */
export const OTHER_HASH = "b2".repeat(32);

/** Terms that admit every worker with the token. */
export function terms(changes: Partial<JoinTerms> = {}): JoinTerms {
  return {
    runId: "run-1",
    token: "secret",
    testfileHash: MASTER_HASH,
    allowDifferentTestfile: false,
    filesHash: "",
    epoch: 3,
    heartbeatSeconds: 1,
    leaseSeconds: 5,
    admit: () => workerState(7),
    ...changes,
  };
}

/** A worker as the master sees it, after this number of reports. */
export function workerState(lastSeq = 0): WorkerState {
  const worker = new WorkerState({
    id: "worker-1",
    incarnation: "incarnation-1",
    index: 0,
    host: "host-1",
  });
  for (let seq = 1; seq <= lastSeq; seq++) worker.reports.applied(seq);
  return worker;
}

/** A worker that has the master's test file. */
export function identity(changes: Partial<WorkerIdentity> = {}): WorkerIdentity {
  return {
    workerId: "worker-1",
    incarnation: "incarnation-1",
    host: "host-1",
    pid: 42,
    cpus: 8,
    testfileHash: MASTER_HASH,
    ...changes,
  };
}

/** The JOIN with which a worker answers a HELLO, including the proof. */
export function joinFor(
  hello: Message<"HELLO">,
  token: string | null,
  changes: Partial<Message<"JOIN">> = {},
): Message<"JOIN"> {
  const join: Message<"JOIN"> = {
    type: "JOIN",
    protocol: PROTOCOL,
    version: "0.1.0",
    ...identity(),
    nonce: new Uint8Array(16).fill(9),
    mac: NO_PROOF,
    ...changes,
  };
  return { ...join, mac: workerProof(token, hello, join) };
}

/** Receives the next message, which must be of this type. */
export async function nextOf<Type extends Message["type"]>(
  channel: Channel,
  type: Type,
): Promise<Extract<Message, { type: Type }>> {
  const message = await channel.receive();
  if (message?.type !== type) throw new Error(`${message?.type ?? "nothing"}, not ${type}`);
  return message as Extract<Message, { type: Type }>;
}
