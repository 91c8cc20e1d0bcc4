import type {
  Counted,
  CountedEntry,
  CountedLatencies,
  CountedPasses,
  CountedSecond,
} from "../stats/counted.ts";
import { Histogram } from "../stats/histogram.ts";
import { packBuckets } from "../stats/packed_buckets.ts";
import { clippedText } from "./clipped_text.ts";
import type { Report, ReportEntry, ReportPasses, ReportTimes } from "./report_message.ts";

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
export type ReportContent = Omit<Report, "seq" | "final">;

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
 *
 * ```ts
 * import { Interval } from "../stats/interval.ts";
 * import { reportParts } from "./report_parts.ts";
 * import assert from "node:assert/strict";
 *
 * const parts = reportParts(new Interval(7, 3), { runId: "run", phase: 0, cpu: 0.5, lag: 2 });
 * assert.equal(parts.length, 1);
 * const { from, to, users } = parts[0]!.content;
 * assert.deepEqual([from, to, users[0]?.users], [7, 7, 3]);
 * ```
 */
export function reportParts(counted: Counted, facts: ReportFacts): ReportPart[] {
  const cutter = new Cutter(counted, facts);
  for (const second of counted.seconds) cutter.addSecond(second);
  for (const [user, error, count] of counted.userErrors) cutter.addUserError(user, error, count);
  if (counted.passes !== null) cutter.addPasses(counted.passes);
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
  readonly #span: Pick<Report, "from" | "to">;
  readonly #facts: ReportFacts;
  readonly #emptyBytes: number;
  readonly #parts: ReportPart[] = [];
  #open = new OpenPart();
  #bytes: number;

  constructor({ from, to }: Counted, facts: ReportFacts) {
    this.#span = { from, to };
    this.#facts = facts;
    this.#emptyBytes = HEAD_BYTES + textBytes(facts.runId);
    this.#bytes = this.#emptyBytes;
  }

  addSecond(one: CountedSecond): void {
    const { second, users, peakUsers, requests, failures } = one;
    this.#makeRoom(1 + numberBytes(second, users, peakUsers, requests, failures));
    this.#open.users.push({ second, users, peakUsers, requests, failures });
  }

  addUserError(user: string, text: string, count: number): void {
    const error = clippedText(text, MAX_ERROR);
    this.#makeRoom(1 + textBytes(user) + textBytes(error) + numberBytes(count));
    this.#open.errors.push([user, error, count]);
  }

  addPasses({ scheduled, dropped, serviceTime, startDelay }: CountedPasses): void {
    const passes = {
      scheduled,
      dropped,
      serviceTime: timesOf(serviceTime),
      startDelay: timesOf(startDelay),
    };
    this.#makeRoom(
      PASSES_BYTES + passes.serviceTime.buckets.length + passes.startDelay.buckets.length,
    );
    this.#open.passes.push(passes);
  }

  addEntry(method: string, name: string, code: number, entry: CountedEntry): void {
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
    const { users, passes, errors, deltas, histograms } = this.#open;
    const lists = { users, passes, errors, deltas, histograms };
    const content = { type: "REPORT", ...this.#facts, ...this.#span, ...lists } as const;
    this.#parts.push({ content, bytes: this.#bytes });
    this.#open = new OpenPart();
    this.#bytes = this.#emptyBytes;
  }
}

class OpenPart {
  readonly users: CountedSecond[] = [];
  readonly passes: ReportPasses[] = [];
  readonly errors: [user: string, error: string, count: number][] = [];
  readonly deltas: ReportEntry[] = [];
  readonly histograms: Uint8Array[] = [];
}

function timesOf(latencies: CountedLatencies): ReportTimes {
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
  entry: CountedEntry,
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

function histogramOf({ histogram: source }: CountedLatencies): Histogram {
  if (source instanceof Histogram) return source;
  const histogram = new Histogram();
  histogram.merge(source);
  return histogram;
}

/** Length, type, the numbers and the heads of the lists of a report. */
const HEAD_BYTES = 93;
const BINARY_HEAD_BYTES = 5;
/** Two counts, and two times of a histogram's head and four numbers each. */
const PASSES_BYTES = 1 + 2 * 9 + 2 * (1 + 5 + 2 + 4 * 9);
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
