/**
 * The API of test files. A test file exports user classes; aiotest runs many users of each.
 *
 * ```ts
 * import { between, FastHttpUser } from "aiotest";
 *
 * export class ShopTest extends FastHttpUser {
 *   static override host = "http://127.0.0.1:8000";
 *   static override waitTime = between(1, 3);
 *
 *   async testFrontPage(): Promise<void> {
 *     await this.session.get("/");
 *   }
 * }
 * ```
 *
 * @module
 */

export { cluster } from "./src/shared/cluster.ts";
export { csv, jsonl } from "./src/shared/feeders.ts";
export type {
  Cluster,
  Counter,
  Feeder,
  FeederMode,
  FeederOptions,
  Meeting,
  MessageHandler,
  Queue,
  RendezvousOptions,
  RowFile,
  SendOptions,
  WhenEmpty,
} from "./src/core/cluster.ts";
export { run } from "./src/core/current_run.ts";
export type { Tags } from "./src/core/tags.ts";
export type { ThresholdRule } from "./src/core/threshold_rule.ts";
export { events } from "./src/core/events.ts";
export type {
  CommandLineParser,
  EventHandler,
  EventMap,
  Events,
  FlagDefault,
  RequestEvent,
  UserErrorEvent,
  WorkerReport,
} from "./src/core/events.ts";
export { logger } from "./src/core/logger.ts";
export type { Logger } from "./src/core/logger.ts";
export type { RunInfo } from "./src/core/run_info.ts";
export { UserEnd } from "./src/core/user_lifetime.ts";
export {
  delayed,
  doubleWave,
  hold,
  inSequence,
  plus,
  ramp,
  repeated,
  scaled,
  spike,
  stepUntilItBreaks,
  wave,
} from "./src/load/curves.ts";
export { stages } from "./src/load/stages.ts";
export type { Curve, CurveStep } from "./src/load/curve.ts";
export type {
  ArrivalOption,
  DoubleSpan,
  HoldOptions,
  Span,
  SpanOptions,
  SpikeOptions,
  StepOptions,
  SteppedSpan,
  UserOption,
} from "./src/load/curves.ts";
export type { ArrivalStage, Stage, StageEnd, UserStage } from "./src/load/stages.ts";
export { LoadUserShape } from "./src/load/load_user_shape.ts";
export type { Tick } from "./src/load/load_user_shape.ts";
export type { Load } from "./src/load/load.ts";
export type { UserContext } from "./src/user/context.ts";
export { tag, weight } from "./src/user/discovery.ts";
export type { TestDecorator } from "./src/user/discovery.ts";
export type { ClassTls, TlsOptions, TlsVersion } from "./src/user/class_tls.ts";
export { FastHttpUser } from "./src/user/fast_http_user.ts";
export { AsyncHttpUser, HttpUser, RequestError } from "./src/user/http_user.ts";
export type {
  Auth,
  BodyContent,
  BodyOptions,
  Check,
  Cookie,
  CookieStore,
  Fields,
  FieldValue,
  HtmlElement,
  HttpResponse,
  RequestErrorCode,
  RequestOptions,
  ResourceOptions,
  ResponseTimings,
  ServerSentEvent,
  SessionHeaders,
  StreamOptions,
} from "./src/user/http_user.ts";
export { type WebSocketClose, WebSocketUser } from "./src/user/websocket_user.ts";
export type {
  AskOptions,
  ConnectOptions,
  MessageMatch,
  PingOptions,
  ReceiveOptions,
  WebSocketMessage,
} from "./src/user/websocket_options.ts";
export { GrpcMetadata, GrpcUser } from "./src/user/grpc_user.ts";
export type { GrpcStream } from "./src/user/grpc_stream.ts";
export type {
  AnyMessage,
  CallOptions,
  GrpcCheck,
  GrpcCompression,
  GrpcResponse,
  GrpcStatus,
  MetadataInit,
  MetadataValue,
} from "./src/user/grpc_user.ts";
export type { BatchItem, BatchOptions, BatchRequest, BatchTuple } from "./src/user/batch.ts";
export type { Session } from "./src/user/session.ts";
export type { StreamFunction, StreamResponse } from "./src/user/streams.ts";
export { metrics } from "./src/user/metrics.ts";
export type {
  CounterMetric,
  GaugeMetric,
  Metrics,
  RateMetric,
  TrendMetric,
  TrendOptions,
} from "./src/user/metrics.ts";
export { User } from "./src/user/user.ts";
export type {
  Measurement,
  MeasureOptions,
  SessionScope,
  TestOrder,
  UserClass,
} from "./src/user/user.ts";
export {
  between,
  constant,
  constantPacing,
  constantThroughput,
  exponential,
} from "./src/user/wait_time.ts";
export type { Turn, WaitFunction, WaitTime } from "./src/user/wait_time.ts";
