/**
 * Metrics as plain values, whatever they are written as: text for Prometheus, or OTLP.
 *
 * @module
 */

/** What tells the points of a family apart. */
export type Labels = Readonly<Record<string, string>>;

/** One number. */
export interface ValuePoint {
  readonly labels: Labels;
  readonly value: number;
}

/** Values sorted into buckets; the same object for as long as nothing is added. */
export interface HistogramPoint {
  readonly labels: Labels;
  /** For each bound of the family, how many values do not exceed it. */
  readonly cumulative: readonly number[];
  readonly count: number;
  /** In the unit of the family. */
  readonly sum: number;
}

/** Values of which some percentiles are known. */
export interface SummaryPoint {
  readonly labels: Labels;
  /** Shares of 0 to 1, rising, each with the value that so many do not exceed; none where there is no value. */
  readonly quantiles: readonly (readonly [share: number, value: number])[];
  readonly count: number;
  /** In the unit of the family. */
  readonly sum: number;
}

/** What all metrics of one name have in common. */
interface Described {
  readonly name: string;
  /** A sentence. */
  readonly help: string;
  /** By UCUM: `ms`, `s`, `By`; empty for a plain number. */
  readonly unit: string;
}

/** All metrics of one name. */
export type MetricFamily =
  & Described
  & (
    /** A counter only grows, but for a new start; `untyped` is a gauge whose name no gauge may have. */
    | { readonly type: "counter" | "gauge" | "untyped"; readonly points: readonly ValuePoint[] }
    | {
      readonly type: "histogram";
      /** Upper bounds of the buckets, rising; the one above all of them is not among them. */
      readonly bounds: readonly number[];
      readonly points: readonly HistogramPoint[];
    }
    | { readonly type: "summary"; readonly points: readonly SummaryPoint[] }
  );
