import { clippedText } from "../core/text.ts";
import { Histogram } from "../stats/histogram.ts";
import { packBuckets, PackedBuckets } from "../stats/packed_buckets.ts";
import { PairMap } from "../stats/request_stats.ts";
import type {
  CodedEntry,
  EntryCounts,
  IterationCounts,
  LatencyCounts,
  SecondCounts,
  StatsDelta,
} from "../stats/stats_delta.ts";
import {
  type Message,
  ProtocolError,
  type ReportEntry,
  type ReportIterations,
  type ReportSpread,
  type ReportTimes,
} from "./protocol.ts";

/** What a report says beside what was counted. */
export interface ReportFacts {
  readonly runId: string;
  /** The part of the run that it was counted in. */
  readonly phase: number;
  /** Share of one core, 0 to 1 and above, in the last second. */
  readonly cpu: number;
  /** How late the event loop ran, in milliseconds. */
  readonly lag: number;
}

/** A report without its place among all. */
export type ReportContent = Omit<Message<"REPORT">, "seq" | "final">;

/** One of the reports that what was counted makes. */
export interface ReportPart {
  readonly content: ReportContent;
  /** What it takes on the wire at most, and little less. */
  readonly bytes: number;
}

/**
 * Cuts what was counted into reports, at least one, of about 12 KiB each: what is behind a report on
 * the same connection must not wait for long. Only what cannot be cut, one method and name, may make a
 * report longer than that, and never one of more than 900 KiB.
 *
 * All of them are of the same seconds. The first ones say how each second went, so these are counted
 * once.
 */
export function reportParts(counted: StatsDelta, facts: ReportFacts): ReportPart[] {
  const cutter = new Cutter(counted, facts);
  for (const second of counted.seconds) cutter.addSecond(second);
  for (const [user, error, count] of counted.userErrors) cutter.addUserError(user, error, count);
  if (counted.iterations !== null) cutter.addIterations(counted.iterations);
  for (const one of counted.entries) cutter.addEntry(...one);
  return cutter.end();
}

const PART_BYTES = 12 * 1024;

/**
 * No error is longer that this version's users throw, and none may be: with 1,001 of them and a
 * histogram without a gap, one method and name is just within 900 KiB.
 */
const MAX_ERROR = 200;

class Cutter {
  readonly #span: Pick<Message<"REPORT">, "from" | "to">;
  readonly #facts: ReportFacts;
  readonly #emptyBytes: number;
  readonly #parts: ReportPart[] = [];
  #open = new OpenPart();
  #bytes: number;

  constructor({ from, to }: StatsDelta, facts: ReportFacts) {
    this.#span = { from, to };
    this.#facts = facts;
    this.#emptyBytes = HEAD_BYTES + textBytes(facts.runId);
    this.#bytes = this.#emptyBytes;
  }

  addSecond(one: SecondCounts): void {
    const { second, users, peakUsers, requests, failures } = one;
    this.#makeRoom(1 + numberBytes(second, users, peakUsers, requests, failures));
    this.#open.users.push({ second, users, peakUsers, requests, failures });
  }

  addUserError(user: string, text: string, count: number): void {
    const error = clippedText(text, MAX_ERROR);
    this.#makeRoom(1 + textBytes(user) + textBytes(error) + numberBytes(count));
    this.#open.errors.push([user, error, count]);
  }

  addIterations({ scheduled, dropped, serviceTime, startDelay }: IterationCounts): void {
    const iterations = {
      scheduled,
      dropped,
      serviceTime: timesOf(serviceTime),
      startDelay: timesOf(startDelay),
    };
    this.#makeRoom(
      ITERATIONS_BYTES + iterations.serviceTime.buckets.length +
        iterations.startDelay.buckets.length,
    );
    this.#open.iterations.push(iterations);
  }

  addEntry(method: string, name: string, code: number, entry: EntryCounts): void {
    const delta = deltaOf(method, name, code, entry);
    const histogram = packBuckets(histogramOf(entry.latencies));
    this.#makeRoom(deltaBytes(delta) + BINARY_HEAD_BYTES + histogram.length);
    this.#open.deltas.push(delta);
    this.#open.histograms.push(histogram);
  }

  end(): ReportPart[] {
    if (this.#parts.length === 0 || this.#bytes > this.#emptyBytes) this.#close();
    return this.#parts;
  }

  #makeRoom(bytes: number): void {
    if (this.#bytes > this.#emptyBytes && this.#bytes + bytes > PART_BYTES) this.#close();
    this.#bytes += bytes;
  }

  #close(): void {
    const { users, iterations, errors, deltas, histograms } = this.#open;
    const lists = { users, iterations, errors, deltas, histograms };
    const content = { type: "REPORT", ...this.#facts, ...this.#span, ...lists } as const;
    this.#parts.push({ content, bytes: this.#bytes });
    this.#open = new OpenPart();
    this.#bytes = this.#emptyBytes;
  }
}

class OpenPart {
  readonly users: SecondCounts[] = [];
  readonly iterations: ReportIterations[] = [];
  readonly errors: [user: string, error: string, count: number][] = [];
  readonly deltas: ReportEntry[] = [];
  readonly histograms: Uint8Array[] = [];
}

function timesOf(latencies: LatencyCounts): ReportTimes {
  const { count, sum, min, max, squaredDeviations } = latencies;
  return {
    buckets: packBuckets(histogramOf(latencies)),
    spread: count === 0 ? [] : [{ sum, min, max, squaredDeviations }],
  };
}

function deltaOf(
  method: string,
  name: string,
  code: number,
  entry: EntryCounts,
): ReportEntry {
  const { failures, retries, bytesReceived, bytesSent, latencies } = entry;
  const { sum, min, max, squaredDeviations } = latencies;
  return {
    method,
    name,
    code,
    failures,
    retries,
    bytesReceived,
    bytesSent,
    sum,
    min,
    max,
    squaredDeviations,
    errors: Array.from(entry.errors, ([error, count]) => [clippedText(error, MAX_ERROR), count]),
  };
}

function histogramOf({ histogram: source }: LatencyCounts): Histogram {
  if (source instanceof Histogram) return source;
  const histogram = new Histogram();
  histogram.merge(source);
  return histogram;
}

/** Length, type, the numbers and the heads of the lists of a report. */
const HEAD_BYTES = 93;
const BINARY_HEAD_BYTES = 5;
/** Two counts, and two times of a histogram's head and four numbers each. */
const ITERATIONS_BYTES = 1 + 2 * 9 + 2 * (1 + 5 + 2 + 4 * 9);
const LIST_HEAD_BYTES = 3;
const TEXT_HEAD_BYTES = 3;

function deltaBytes(delta: ReportEntry): number {
  const { code, failures, retries, bytesReceived, bytesSent } = delta;
  const { sum, min, max, squaredDeviations } = delta;
  let bytes = 1 + LIST_HEAD_BYTES + textBytes(delta.method) + textBytes(delta.name) +
    numberBytes(code, failures, retries, bytesReceived, bytesSent) +
    numberBytes(sum, min, max, squaredDeviations);
  for (const [error, count] of delta.errors) bytes += 1 + textBytes(error) + numberBytes(count);
  return bytes;
}

/** What numbers take as msgpack. */
function numberBytes(...numbers: number[]): number {
  let bytes = 0;
  for (const number of numbers) {
    if (!Number.isInteger(number) || number >= 2 ** 32) bytes += 9;
    else if (number >= 2 ** 16) bytes += 5;
    else bytes += number < 128 ? 1 : 3;
  }
  return bytes;
}

/** What a text takes as msgpack. */
function textBytes(text: string): number {
  let bytes = TEXT_HEAD_BYTES + text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Either half of a surrogate pair is two of its four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

/** How much later than its first one a report's last second may be: whoever counts goes through all. */
export const MAX_SPAN_SECONDS = 100_000;

/**
 * What a report says was counted. Nothing is copied: it is good for as long as the report is.
 *
 * @throws ProtocolError where the report contradicts itself; what is returned can be added without one.
 */
export function countedOf(report: ReportContent): StatsDelta {
  const { from, to, deltas, histograms, users, errors, iterations } = report;
  if (from > to) refuse("it ends before it begins");
  if (to - from > MAX_SPAN_SECONDS) refuse("it covers too long a time");
  checkSeconds(report);
  for (const [, , count] of errors) checkCount(count);
  if (deltas.length !== histograms.length) refuse("it has not one histogram an entry");
  if (iterations.length > 1) refuse("it tells of passes twice");
  const named = new PairMap<true>();
  const entries = deltas.map((delta, i): CodedEntry => {
    const { method, name, code } = delta;
    const key = `${code} ${name}`;
    if (named.get(method, key) !== undefined) refuse("a method, name and code are in it twice");
    named.set(method, key, true);
    return [method, name, code, entryOf(delta, histograms[i]!)];
  });
  const [ofIterations = null] = iterations.map(iterationsOf);
  return { from, to, seconds: users, entries, userErrors: errors, iterations: ofIterations };
}

function checkSeconds({ from, to, users }: ReportContent): void {
  let last: SecondCounts | null = null;
  for (const one of users) {
    if (one.second < from || one.second > to) refuse("a second lies outside of its time");
    if (last !== null && one.second <= last.second) refuse("its seconds are not in their order");
    if (one.failures > one.requests) refuse("a second has more failures than requests");
    last = one;
  }
}

function entryOf(delta: ReportEntry, histogram: Uint8Array): CodedEntry[3] {
  const { failures, retries, bytesReceived, bytesSent, errors } = delta;
  const latencies = latenciesOf(delta, histogram);
  const requests = latencies.count;
  if (failures > requests) refuse("an entry has more failures than requests");
  for (const [, count] of errors) checkCount(count);
  return { requests, failures, retries, bytesReceived, bytesSent, latencies, errors };
}

function iterationsOf(
  { scheduled, dropped, serviceTime, startDelay }: ReportIterations,
): IterationCounts {
  const service = countedTimes(serviceTime);
  const delay = countedTimes(startDelay);
  return {
    scheduled,
    started: delay.count,
    completed: service.count,
    dropped,
    serviceTime: service,
    startDelay: delay,
  };
}

function countedTimes({ buckets, spread }: ReportTimes): LatencyCounts {
  const times = latenciesOf(spread[0] ?? NO_SPREAD, buckets);
  if (spread.length !== Math.min(1, times.count)) refuse("times of passes contradict each other");
  return times;
}

const NO_SPREAD: ReportSpread = { sum: 0, min: 0, max: 0, squaredDeviations: 0 };

function latenciesOf(spread: ReportSpread, buckets: Uint8Array): LatencyCounts {
  const { sum, min, max, squaredDeviations } = spread;
  if (min > max) refuse("the shortest latency of an entry is longer than its longest");
  const histogram = unpackable(buckets);
  return { count: histogram.count, sum, min, max, squaredDeviations, histogram };
}

function unpackable(histogram: Uint8Array): PackedBuckets {
  try {
    return new PackedBuckets(histogram);
  } catch (error) {
    if (error instanceof RangeError) refuse(`a histogram is broken: ${error.message}`);
    throw error;
  }
}

function checkCount(count: number): void {
  if (!(count > 0)) refuse("an error was not counted even once");
}

function refuse(why: string): never {
  throw new ProtocolError("protocol", `a REPORT is refused: ${why}`);
}
