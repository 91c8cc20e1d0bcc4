/**
 * Where an OpenTelemetry collector is, which protocol it gets, and OpenTelemetry's own exporters for that.
 *
 * @module
 */

import { type Clock, systemClock } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";

/** What is sent to a collector. */
export type OtlpSignal = "metrics" | "traces";

/** The values of OpenTelemetry's variable `OTEL_EXPORTER_OTLP_PROTOCOL`. */
const PROTOCOLS = ["grpc", "http/protobuf", "http/json"] as const;

/** Where a signal is sent, and how. */
export interface OtlpEndpoint {
  readonly protocol: typeof PROTOCOLS[number];
  /** As the exporter takes it. */
  readonly url: string;
  /** Host and port, for messages. */
  readonly place: string;
}

/** The part of OpenTelemetry's exporters that is used. */
export interface OtlpExporter<Data> {
  /** Sends data, with retries; `done` gets code 0 when it has arrived. */
  export(
    data: Data,
    done: (result: ExportResult) => void,
  ): void;
}

interface ExportResult {
  readonly code: number;
  readonly error?: Error;
}

/** The port of gRPC, as all collectors have it. */
const GRPC_PORT = "4317";

/**
 * Where `--otlp` sends a signal. `grpc:` and `grpcs:` ask for gRPC. For `http:` and `https:`, the variable of
 * OpenTelemetry decides; without it, the port of gRPC asks for gRPC, and others for JSON over HTTP.
 *
 * @throws UsageError if the URL is invalid, without quoting it, as it may contain a secret; or if the variable is.
 */
export function otlpEndpoint(
  text: string,
  signal: OtlpSignal,
  env: (name: string) => string | undefined,
): OtlpEndpoint {
  const url = URL.parse(text.replace(/^grpc(s?):/i, "http$1:"));
  // The exporters ignore user and password in a URL, so everything would be rejected.
  const isPlain = url !== null && url.username + url.password + url.hash === "";
  if (!isPlain || !["http:", "https:"].includes(url.protocol)) throw invalidUrl();
  const isGrpc = /^grpc/i.test(text);
  const protocol = isGrpc ? "grpc" : protocolOf(signal, env) ??
    (url.port === GRPC_PORT && url.pathname === "/" ? "grpc" : "http/json");
  if (protocol !== "grpc") {
    url.pathname = pathOf(url.pathname, signal);
    return { protocol, url: url.href, place: url.host };
  }
  if (url.pathname + url.search !== "/") {
    throw new UsageError(
      "--otlp: a URL for gRPC has no path",
      "Write it like grpc://127.0.0.1:4317, or grpcs:// for TLS.",
    );
  }
  if (isGrpc && url.port === "") url.port = GRPC_PORT;
  return { protocol, url: url.href, place: url.host };
}

function invalidUrl(): UsageError {
  return new UsageError(
    "--otlp: expected a URL like http://127.0.0.1:4318 or grpc://127.0.0.1:4317",
    "Metrics are sent to /v1/metrics, and traces to /v1/traces. Set user and password in " +
      "OTEL_EXPORTER_OTLP_HEADERS.",
  );
}

/** A path with the usual one of a signal, unless it ends with that. */
function pathOf(path: string, signal: OtlpSignal): string {
  const base = path.replace(/\/v1\/(metrics|traces)$/, "").replace(/\/+$/, "");
  return `${base}/v1/${signal}`;
}

/** The protocol that the variables of OpenTelemetry ask for; `null` if none is set. */
function protocolOf(
  signal: OtlpSignal,
  env: (name: string) => string | undefined,
): OtlpEndpoint["protocol"] | null {
  for (const part of [`${signal.toUpperCase()}_`, ""]) {
    const variable = `OTEL_EXPORTER_OTLP_${part}PROTOCOL`;
    const text = env(variable)?.trim() ?? "";
    if (text === "") continue;
    const protocol = PROTOCOLS.find((one) => one === text);
    if (protocol !== undefined) return protocol;
    throw new UsageError(`${variable}=${text}: expected one of ${PROTOCOLS.join(", ")}`);
  }
  return null;
}

/** The part of the packages that is used. */
type ExporterPackage = Readonly<
  Record<string, new (options: object) => OtlpExporter<unknown>>
>;

const PACKAGE_ENDS = { "grpc": "grpc", "http/protobuf": "proto", "http/json": "http" } as const;

const CLASSES = { metrics: "OTLPMetricExporter", traces: "OTLPTraceExporter" } as const;

const PACKAGE_PARTS = { metrics: "metrics", traces: "trace" } as const;

/** Milliseconds for all attempts of one export together; less than {@link OTLP_END_LIMIT_MS}. */
const TIMEOUT_MS = 4_000;

/** How long the end of a run waits for what is left to arrive. */
export const OTLP_END_LIMIT_MS = 5_000;

/**
 * Opens OpenTelemetry's exporter for an endpoint. It takes credentials and certificates from OpenTelemetry's
 * variables by itself.
 *
 * @throws UsageError if the package of the protocol cannot be loaded.
 */
export async function openExporter<Data>(
  { protocol, url }: OtlpEndpoint,
  signal: OtlpSignal,
): Promise<OtlpExporter<Data>> {
  // Computed, so that the packages are not loaded at every start: most runs need none, and the others one.
  const name = `@opentelemetry/exporter-${PACKAGE_PARTS[signal]}-otlp-${PACKAGE_ENDS[protocol]}`;
  try {
    const loaded: ExporterPackage = await import(name);
    const exporter = new loaded[CLASSES[signal]]!({ url, timeoutMillis: TIMEOUT_MS });
    return protocol === "grpc" ? retrying(exporter, systemClock) : exporter;
  } catch (error) {
    throw new UsageError(
      `--otlp: ${protocol} cannot be used here: ${errorText(error)}`,
      "Send over HTTP: http://HOST:4318.",
    );
  }
}

/** gRPC's code for a collector that is away, or is not connected yet. */
const UNAVAILABLE = 14;

/** When to try again, in milliseconds after the attempt before. */
const RETRY_MS = [500, 1_500];

/** An exporter that tries again as OTLP asks for. OpenTelemetry's own for gRPC does not, unlike that for HTTP. */
export function retrying<Data>(exporter: OtlpExporter<Data>, clock: Clock): OtlpExporter<Data> {
  const attempt = (data: Data, done: (result: ExportResult) => void, retries: number): void => {
    exporter.export(data, (result) => {
      const delayMs = RETRY_MS[retries];
      const { error } = result;
      const isAway = error !== undefined && "code" in error && error.code === UNAVAILABLE;
      if (!isAway || delayMs === undefined) return done(result);
      clock.setTimer(() => attempt(data, done, retries + 1), delayMs);
    });
  };
  return { export: (data, done) => attempt(data, done, 0) };
}

/** What a {@link CollectorLink} says, and where. */
interface CollectorLinkOptions {
  /** Host and port of the collector, for messages. */
  readonly place: string;
  /** What is sent, for messages. */
  readonly signal: OtlpSignal;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** Whether a collector can be reached, which is logged when it changes. */
export class CollectorLink {
  /** Whether the last attempt has failed. */
  isUnreachable = false;
  readonly #options: CollectorLinkOptions;

  constructor(options: CollectorLinkOptions) {
    this.#options = options;
  }

  /** Notes how an attempt has ended: what went wrong, or `null`. */
  note(problem: string | null): void {
    const { place, signal, info, warn } = this.#options;
    if (problem === null && this.isUnreachable) {
      info(`The OpenTelemetry collector at ${place} is receiving ${signal} again.`);
    } else if (problem !== null && !this.isUnreachable) {
      warn(`Cannot send ${signal} to the OpenTelemetry collector at ${place}: ${problem}`);
    }
    this.isUnreachable = problem !== null;
  }
}

/** Exports something once; resolves with what went wrong, or `null`. */
export function exportOnce<Data>(
  exporter: OtlpExporter<Data>,
  data: () => Data,
): Promise<string | null> {
  return new Promise<string | null>((resolve) => {
    exporter.export(data(), ({ code, error }) => resolve(code === 0 ? null : errorText(error)));
  }).catch(errorText);
}
