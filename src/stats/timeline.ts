/**
 * The run by second: users, requests and percentiles.
 *
 * @module
 */

import { cellsOf, cellsWithout, type HeatCells, HeatMap, shareOfCells } from "./heat_map.ts";
import { Latencies } from "./latencies.ts";
import { PhaseFigures, PhaseStats } from "./phase_stats.ts";
import type {
  LatencyHeatMap,
  SecondConnections,
  SecondIterations,
  TimelineSecond,
} from "./snapshot.ts";
import {
  isPart,
  type IterationCounts,
  type LatencyCounts,
  type SecondCounts,
  type StatsDelta,
} from "./stats_delta.ts";

/**
 * The number of latest seconds that keep their latencies. Percentiles can only be merged as
 * histograms, and the histograms of all seconds of a long run would fill the memory. So a second
 * keeps its histogram as long as counts of it may still arrive. A worker that has lost its master
 * tries to reconnect for one minute by default, and then delivers what it has counted since; this is
 * twice that time.
 */
const LIVE_SECONDS = 120;

/**
 * The run by second, all nodes together.
 *
 * Counts and users are exact, however late they arrive. The percentiles of a second cover everything
 * that arrived before {@link LIVE_SECONDS} later seconds had started.
 */
export class Timeline {
  readonly #seconds = new Map<number, SecondTotals>();
  readonly #heat = new HeatMap();
  #live: SecondTotals[] = [];
  #newest = -1;
  #peakUsers = 0;
  #lateSeconds = 0;

  /**
   * The most users at once. The peaks of all nodes within a second are assumed to be at the same
   * moment, so users that move from one node to another may be counted twice in that second.
   */
  get peakUsers(): number {
    return this.#peakUsers;
  }

  /** The number of seconds that arrived too late for the percentiles. */
  get lateSeconds(): number {
    return this.#lateSeconds;
  }

  /**
   * Adds counts of a node. The percentiles are those of successful requests. In merged seconds, it is
   * unknown which latency belongs to which second, so each second gets the percentiles of all of them, and
   * an equal share of the iterations.
   */
  add({ from, to, seconds, entries, phases, iterations }: StatsDelta): void {
    // A second that is older than that is settled at once and needs no histogram.
    const oldest = Math.max(this.#newest, to) - LIVE_SECONDS;
    for (const counts of seconds) {
      const { second: number } = counts;
      const second = this.#seconds.get(number) ?? this.#begin(number, number > oldest);
      second.count(counts);
      this.#peakUsers = Math.max(this.#peakUsers, second.peakUsers);
    }
    this.#time(from, to, entries);
    this.#connect(from, to, entries, phases);
    if (iterations !== null) this.#iterate(from, to, iterations);
    if (to > this.#newest) this.#settle(to);
  }

  /** All seconds that a node has reported, oldest first. */
  rows(): TimelineSecond[] {
    return [...this.#seconds.values()]
      .sort((a, b) => a.second - b.second)
      .map((second) => second.row());
  }

  /** The latencies of all seconds. */
  heatMap(): LatencyHeatMap {
    for (const second of this.#live) second.row();
    return this.#heat.rows();
  }

  #begin(number: number, isLive: boolean): SecondTotals {
    const second = new SecondTotals(number, isLive, this.#heat);
    this.#seconds.set(number, second);
    if (isLive) this.#live.push(second);
    return second;
  }

  #time(from: number, to: number, entries: StatsDelta["entries"]): void {
    let parts: LatencyCounts[] = [];
    for (const [, , , { latencies }, , tags] of entries) {
      if (latencies.count > 0 && !isPart(tags)) parts.push(latencies);
    }
    if (parts.length === 0) return;
    // Almost always there is only one second, for which merging first would cost more than the rest.
    if (from < to) parts = [merged(parts)];
    let all: Latencies | null = null;
    let cells: HeatCells | null = null;
    let percentiles: Percentiles | null = null;
    const shared: SharedTimes = {
      parts,
      percentiles: () => percentiles ??= percentilesOf(all ??= merged(parts)),
      cells: () => cells ??= cellsOf((all ??= merged(parts)).histogram),
      seconds: to - from + 1,
    };
    for (let number = from; number <= to; number++) {
      const isInTime = this.#seconds.get(number)?.time(shared, number - from);
      if (isInTime === false) this.#lateSeconds++;
    }
  }

  /** Merged seconds each get the times of all of them, and an equal share of the connections. */
  #connect(
    from: number,
    to: number,
    entries: StatsDelta["entries"],
    phases: StatsDelta["phases"],
  ): void {
    // All parts are empty in most seconds of most runs.
    let failed: Latencies | null = null;
    let unanswered: Latencies | null = null;
    let summed: PhaseStats | null = null;
    let isAnswered = false;
    for (const [, , code, { latencies, failureLatencies }, , tags] of entries) {
      if (isPart(tags)) continue;
      isAnswered ||= code !== 0;
      if (code === 0 && latencies.count > 0) (unanswered ??= new Latencies()).merge(latencies);
      if (code === 0 || failureLatencies === null) continue;
      (failed ??= new Latencies()).merge(failureLatencies);
    }
    for (const [, , counts, , tags] of phases) {
      if (!isPart(tags)) (summed ??= new PhaseStats()).merge(counts);
    }
    // Successes without a response must be told from others of the same second, which may come separately.
    if (!isAnswered && summed === null && unanswered === null) return;
    const length = to - from + 1;
    for (let number = from; number <= to; number++) {
      const opened = shareOf(summed?.opened ?? 0, number - from, length);
      this.#seconds.get(number)?.connect(opened, { failed, unanswered, phases: summed });
    }
  }

  #iterate(from: number, to: number, counts: IterationCounts): void {
    const length = to - from + 1;
    for (let number = from; number <= to; number++) {
      const share = (count: number): number => shareOf(count, number - from, length);
      const [scheduled, started, dropped] = [counts.scheduled, counts.started, counts.dropped]
        .map(share) as [number, number, number];
      this.#seconds.get(number)?.iterate({ scheduled, started, dropped }, counts);
    }
  }

  #settle(newest: number): void {
    this.#newest = newest;
    const isLive = ({ second }: SecondTotals): boolean => second > newest - LIVE_SECONDS;
    for (const second of this.#live) if (!isLive(second)) second.settle();
    this.#live = this.#live.filter(isLive);
  }
}

/** The part of a count that one of several seconds gets. All parts together are the whole. */
function shareOf(count: number, index: number, seconds: number): number {
  const until = (end: number): number => Math.floor(count * end / seconds);
  return until(index + 1) - until(index);
}

/** What tells the times of first bytes from the latencies of successful requests. */
interface Answers {
  /** The latencies of responses that counted as failures; `null` without any. */
  readonly failed: Latencies | null;
  /** The latencies of successes without a response; `null` without any. */
  readonly unanswered: Latencies | null;
  /** `null` if all responses were plain. */
  readonly phases: PhaseStats | null;
}

/** The latencies of one second, or of several that were merged. */
interface SharedTimes {
  readonly parts: readonly LatencyCounts[];
  readonly percentiles: () => Percentiles;
  readonly cells: () => HeatCells;
  /** How many seconds there are. */
  readonly seconds: number;
}

type Percentiles = Pick<TimelineSecond, "p50" | "p95" | "p99">;

function percentilesOf(latencies: Latencies): Percentiles {
  const [p50 = null, p95 = null, p99 = null] = latencies.percentiles([0.5, 0.95, 0.99]);
  return { p50, p95, p99 };
}

function merged(parts: readonly LatencyCounts[]): Latencies {
  const latencies = new Latencies();
  for (const part of parts) latencies.merge(part);
  return latencies;
}

/** The sums of all nodes in one second. {@link TimelineSecond} is their result. */
class SecondTotals {
  readonly second: number;
  readonly #heat: HeatMap;
  /** What {@link #heat} has counted of this second; `null` for nothing, or once the second is settled. */
  #cells: HeatCells | null = null;
  /** What {@link #latencies} has of other seconds; `null` as long as there is none. */
  #surplus: HeatCells | null = null;
  peakUsers = 0;
  #users = 0;
  #requests = 0;
  #failures = 0;
  #maxLagMs = 0;
  /** `null` once the second is settled. */
  #latencies: Latencies | null;
  /** The last result of {@link row}; `null` if something was added since. */
  #row: TimelineSecond | null = null;
  /** `null` as long as there are no latencies. */
  #percentiles: Percentiles | null = null;
  #isLate = false;
  /** `null` as long as there are none. */
  #iterations: Mutable<SecondIterations> | null = null;
  /** As {@link #latencies}; `null` as long as there are none, too. */
  #startDelays: Latencies | null = null;
  #serviceTimes: Latencies | null = null;
  #failed: Latencies | null = null;
  #unanswered: Latencies | null = null;
  #phases: PhaseStats | null = null;
  /** `null` as long as there are no responses. */
  #connections: SecondConnections | null = null;

  constructor(second: number, isLive: boolean, heat: HeatMap) {
    this.second = second;
    this.#heat = heat;
    this.#latencies = isLive ? new Latencies() : null;
  }

  count({ users, peakUsers, requests, failures, maxLagMs }: SecondCounts): void {
    this.#row = null;
    this.#users += users;
    this.peakUsers += peakUsers;
    this.#requests += requests;
    this.#failures += failures;
    this.#maxLagMs = Math.max(this.#maxLagMs, maxLagMs);
  }

  /**
   * Adds latencies of this second. Returns `false` the first time that they are too late.
   *
   * @param index which of the seconds it is.
   */
  time({ parts, percentiles, cells, seconds }: SharedTimes, index: number): boolean {
    this.#row = null;
    if (this.#latencies !== null) {
      for (const part of parts) this.#latencies.merge(part);
      if (seconds > 1) {
        const surplus = cellsWithout(cells(), shareOfCells(cells(), index, seconds));
        this.#surplus = this.#surplus === null
          ? surplus
          : this.#surplus.map((count, at) => count + surplus[at]!);
      }
      return true;
    }
    this.#heat.replace(this.second, null, shareOfCells(cells(), index, seconds));
    if (this.#percentiles === null) this.#percentiles = percentiles();
    else if (!this.#isLate) {
      this.#isLate = true;
      return false;
    }
    return true;
  }

  /** Adds responses of this second. Those that are too late only count as connections. */
  connect(opened: number, { failed, unanswered, phases }: Answers): void {
    this.#row = null;
    const before = this.#connections ?? { opened: 0, ttfbP50: null, ttfbP95: null };
    this.#connections = { ...before, opened: before.opened + opened };
    if (this.#latencies === null) return;
    if (failed !== null) (this.#failed ??= new Latencies()).merge(failed);
    if (unanswered !== null) (this.#unanswered ??= new Latencies()).merge(unanswered);
    if (phases !== null) (this.#phases ??= new PhaseStats()).merge(phases);
  }

  /** Adds iterations, with their times. */
  iterate(
    counts: Pick<SecondIterations, "scheduled" | "started" | "dropped">,
    { startDelay, serviceTime }: Pick<IterationCounts, "startDelay" | "serviceTime">,
  ): void {
    this.#row = null;
    const sums = this.#iterations ??= {
      ...{ scheduled: 0, started: 0, dropped: 0 },
      ...{ startDelayP95: null, serviceTimeP50: null, serviceTimeP95: null },
    };
    sums.scheduled += counts.scheduled;
    sums.started += counts.started;
    sums.dropped += counts.dropped;
    const isLive = this.#latencies !== null;
    if (isLive && startDelay.count > 0) (this.#startDelays ??= new Latencies()).merge(startDelay);
    if (isLive && serviceTime.count > 0) {
      (this.#serviceTimes ??= new Latencies()).merge(serviceTime);
    }
    if (isLive) return;
    sums.startDelayP95 ??= delayOf(startDelay);
    if (sums.serviceTimeP95 === null) Object.assign(sums, serviceTimesOf(serviceTime));
  }

  settle(): void {
    this.row();
    this.#latencies = null;
    this.#cells = this.#surplus = null;
    this.#startDelays = this.#serviceTimes = null;
    this.#failed = this.#unanswered = this.#phases = null;
  }

  row(): TimelineSecond {
    return this.#row ??= this.#makeRow();
  }

  #heatUp({ histogram }: Latencies): void {
    const all = cellsOf(histogram);
    const cells = this.#surplus === null ? all : cellsWithout(all, this.#surplus);
    this.#heat.replace(this.second, this.#cells, cells);
    this.#cells = cells;
  }

  #makeRow(): TimelineSecond {
    if (this.#latencies !== null && this.#latencies.count > 0) {
      this.#percentiles = percentilesOf(this.#latencies);
      this.#heatUp(this.#latencies);
    }
    const iterations = this.#iterations;
    if (iterations !== null) {
      if (this.#startDelays !== null) iterations.startDelayP95 = delayOf(this.#startDelays);
      if (this.#serviceTimes !== null) {
        Object.assign(iterations, serviceTimesOf(this.#serviceTimes));
      }
    }
    const connections = this.#connections;
    if (connections !== null && this.#latencies !== null) {
      this.#connections = { ...connections, ...this.#firstBytes(this.#latencies) };
    }
    return {
      second: this.second,
      users: this.#users,
      requests: this.#requests,
      failures: this.#failures,
      maxLagMs: this.#maxLagMs,
      ...(this.#percentiles ?? { p50: null, p95: null, p99: null }),
      ...(iterations === null ? {} : { iterations: { ...iterations } }),
      ...secondConnections(this.#connections),
    };
  }

  #firstBytes(succeeded: Latencies): Omit<SecondConnections, "opened"> {
    const { times: { ttfb } } = new PhaseFigures({
      latencies: this.#failed === null ? [succeeded] : [succeeded, this.#failed],
      unanswered: this.#unanswered === null ? [] : [this.#unanswered],
      phases: this.#phases,
    });
    // Of the buckets alone: what was subtracted does not say which time was the shortest.
    const [ttfbP50 = null, ttfbP95 = null] = ttfb.histogram.percentiles([0.5, 0.95]);
    return { ttfbP50, ttfbP95 };
  }
}

function secondConnections(
  connections: SecondConnections | null,
): Pick<TimelineSecond, "connections"> {
  const isEmpty = connections === null || connections.opened === 0 && connections.ttfbP50 === null;
  return isEmpty ? {} : { connections };
}

type Mutable<Type> = { -readonly [Field in keyof Type]: Type[Field] };

function delayOf(startDelays: LatencyCounts): number | null {
  return merged([startDelays]).percentiles([0.95])[0] ?? null;
}

function serviceTimesOf(
  serviceTimes: LatencyCounts,
): Pick<SecondIterations, "serviceTimeP50" | "serviceTimeP95"> {
  const [serviceTimeP50 = null, serviceTimeP95 = null] = merged([serviceTimes])
    .percentiles([0.5, 0.95]);
  return { serviceTimeP50, serviceTimeP95 };
}
