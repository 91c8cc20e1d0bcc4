/**
 * The statistics of a comparison: confidence intervals of the differences between two runs.
 *
 * @module
 */

import { Histogram } from "../stats/histogram.ts";
import { studentQuantile, studentTail } from "./student_t.ts";
import { histogramOf } from "./summary.ts";
import type { ComparedRun, ComparedTotals } from "./summary_reader.ts";

/** One name of a run, or all its names, with the variation of its seconds. */
export interface EntryOfRun {
  readonly totals: ComparedTotals;
  readonly distribution: Distribution;
  readonly latencies: EntrySeconds;
  /** Requests of all names of the run. */
  readonly allRequests: number;
  /** The contribution of each second to the deviation of the rate of the run, as a share of it. */
  readonly rates: ArrayLike<number>;
  /** The contribution of each second to the deviation of the error rate of the name. */
  readonly errors: ArrayLike<number>;
  /** The contribution of each second to the deviation of the mean latency, as a share of it. */
  readonly means: ArrayLike<number>;
  /** The contribution of each second to the logarithm of all latencies; `null` for all names. */
  readonly shifts: ArrayLike<number> | null;
}

/** A run by second, or a part of it with a history of its own. */
export type RunSeconds = Pick<ComparedRun, "schema" | "durationSeconds" | "totals" | "timeline">;

/** The figures of a run, for the seconds that the other run has as well. */
export class RunFigures {
  /** Whether there are enough seconds to estimate their variation. */
  readonly isLongEnough: boolean;
  readonly #seconds: readonly SecondOfRun[];
  readonly #totals: ComparedTotals;
  readonly #rates: readonly number[];

  constructor(run: RunSeconds, other: RunSeconds) {
    const count = Math.min(...[run, other].map(({ timeline }) => secondsIn(timeline)));
    this.#totals = run.totals;
    this.#seconds = secondsOf(
      run.timeline,
      new Distribution(histogramOf(run.totals.histogram)),
      count,
      run.schema === 1,
    );
    // The last second may be incomplete.
    const whole = Math.floor(Math.min(run.durationSeconds, other.durationSeconds));
    this.isLongEnough = Math.min(count, whole) >= MIN_SECONDS;
    this.#rates = rateParts(this.#seconds.slice(0, whole));
  }

  /** One name of the run, or all names. */
  entry(totals: ComparedTotals): EntryOfRun {
    const distribution = new Distribution(histogramOf(totals.histogram));
    const latencies = new EntrySeconds(this.#seconds, distribution);
    // Failures by second are only known for all names together.
    const part = this.#totals.errorRate === 0 ? 0 : totals.errorRate / this.#totals.errorRate;
    return {
      totals,
      distribution,
      latencies,
      allRequests: this.#totals.requests,
      rates: this.#rates,
      errors: errorParts(this.#seconds).map((error) => error * part),
      means: latencies.deviationsOf(({ mean }) => mean),
      shifts: totals === this.#totals ? null : latencies.deviationsOf(({ shift }) => shift),
    };
  }
}

function secondsIn(timeline: ComparedRun["timeline"]): number {
  return timeline.length === 0 ? 0 : timeline.at(-1)!.second - timeline[0]!.second + 1;
}

function rateParts(seconds: readonly SecondOfRun[]): number[] {
  const all = seconds.reduce((sum, { requests }) => sum + requests, 0);
  return seconds.map(({ requests }) => all === 0 ? 0 : requests / all - 1 / seconds.length);
}

function errorParts(seconds: readonly SecondOfRun[]): number[] {
  const requests = seconds.reduce((sum, second) => sum + second.requests, 0);
  const failures = seconds.reduce((sum, second) => sum + second.failures, 0);
  if (requests === 0) return seconds.map(() => 0);
  return seconds.map((second) =>
    (second.failures - second.requests * failures / requests) / requests
  );
}

/** An interval that contains a difference with a given confidence. */
export interface ConfidenceInterval {
  readonly low: number;
  readonly high: number;
}

/**
 * The interval of the ratio of the percentile of `b` to that of `a`.
 *
 * The lower bound is the highest factor for which significantly more latencies of `b` than expected
 * exceed the percentile of `a` times the factor. The upper bound follows in the same way with the runs
 * swapped. This measures the noise of the seconds where it matters: a few seconds in which the target
 * stalled count as a few observations, however long they took.
 *
 * @param tail the probability with which each bound may be wrong, 0 to 1.
 */
export function quantileInterval(
  a: EntryOfRun,
  b: EntryOfRun,
  q: number,
  tail: number,
): ConfidenceInterval {
  const inverse = leastRatio(b, a, q, tail);
  const interval = {
    low: leastRatio(a, b, q, tail),
    high: inverse === 0 ? Infinity : 1 / inverse,
  };
  if (a.shifts === null || b.shifts === null) return interval;
  // The seconds of all names together may hide a disturbance of one name that is much faster or slower
  // than the others. So the variation that all names share is added.
  const common = halfWidth(varianceOfDifference(b.shifts, a.shifts), tail);
  return widened(interval, b.distribution.quantile(q) / a.distribution.quantile(q), common);
}

function widened(
  { low, high }: ConfidenceInterval,
  ratio: number,
  width: number,
): ConfidenceInterval {
  return {
    low: ratio / Math.exp(Math.hypot(Math.log(ratio / low), width)),
    high: ratio * Math.exp(Math.hypot(Math.log(high / ratio), width)),
  };
}

function leastRatio(a: EntryOfRun, b: EntryOfRun, q: number, tail: number): number {
  const reference = a.distribution.quantile(q);
  const overReference = a.latencies.sharesOver(reference);
  const own = exact(q * (1 - q) / a.distribution.count);
  const isSlower = (ms: number): boolean => {
    const over = 1 - b.distribution.shareUpTo(ms);
    const excess = over - (1 - q);
    if (excess <= 0) return false;
    const seconds = varianceOfDifference(b.latencies.sharesOver(ms), overReference);
    const { count } = b.distribution;
    const noise = addVariances(seconds, exact(own.variance + shareVariance(over, count)));
    return studentTail(excess / Math.sqrt(noise.variance), noise.degrees) < tail;
  };
  const [lowest] = b.distribution.range;
  let notSlower = b.distribution.quantile(q);
  let slower = notSlower / RESOLUTION;
  // Not a bisection: far from the true ratio, the runs no longer vary in the same way.
  for (let step = RESOLUTION; !isSlower(slower); step **= GROWTH) {
    if (slower <= lowest) return 0;
    notSlower = slower;
    slower = Math.max(lowest, slower / step);
  }
  while (notSlower / slower > RESOLUTION) {
    const middle = Math.sqrt(slower * notSlower);
    if (isSlower(middle)) slower = middle;
    else notSlower = middle;
  }
  return slower / reference;
}

/** The resolution of histograms. */
const RESOLUTION = 1.0005;
/** The growth of each step of a search. */
const GROWTH = 1.5;

/** The interval of the ratio of the mean of `b` to that of `a`. */
export function meanInterval(a: EntryOfRun, b: EntryOfRun, tail: number): ConfidenceInterval {
  const byRanges = varianceOfDifference(b.latencies.means(), a.latencies.means());
  const byLines = varianceOfDifference(b.means, a.means);
  const seconds = byLines.variance > byRanges.variance ? byLines : byRanges;
  const own = meanVariance(a.distribution) + meanVariance(b.distribution);
  const ratio = b.distribution.mean / a.distribution.mean;
  return ratioInterval(ratio, addVariances(seconds, exact(own)), tail);
}

/** The interval of the ratio of the rate of `b` to that of `a`. */
export function rateInterval(a: EntryOfRun, b: EntryOfRun, tail: number): ConfidenceInterval {
  const seconds = varianceOfDifference(b.rates, a.rates);
  // The name of a request is random; the number of all requests is covered by the seconds.
  const own = [a, b].reduce(
    (sum, { totals, allRequests }) => sum + 1 / totals.requests - 1 / allRequests,
    0,
  );
  return ratioInterval(
    b.totals.rate / a.totals.rate,
    addVariances(seconds, exact(Math.max(0, own))),
    tail,
  );
}

/** The interval of the error rate of `b` minus that of `a`, from -1 to 1. */
export function errorInterval(a: EntryOfRun, b: EntryOfRun, tail: number): ConfidenceInterval {
  const seconds = varianceOfDifference(b.errors, a.errors);
  const own = [a, b].reduce(
    (sum, { totals }) => sum + shareVariance(totals.errorRate, totals.requests),
    0,
  );
  const difference = b.totals.errorRate - a.totals.errorRate;
  return shareDifferenceInterval(difference, addVariances(seconds, exact(own)), tail);
}

/** The share of some observations of a run. */
export interface ShareOfRun {
  /** 0 to 1. */
  readonly share: number;
  readonly count: number;
}

/** The interval of the share of `b` minus that of `a`, from -1 to 1, for independent observations. */
export function shareInterval(a: ShareOfRun, b: ShareOfRun, tail: number): ConfidenceInterval {
  const own = [a, b].reduce((sum, { share, count }) => sum + shareVariance(share, count), 0);
  return shareDifferenceInterval(b.share - a.share, exact(own), tail);
}

function shareDifferenceInterval(
  difference: number,
  noise: EstimatedVariance,
  tail: number,
): ConfidenceInterval {
  const width = halfWidth(noise, tail);
  return { low: Math.max(-1, difference - width), high: Math.min(1, difference + width) };
}

function ratioInterval(ratio: number, noise: EstimatedVariance, tail: number): ConfidenceInterval {
  const factor = Math.exp(halfWidth(noise, tail));
  return { low: ratio / factor, high: ratio * factor };
}

function halfWidth({ variance, degrees }: EstimatedVariance, tail: number): number {
  return variance === 0 ? 0 : Math.sqrt(variance) * studentQuantile(tail, degrees);
}

function exact(variance: number): EstimatedVariance {
  return { variance, degrees: Infinity };
}

/**
 * The variance of a share of `count` observations. Two of each kind are added, because a share of 0 in
 * a sample does not prove a share of 0 (Agresti and Coull).
 */
function shareVariance(share: number, count: number): number {
  const likely = (share * count + 2) / (count + 4);
  return likely * (1 - likely) / count;
}

/** The variance of a mean, relative to the mean. */
function meanVariance({ mean, variance, count }: Distribution): number {
  return variance / (mean * mean * count);
}

/** An estimated variance. */
export interface EstimatedVariance {
  readonly variance: number;
  /** Degrees of freedom; Infinity if the variance is exact. */
  readonly degrees: number;
}

/** The minimum number of seconds for an estimate of their variation. */
export const MIN_SECONDS = 4;

/** The number of blocks of a run: few, so that noise that lasts some seconds stays within one. */
const BLOCKS = 12;
const MIN_BLOCKS = 5;

/**
 * The variance of the difference of two sums over seconds. The contributions of the seconds of each run
 * add up to 0.
 *
 * Adjacent seconds are correlated, so blocks of seconds are compared: blocks of a twelfth of the run,
 * and blocks of twice that length if there are enough. The larger variance is used, because noise that
 * lasts longer than a block is underestimated by it.
 *
 * If the seconds of both runs are correlated, as with a rising load, a shape, or a job of the target at
 * every full minute, each second is compared with the same second of the other run, so that the common
 * variation does not count as noise. Otherwise, the variances of both runs are added, which yields a
 * better estimate than the differences of unrelated seconds.
 */
export function varianceOfDifference(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
): EstimatedVariance {
  return correlation(ours, theirs) > SHARED
    ? varianceOfSum(Float64Array.from(ours, (part, at) => part - theirs[at]!))
    : addVariances(varianceOfSum(ours), varianceOfSum(theirs));
}

/** For ten independent seconds, the correlation is higher in 3 of 1,000 cases. */
const SHARED = 0.8;

function correlation(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  let both = 0;
  let one = 0;
  let other = 0;
  for (let at = 0; at < ours.length; at++) {
    both += ours[at]! * theirs[at]!;
    one += ours[at]! * ours[at]!;
    other += theirs[at]! * theirs[at]!;
  }
  return one === 0 || other === 0 ? 0 : both / Math.sqrt(one * other);
}

function varianceOfSum(parts: ArrayLike<number>): EstimatedVariance {
  const length = Math.ceil(parts.length / BLOCKS);
  const short = varianceByBlocks(parts, length);
  if (parts.length / (2 * length) < MIN_BLOCKS) return short;
  const long = varianceByBlocks(parts, 2 * length);
  return long.variance > short.variance ? long : short;
}

function varianceByBlocks(parts: ArrayLike<number>, length: number): EstimatedVariance {
  const sums = new Array<number>(Math.ceil(parts.length / length)).fill(0);
  for (let at = 0; at < parts.length; at++) sums[Math.floor(at / length)]! += parts[at]!;
  const mean = sums.reduce((sum, one) => sum + one, 0) / sums.length;
  const squares = sums.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const degrees = sums.length - 1;
  // Adjacent blocks share the noise at their ends, which this corrects: for noise of which about 40 %
  // is left after a second, the shared part is about one over the length.
  const touching = 1 + 1 / length;
  return { variance: touching * squares * sums.length / degrees, degrees };
}

/** The variance of the sum of two independent values. */
export function addVariances(
  one: EstimatedVariance,
  other: EstimatedVariance,
): EstimatedVariance {
  const variance = one.variance + other.variance;
  // The Welch–Satterthwaite equation.
  const doubt = one.variance ** 2 / one.degrees + other.variance ** 2 / other.degrees;
  return { variance, degrees: doubt === 0 ? Infinity : variance ** 2 / doubt };
}

type SummarySecond = ComparedRun["timeline"][number];

/** One second of a run, with the distribution of its latencies relative to that of the whole run. */
export interface SecondOfRun {
  readonly requests: number;
  readonly failures: number;
  /** The number of its latencies. */
  readonly latencies: number;
  /** Its percentiles in milliseconds, which divide the latencies into ranges; `null` without latencies. */
  readonly cuts: readonly number[] | null;
  /** For each range, the share of latencies of the second in it over that of the run. */
  readonly weights: readonly number[];
  /** Its mean over that of the run, interpolated from the percentiles; 1 without latencies. */
  readonly mean: number;
  /** The logarithm of the factor by which all its latencies differ from the run; 0 without latencies. */
  readonly shift: number;
}

const CUT_SHARES = [0.5, 0.95, 0.99];

/**
 * The first `count` seconds of a timeline. Missing seconds are empty.
 *
 * @param isMixed whether latencies are those of all requests, and not only of successful ones.
 */
export function secondsOf(
  timeline: readonly SummarySecond[],
  totals: Distribution,
  count: number,
  isMixed: boolean,
): SecondOfRun[] {
  const bySecond = new Map(timeline.map((second) => [second.second, second]));
  const first = timeline[0]?.second ?? 0;
  return Array.from({ length: count }, (_, at) => {
    const second = bySecond.get(first + at);
    return second === undefined ? EMPTY : secondOf(second, totals, isMixed);
  });
}

const UNTIMED = { cuts: null, weights: [], mean: 1, shift: 0 };
const EMPTY: SecondOfRun = { requests: 0, failures: 0, latencies: 0, ...UNTIMED };

function secondOf(
  { requests, failures, p50, p95, p99 }: SummarySecond,
  totals: Distribution,
  isMixed: boolean,
): SecondOfRun {
  const counts = { requests, failures, latencies: isMixed ? requests : requests - failures };
  if (p50 === null || p95 === null || p99 === null) return { ...counts, ...UNTIMED };
  const cuts = [p50, p95, p99];
  const inSecond = rangesOf(CUT_SHARES);
  const inRun = rangesOf(cuts.map((cut) => totals.shareUpTo(cut)));
  const weights: number[] = [];
  // Latencies in a range without width are at its end, so they are moved to the range below.
  let carried = 0;
  for (let at = cuts.length; at >= 0; at--) {
    const share = inSecond[at]! + carried;
    const hasWidth = inRun[at]! > MIN_RANGE_WIDTH;
    weights[at] = hasWidth ? share / inRun[at]! : 0;
    carried = hasWidth ? 0 : share;
  }
  return {
    ...counts,
    cuts,
    weights,
    mean: meanOf(cuts, totals),
    shift: shiftOf(cuts, totals),
  };
}

/**
 * For a stall, the ranges of {@link SecondOfRun.weights} underestimate the mean, and this interpolation
 * overestimates it.
 */
function meanOf(cuts: readonly number[], totals: Distribution): number {
  const [lowest, highest] = totals.range;
  const values = [lowest, ...cuts, Math.max(highest, cuts.at(-1)!)];
  return rangesOf(CUT_SHARES).reduce(
    (sum, share, at) => sum + share * (values[at]! + values[at + 1]!) / 2,
    0,
  ) / totals.mean;
}

/** A disturbance of all latencies shows at every percentile, so the smallest shift counts. */
function shiftOf(cuts: readonly number[], totals: Distribution): number {
  const shifts = cuts.map((cut, at) => Math.log(cut / totals.quantile(CUT_SHARES[at]!)));
  return shifts.reduce((least, shift) => Math.abs(shift) < Math.abs(least) ? shift : least);
}

const MIN_RANGE_WIDTH = 1e-9;

function rangesOf(cumulated: readonly number[]): number[] {
  return [...cumulated, 1].map((share, at) => share - (cumulated[at - 1] ?? 0));
}

/**
 * The latencies of one name in the seconds of a run, estimated from a summary, which has all latencies
 * of the name and three percentiles per second of all names together. Within each range of a second,
 * the latencies are assumed to be distributed as in the whole run.
 */
export class EntrySeconds {
  /** The share of latencies in each second. */
  readonly #shares: Float64Array;
  readonly #seconds: readonly SecondOfRun[];
  readonly #distribution: Distribution;
  /** For each second and range, the share of latencies of the name up to the end of the range. */
  readonly #ranks: Float64Array;
  /** For each second and range, the share of latencies of the name in it over that in the run. */
  readonly #weights: Float64Array;
  /** For each second, whether the name can have latencies in it. */
  readonly #isTimed: readonly boolean[];

  constructor(seconds: readonly SecondOfRun[], distribution: Distribution) {
    const latencies = seconds.reduce((sum, second) => sum + second.latencies, 0);
    this.#shares = Float64Array.from(
      seconds,
      (second) => latencies === 0 ? 0 : second.latencies / latencies,
    );
    this.#seconds = seconds;
    this.#distribution = distribution;
    this.#ranks = new Float64Array(seconds.length * RANGES);
    this.#weights = new Float64Array(seconds.length * RANGES);
    this.#isTimed = seconds.map(({ cuts, weights }, second) => {
      if (cuts === null) return false;
      const ranks = [...cuts.map((cut) => distribution.shareUpTo(cut)), 1];
      // The sum to which the weights of the name must be normalized.
      const all = weights.reduce(
        (sum, weight, at) => sum + weight * (ranks[at]! - (ranks[at - 1] ?? 0)),
        0,
      );
      if (all === 0) return false;
      this.#ranks.set(ranks, second * RANGES);
      this.#weights.set(weights.map((weight) => weight / all), second * RANGES);
      return true;
    });
  }

  /** The contribution of each second to the deviation of the share of latencies over `ms`. */
  sharesOver(ms: number): Float64Array {
    const rank = this.#distribution.shareUpTo(ms);
    const over = this.#isTimed.map((isTimed, second) => isTimed ? this.#over(second, rank) : null);
    // A stall is at the upper end of a range rather than spread over it. The part that the seconds do
    // not account for is distributed among them, as far as their percentiles permit.
    const missing = 1 - rank - this.#mean(over);
    if (missing <= 0) return this.#deviations(over);
    const room = over.map((share, at) =>
      share === null ? null : Math.max(0, mostOver(this.#seconds[at]!, ms) - share)
    );
    const part = missing / Math.max(this.#mean(room), missing);
    return this.#deviations(
      over.map((share, at) => share === null ? null : share + part * room[at]!),
    );
  }

  /** The contribution of each second to the deviation of the mean, as a share of it. */
  means(): Float64Array {
    const { mean } = this.#distribution;
    const means = this.#seconds.map(({ cuts }, second) => {
      if (!this.#isTimed[second]) return null;
      const sums = [...cuts!.map((cut) => this.#distribution.sumUpTo(cut)), mean];
      return sums.reduce(
        (total, sum, range) =>
          total + this.#weights[second * RANGES + range]! * (sum - (sums[range - 1] ?? 0)),
        0,
      ) / mean;
    });
    return this.#deviations(means);
  }

  /** The contribution of each second to the deviation of a figure from its mean. */
  deviationsOf(figure: (second: SecondOfRun) => number): Float64Array {
    return this.#deviations(
      this.#seconds.map((second) => second.cuts === null ? null : figure(second)),
    );
  }

  #over(second: number, rank: number): number {
    let over = 0;
    let from = 0;
    for (let at = second * RANGES; at < (second + 1) * RANGES; at++) {
      const to = this.#ranks[at]!;
      if (to > rank) over += this.#weights[at]! * (to - (from > rank ? from : rank));
      from = to;
    }
    return over;
  }

  #deviations(values: readonly (number | null)[]): Float64Array {
    const mean = this.#mean(values);
    return this.#shares.map((share, at) => share * ((values[at] ?? mean) - mean));
  }

  #mean(values: readonly (number | null)[]): number {
    let total = 0;
    let sum = 0;
    for (let at = 0; at < values.length; at++) {
      const value = values[at]!;
      if (value === null) continue;
      const share = this.#shares[at]!;
      total += share;
      sum += share * value;
    }
    return total === 0 ? 0 : sum / total;
  }
}

const RANGES = CUT_SHARES.length + 1;

/** The highest possible share of latencies of a second over `ms`. */
function mostOver({ cuts }: SecondOfRun, ms: number): number {
  let below = 0;
  while (below < cuts!.length && cuts![below]! <= ms) below++;
  return below === 0 ? 1 : 1 - CUT_SHARES[below - 1]!;
}

/**
 * The continuous distribution of the latencies of a histogram, which are assumed to be uniform within
 * each bucket.
 */
export class Distribution {
  /** The number of latencies. */
  readonly count: number;
  /** In square milliseconds. */
  readonly variance: number;
  readonly #lows: number[] = [];
  readonly #highs: number[] = [];
  /** For each bucket, the share of latencies in and below it. */
  readonly #shares: number[] = [];
  /** For each bucket, the sum of these latencies over the number of all. */
  readonly #sums: number[] = [];

  constructor(histogram: Histogram) {
    this.count = histogram.count;
    let below = 0;
    let sum = 0;
    let squares = 0;
    for (const [index, count] of histogram.buckets()) {
      const low = Histogram.lowerBound(index);
      const high = Histogram.upperBound(index);
      below += count;
      sum += count * (low + high) / 2;
      squares += count * ((low + high) / 2) ** 2;
      this.#lows.push(low);
      this.#highs.push(high);
      this.#shares.push(below / this.count);
      this.#sums.push(sum / this.count);
    }
    // The loss of precision is less than the width of a bucket.
    this.variance = this.count === 0 ? 0 : Math.max(0, squares / this.count - this.mean ** 2);
  }

  /** The range of all latencies, in milliseconds. */
  get range(): readonly [lowest: number, highest: number] {
    return [this.#lows[0] ?? 0, this.#highs.at(-1) ?? 0];
  }

  /** In milliseconds; 0 if there are no latencies. */
  get mean(): number {
    return this.#sums.at(-1) ?? 0;
  }

  /** The share of all latencies that are at most `ms` milliseconds. */
  shareUpTo(ms: number): number {
    return this.#upTo(ms, this.#shares, (low, high) => (ms - low) / (high - low));
  }

  /** The sum of all latencies that are at most `ms` milliseconds, over the count of all latencies. */
  sumUpTo(ms: number): number {
    // The lower part of a bucket has the lower latencies.
    return this.#upTo(
      ms,
      this.#sums,
      (low, high) => (ms * ms - low * low) / (high * high - low * low),
    );
  }

  /** The latency in milliseconds that a share of `q` do not exceed; 0 if there are no latencies. */
  quantile(q: number): number {
    if (this.count === 0) return 0;
    const at = Math.min(firstIndex(this.#shares, (share) => share >= q), this.#shares.length - 1);
    const before = this.#shares[at - 1] ?? 0;
    const part = Math.min(Math.max((q - before) / (this.#shares[at]! - before), 0), 1);
    return this.#lows[at]! + part * (this.#highs[at]! - this.#lows[at]!);
  }

  #upTo(
    ms: number,
    cumulated: readonly number[],
    part: (low: number, high: number) => number,
  ): number {
    const at = firstIndex(this.#highs, (high) => high >= ms);
    const before = cumulated[at - 1] ?? 0;
    if (at === this.#highs.length || ms <= this.#lows[at]!) return before;
    return before + (cumulated[at]! - before) * part(this.#lows[at]!, this.#highs[at]!);
  }
}

/** The index of the first value of a rising list with a property that all later ones share. */
function firstIndex(values: readonly number[], hasProperty: (value: number) => boolean): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (hasProperty(values[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
