/** Where a run can be watched, until its end. */
export interface Exposition {
  /** The page that Prometheus scrapes, as `PrometheusText` makes it. */
  metrics(): string;
  /** Sends what has come of the run to the collector, where there is one; takes 5 s at most. */
  end(): Promise<void>;
}
