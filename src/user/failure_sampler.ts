/**
 * Keeps examples of the failed requests of a node.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { clippedText } from "../core/clipped_text.ts";
import type { ExchangeRecord } from "../stats/exchange_record.ts";
import { FailureSamples, MAX_SAMPLE_BYTES, MAX_SAMPLE_URL } from "../stats/failure_samples.ts";
import type { FailureSample } from "../stats/stats_delta.ts";
import { exchangeRecord } from "./exchange_records.ts";
import type { FailedRequest, FailureKeeper } from "./observers.ts";

/** What a {@link FailureSampler} needs. */
export interface FailureSamplerOptions {
  readonly clock: Clock;
  /** The name of the node. */
  readonly node: string;
  /** Whether secrets are left as they are. */
  readonly secrets: boolean;
  /** How many of each name and error are kept. */
  readonly perError: number;
  /** How many are kept in all. */
  readonly most: number;
}

/** The longest head, and the longest request, in bytes. The rest is left for the response. */
const MAX_HEAD_BYTES = 1024;
const MAX_SENT_BYTES = 1536;

/** The longest reason for a missing or incomplete response, in bytes. */
const MAX_REASON_BYTES = 512;

/** Takes the first failures of each name and error. Those that follow cost a look-up. */
export class FailureSampler implements FailureKeeper {
  readonly #options: FailureSamplerOptions;
  readonly #kept: FailureSamples;
  #fresh: FailureSample[] = [];

  constructor(options: FailureSamplerOptions) {
    this.#options = options;
    this.#kept = new FailureSamples(options.perError, options.most);
  }

  admits(method: string, name: string, error: string): boolean {
    return this.#kept.admits({ method, name, error });
  }

  failed({ sample, sender: { userClass, user }, exchange }: FailedRequest): void {
    const { method, name, error } = sample;
    const key = { method, name, error: error ?? "" };
    const { clock, node, secrets } = this.#options;
    const record = exchangeRecord(sample.exchanges?.at(-1) ?? exchange, {
      secrets,
      maxText: MAX_SAMPLE_BYTES,
    });
    const sent = messageText(record.requestHead, record.requestBody, MAX_SENT_BYTES);
    const left = MAX_SAMPLE_BYTES - byteLength(sent);
    const kept = {
      ...key,
      status: sample.status,
      url: clippedText(record.url, MAX_SAMPLE_URL),
      at: clock.wallTime() - (clock.now() - sample.endedAt),
      node,
      userClass,
      user: user.id,
      iteration: user.iteration,
      traceId: sample.traceId,
      sent,
      received: receivedText(record, left),
    };
    this.#kept.add(kept);
    this.#fresh.push(kept);
  }

  take(): FailureSample[] {
    const taken = this.#fresh;
    if (taken.length > 0) this.#fresh = [];
    return taken;
  }
}

/** The response, and why it is missing or incomplete: a code such as `BAD_RESPONSE` alone is no help. */
function receivedText(record: ExchangeRecord, maxBytes: number): string {
  const { status, responseHead, responseBody, error } = record;
  const reason = error === null
    ? ""
    : clippedBytes(`(${error})`, Math.min(maxBytes, MAX_REASON_BYTES));
  if (status === 0) return reason;
  const end = reason === "" ? "" : `\n${reason}`;
  return messageText(responseHead, responseBody, maxBytes - byteLength(end)) + end;
}

function messageText(
  head: readonly string[],
  body: ExchangeRecord["requestBody"],
  maxBytes: number,
): string {
  const headText = clippedBytes(head.join("\n").trimEnd(), MAX_HEAD_BYTES);
  if (body === null) return clippedBytes(headText, maxBytes);
  const content = body.text ?? `(${body.what}, ${Math.max(body.bytes, body.wireBytes, 0)} bytes)`;
  const events = body.events === undefined ? "" : `\n(${body.events} events)`;
  const whole = `${headText}\n\n${content}${body.isCut ? "…" : ""}`;
  return clippedBytes(whole, maxBytes - byteLength(events)) + events;
}

const encoder = new TextEncoder();

function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** Text of at most this many bytes in UTF-8; what is left out is marked. */
function clippedBytes(text: string, maxBytes: number): string {
  const whole = text.toWellFormed();
  if (whole.length * 3 <= maxBytes || byteLength(whole) <= maxBytes) return whole;
  const room = new Uint8Array(maxBytes - MARK_BYTES);
  const { read } = encoder.encodeInto(whole, room);
  return `${whole.slice(0, read)}…`;
}

const MARK_BYTES = 3;
