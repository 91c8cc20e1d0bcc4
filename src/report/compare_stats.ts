import { Histogram } from "../stats/histogram.ts";
import { type ComparedRun, type ComparedTotals, histogramOf } from "./summary.ts";

/**
 * How the latencies of a histogram are spread, without steps: those of a bucket are taken to lie
 * evenly between its ends. So a latency has a rank, and a rank a latency, wherever they are.
 */
export class Distribution {
  /** How many latencies there are. */
  readonly count: number;
  /** Of the latencies, in square milliseconds. */
  readonly variance: number;
  readonly #lows: number[] = [];
  readonly #highs: number[] = [];
  /** Latencies in and below each bucket, as a share of all. */
  readonly #shares: number[] = [];
  /** The sum of those, over the count of all. */
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
    // What is lost of the digits is less than a bucket is wide.
    this.variance = this.count === 0 ? 0 : Math.max(0, squares / this.count - this.mean ** 2);
  }

  /** Where all latencies lie, in milliseconds: none is below the first, none above the second. */
  get range(): readonly [lowest: number, highest: number] {
    return [this.#lows[0] ?? 0, this.#highs.at(-1) ?? 0];
  }

  /** In milliseconds; 0 where there is none. */
  get mean(): number {
    return this.#sums.at(-1) ?? 0;
  }

  /** The share of all latencies that are at most `ms` milliseconds. */
  shareUpTo(ms: number): number {
    return this.#upTo(ms, this.#shares, (low, high) => (ms - low) / (high - low));
  }

  /** The sum of all latencies that are at most `ms` milliseconds, over the count of all latencies. */
  sumUpTo(ms: number): number {
    // Of a bucket that is cut, the lower part has the lower latencies.
    return this.#upTo(
      ms,
      this.#sums,
      (low, high) => (ms * ms - low * low) / (high * high - low * low),
    );
  }

  /** The latency in milliseconds that a share of `q` of all do not exceed; 0 where there is none. */
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

/** Where in an ascending list the first value is that passes; its length where none does. */
function firstIndex(values: readonly number[], iterations: (value: number) => boolean): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (iterations(values[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

// What the latencies of one name were like in each second of a run, as far as a summary tells: it has
// all latencies of the name, and three percentiles a second of all names together.

type Second = ComparedRun["timeline"][number];

/** One second of the run. */
export interface SecondOfRun {
  readonly requests: number;
  readonly failures: number;
  /**
   * Its percentiles in milliseconds. They cut the latencies into ranges, of which the second had more or
   * less than the whole run did; null where nothing ended in it.
   */
  readonly cuts: readonly number[] | null;
  /** For each range, how often the second had it over how often the run had it. */
  readonly weights: readonly number[];
  /** Its mean as a straight line through its percentiles makes it, over the run's; 1 where nothing ended. */
  readonly mean: number;
  /** By how much all its latencies are longer than the run's, as a logarithm; 0 where nothing ended. */
  readonly shift: number;
}

const CUT_SHARES = [0.5, 0.95, 0.99];

/** The first seconds that a timeline tells of, with nothing in those that it lacks in between. */
export function secondsOf(
  timeline: readonly Second[],
  totals: Distribution,
  count: number,
): SecondOfRun[] {
  const bySecond = new Map(timeline.map((second) => [second.second, second]));
  const first = timeline[0]?.second ?? 0;
  return Array.from({ length: count }, (_, at) => {
    const second = bySecond.get(first + at);
    return second === undefined ? EMPTY : secondOf(second, totals);
  });
}

const UNTIMED = { cuts: null, weights: [], mean: 1, shift: 0 };
const EMPTY: SecondOfRun = { requests: 0, failures: 0, ...UNTIMED };

function secondOf(
  { requests, failures, p50, p95, p99 }: Second,
  totals: Distribution,
): SecondOfRun {
  if (p50 === null || p95 === null || p99 === null) return { requests, failures, ...UNTIMED };
  const cuts = [p50, p95, p99];
  const inSecond = rangesOf(CUT_SHARES);
  const inRun = rangesOf(cuts.map((cut) => totals.shareUpTo(cut)));
  const weights: number[] = [];
  // Of a range that has no width, what was in it lay at its end: it goes to the range below.
  let homeless = 0;
  for (let at = cuts.length; at >= 0; at--) {
    const share = inSecond[at]! + homeless;
    const hasWidth = inRun[at]! > LEAST_WIDTH;
    weights[at] = hasWidth ? share / inRun[at]! : 0;
    homeless = hasWidth ? 0 : share;
  }
  return {
    requests,
    failures,
    cuts,
    weights,
    mean: meanOf(cuts, totals),
    shift: shiftOf(cuts, totals),
  };
}

/** Of a stall, the ranges of {@link SecondOfRun.weights} show too little, and straight lines too much. */
function meanOf(cuts: readonly number[], totals: Distribution): number {
  const [lowest, highest] = totals.range;
  const values = [lowest, ...cuts, Math.max(highest, cuts.at(-1)!)];
  return rangesOf(CUT_SHARES).reduce(
    (sum, share, at) => sum + share * (values[at]! + values[at + 1]!) / 2,
    0,
  ) / totals.mean;
}

/** What disturbs all latencies shows at every percentile: at that where the least is to be seen, too. */
function shiftOf(cuts: readonly number[], totals: Distribution): number {
  const shifts = cuts.map((cut, at) => Math.log(cut / totals.quantile(CUT_SHARES[at]!)));
  return shifts.reduce((least, shift) => Math.abs(shift) < Math.abs(least) ? shift : least);
}

const LEAST_WIDTH = 1e-9;

function rangesOf(cumulated: readonly number[]): number[] {
  return [...cumulated, 1].map((share, at) => share - (cumulated[at - 1] ?? 0));
}

/**
 * The latencies of one name in the seconds of a run. Within each range of a second, they are taken to
 * be spread as they are in the whole run.
 */
export class EntrySeconds {
  /** Of all requests of these seconds, the share that each of them had. */
  readonly #shares: Float64Array;
  readonly #seconds: readonly SecondOfRun[];
  readonly #distribution: Distribution;
  /** For each second and range, the name's share up to the end of the range. */
  readonly #ranks: Float64Array;
  /** For each second and range, how often the name's latencies are in it over how often they are in the run. */
  readonly #weights: Float64Array;
  /** Whether the name can have latencies in the second. */
  readonly #isTimed: readonly boolean[];

  constructor(seconds: readonly SecondOfRun[], distribution: Distribution) {
    const requests = seconds.reduce((sum, second) => sum + second.requests, 0);
    this.#shares = Float64Array.from(
      seconds,
      (second) => requests === 0 ? 0 : second.requests / requests,
    );
    this.#seconds = seconds;
    this.#distribution = distribution;
    this.#ranks = new Float64Array(seconds.length * RANGES);
    this.#weights = new Float64Array(seconds.length * RANGES);
    this.#isTimed = seconds.map(({ cuts, weights }, second) => {
      if (cuts === null) return false;
      const ranks = [...cuts.map((cut) => distribution.shareUpTo(cut)), 1];
      // How many of the name's latencies the weights make of one.
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

  /** What each second adds to the distance of its share of latencies over `ms` from the run's. */
  sharesOver(ms: number): Float64Array {
    const rank = this.#distribution.shareUpTo(ms);
    const over = this.#isTimed.map((isTimed, second) => isTimed ? this.#over(second, rank) : null);
    // A stall lies at the upper end of a range, and not all over it. What the seconds do not account
    // for is given to them as far as their percentiles leave room for it.
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

  /** What each second adds to the distance of its mean from the run's, as a share of the run's. */
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

  /** What each second adds to the distance of a figure of it from the mean of that figure. */
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

/** The most of a second's latencies that can be over `ms`. */
function mostOver({ cuts }: SecondOfRun, ms: number): number {
  let below = 0;
  while (below < cuts!.length && cuts![below]! <= ms) below++;
  return below === 0 ? 1 : 1 - CUT_SHARES[below - 1]!;
}

// How much a figure of a whole run is off because its seconds are not alike.

/** A variance that was estimated. */
export interface EstimatedVariance {
  readonly variance: number;
  /** How many independent observations it comes from, less one; Infinity where it is known exactly. */
  readonly degrees: number;
}

/** Fewer seconds say nothing of how much seconds differ. */
export const FEWEST_SECONDS = 4;

/** Into how many blocks a run is cut: few, so that a noise of some seconds lies within one. */
const BLOCKS = 12;
const FEWEST_BLOCKS = 5;

/**
 * The variance of the difference of two sums, each of what the seconds of a run add to it, where all
 * that they add comes to 0.
 *
 * Seconds next to each other are alike, so blocks of them are compared instead: those of a twelfth of
 * the run, and those of twice the length where that leaves enough. The larger variance counts, since
 * of a noise that goes on for longer than a block, a block shows too little.
 *
 * Where both runs are subject to the same (a load that rises, a shape, a job of the target's at every full
 * minute), their seconds rise and fall together: then each second of one is set against the same
 * second of the other, so that what they share is no noise. Otherwise each run tells of its own noise,
 * and two runs tell more of it than the differences of their seconds do.
 */
export function varianceOfDifference(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
): EstimatedVariance {
  return correlation(ours, theirs) > SHARED
    ? varianceOfSum(Float64Array.from(ours, (part, at) => part - theirs[at]!))
    : addVariances(varianceOfSum(ours), varianceOfSum(theirs));
}

/** Ten seconds that share nothing correlate so much in 3 of 1,000 cases. */
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
  if (parts.length / (2 * length) < FEWEST_BLOCKS) return short;
  const long = varianceByBlocks(parts, 2 * length);
  return long.variance > short.variance ? long : short;
}

function varianceByBlocks(parts: ArrayLike<number>, length: number): EstimatedVariance {
  const sums = new Array<number>(Math.ceil(parts.length / length)).fill(0);
  for (let at = 0; at < parts.length; at++) sums[Math.floor(at / length)]! += parts[at]!;
  const mean = sums.reduce((sum, one) => sum + one, 0) / sums.length;
  const squares = sums.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const degrees = sums.length - 1;
  // Blocks that touch share the noise at their ends, which a variance of blocks apart would have as well:
  // of a noise of which some 40 % is left after a second, that is a part of one over the length.
  const touching = 1 + 1 / length;
  return { variance: touching * squares * sums.length / degrees, degrees };
}

/** The variance of two things that have nothing to do with each other, together. */
export function addVariances(
  one: EstimatedVariance,
  other: EstimatedVariance,
): EstimatedVariance {
  const variance = one.variance + other.variance;
  // Welch and Satterthwaite: what is estimated from little counts as far as it matters.
  const doubt = one.variance ** 2 / one.degrees + other.variance ** 2 / other.degrees;
  return { variance, degrees: doubt === 0 ? Infinity : variance ** 2 / doubt };
}

/** One name of one run, or all names of it, with what is known of its seconds. */
export interface EntryOfRun {
  readonly totals: ComparedTotals;
  readonly distribution: Distribution;
  readonly latencies: EntrySeconds;
  /** Requests of all names of the run. */
  readonly allRequests: number;
  /** What each second adds to the distance of the run's rate from its mean, as a share of it. */
  readonly rates: ArrayLike<number>;
  /** What each second adds to the distance of the name's error rate from its mean. */
  readonly errors: ArrayLike<number>;
  /** What each second adds to the distance of the run's mean latency from its mean, as a share of it. */
  readonly means: ArrayLike<number>;
  /** What each second adds to the logarithm of all latencies; null for all names together. */
  readonly shifts: ArrayLike<number> | null;
}

/** A run, as far as the other one goes with it. */
export class RunFigures {
  /** Whether there are seconds enough to tell how much they differ. */
  readonly isLongEnough: boolean;
  readonly #seconds: readonly SecondOfRun[];
  readonly #totals: ComparedTotals;
  readonly #rates: readonly number[];

  constructor(run: ComparedRun, other: ComparedRun) {
    const count = Math.min(...[run, other].map(({ timeline }) => secondsIn(timeline)));
    this.#totals = run.totals;
    this.#seconds = secondsOf(
      run.timeline,
      new Distribution(histogramOf(run.totals.histogram)),
      count,
    );
    // The last second may be only a part of one.
    const whole = Math.floor(Math.min(run.durationSeconds, other.durationSeconds));
    this.isLongEnough = Math.min(count, whole) >= FEWEST_SECONDS;
    this.#rates = rateParts(this.#seconds.slice(0, whole));
  }

  /** One name of the run, or all of them. */
  entry(totals: ComparedTotals): EntryOfRun {
    const distribution = new Distribution(histogramOf(totals.histogram));
    const latencies = new EntrySeconds(this.#seconds, distribution);
    // Failures are told by the second only for all names together.
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

/**
 * How likely it is that a value of Student's t distribution is over `t`, 0 to 1.
 *
 * @param degrees degrees of freedom, over 0, fractions included; Infinity: the normal distribution.
 */
export function studentTail(t: number, degrees: number): number {
  if (t < 0) return 1 - studentTail(-t, degrees);
  if (t === Infinity) return 0;
  // Beyond this, the two cannot be told apart, and the series below would need too many terms.
  const df = Math.min(degrees, 1e6);
  return betaShare(df / (df + t * t), df / 2, 0.5) / 2;
}

/**
 * The value of Student's t distribution that only a share of `tail` is over.
 *
 * @param tail over 0, and 0.5 at most.
 * @param degrees as for {@link studentTail}.
 */
export function studentQuantile(tail: number, degrees: number): number {
  let high = 1;
  while (studentTail(high, degrees) > tail && high < FARTHEST) high *= 2;
  let low = 0;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return high;
}

const FARTHEST = 1e9;
const HALVINGS = 50;

/** The regularised incomplete beta function I_x(a, b), by its continued fraction. */
function betaShare(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side of the middle; the other side is its mirror image.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaShare(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  return front * betaFraction(x, a, b) / a;
}

const MOST_TERMS = 1000;
const PRECISION = 1e-12;
const TINY = 1e-300;

/** Lentz's method: the fraction from its front, a term at a time. */
function betaFraction(x: number, a: number, b: number): number {
  const nonzero = (value: number): number => Math.abs(value) < TINY ? TINY : value;
  let c = 1;
  let d = 1 / nonzero(1 - (a + b) * x / (a + 1));
  let fraction = d;
  for (let m = 1; m <= MOST_TERMS; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    let step = 1;
    for (const term of [even, odd]) {
      d = 1 / nonzero(1 + term * d);
      c = nonzero(1 + term / c);
      step = c * d;
      fraction *= step;
    }
    if (Math.abs(step - 1) < PRECISION) break;
  }
  return fraction;
}

/** Stirling's series, good to twelve digits from 8 on; what is smaller is brought there. */
function logGamma(value: number): number {
  let shift = 0;
  let x = value;
  for (; x < 8; x++) shift += Math.log(x);
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series - shift;
}

// How much one figure of a run differs from that of another run, and how sure that is.

/** Where a difference lies, with the confidence that was asked for. */
export interface ConfidenceInterval {
  readonly low: number;
  readonly high: number;
}

/**
 * Bounds of how many times as high the percentile of `b` is as that of `a`.
 *
 * `b` is taken to be at least so many times as slow as `a` as long as significantly more than its share
 * of latencies is over the percentile of `a` multiplied by that. The other bound is found in the
 * same way with the runs exchanged. So the noise of the seconds is looked at where the question is: a
 * few seconds in which the target stood still are a few observations, however slow they were.
 *
 * @param tail how likely each bound may be wrong, 0 to 1.
 */
export function quantileBounds(
  a: EntryOfRun,
  b: EntryOfRun,
  q: number,
  tail: number,
): ConfidenceInterval {
  const inverse = leastRatio(b, a, q, tail);
  const bounds = {
    low: leastRatio(a, b, q, tail),
    high: inverse === 0 ? Infinity : 1 / inverse,
  };
  if (a.shifts === null || b.shifts === null) return bounds;
  // The seconds of all names together may not show what befell one of them: names that are much faster
  // and much slower than the middle hide it. So what all names have in common is added.
  const common = halfWidth(varianceOfDifference(b.shifts, a.shifts), tail);
  return widened(bounds, b.distribution.quantile(q) / a.distribution.quantile(q), common);
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
  // Not by halves: far away from what is true, what both runs did over time is no longer alike.
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

/** Histograms tell no more. */
const RESOLUTION = 1.0005;
/** By how much each step of a search is longer than the one before. */
const GROWTH = 1.5;

/** Bounds of how many times as high the mean of `b` is as that of `a`. */
export function meanBounds(a: EntryOfRun, b: EntryOfRun, tail: number): ConfidenceInterval {
  const byRanges = varianceOfDifference(b.latencies.means(), a.latencies.means());
  const byLines = varianceOfDifference(b.means, a.means);
  const seconds = byLines.variance > byRanges.variance ? byLines : byRanges;
  const own = meanVariance(a.distribution) + meanVariance(b.distribution);
  const ratio = b.distribution.mean / a.distribution.mean;
  return ratioBounds(ratio, addVariances(seconds, exact(own)), tail);
}

/** Bounds of how many times as high the rate of `b` is as that of `a`. */
export function rateBounds(a: EntryOfRun, b: EntryOfRun, tail: number): ConfidenceInterval {
  const seconds = varianceOfDifference(b.rates, a.rates);
  // Which name a request has is chance; how many there are in all is in the seconds.
  const own = [a, b].reduce(
    (sum, { totals, allRequests }) => sum + 1 / totals.requests - 1 / allRequests,
    0,
  );
  return ratioBounds(
    b.totals.rate / a.totals.rate,
    addVariances(seconds, exact(Math.max(0, own))),
    tail,
  );
}

/** Bounds of the error rate of `b` less that of `a`, from -1 to 1. */
export function errorBounds(a: EntryOfRun, b: EntryOfRun, tail: number): ConfidenceInterval {
  const seconds = varianceOfDifference(b.errors, a.errors);
  const own = [a, b].reduce(
    (sum, { totals }) => sum + shareVariance(totals.errorRate, totals.requests),
    0,
  );
  const difference = b.totals.errorRate - a.totals.errorRate;
  const width = halfWidth(addVariances(seconds, exact(own)), tail);
  return { low: Math.max(-1, difference - width), high: Math.min(1, difference + width) };
}

function ratioBounds(ratio: number, noise: EstimatedVariance, tail: number): ConfidenceInterval {
  const factor = Math.exp(halfWidth(noise, tail));
  return { low: ratio / factor, high: ratio * factor };
}

function halfWidth({ variance, degrees }: EstimatedVariance, tail: number): number {
  return variance === 0 ? 0 : Math.sqrt(variance) * studentQuantile(tail, degrees);
}

function exact(variance: number): EstimatedVariance {
  return { variance, degrees: Infinity };
}

/** Of a share among so many. Two of each kind are added: none of a few is not none of all. */
function shareVariance(share: number, count: number): number {
  const likely = (share * count + 2) / (count + 4);
  return likely * (1 - likely) / count;
}

/** Of the mean, as a share of it. */
function meanVariance({ mean, variance, count }: Distribution): number {
  return variance / (mean * mean * count);
}
