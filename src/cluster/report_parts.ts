/**
 * Divides what a worker has counted into the reports that it sends.
 *
 * @module
 */

import type { Note } from "../stats/annotations.ts";
import type { FailureSample } from "../stats/stats_delta.ts";
import { clippedText } from "../core/clipped_text.ts";
import { shown } from "../core/text.ts";
import { Histogram } from "../stats/histogram.ts";
import { Latencies } from "../stats/latencies.ts";
import { packBuckets, packedBuckets, VALUE_BUCKETS } from "../stats/packed_buckets.ts";
import { PairMap } from "../stats/request_stats.ts";
import {
  type CheckCounts,
  type ClassCounts,
  type EntryCounts,
  type GroupCounts,
  type IterationCounts,
  type KeyedInProgress,
  type KeyedMetric,
  type KeyedUnfinished,
  type LatencyCounts,
  type MetricCounts,
  type NetworkCounts,
  type PhaseCounts,
  PHASES,
  REQUEST_COUNTS,
  requestCounts,
  type SecondCounts,
  type StatsDelta,
  type TracedRequest,
  type TrendCounts,
  type TrendMoments,
} from "../stats/stats_delta.ts";
import { MAX_PLACE } from "../stats/user_errors.ts";
import { ValueHistogram } from "../stats/value_histogram.ts";
import type {
  Message,
  ReportCheck,
  ReportEntry,
  ReportFailure,
  ReportGroup,
  ReportInProgress,
  ReportIterations,
  ReportMetric,
  ReportNote,
  ReportPhases,
  ReportTimes,
  ReportTraced,
  ReportUnfinished,
} from "./protocol.ts";
import { NO_SPREAD, type ReportContent } from "./report.ts";

/** What a report contains besides the counts. */
export interface ReportMetadata {
  readonly runId: string;
  /** How often the counts had been reset when these were made. */
  readonly resetCount: number;
  /** CPU usage in the last second as a share of one core, 0 to 1 and above. */
  readonly cpu: number;
  /** How late the event loop ran, in milliseconds. */
  readonly lag: number;
}

/** One of the reports into which counts are divided. */
export interface ReportPart {
  readonly content: ReportContent;
  /** An upper bound of its size on the wire, and close to it. */
  readonly bytes: number;
}

/**
 * Divides counts into one or more reports of about 12 KiB each, because messages behind a report on the
 * same connection must not wait long. Only an entry that cannot be divided makes a report longer, and
 * never longer than 900 KiB.
 *
 * All the reports cover the same seconds. The totals of each second are in the first ones only, so they
 * are counted once.
 */
export function reportParts(counted: StatsDelta, metadata: ReportMetadata): ReportPart[] {
  const divider = new ReportDivider(counted, metadata);
  for (const second of counted.seconds) divider.addSecond(second);
  for (const [user, error, count] of counted.userErrors) divider.addUserError(user, error, count);
  if (counted.network !== null) divider.addNetwork(counted.network);
  if (counted.iterations !== null) divider.addIterations(counted.iterations);
  for (const [index, counts] of counted.classes.entries()) divider.addClass(index, counts);
  for (const one of counted.unfinished) divider.addUnfinished(one);
  for (const one of counted.inProgress) divider.addInProgress(one);
  const parts = new PairMap<CountedPart>();
  const partOf = (className = "", tags = ""): CountedPart["names"] =>
    parts.at(className, tags, () => ({ className, tags, names: new PairMap() })).names;
  for (const [method, name, code, entry, ...part] of counted.entries) {
    partOf(...part).at(method, name, newCountedName).entries.push([code, entry]);
  }
  for (const [method, name, counts, ...part] of counted.phases) {
    partOf(...part).at(method, name, newCountedName).phases = counts;
  }
  for (const [, , { className, tags, names }] of parts) {
    for (const [method, name, counts] of names) {
      divider.addName(method, name, counts, className, tags);
    }
  }
  for (const one of counted.groups) divider.addGroup(...one);
  for (const one of counted.checks) divider.addCheck(...one);
  for (const one of counted.metrics) divider.addMetric(...one);
  for (const one of counted.traced) divider.addTraced(...one);
  for (const one of counted.failureSamples) divider.addFailureSample(one);
  for (const one of counted.notes) divider.addNote(one);
  return divider.end();
}

/** The requests of one class, or those of them with the same tags. */
interface CountedPart {
  readonly className: string;
  readonly tags: string;
  readonly names: PairMap<CountedName>;
}

/** What was counted for one method and name. */
interface CountedName {
  readonly entries: [code: number, entry: EntryCounts][];
  phases: PhaseCounts | null;
}

const newCountedName = (): CountedName => ({ entries: [], phases: null });

const PART_BYTES = 12 * 1024;

/** If all counts of a name have at most this size, they are in the same report. */
const NAME_BYTES = 4 * PART_BYTES;

/**
 * The maximum length of an error text. With it, an entry with 1,001 errors and a histogram without gaps
 * just stays below 900 KiB.
 */
const MAX_ERROR = 200;

class ReportDivider {
  readonly #span: Pick<Message<"REPORT">, "from" | "to">;
  readonly #metadata: ReportMetadata;
  readonly #classNames: readonly string[];
  readonly #emptyBytes: number;
  readonly #parts: ReportPart[] = [];
  #open: OpenPart;
  #bytes: number;

  constructor({ from, to, classes }: StatsDelta, metadata: ReportMetadata) {
    this.#span = { from, to };
    this.#metadata = metadata;
    this.#classNames = classes.map(({ name }) => name);
    this.#emptyBytes = HEAD_BYTES + textBytes(metadata.runId) +
      this.#classNames.reduce((sum, name) => sum + EMPTY_CLASS_BYTES + textBytes(name), 0);
    this.#bytes = this.#emptyBytes;
    this.#open = new OpenPart(this.#classNames);
  }

  addSecond(one: SecondCounts): void {
    const { second, users, peakUsers, requests, failures, maxLagMs } = one;
    this.#makeRoom(1 + numberBytes(second, users, peakUsers, requests, failures, maxLagMs));
    this.#open.seconds.push({ second, users, peakUsers, requests, failures, maxLagMs });
  }

  addUserError(user: string, text: string, count: number): void {
    const error = clippedText(text, MAX_ERROR + 1 + MAX_PLACE);
    this.#makeRoom(1 + textBytes(user) + textBytes(error) + numberBytes(count));
    this.#open.userErrors.push([user, error, count]);
  }

  /** Adds those of all classes, if there is only one or if classes are not known. */
  addIterations(counts: IterationCounts): void {
    if (this.#classNames.length > 1) return;
    const iterations = reportIterationsOf(counts);
    this.#makeRoom(iterationsBytes(iterations));
    this.#open.iterations.push(iterations);
  }

  /** Adds what a class has done. @param index that in the list of classes. */
  addClass(index: number, { completed, iterations, seconds }: ClassCounts): void {
    if (completed > 0) {
      this.#makeRoom(numberBytes(completed));
      this.#open.classes[index]!.completed = completed;
    }
    if (this.#classNames.length === 1) return;
    if (iterations !== null) {
      const sent = reportIterationsOf(iterations);
      this.#makeRoom(iterationsBytes(sent));
      this.#open.classes[index]!.iterations.push(sent);
    }
    for (const { second, users, peakUsers } of seconds) {
      this.#makeRoom(1 + numberBytes(second, users, peakUsers));
      this.#open.classes[index]!.seconds.push([second, users, peakUsers]);
    }
  }

  addNetwork({ roundTrip, retransmitting }: NetworkCounts): void {
    const network = { roundTrip: timesOf(roundTrip), retransmitting };
    this.#makeRoom(1 + timesBytes(network.roundTrip) + numberBytes(retransmitting));
    this.#open.network.push(network);
  }

  addUnfinished([method, name, { ages, retries }, ...partOf]: KeyedUnfinished): void {
    const unfinished = { method, name, ages: timesOf(ages), retries };
    this.#makeRoom(
      1 + textBytes(method) + textBytes(name) + timesBytes(unfinished.ages) +
        numberBytes(retries) + PART_NUMBER_BYTES,
    );
    this.#open.unfinished.push({ ...unfinished, part: this.#partOf(...partOf) });
  }

  addInProgress([method, name, { count, oldestMs, ages }, ...partOf]: KeyedInProgress): void {
    const times = ages === null ? NO_TIMES : timesOf(ages);
    this.#makeRoom(
      1 + textBytes(method) + textBytes(name) + numberBytes(count, oldestMs) + timesBytes(times) +
        PART_NUMBER_BYTES,
    );
    const part = this.#partOf(...partOf);
    this.#open.inProgress.push({ method, name, count, oldestMs, ages: times, part });
  }

  /**
   * Adds all counts of a name. Times are derived from its entries and phases together, so that counters
   * would fall for a moment if one of them arrived later.
   */
  addName(
    method: string,
    name: string,
    { entries, phases }: CountedName,
    className: string,
    tags: string,
  ): void {
    const sent = entries.flatMap(([code, entry]) =>
      // The name's own entry has all errors.
      sentEntries(method, name, code, tags === "" ? entry : withoutErrors(entry))
    );
    const sentPhases = phases === null ? null : reportPhasesOf(method, name, phases);
    const bytesOfPhases = sentPhases === null ? 0 : phasesBytes(sentPhases);
    const bytes = sent.reduce((sum, one) => sum + one.bytes, bytesOfPhases);
    const isTogether = bytes <= NAME_BYTES;
    if (isTogether) this.#makeRoom(bytes);
    for (const { reportEntry, histogram, bytes } of sent) {
      if (!isTogether) this.#makeRoom(bytes);
      this.#open.entries.push({ ...reportEntry, part: this.#partOf(className, tags) });
      this.#open.histograms.push(histogram);
    }
    if (sentPhases === null) return;
    if (!isTogether) this.#makeRoom(bytesOfPhases);
    this.#open.phases.push({ ...sentPhases, part: this.#partOf(className, tags) });
  }

  /** The number of a part in the open report, to which it is added if necessary. */
  #partOf(className = "", tags = ""): number {
    const index = Math.max(0, this.#classNames.indexOf(className));
    if (index === 0 && tags === "") return 0;
    const { parts, partNumbers } = this.#open;
    const part = partNumbers.at(className, tags, () => {
      this.#bytes += 1 + numberBytes(index) + textBytes(tags);
      return parts.push([index, tags]);
    });
    this.#bytes += numberBytes(part) - PART_NUMBER_BYTES;
    return part;
  }

  addGroup(name: string, counts: GroupCounts): void {
    for (const group of sentGroups(name, counts)) {
      this.#makeRoom(groupBytes(group));
      this.#open.groups.push(group);
    }
  }

  addCheck(name: string, { passed, failed }: CheckCounts): void {
    this.#makeRoom(1 + textBytes(name) + numberBytes(passed, failed));
    this.#open.checks.push({ name, passed, failed });
  }

  addMetric(name: string, counts: MetricCounts): void {
    for (const metric of sentMetrics(name, counts)) {
      this.#makeRoom(metricBytes(metric));
      this.#open.metrics.push(metric);
    }
  }

  addTraced(method: string, name: string, request: TracedRequest): void {
    const { latencyMs, startedAt, status, traceId } = request;
    this.#makeRoom(
      1 + textBytes(method) + textBytes(name) + textBytes(traceId) +
        numberBytes(latencyMs, startedAt, status),
    );
    this.#open.traced.push({ method, name, latencyMs, startedAt, status, traceId });
  }

  addFailureSample(sample: FailureSample): void {
    const { status, at, user, iteration, ...texts } = sample;
    const bytes = Object.values(texts).reduce((sum, text) => sum + textBytes(text), 1);
    this.#makeRoom(bytes + numberBytes(status, at, user, iteration));
    this.#open.failureSamples.push(sample);
  }

  addNote({ atSeconds, text, node }: Note): void {
    this.#makeRoom(1 + textBytes(text) + textBytes(node) + numberBytes(atSeconds));
    this.#open.notes.push({ atSeconds, text, node });
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
    const { partNumbers: _, ...open } = this.#open;
    const content = {
      type: "REPORT",
      ...this.#metadata,
      ...this.#span,
      ...open,
    } as const;
    this.#parts.push({ content, bytes: this.#bytes });
    this.#open = new OpenPart(this.#classNames);
    this.#bytes = this.#emptyBytes;
  }
}

class OpenPart {
  readonly seconds: SecondCounts[] = [];
  readonly iterations: ReportIterations[] = [];
  readonly userErrors: [user: string, error: string, count: number][] = [];
  readonly entries: ReportEntry[] = [];
  readonly histograms: Uint8Array[] = [];
  readonly unfinished: ReportUnfinished[] = [];
  readonly inProgress: ReportInProgress[] = [];
  readonly phases: ReportPhases[] = [];
  readonly network: { roundTrip: ReportTimes; retransmitting: number }[] = [];
  readonly groups: ReportGroup[] = [];
  readonly checks: ReportCheck[] = [];
  readonly metrics: ReportMetric[] = [];
  readonly traced: ReportTraced[] = [];
  readonly failureSamples: ReportFailure[] = [];
  readonly notes: ReportNote[] = [];
  readonly classes: OpenClass[];
  readonly parts: [classIndex: number, tags: string][] = [];
  readonly partNumbers = new PairMap<number>();

  constructor(classNames: readonly string[]) {
    this.classes = classNames.map((name) => ({ name, completed: 0, iterations: [], seconds: [] }));
  }
}

interface OpenClass {
  readonly name: string;
  completed: number;
  readonly iterations: ReportIterations[];
  readonly seconds: [second: number, users: number, peakUsers: number][];
}

const NO_TIMES: ReportTimes = { buckets: new Uint8Array(), spread: [] };

function timesOf(latencies: LatencyCounts): ReportTimes {
  const { count, sum, min, max, squaredDeviations } = latencies;
  return {
    buckets: packBuckets(histogramOf(latencies)),
    spread: count === 0 ? [] : [{ sum, min, max, squaredDeviations }],
  };
}

function reportIterationsOf(
  { scheduled, dropped, serviceTime, startDelay, interruptedTime }: IterationCounts,
): ReportIterations {
  return {
    scheduled,
    dropped,
    serviceTime: timesOf(serviceTime),
    startDelay: timesOf(startDelay),
    interruptedTime: timesOf(interruptedTime),
  };
}

function iterationsBytes(
  { scheduled, dropped, serviceTime, startDelay, interruptedTime }: ReportIterations,
): number {
  return 1 + numberBytes(scheduled, dropped) + timesBytes(serviceTime) + timesBytes(startDelay) +
    timesBytes(interruptedTime);
}

function withoutErrors(entry: EntryCounts): SentCounts {
  const { latencies, failureLatencies } = entry;
  return { ...requestCounts(entry), latencies, failureLatencies, errors: [] };
}

/** An entry as it is sent, with its histogram. */
interface SentEntry {
  readonly reportEntry: Omit<ReportEntry, "part">;
  readonly histogram: Uint8Array;
  readonly bytes: number;
}

/** The part of an entry that is sent: the rest follows from it. */
type SentCounts = Omit<EntryCounts, "requests" | "failures">;

/** The successes and failures of an entry together, or if that would be too long, in two reports. */
function sentEntries(
  method: string,
  name: string,
  code: number,
  entry: SentCounts,
): SentEntry[] {
  const whole = sentEntry(method, name, code, entry);
  const { latencies, failureLatencies, errors } = entry;
  // The larger part of a longer one fills a report by itself, so they never meet in one.
  if (whole.bytes <= NAME_BYTES || latencies.count === 0 || failureLatencies === null) {
    return [whole];
  }
  const successes = { ...requestCounts(entry), latencies, failureLatencies: null, errors: [] };
  const failures = { ...NO_COUNTS, latencies: new Latencies(), failureLatencies, errors };
  return [successes, failures].map((part) => sentEntry(method, name, code, part));
}

const NO_COUNTS = { retries: 0, bytesReceived: 0, bytesSent: 0 };

function sentEntry(method: string, name: string, code: number, entry: SentCounts): SentEntry {
  const reportEntry = reportEntryOf(method, name, code, entry);
  const histogram = packBuckets(histogramOf(entry.latencies));
  const bytes = entryBytes(reportEntry) + BINARY_HEAD_BYTES + histogram.length;
  return { reportEntry, histogram, bytes };
}

function reportEntryOf(
  method: string,
  name: string,
  code: number,
  entry: SentCounts,
): SentEntry["reportEntry"] {
  const { latencies, failureLatencies } = entry;
  const { sum, min, max, squaredDeviations } = latencies.count === 0 ? NO_SPREAD : latencies;
  return {
    method,
    name,
    code,
    ...requestCounts(entry),
    sum,
    min,
    max,
    squaredDeviations,
    errors: Array.from(entry.errors, ([error, count]) => [clippedText(error, MAX_ERROR), count]),
    failureTimes: failureLatencies === null ? [] : [timesOf(failureLatencies)],
  };
}

function reportPhasesOf(
  method: string,
  name: string,
  counts: PhaseCounts,
): Omit<ReportPhases, "part"> {
  return {
    method,
    name,
    opened: counts.opened,
    notReused: counts.notReused,
    latency: timesOf(counts.latency),
    dns: timesOf(counts.dns),
    connect: timesOf(counts.connect),
    tls: timesOf(counts.tls),
    ttfb: timesOf(counts.ttfb),
    download: timesOf(counts.download),
  };
}

function phasesBytes(
  { method, name, opened, notReused, ...times }: Omit<ReportPhases, "part">,
): number {
  let bytes = 1 + PART_NUMBER_BYTES + textBytes(method) + textBytes(name) +
    numberBytes(opened, notReused) +
    timesBytes(times.latency);
  for (const phase of PHASES) bytes += timesBytes(times[phase]);
  return bytes;
}

/** The groups of a name together, or if that would be too long, the successful ones apart. */
function sentGroups(
  name: string,
  { durations, requestTimes, failureDurations, unfinished }: GroupCounts,
): ReportGroup[] {
  const whole = {
    name,
    durations: timesOf(durations),
    requestTimes: timesOf(requestTimes),
    failureDurations: timesOf(failureDurations),
    unfinished: timesOf(unfinished),
  };
  if (groupBytes(whole) <= NAME_BYTES || durations.count === 0) return [whole];
  if (failureDurations.count + unfinished.count === 0) return [whole];
  return [
    { ...whole, failureDurations: NO_TIMES, unfinished: NO_TIMES },
    { ...whole, durations: NO_TIMES, requestTimes: NO_TIMES },
  ];
}

function groupBytes(group: ReportGroup): number {
  const { name, durations, requestTimes, failureDurations, unfinished } = group;
  return 1 + textBytes(name) + timesBytes(durations) + timesBytes(requestTimes) +
    timesBytes(failureDurations) + timesBytes(unfinished);
}

/** A metric as it is sent: the buckets of a trend in parts, because it can have many. */
function sentMetrics(name: string, counts: MetricCounts): ReportMetric[] {
  switch (counts.type) {
    case "counter":
      return [{ type: "counter", name, value: counts.value }];
    case "gauge": {
      const { value, atMs, min, max } = counts;
      return [{ type: "gauge", name, value, atMs, min, max }];
    }
    case "rate":
      return [{ type: "rate", name, hits: counts.hits, total: counts.total }];
    case "trend":
      return sentTrend(name, counts);
  }
}

/** Metrics as they are written to the journal of the master, in parts that are not too long for a record. */
export function metricRecords(metrics: Iterable<KeyedMetric>): ReportMetric[][] {
  const all = Array.from(metrics, ([name, counts]) => sentMetrics(name, counts)).flat();
  const records: ReportMetric[][] = [];
  for (let at = 0; at < all.length; at += METRICS_OF_RECORD) {
    records.push(all.slice(at, at + METRICS_OF_RECORD));
  }
  return records;
}

const METRICS_OF_RECORD = 100;

/** Buckets of a trend in one part. Most take two or three bytes. */
const TREND_BUCKETS = 1000;

function sentTrend(
  name: string,
  { unit, moments, histogram: source }: TrendCounts,
): ReportMetric[] {
  const histogram = new ValueHistogram();
  histogram.merge(source);
  const buckets = [...histogram.buckets()];
  const parts: ReportMetric[] = [];
  for (let at = 0; at === 0 || at < buckets.length; at += TREND_BUCKETS) {
    parts.push({
      type: "trend",
      name,
      unit,
      moments: at > 0 || moments === null ? [] : [momentsOf(moments)],
      buckets: packedBuckets(buckets.slice(at, at + TREND_BUCKETS), VALUE_BUCKETS),
    });
  }
  return parts;
}

/** Only the moments of something that has more. */
function momentsOf({ count, sum, min, max, squaredDeviations }: TrendMoments): TrendMoments {
  return { count, sum, min, max, squaredDeviations };
}

function metricBytes(metric: ReportMetric): number {
  const head = 1 + textBytes(metric.type) + textBytes(metric.name);
  switch (metric.type) {
    case "counter":
      return head + numberBytes(metric.value);
    case "gauge":
      return head + numberBytes(metric.value, metric.atMs, metric.min, metric.max);
    case "rate":
      return head + numberBytes(metric.hits, metric.total);
    case "trend": {
      const [moments] = metric.moments;
      const bytes = moments === undefined ? 0 : 1 + numberBytes(...Object.values(moments));
      return head + textBytes(metric.unit) + 1 + bytes + BINARY_HEAD_BYTES + metric.buckets.length;
    }
  }
}

function histogramOf({ histogram: source }: LatencyCounts): Histogram {
  if (source instanceof Histogram) return source;
  const histogram = new Histogram();
  histogram.merge(source);
  return histogram;
}

/** The length, the type, the numbers and the list heads of a report. */
const HEAD_BYTES = 123;
const BINARY_HEAD_BYTES = 5;
const LIST_HEAD_BYTES = 3;
const TEXT_HEAD_BYTES = 3;
/** A class that has done nothing, besides its name. */
const EMPTY_CLASS_BYTES = 1 + 1 + 2 * LIST_HEAD_BYTES;
/** The number of a part, unless there are very many. */
const PART_NUMBER_BYTES = 1;

function entryBytes(entry: SentEntry["reportEntry"]): number {
  const { sum, min, max, squaredDeviations } = entry;
  let bytes = 1 + PART_NUMBER_BYTES + LIST_HEAD_BYTES + 1 + textBytes(entry.method) +
    textBytes(entry.name) +
    numberBytes(entry.code, ...REQUEST_COUNTS.map((count) => entry[count])) +
    numberBytes(sum, min, max, squaredDeviations);
  for (const [error, count] of entry.errors) bytes += 1 + textBytes(error) + numberBytes(count);
  for (const times of entry.failureTimes) bytes += timesBytes(times);
  return bytes;
}

function timesBytes({ buckets, spread }: ReportTimes): number {
  let bytes = 1 + BINARY_HEAD_BYTES + buckets.length + 1;
  for (const { sum, min, max, squaredDeviations } of spread) {
    bytes += 1 + numberBytes(sum, min, max, squaredDeviations);
  }
  return bytes;
}

/** The size of numbers in msgpack. */
function numberBytes(...numbers: number[]): number {
  let bytes = 0;
  for (const number of numbers) {
    if (!Number.isInteger(number) || number < 0 || number >= 2 ** 32) bytes += 9;
    else if (number >= 2 ** 16) bytes += 5;
    else if (number >= 2 ** 8) bytes += 3;
    else bytes += number < 128 ? 1 : 2;
  }
  return bytes;
}

/** The size of a text in msgpack. */
function textBytes(text: string): number {
  if (typeof text !== "string") throw new TypeError(`${shown(text)} is not a string`);
  let bytes = TEXT_HEAD_BYTES + text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Either half of a surrogate pair is two of its four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}
