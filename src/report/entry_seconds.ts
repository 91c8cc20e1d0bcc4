/**
 * What the latencies of one name were like in each second of a run, as far as a summary tells: it has
 * all latencies of the name, and three percentiles a second of all names together.
 *
 * @module
 */

import type { ComparedRun } from "./compared_run.ts";
import type { Distribution } from "./distribution.ts";

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
