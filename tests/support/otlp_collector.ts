import * as grpc from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import definitions from "@opentelemetry/otlp-transformer/build/src/generated/root.js";

/** A span as a collector has got it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty without one. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  /** In milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** 2: an error. */
  readonly status: number;
  readonly message: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Attributes of what has sent it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** As all three protocols have it in JavaScript. */
interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status?: { readonly code?: number; readonly message?: string };
  readonly attributes: readonly Attribute[];
}

/** The part of protobuf.js that is used. */
interface MessageType {
  decode(bytes: Uint8Array): unknown;
  toObject(message: unknown, options: object): Record<string, unknown>;
}

// OpenTelemetry's own definitions, as protobuf.js has compiled them; its newer packages have none.
// deno-lint-ignore no-explicit-any
const COLLECTOR = (definitions as any).opentelemetry.proto.collector;

const TYPES: Readonly<Record<string, MessageType>> = {
  traces: COLLECTOR.trace.v1.ExportTraceServiceRequest as MessageType,
  metrics: COLLECTOR.metrics.v1.ExportMetricsServiceRequest as MessageType,
};

const SERVICES: Readonly<Record<string, string>> = {
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
};

/** What a collector has got, over any protocol. */
export class OtlpCollector implements AsyncDisposable {
  /** `traces` or `metrics`, with the protocol of each request. */
  readonly requests: string[] = [];
  readonly spans: CollectedSpan[] = [];
  /** Names of metrics. */
  readonly metrics = new Set<string>();
  /** The header `x-tenant` of each request. */
  readonly tenants: string[] = [];
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  readonly #grpc = new grpc.Server();
  #grpcPort = 0;

  private constructor(answer: () => Promise<Response> | Response) {
    this.#http = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const signal = new URL(request.url).pathname.split("/").at(-1)!;
        const isJson = request.headers.get("content-type") === "application/json";
        this.tenants.push(request.headers.get("x-tenant") ?? "");
        const got = isJson ? await request.json() : decoded(signal, await request.bytes());
        this.#got(signal, isJson ? "http/json" : "http/protobuf", got);
        return await answer();
      },
    );
  }

  /** Opens one that listens for HTTP and gRPC. @param answer to each request over HTTP. */
  static async open(
    answer: () => Promise<Response> | Response = () => new Response("{}"),
  ): Promise<OtlpCollector> {
    const collector = new OtlpCollector(answer);
    await collector.#listen();
    return collector;
  }

  /** For HTTP. */
  get url(): string {
    return `http://127.0.0.1:${this.#http.addr.port}`;
  }

  get grpcUrl(): string {
    return `grpc://127.0.0.1:${this.#grpcPort}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#grpc.forceShutdown();
    await this.#http.shutdown();
  }

  async #listen(): Promise<void> {
    const same = (bytes: Buffer): Buffer => bytes;
    for (const [signal, path] of Object.entries(SERVICES)) {
      const method = {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      };
      this.#grpc.addService({ export: method }, {
        export: (
          { request, metadata }: grpc.ServerUnaryCall<Buffer, Buffer>,
          done: grpc.sendUnaryData<Buffer>,
        ): void => {
          this.tenants.push(String(metadata.get("x-tenant")[0] ?? ""));
          this.#got(signal, "grpc", decoded(signal, request));
          done(null, Buffer.alloc(0));
        },
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#grpc.bindAsync(
      "127.0.0.1:0",
      grpc.ServerCredentials.createInsecure(),
      (error, port) => error === null ? resolve(port) : reject(error),
    );
    this.#grpcPort = await promise;
  }

  // deno-lint-ignore no-explicit-any
  #got(signal: string, protocol: string, body: any): void {
    this.requests.push(`${signal} ${protocol}`);
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      for (const { spans } of scopeSpans) {
        for (const span of spans) this.spans.push(collected(span, valuesOf(resource.attributes)));
      }
    }
    for (const { scopeMetrics } of body.resourceMetrics ?? []) {
      for (const { metrics } of scopeMetrics) {
        for (const { name } of metrics) this.metrics.add(name);
      }
    }
  }
}

function decoded(signal: string, bytes: Uint8Array): Record<string, unknown> {
  const type = TYPES[signal]!;
  const object = type.toObject(type.decode(bytes), { longs: String, bytes: String });
  return JSON.parse(
    JSON.stringify(object),
    (key, value) =>
      /^(trace|span|parentSpan)Id$/.test(key)
        ? Buffer.from(value, "base64").toString("hex")
        : value,
  );
}

function collected(span: SentSpan, resource: CollectedSpan["resource"]): CollectedSpan {
  const { traceId, spanId, parentSpanId = "", name, kind, status } = span;
  const { startTimeUnixNano: start, endTimeUnixNano: end } = span;
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    startedAt: Number(BigInt(start) / 1000n) / 1000,
    durationMs: Number(BigInt(end) - BigInt(start)) / 1e6,
    status: status?.code ?? 0,
    message: status?.message ?? "",
    attributes: valuesOf(span.attributes),
    resource,
  };
}

/** Numbers are text in some protocols. */
function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => {
    const [type, one] = Object.entries(value)[0]!;
    return [key, type === "intValue" || type === "doubleValue" ? Number(one) : one];
  }));
}
