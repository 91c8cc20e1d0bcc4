/**
 * Where the time of requests went: connections, and the times of their phases.
 *
 * A plain sample is counted by its latency alone: its connection was open already, and all of its time was
 * spent waiting for the first byte. Only the other ones have phases. The times of all requests are derived
 * from both in {@link PhaseFigures}.
 *
 * @module
 */

import { Latencies } from "./latencies.ts";
import type { LatencySummary, PhaseTotals } from "./snapshot.ts";
import { type LatencyCounts, type Phase, type PhaseCounts, PHASES } from "./stats_delta.ts";

/** Where the time of one sample went. All times are milliseconds, and -1 if there was no such phase. */
export interface SamplePhases {
  /** Connections that were opened for it; -1 if that is unknown. */
  readonly opened: number;
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
  /** From sending the request to the first byte of the response. */
  readonly ttfbMs: number;
  /** From the first to the last byte of the response. */
  readonly downloadMs: number;
}

/** Shared by all phases that have not happened. It must not be changed. */
const NONE = new Latencies();

/** Counts the samples of one method and name that are not plain. */
export class PhaseStats implements PhaseCounts {
  opened = 0;
  notReused = 0;
  latency: Latencies = NONE;
  dns: Latencies = NONE;
  connect: Latencies = NONE;
  tls: Latencies = NONE;
  ttfb: Latencies = NONE;
  download: Latencies = NONE;

  /** Counts one sample with its phases. */
  add({ status, latencyMs }: TimedSample, phases: SamplePhases): void {
    this.connected(phases);
    if (status !== 0) this.#of("latency").add(latencyMs);
    if (phases.ttfbMs < 0) return;
    if (phases.opened !== 0) this.notReused++;
    this.#of("ttfb").add(phases.ttfbMs);
    if (phases.downloadMs >= 0) this.#of("download").add(phases.downloadMs);
  }

  /** Counts only the connections of a sample that has not ended. */
  connected({ opened, dnsMs, connectMs, tlsMs }: SamplePhases): void {
    if (opened <= 0) return;
    this.opened += opened;
    if (dnsMs >= 0) this.#of("dns").add(dnsMs);
    if (connectMs >= 0) this.#of("connect").add(connectMs);
    if (tlsMs >= 0) this.#of("tls").add(tlsMs);
  }

  /** Adds the counts of other samples. */
  merge(other: PhaseCounts): void {
    this.opened += other.opened;
    this.notReused += other.notReused;
    for (const times of TIMES) if (other[times].count > 0) this.#of(times).merge(other[times]);
  }

  #of(times: typeof TIMES[number]): Latencies {
    const known = this[times];
    return known === NONE ? this[times] = new Latencies() : known;
  }
}

const TIMES = ["latency", ...PHASES] as const;

/** What a sample has besides its phases. */
interface TimedSample {
  readonly status: number;
  readonly latencyMs: number;
}

/** What all requests of one name, or of all names, have taken. */
interface TimedRequests {
  /** Of all requests, in parts. */
  readonly latencies: readonly Latencies[];
  /** Of those without a response, in parts. */
  readonly unanswered: readonly Latencies[];
  /** `null` if all responses were plain. */
  readonly phases: PhaseCounts | null;
}

/**
 * The phases of all requests with a response, plain or not. They are computed when they are read for the
 * first time, because most names are never looked at during a run.
 */
export class PhaseFigures implements PhaseTotals {
  readonly opened: number;
  readonly #requests: TimedRequests;
  #times: Readonly<Record<Phase, Latencies>> | null = null;
  #figures: Readonly<Record<Phase, LatencySummary>> | null = null;

  constructor(requests: TimedRequests) {
    this.#requests = requests;
    this.opened = requests.phases?.opened ?? 0;
  }

  /** The same figures, computed when they are read as these are, however many requests come after. */
  frozen(): PhaseFigures {
    const { latencies, unanswered, phases } = this.#requests;
    return new PhaseFigures({
      latencies: latencies.map((part) => part.fork()),
      unanswered: unanswered.map((part) => part.fork()),
      phases: phases === null ? null : frozenPhases(phases),
    });
  }

  get reused(): number {
    return Math.max(0, this.times.ttfb.count - (this.#requests.phases?.notReused ?? 0));
  }

  get times(): Readonly<Record<Phase, Latencies>> {
    return this.#times ??= timesOf(this.#requests);
  }

  get figures(): Readonly<Record<Phase, LatencySummary>> {
    if (this.#figures !== null) return this.#figures;
    const { dns, connect, tls, ttfb, download } = this.times;
    return this.#figures = {
      dns: dns.summary(),
      connect: connect.summary(),
      tls: tls.summary(),
      ttfb: ttfb.summary(),
      download: download.summary(),
    };
  }
}

function frozenPhases(phases: PhaseCounts): PhaseCounts {
  const { opened, notReused } = phases;
  const fork = (times: LatencyCounts): LatencyCounts =>
    times instanceof Latencies ? times.fork() : times;
  return {
    opened,
    notReused,
    latency: fork(phases.latency),
    dns: fork(phases.dns),
    connect: fork(phases.connect),
    tls: fork(phases.tls),
    ttfb: fork(phases.ttfb),
    download: fork(phases.download),
  };
}

/** Derives the times of all responses: a plain one has waited all the time, and has downloaded nothing after. */
function timesOf(
  { latencies, unanswered, phases }: TimedRequests,
): Readonly<Record<Phase, Latencies>> {
  const all = latencies.length === 1 ? latencies[0]! : sumOf(...latencies);
  const answered = unanswered.length === 0 ? all : all.without(sumOf(...unanswered));
  const plain = phases === null ? answered : answered.without(phases.latency);
  if (phases === null) {
    return { dns: NONE, connect: NONE, tls: NONE, ttfb: plain, download: zeros(plain.count) };
  }
  return {
    dns: sumOf(phases.dns),
    connect: sumOf(phases.connect),
    tls: sumOf(phases.tls),
    ttfb: sumOf(plain, phases.ttfb),
    download: sumOf(zeros(plain.count), phases.download),
  };
}

function zeros(count: number): Latencies {
  const zeros = new Latencies();
  if (count === 0) return zeros;
  zeros.min = zeros.max = 0;
  zeros.histogram.addBucket(0, count);
  return zeros;
}

function sumOf(...parts: readonly LatencyCounts[]): Latencies {
  const sum = new Latencies();
  for (const part of parts) sum.merge(part);
  return sum;
}
