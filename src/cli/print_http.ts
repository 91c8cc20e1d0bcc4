/**
 * `--print-http`: prints the first requests of a run that have failed, or the first of any, with what was sent and
 * what came back.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import { exchangeLines } from "../report/exchange_text.ts";
import { formatAmount, formatLatency } from "../report/quantity.ts";
import { exchangeRecord } from "../user/exchange_records.ts";
import type { CountedRequest, ExchangeObserver, RequestObserver } from "../user/observers.ts";

/** The requests that are printed. */
const MAX_PRINTED = 20;

/** Text of a body that is printed, in UTF-16 units. */
const MAX_BODY_TEXT = 2048;

/** What is printed. */
interface PrintOptions {
  /** Whether requests are printed that have not failed. */
  readonly isAll: boolean;
  readonly secrets: boolean;
}

/** Prints requests until there are enough. */
export class HttpPrinter implements RequestObserver, ExchangeObserver {
  readonly #print: (text: string) => void;
  readonly #options: PrintOptions;
  #left = MAX_PRINTED;
  #more = 0;

  /** @param print prints one or more lines. */
  constructor(print: (text: string) => void, options: PrintOptions) {
    this.#print = print;
    this.#options = options;
  }

  wants(): boolean {
    return this.#left > 0;
  }

  counted(request: CountedRequest): void {
    const { sample: { error }, details } = request;
    if (details.requestedUrl === "" || (error === null && !this.#options.isAll)) return;
    // A request that has begun after the last one that was printed was not observed.
    if (this.#left === 0 || details.exchanges === null) {
      this.#more++;
      return;
    }
    this.#left--;
    this.#show(request, details.exchanges);
  }

  /** Says how many requests there were besides those that were printed. */
  end(): Promise<readonly string[]> {
    const more = this.#more;
    this.#more = 0;
    if (more === 0) return Promise.resolve([]);
    const kind = this.#options.isAll ? "more request" : "more failed request";
    this.#print(`--print-http: ${formatAmount(more, kind)} not printed.`);
    return Promise.resolve([]);
  }

  #show(
    { sample, userClass, user }: CountedRequest,
    exchanges: NonNullable<CountedRequest["details"]["exchanges"]>,
  ): void {
    const { method, name, status, error, latencyMs, endedAt } = sample;
    const at = new Date(systemClock.wallTime() - (systemClock.now() - endedAt) - latencyMs);
    const outcome = error === null ? String(status) : `failed: ${error}`;
    const title = `${method} ${name}: ${outcome}, ${formatLatency(latencyMs)} ms`;
    const whose = `${userClass}, user ${user.id}, iteration ${user.iteration}, ${at.toISOString()}`;
    const options = { secrets: this.#options.secrets, maxText: MAX_BODY_TEXT };
    const size = { columns: Infinity, color: false, indent: 2 };
    const lines = exchanges.flatMap((exchange) => {
      const record = exchangeRecord(exchange, options);
      return [`  ${record.method} ${record.url}`, ...exchangeLines(record, size)];
    });
    this.#print([title, `  ${whose}`, ...lines, ""].join("\n"));
  }
}
