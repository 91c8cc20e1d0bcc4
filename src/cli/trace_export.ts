/**
 * Sends the spans of a node to an OpenTelemetry collector.
 *
 * @module
 */

import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { type Clock, systemClock, type Timer } from "../core/clock.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { VERSION } from "../core/version.ts";
import { hrTime, type OtlpResource, otlpResource } from "../report/otlp.ts";
import { type Span, Tracing } from "../user/tracing.ts";
import { percentage } from "./option_types.ts";
import type { Options } from "./options.ts";
import {
  CollectorLink,
  exportOnce,
  openExporter,
  OTLP_END_LIMIT_MS,
  otlpEndpoint,
  type OtlpExporter,
} from "./otlp.ts";

/** A node whose users have traces. */
interface TracedNode {
  readonly host: Pick<Host, "env">;
  readonly options: Pick<Options, "otlp" | "traceContext">;
  readonly runId: string;
  /** Its name, such as `local`. */
  readonly node: string;
}

/** The traces of a node. */
interface Traces {
  readonly requests: Tracing;
  readonly exchanges: Tracing;
  /** Sends what is left; resolves with warnings, a sentence each. */
  end(): Promise<readonly string[]>;
}

/**
 * Gives requests of a node trace contexts if there is `--trace-context`, and sends spans if there is `--otlp`.
 *
 * @throws UsageError if the URL of `--otlp` is invalid, or its protocol cannot be used.
 */
export async function openTraces(
  { host, options: { traceContext, otlp }, runId, node }: TracedNode,
): Promise<Traces | null> {
  if (traceContext === null) return null;
  const share = percentage.parse(traceContext)!;
  const clock = systemClock;
  if (otlp === null) {
    const tracing = new Tracing({ share, clock, onSpan: null });
    return { requests: tracing, exchanges: tracing, end: () => Promise.resolve([]) };
  }
  const endpoint = otlpEndpoint(otlp, "traces", (name) => host.env(name));
  const tracing = new Tracing({ share, clock, onSpan: (span) => spans.add(span) });
  const spans = new SpanExport({
    exporter: await openExporter(endpoint, "traces"),
    place: endpoint.place,
    resource: otlpResource(VERSION, runId, { "aiotest.run.id": runId, "aiotest.node": node }),
    version: VERSION,
    clock,
    closeEnded: () => tracing.closeEnded(),
    info: (line) => logger.info(line),
    warn: (line) => logger.warn(line),
  });
  spans.start();
  return {
    requests: tracing,
    exchanges: tracing,
    end: () => {
      tracing.closeAll();
      return spans.end();
    },
  };
}

interface SpanExportOptions {
  readonly exporter: OtlpExporter<ReadableSpan[]>;
  /** Host and port of the collector, for messages. */
  readonly place: string;
  readonly resource: OtlpResource;
  readonly version: string;
  readonly clock: Clock;
  /** Makes the spans that are due; called regularly. */
  readonly closeEnded: () => void;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

const INTERVAL_MS = 1_000;

/** Spans that one request to the collector has at most. */
const BATCH = 1_000;

/** Spans that wait at most. A span takes about 1 KB. */
const MAX_WAITING = 20_000;

/**
 * Sends spans in batches, one after the other. Spans that do not fit into the queue, because the collector is too
 * slow or away, are dropped and counted. The run waits for the collector only at its end, for at most 5 s.
 */
export class SpanExport {
  readonly #options: SpanExportOptions;
  #waiting: Span[] = [];
  #timer: Timer | null = null;
  /** The sending in progress, if any. */
  #sending: Promise<void> | null = null;
  readonly #link: CollectorLink;
  #hasEnded = false;
  #made = 0;
  /** How many are on their way to the collector. */
  #underWay = 0;
  #lost = 0;

  constructor(options: SpanExportOptions) {
    this.#options = options;
    this.#link = new CollectorLink({ ...options, signal: "traces" });
  }

  /** Adds a span, to be sent soon. */
  add(span: Span): void {
    this.#made++;
    if (this.#hasEnded || this.#waiting.length >= MAX_WAITING) {
      this.#lost++;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= BATCH && !this.#link.isUnreachable) this.#send();
  }

  /** Starts to send spans at intervals. */
  start(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      this.start();
      this.#options.closeEnded();
      this.#send();
    }, INTERVAL_MS);
  }

  /** Sends what is left; resolves when it has arrived, or after the time limit, with warnings. */
  async end(): Promise<readonly string[]> {
    const { clock, place } = this.#options;
    if (this.#timer !== null) clock.clearTimer(this.#timer);
    const last = async (): Promise<void> => {
      await this.#sending;
      this.#send();
      await this.#sending;
    };
    const limit = Promise.withResolvers<void>();
    const timer = clock.setTimer(() => {
      this.#link.note(`no answer within ${OTLP_END_LIMIT_MS / 1000} s`);
      limit.resolve();
    }, OTLP_END_LIMIT_MS);
    await Promise.race([last(), limit.promise]);
    clock.clearTimer(timer);
    this.#hasEnded = true;
    const lost = this.#lost + this.#underWay + this.#waiting.length;
    this.#waiting = [];
    if (lost === 0) return [];
    return [`${lost} of ${this.#made} spans were not sent to the collector at ${place}.`];
  }

  /** Sends all that waits, unless that is happening already. */
  #send(): void {
    if (this.#sending !== null || this.#waiting.length === 0) return;
    this.#sending = this.#sendBatches().finally(() => this.#sending = null);
  }

  async #sendBatches(): Promise<void> {
    const { exporter, resource, version } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      this.#underWay = batch.length;
      const problem = await exportOnce(
        exporter,
        () => batch.map((span) => readableSpan(span, resource, version)),
      );
      if (this.#hasEnded) return;
      this.#underWay = 0;
      if (problem !== null) this.#lost += batch.length;
      this.#link.note(problem);
      // The next attempt follows with the next interval.
      if (problem !== null) return;
    }
  }
}

// As numbers, because the packages are loaded only if spans are sent.
const INTERNAL: ReadableSpan["kind"] = 0;
const CLIENT: ReadableSpan["kind"] = 2;
const UNSET: ReadableSpan["status"]["code"] = 0;
const ERROR: ReadableSpan["status"]["code"] = 2;
const SAMPLED = 1;

/** A span as OpenTelemetry's exporters take it. */
function readableSpan(span: Span, resource: OtlpResource, version: string): ReadableSpan {
  const { traceId, spanId, parentId, startedAt, durationMs, error } = span;
  const context = { traceId, spanId, traceFlags: SAMPLED };
  return {
    name: span.name,
    kind: span.kind === "request" ? CLIENT : INTERNAL,
    spanContext: () => context,
    ...(parentId === ""
      ? {}
      : { parentSpanContext: { traceId, spanId: parentId, traceFlags: SAMPLED } }),
    startTime: hrTime(startedAt),
    endTime: hrTime(startedAt + durationMs),
    duration: hrTime(durationMs),
    status: error === null ? { code: UNSET } : { code: ERROR, message: error },
    attributes: span.attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: "aiotest", version },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}
