/**
 * What master and workers say to each other. On the wire, each message is an array of its type and its
 * fields, in the order in which they stand here.
 *
 * @module
 */

import type { Spacing, WhenBusy } from "../core/arrival_terms.ts";
import type { BundleMessage } from "./bundle_message.ts";
import type { Report } from "./report_message.ts";
import type { Outcome, SharedCall } from "./shared_call.ts";

/** The protocol that this version speaks. */
export const PROTOCOL = 1;

/** Master, first of all: who it is. */
export interface Hello {
  readonly type: "HELLO";
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** 1, and one more each time that the run's master was restarted. */
  readonly epoch: number;
  /** Random bytes, against proofs that are played back. */
  readonly nonce: Uint8Array;
}

/** Worker: who it is, and its proof where there is a token. */
export interface Join {
  readonly type: "JOIN";
  readonly protocol: number;
  /** Version of aiotest. */
  readonly version: string;
  readonly workerId: string;
  /** The same for as long as the worker's process lives, and no other's. */
  readonly incarnation: string;
  readonly host: string;
  readonly pid: number;
  readonly cpus: number;
  /** SHA-256 of the test file's text, as hexadecimal digits. */
  readonly testfileHash: string;
  readonly nonce: Uint8Array;
  /** Empty without a token. */
  readonly mac: Uint8Array;
}

/** Master: the worker is in. */
export interface Welcome {
  readonly type: "WELCOME";
  readonly runId: string;
  readonly epoch: number;
  /** The last report of the worker that was applied; 0 where none was. */
  readonly ackedSeq: number;
  readonly heartbeatSeconds: number;
  readonly leaseSeconds: number;
  /** Of the files that it hands out to workers without a test file; empty where there are none. */
  readonly filesHash: string;
  readonly mac: Uint8Array;
}

/** Why a connection is refused or given up. */
export type ErrorCode =
  /** The bytes are no message, or one that does not belong there. */
  | "protocol"
  /** There is no protocol that both speak. */
  | "version"
  /** The token is wrong or missing. */
  | "token"
  /** The test file is another one. */
  | "testfile"
  /** A worker of the same id is there already. */
  | "duplicate"
  /** Too many handshakes, or something else that may have changed a moment later. */
  | "busy"
  /** The run is over, or another one. */
  | "run";

/** Either side: the last words before it closes the connection. */
export interface ErrorMessage {
  readonly type: "ERROR";
  readonly code: ErrorCode;
  readonly text: string;
}

/** Master, right behind WELCOME: what the worker needs to get ready. */
export interface Setup {
  readonly type: "SETUP";
  /** Number of the worker in this run, 0 and up; no two have the same. */
  readonly workerIndex: number;
  /** Options of the master's command line that hold on every node, as a JSON object. */
  readonly options: string;
}

/** Master: the test has begun. */
export interface Start {
  readonly type: "START";
  /** How long it has lasted. */
  readonly elapsedSeconds: number;
  /** What the worker counts from now on belongs to this part of the run; see {@link Started}. */
  readonly phase: number;
}

/** Passes of the open model that a worker is to begin. */
export interface ArrivalOrder {
  /** Passes that begin a second in the whole cluster, from {@link since} on. */
  readonly rate: number;
  /** Seconds since the test's start at which this rate begins. */
  readonly since: number;
  /** Passes that were scheduled in the whole cluster by then, with the fraction of the next one. */
  readonly position: number;
  /** Seconds since the test's start, after which no pass is scheduled. */
  readonly until: number;
  /** Passes in the whole run. They are numbered from 0, so this is the first number without one. */
  readonly limit: number;
  /** Of the passes numbered {@link from} and up, the worker begins one in {@link of}. */
  readonly from: number;
  readonly of: number;
  /** Which of them: those whose number leaves this rest. */
  readonly index: number;
  /** The most users that this worker may have. */
  readonly maxUsers: number;
  readonly spacing: Spacing;
  readonly onBusy: WhenBusy;
}

/** Master: what the worker should do, whatever it does now. */
export interface TargetMessage {
  readonly type: "TARGET";
  /** Counts up within an epoch; only a newer one is obeyed. */
  readonly revision: number;
  /** Users by class; a class that is not named has none. */
  readonly classes: Readonly<Record<string, number>>;
  /** Users started or stopped a second, on the way there. */
  readonly rate: number;
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** One in the open model, which has no users by class; none in the closed one. */
  readonly arrivals: readonly ArrivalOrder[];
}

/** Worker: it has got the target of this revision. */
export interface TargetAck {
  readonly type: "TARGET_ACK";
  readonly revision: number;
}

/** What a worker is doing. */
export type WorkerPhase =
  | "preparing"
  | "ready"
  | "spawning"
  | "running"
  /** All users that it was to run have ended by themselves, or no pass is left for them. */
  | "exhausted"
  /** Told to go by a signal: its users have to be run by others. */
  | "leaving"
  | "stopping"
  | "stopped";

/** Worker: how it is, whenever that changes. */
export interface StateMessage {
  readonly type: "STATE";
  readonly users: number;
  readonly state: WorkerPhase;
  /** How long the test has lasted, as the worker counts it; 0 before it began. */
  readonly elapsedSeconds: number;
}

/** Master: the first target number of users runs. */
export interface Started {
  readonly type: "STARTED";
  readonly userCount: number;
  /** Higher than before where what was counted until now is not to count. */
  readonly phase: number;
}

/** Master: this report, and all before it, are applied. */
export interface Ack {
  readonly type: "ACK";
  readonly seq: number;
}

/** Master: send from this report on again, one before it is missing. */
export interface Resume {
  readonly type: "RESUME";
  readonly seq: number;
}

/** Master: stop all users, and send the final report. */
export interface Stop {
  readonly type: "STOP";
  /** Seconds from now after which the master no longer waits. */
  readonly deadline: number;
}

/** Worker: all its users have stopped, and this is its final report. */
export interface Stopped {
  readonly type: "STOPPED";
  readonly lastSeq: number;
}

/** Master: everything is in, the worker may go. */
export interface Quit {
  readonly type: "QUIT";
}

/** Either side, every second. */
export interface Ping {
  readonly type: "PING";
  /** Comes back in the PONG. */
  readonly number: number;
}

/** The answer to a PING. */
export interface Pong extends Omit<Ping, "type"> {
  readonly type: "PONG";
}

/** Worker: wants something of what all nodes share. Sent again, unchanged, until it is answered. */
export interface Call extends SharedCall {
  readonly type: "CALL";
  /** 1 and up, within the worker's incarnation. */
  readonly id: number;
}

/** Master: the answer to a CALL. */
export interface Reply extends Outcome {
  readonly type: "REPLY";
  readonly id: number;
}

/** Worker: it has got the answer to this CALL. */
export interface Settled {
  readonly type: "SETTLED";
  readonly id: number;
}

/** Worker, on a new connection: of all its CALLs, only these, which follow or are withdrawn, are open. */
export interface Recall {
  readonly type: "RECALL";
  readonly ids: readonly number[];
}

/** Master: a message from another node's test file. */
export interface Cast {
  readonly type: "CAST";
  /** 1 and up, without a gap, within an epoch. */
  readonly seq: number;
  /** The node that has sent it. */
  readonly from: string;
  readonly kind: string;
  /** JSON. */
  readonly data: string;
}

/** Worker: it has got this CAST, and all before it. */
export interface CastAck {
  readonly type: "CAST_ACK";
  readonly seq: number;
}

/** Any message. */
export type Message =
  | Hello
  | Join
  | Welcome
  | ErrorMessage
  | Setup
  | Start
  | TargetMessage
  | TargetAck
  | StateMessage
  | Started
  | Report
  | Ack
  | Resume
  | Stop
  | Stopped
  | Quit
  | Ping
  | Pong
  | Call
  | Reply
  | Settled
  | Recall
  | Cast
  | CastAck
  | BundleMessage;
