import { PairCap } from "../stats/cap.ts";
import type { BucketSource } from "../stats/counted.ts";
import { OTHER_CODE } from "../stats/entry_table.ts";
import type { CodeRow, FailureRow, RequestRow, Statistics } from "../stats/snapshot.ts";
import { BoundCounts } from "./bound_counts.ts";
import type { HistogramPoint, Labels, MetricFamily, ValuePoint } from "./metric_family.ts";

/**
 * Metrics of requests, failures and user errors.
 *
 * A histogram is counted anew only where it has grown. Of errors, the first 1,000 are told apart and
 * the rest are counted under `(other)`: each name may have as many of its own.
 */
export class RequestMetrics {
  readonly #bounds: readonly number[];
  readonly #boundCounts: BoundCounts;
  readonly #known = new WeakMap<BucketSource, HistogramPoint>();
  readonly #nameLabels = new Map<string, Labels>();
  readonly #errors = new PairCap();

  /** @param bounds upper bounds of the buckets in milliseconds, rising. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#boundCounts = new BoundCounts(bounds);
  }

  /** All families, those without a point included. */
  of({ requests, failures, userErrors }: Statistics): MetricFamily[] {
    const coded = requests.flatMap((row) =>
      row.codes.map((code) => ({ code, times: this.#histogram(row, code) }))
    );
    const byCode = (value: (code: CodeRow) => number): ValuePoint[] =>
      coded.map(({ code, times: { labels } }) => ({ labels, value: value(code) }));
    const byName = (value: (row: RequestRow) => number): ValuePoint[] =>
      requests.map((row) => ({ labels: this.#labels(row), value: value(row) }));
    return [
      {
        type: "histogram",
        name: "aiotest_response_times",
        help: "Latencies of requests, in milliseconds.",
        unit: "ms",
        bounds: this.#bounds,
        points: coded.map(({ times }) => times),
      },
      {
        type: "gauge",
        name: "aiotest_response_content_length",
        help: "Mean bytes of a response's body.",
        unit: "By",
        points: byCode((code) => code.requests === 0 ? 0 : code.bytesReceived / code.requests),
      },
      counter(
        "aiotest_response_bytes_total",
        "Bytes of the bodies of responses.",
        byCode(({ bytesReceived }) => bytesReceived),
        "By",
      ),
      counter(
        "aiotest_request_bytes_total",
        "Bytes of the bodies of requests.",
        byName(({ bytesSent }) => bytesSent),
        "By",
      ),
      counter(
        "aiotest_request_retries_total",
        "Requests that were sent again because a connection had gone.",
        byName(({ retries }) => retries),
      ),
      counter(
        "aiotest_response_failure_total",
        "Requests that failed, by their error.",
        this.#failurePoints(failures),
      ),
      counter(
        "aiotest_user_error_total",
        "Errors that the code of users threw.",
        userErrors.map(({ user, error, count }) => ({ labels: { user, error }, value: count })),
      ),
    ];
  }

  #histogram(row: RequestRow, code: CodeRow): HistogramPoint {
    const { histogram, latencySumMs } = code;
    const known = this.#known.get(histogram);
    if (known !== undefined && known.count === histogram.count) return known;
    const point: HistogramPoint = {
      labels: known?.labels ?? labelsOf(row, code),
      cumulative: this.#boundCounts.of(histogram),
      count: histogram.count,
      sum: latencySumMs,
    };
    this.#known.set(histogram, point);
    return point;
  }

  /** The same object each time, so that whoever writes it can remember how. */
  #labels({ name, method }: RequestRow): Labels {
    const key = JSON.stringify([name, method]);
    let labels = this.#nameLabels.get(key);
    if (labels === undefined) this.#nameLabels.set(key, labels = { name, method });
    return labels;
  }

  #failurePoints(failures: readonly FailureRow[]): ValuePoint[] {
    const points = new Map<string, { labels: Labels; value: number }>();
    for (const { method, name, error: text, count } of failures) {
      const error = this.#errors.admit(`${method} ${name}`, text);
      const key = JSON.stringify([method, name, error]);
      const point = points.get(key);
      if (point !== undefined) point.value += count;
      else points.set(key, { labels: { name, method, error }, value: count });
    }
    return [...points.values()];
  }
}

function labelsOf({ name, method }: RequestRow, { code }: CodeRow): Labels {
  return { name, method, code: code === OTHER_CODE ? "other" : String(code) };
}

function counter(
  name: string,
  help: string,
  points: readonly ValuePoint[],
  unit = "",
): MetricFamily {
  return { type: "counter", name, help, unit, points };
}
