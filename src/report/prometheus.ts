/**
 * Metrics in the text format that Prometheus scrapes, version 0.0.4.
 *
 * @module
 */

import type { HistogramPoint, Labels, MetricFamily, SummaryPoint } from "./metric_families.ts";

/**
 * Writes metrics as text. It caches the lines of each histogram, which make up most of a page, until
 * a value is added to it.
 */
export class PrometheusText {
  readonly #lines = new WeakMap<HistogramPoint, string>();
  readonly #pairs = new WeakMap<Labels, string>();

  /** All families; a family without points has only its help and type. */
  of(families: readonly MetricFamily[]): string {
    return families.map((family) => this.#family(family)).join("");
  }

  #family(family: MetricFamily): string {
    const { name, help, type } = family;
    const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    return head + this.#points(family).join("");
  }

  #points(family: MetricFamily): string[] {
    const { name } = family;
    switch (family.type) {
      case "histogram": {
        const bounds = [...family.bounds.map(boundText), "+Inf"].map((bound) => `le="${bound}"`);
        return family.points.map((point) => this.#histogram(name, bounds, point));
      }
      case "summary":
        return family.points.map((point) => this.#summary(name, point));
      default:
        return family.points.map(({ labels, value }) => line(name, this.#pairsOf(labels), value));
    }
  }

  #histogram(name: string, bounds: readonly string[], point: HistogramPoint): string {
    const known = this.#lines.get(point);
    if (known !== undefined) return known;
    const own = this.#pairsOf(point.labels);
    const lines =
      bounds.map((bound, i) =>
        line(`${name}_bucket`, joinPairs(own, bound), point.cumulative[i] ?? point.count)
      ).join("") + totalLines(name, own, point);
    this.#lines.set(point, lines);
    return lines;
  }

  #summary(name: string, point: SummaryPoint): string {
    const own = this.#pairsOf(point.labels);
    return point.quantiles.map(([share, value]) =>
      line(name, joinPairs(own, `quantile="${share}"`), value)
    ).join("") + totalLines(name, own, point);
  }

  #pairsOf(labels: Labels): string {
    let pairs = this.#pairs.get(labels);
    if (pairs === undefined) {
      pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
        .join(",");
      this.#pairs.set(labels, pairs);
    }
    return pairs;
  }
}

function totalLines(
  name: string,
  own: string,
  { sum, count }: Pick<SummaryPoint, "sum" | "count">,
): string {
  return line(`${name}_sum`, own, sum) + line(`${name}_count`, own, count);
}

function line(name: string, pairs: string, value: number): string {
  return pairs === "" ? `${name} ${value}\n` : `${name}{${pairs}} ${value}\n`;
}

function joinPairs(own: string, last: string): string {
  return own === "" ? last : `${own},${last}`;
}

/** The notation of Prometheus 3, `50.0`, which gives every version of Prometheus the same label. */
function boundText(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}

function escapeHelp(text: string): string {
  return encodable(text).replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
}

/** A lone surrogate cannot be encoded in UTF-8, and Prometheus takes a NUL for the end of the page. */
function encodable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

function escapeLabel(text: string): string {
  const whole = encodable(text);
  return /[\\"\n]/.test(whole)
    ? whole.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")
    : whole;
}
