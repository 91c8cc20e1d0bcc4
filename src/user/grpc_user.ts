/**
 * A user that calls a gRPC service.
 *
 * @module
 */

import { errorText, isInstance, PreparationError, UsageError } from "../core/errors.ts";
import { localFailureOf } from "../core/local_failures.ts";
import { type Tags, tagsText } from "../core/tags.ts";
import { asText, hideCredentials, shown } from "../core/text.ts";
import { neverSettles, UserEnd } from "../core/user_lifetime.ts";
import { type GrpcCompression, sentMessage } from "../grpc/call_terms.ts";
import {
  type CallParts,
  type EndedCall,
  messageJson,
  MessageTexts,
  OutgoingMessages,
  StreamCall,
  WholeCall,
} from "../grpc/calls.ts";
import type { Fields } from "../grpc/message_types.ts";
import { GrpcMetadata, type MetadataInit } from "../grpc/metadata.ts";
import { type AnyMessage, GrpcResponse } from "../grpc/response.ts";
import type { GrpcMethod, GrpcSchema } from "../grpc/schema.ts";
import type { Answer, ReflectionError } from "../grpc/reflection.ts";
import { codeOf, errorOf } from "../grpc/status.ts";
import { CheckResult } from "../http/http_response.ts";
import { RequestError } from "../http/request_error.ts";
import type { TransportSettings } from "../http/socket_transport.ts";
import {
  type BodyTexts,
  ExchangePhases,
  type HeaderPairs,
  type Transport,
  type WireBody,
  type WireResponse,
} from "../http/transport.ts";
import { concatenated } from "../http2/frames.ts";
import { Http2Pool } from "../http2/http2_pool.ts";
import { Http2Transport } from "../http2/http2_transport.ts";
import { ObservedHttp2Pool } from "../http2/observed_http2_pool.ts";
import { checkTls, type ClassTls, userTls } from "./class_tls.ts";
import type { UserContext } from "./context.ts";
import { CallTarget, ClassMethods } from "./grpc_methods.ts";
import { checkGrpcFields, filesOf } from "./grpc_settings.ts";
import { GrpcStream } from "./grpc_stream.ts";
import { metrics } from "./metrics.ts";
import { observedTransport } from "./observers.ts";
import { checkNames, timeoutMs } from "./option_checks.ts";
import { checkHttpHost } from "./session_checks.ts";
import {
  checkFields,
  checkOptions,
  type ClassFiles,
  type ClassOptions,
  type FieldCheck,
  loadFiles,
  renewSession,
  type SessionScope,
  User,
} from "./user.ts";
import { PendingSample } from "./user_requests.ts";

// The public part of the grpc layer, which mod.ts must not import itself.
export type { GrpcCompression } from "../grpc/call_terms.ts";
export { GrpcMetadata } from "../grpc/metadata.ts";
export type { MetadataInit, MetadataValue } from "../grpc/metadata.ts";
export { type AnyMessage, GrpcResponse } from "../grpc/response.ts";
export type { GrpcStatus } from "../grpc/status.ts";

/** Options of a call. */
export interface CallOptions {
  /** The name in reports. Default: the name of the method, such as `shop.Catalog/GetItem`. */
  readonly name?: string;
  /** Metadata of this call. It replaces that of the user with the same name. */
  readonly metadata?: MetadataInit;
  /** The deadline, in seconds from now; `Infinity` for none. Default: the class's `timeout`. */
  readonly timeout?: number;
  /** How messages are compressed. Default: the class's `compression`. */
  readonly compression?: GrpcCompression;
  /** Parts of the name that reports also show by themselves, such as `{ cache: "hit" }`. */
  readonly tags?: Tags;
}

/**
 * Checks a response before its call is counted. The call fails if the check throws, rejects or calls
 * `res.failure("why")`. With `res.success()` it succeeds, whatever its status.
 */
export type GrpcCheck<Message = AnyMessage> = (res: GrpcResponse<Message>) => unknown;

const METHOD = "GRPC";
const SENT = "grpc_messages_sent";
const RECEIVED = "grpc_messages_received";
const MAX_MESSAGE_SIZE = 4 * 1024 * 1024;
const BODY_MARGIN = 65_536;
/** Codes of calls that found no connection, so nothing was sent. */
const NOT_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|CONNECT_TIMEOUT|TLS.*|EMFILE|EADDRNOTAVAIL|ENOBUFS)$/;
const OPTIONS = ["name", "metadata", "timeout", "compression", "tags"];
const NO_OPTIONS: CallOptions = {};

/** The measurements of one call. */
class CallSample extends PendingSample {
  /** For outputs that show exchanges; set before the call is sent. */
  texts: BodyTexts = NO_TEXTS;
  /** `null` if it was not sent. */
  call: CallParts | null = null;
}

const NO_TEXTS: BodyTexts = { sent: () => "", received: () => null };

/**
 * A simulated user that calls a gRPC service, over aiotest's own HTTP/2. Each call is a request with the method `GRPC`
 * in reports. Messages are plain objects; their types come from `.proto` files, or from the server's reflection.
 *
 * A call resolves when the server has ended it, whatever its status. A status other than `OK` counts as a failure, such
 * as `GRPC UNAVAILABLE`. A deadline that passes is the status `DEADLINE_EXCEEDED`. A call rejects with a RequestError
 * if there is no status, for instance because there is no connection.
 *
 * ```ts
 * import { GrpcUser } from "aiotest";
 *
 * export class ShopTest extends GrpcUser {
 *   static override host = "http://127.0.0.1:50051";
 *   static override proto = "shop.proto";
 *
 *   async testItem(): Promise<void> {
 *     const res = await this.call("shop.Catalog/GetItem", { id: 7 });
 *     this.check("has a price", res.message?.price > 0);
 *   }
 * }
 * ```
 */
export class GrpcUser extends User {
  /** The `.proto` files, relative to the test file. */
  static proto: string | readonly string[] = [];
  /**
   * Folders in which imports of `.proto` files are looked for, relative to the test file, besides the folder of the file
   * that imports and that of the test file.
   */
  static protoFolders: readonly string[] = [];
  /** Whether to ask the server for its methods and types, in place of `.proto` files. */
  static reflection = false;
  /** Metadata of all calls. */
  static metadata: MetadataInit = {};
  /** Default deadline of a call in seconds. */
  static timeout: number = 60;
  /** Time limit in seconds for opening a connection. */
  static connectTimeout = 10;
  /** How messages are compressed; those of the server may always be. */
  static compression: GrpcCompression = "none";
  /** The largest message that is received, in bytes, after decompression. */
  static maxMessageSize: number = MAX_MESSAGE_SIZE;
  /**
   * Whose connections they are: each user has its own, or all users of the class on a node share them, as many as the
   * server's limit of streams asks for.
   */
  static connections: "own" | "shared" = "own";
  /** How long the connection and changes of the metadata last. With `"iteration"`, each iteration has new ones. */
  static session: SessionScope = "user";
  /**
   * IP addresses of the machine that connections leave from, in turn; empty for the system's choice.
   * `--local-address` replaces them.
   */
  static localAddresses: readonly string[] = [];
  /**
   * Where connections to a name with several addresses begin: at each address in turn, always at the first one, or at
   * a random one. `--dns` replaces it.
   */
  static dns: "first" | "rotate" | "random" = "rotate";
  /**
   * How to connect with TLS, or a function that is called once for each user. The user that it gets has no fields of
   * its own class yet. `--client-cert`, `--client-key` and `--ca` replace what they name.
   */
  static tls: ClassTls<GrpcUser> = null;

  /** The schemas of classes whose files were read. */
  static readonly #schemas = new WeakMap<object, GrpcSchema>();

  /** @internal */
  static override [checkOptions](options: ClassOptions): void {
    if ((options.host ?? this.host) === "") {
      throw new UsageError(
        `${options.name} has no host`,
        'Set static host = "http://127.0.0.1:50051" in the class, or give -H http://127.0.0.1:50051.',
      );
    }
    checkHttpHost(this.host, options);
    checkTls(this.tls, options);
  }

  /** @internal */
  static override [checkFields](check: FieldCheck): void {
    checkGrpcFields(check, this);
    // Thresholds can only use metrics that are known before the run.
    for (const name of [SENT, RECEIVED]) metrics.counter(name);
  }

  /** @internal Reads the `.proto` files. */
  static override async [loadFiles](
    { name, folder, reader }: ClassFiles,
  ): Promise<readonly string[]> {
    if (this.reflection) return [];
    // Other users need none of it, and it takes time to load.
    const { loadSchema } = await import("../grpc/schema.ts");
    const { schema, paths } = await loadSchema(reader, {
      files: filesOf(this.proto) as readonly string[],
      folder,
      importFolders: this.protoFolders,
      place: `${name}.proto`,
    });
    GrpcUser.#schemas.set(this, schema);
    return paths;
  }

  readonly #context: UserContext;
  readonly #transport: Transport;
  /** The same without observers. */
  readonly #plainTransport: Transport;
  readonly #methods: ClassMethods;
  #metadata: GrpcMetadata | null = null;
  /** As headers, and how often it was changed before. */
  #metadataPairs: HeaderPairs = [];
  #metadataChanges = -1;
  readonly #onAbort = (): void => this.#transport.abort();

  /** Opens no connection. A subclass with its own constructor must call `super(context)`. */
  constructor(context: UserContext) {
    super(context);
    const { clock, http, observers } = context;
    const { localAddresses, dns } = http.options;
    const settings = this.#settings;
    const tls = userTls(this, settings.tls, http);
    this.#context = context;
    this.#methods = http.ofClass(
      settings,
      () => new ClassMethods(this.host, new GrpcMetadata(settings.metadata).pairs),
    );
    const options: TransportSettings = {
      connectMs: settings.connectTimeout * 1000,
      headersMs: Infinity,
      bodyMs: Infinity,
      // Of calls with one message. What is slightly too large is refused with its exact size.
      maxBodySize: settings.maxMessageSize + BODY_MARGIN,
      keepAlive: true,
      tls: observers.inspectsTls ? { ...tls, isInspected: true } : tls,
      localAddresses: localAddresses.length > 0 ? localAddresses : settings.localAddresses,
      dns: dns ?? settings.dns,
      protocols: ["h2"],
    };
    const isObserved = !observers.exchanges.every(({ ignoresWire }) => ignoresWire);
    const sharedBy = settings.connections === "shared" ? this.#methods : null;
    const Pool = isObserved ? ObservedHttp2Pool : Http2Pool;
    const transport = new Http2Transport(clock, http, options, null, sharedBy, Pool);
    this.#plainTransport = transport;
    this.#transport = observedTransport(transport, this.constructor.name, context);
    this.signal.addEventListener("abort", this.#onAbort);
  }

  get #settings(): typeof GrpcUser {
    return this.constructor as typeof GrpcUser;
  }

  /** Metadata of all calls of this user, at first that of its class. */
  get metadata(): GrpcMetadata {
    return this.#metadata ??= new GrpcMetadata(this.#settings.metadata);
  }

  /**
   * Calls a method with one message in each direction.
   *
   * @param method its name, such as `shop.Catalog/GetItem`. The package can be left out if the name is unique.
   * @param message an object with the fields of the message.
   * @param check checks the response before the call is counted; its duration is not measured.
   * @throws RequestError if there is no status; `BAD_RESPONSE` if the server breaks the rules of gRPC, and `TOO_LARGE`.
   *   TypeError or RangeError if method, message or options are invalid; then nothing was sent or counted.
   */
  call<Reply = AnyMessage>(
    method: string,
    message: unknown = {},
    options: CallOptions = NO_OPTIONS,
    check?: GrpcCheck<Reply>,
  ): Promise<GrpcResponse<Reply>> {
    if (this.#context.requests.closed) return neverSettles();
    try {
      const target = this.#target(method);
      return target instanceof Promise
        ? target.then(
          (known) => this.#call(known, message, options, check),
          (error) => this.#notReflected(method, options, error),
        )
        : this.#call(target, message, options, check);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Calls a method that answers one message with any number of them. The call is counted when it has ended.
   *
   * ```ts
   * import { GrpcUser } from "aiotest";
   *
   * export class SearchTest extends GrpcUser {
   *   static override host = "http://127.0.0.1:50051";
   *   static override proto = "shop.proto";
   *
   *   async testSearch(): Promise<void> {
   *     await this.serverStream("shop.Catalog/Search", { text: "lamp" }, {}, async (call) => {
   *       for await (const item of call.messages()) this.check("has a price", item.price > 0);
   *     });
   *   }
   * }
   * ```
   *
   * @param use gets the call. When it has ended, further messages are not kept, and the end of the call is awaited.
   * @param check checks the response before the call is counted.
   * @throws what `use` throws, which counts as a failure; otherwise as {@link call}.
   */
  async serverStream<Reply = AnyMessage>(
    method: string,
    message: unknown,
    options: CallOptions,
    use: (call: GrpcStream<never, Reply>) => unknown,
    check?: GrpcCheck<Reply>,
  ): Promise<GrpcResponse<Reply>> {
    if (this.#context.requests.closed) return await neverSettles();
    const target = await this.#targetOrEnd<Reply>(method, options);
    if (target instanceof GrpcResponse) return target;
    const { name, streamsRequests, streamsResponses } = target.method;
    if (streamsRequests) throw new TypeError(`${name} takes any number of messages; use stream`);
    if (!streamsResponses) throw new TypeError(`${name} answers with one message; use call`);
    checkNames("serverStream", options, OPTIONS);
    const body = encoded(target.method, message, this.#compression(options));
    const parts = { target, body, outgoing: null, message };
    return await this.#stream(parts, options, use as UseOfStream, check);
  }

  /**
   * Calls a method that takes any number of messages, and answers with one or with any number of them. The call is
   * counted when it has ended.
   *
   * ```ts
   * import { GrpcUser } from "aiotest";
   *
   * export class ImportTest extends GrpcUser {
   *   static override host = "http://127.0.0.1:50051";
   *   static override proto = "shop.proto";
   *
   *   async testImport(): Promise<void> {
   *     const res = await this.stream("shop.Orders/Import", {}, async (call) => {
   *       for (let itemId = 1; itemId <= 100; itemId++) await call.send({ itemId });
   *     });
   *     this.check("has all", res.message?.orders === 100);
   *   }
   * }
   * ```
   *
   * @param use gets the call. When it has ended, nothing more is sent, and the end of the call is awaited.
   * @param check checks the response before the call is counted.
   * @returns the response, whose message is the last one.
   * @throws what `use` throws, which counts as a failure; otherwise as {@link call}.
   */
  async stream<Sent = AnyMessage, Reply = AnyMessage>(
    method: string,
    options: CallOptions,
    use: (call: GrpcStream<Sent, Reply>) => unknown,
    check?: GrpcCheck<Reply>,
  ): Promise<GrpcResponse<Reply>> {
    if (this.#context.requests.closed) return await neverSettles();
    const target = await this.#targetOrEnd<Reply>(method, options);
    if (target instanceof GrpcResponse) return target;
    const { name, streamsRequests, streamsResponses } = target.method;
    if (!streamsRequests) {
      const use = streamsResponses ? "serverStream" : "call";
      throw new TypeError(`${name} takes one message; use ${use}`);
    }
    checkNames("stream", options, OPTIONS);
    const outgoing = new OutgoingMessages();
    const parts = { target, body: outgoing.body, outgoing, message: null };
    return await this.#stream(parts, options, use as UseOfStream, check);
  }

  /** The method of a name; a promise if the server must be asked for it. */
  #target(name: string): CallTarget | Promise<CallTarget> {
    const known = this.#methods.known(name);
    if (known !== undefined) return known;
    const schema = GrpcUser.#schemas.get(this.#settings);
    if (schema !== undefined) return this.#methods.add(name, schema.method(name));
    if (this.#settings.reflection) return this.#reflected(name);
    throw new Error("the .proto files of this class were not read");
  }

  /** Asks the server for a method, once for all users of the class on this node. */
  async #reflected(name: string): Promise<CallTarget> {
    const ask = async (): Promise<GrpcSchema> => {
      const { Reflection } = await import("../grpc/reflection.ts");
      return await new Reflection((method, messages) => this.#ask(method, messages))
        .schemaFor(name);
    };
    for (;;) {
      try {
        const schema = await this.#methods.reflected(name, ask);
        return this.#methods.known(name) ?? this.#methods.add(name, schema.method(name));
      } catch (error) {
        // The user that has asked for all of them was stopped.
        const isOthers = isInstance(error, RequestError) && this.#isLeft(error);
        if (!isOthers) throw error;
        if (this.#context.requests.closed) return await neverSettles();
      }
    }
  }

  /** Calls a method that is none of the test's: it is not counted. */
  #ask(method: GrpcMethod, messages: readonly Fields[]): Promise<Answer> {
    const { clock } = this.#context;
    const { timeout, maxMessageSize } = this.#settings;
    const target = new CallTarget(method, this.#methods.urlOf(method));
    const now = clock.now();
    const parts: CallParts = {
      method,
      url: target.url,
      headers: target.headers(this.#pairs(NO_OPTIONS), timeout * 1000, "none"),
      body: concatenated(messages.map((message) => encoded(method, message, "none"))),
      deadline: now + timeout * 1000,
      sentAt: now,
      counter: { retries: 0, phases: null },
      maxMessageSize,
      now: () => clock.now(),
    };
    return new Promise((resolve, reject) => {
      const call = new WholeCall(parts, {
        ended: ({ messages }, ended) => resolve({ ended, messages }),
        failed: (_, error) => reject(error),
      });
      this.#plainTransport.exchange(call);
    });
  }

  /** Counts a call whose method could not be looked up as one that has ended in this way. */
  #notReflected<Reply>(
    name: string,
    options: CallOptions,
    error: unknown,
  ): Promise<GrpcResponse<Reply>> {
    const isEnded = error instanceof Error && error.name === "ReflectionError";
    if (!isEnded && !isInstance(error, RequestError)) throw error;
    const { ended } = error as ReflectionError;
    if (isEnded && ended.status.status === "UNIMPLEMENTED") throw this.#noReflection();
    const sample = this.#sample(asText(options.name || name), this.host, options);
    if (sample === null) return neverSettles();
    return new Promise((resolve, reject) => {
      if (isEnded) resolve(this.#answered<Reply>(sample, ended, null, false));
      else this.#failed(sample, error as RequestError, reject);
    });
  }

  /** Without types, the test cannot run; that the server has none is only known now. */
  #noReflection(): PreparationError {
    const { name } = this.constructor;
    const error = new PreparationError(
      `${name}.reflection is true, but the server at ${
        hideCredentials(this.host)
      } has no reflection service`,
      `Name the .proto files instead: static override proto = "shop.proto".`,
    );
    this.#context.recorder.unprepared(error);
    return error;
  }

  async #targetOrEnd<Reply>(
    name: string,
    options: CallOptions,
  ): Promise<CallTarget | GrpcResponse<Reply>> {
    try {
      return await this.#target(name);
    } catch (error) {
      return await this.#notReflected(name, options, error);
    }
  }

  #compression({ compression }: CallOptions): GrpcCompression {
    if (compression === undefined) return this.#settings.compression;
    if (compression === "none" || compression === "gzip") return compression;
    throw new TypeError(`compression: ${shown(compression)}, expected "none" or "gzip"`);
  }

  #call<Reply>(
    target: CallTarget,
    message: unknown,
    options: CallOptions,
    check: GrpcCheck<Reply> | undefined,
  ): Promise<GrpcResponse<Reply>> {
    const { method } = target;
    if (method.streamsRequests || method.streamsResponses) {
      const use = method.streamsRequests ? "stream" : "serverStream";
      throw new TypeError(`${method.name} is a method with streams; use ${use}`);
    }
    if (options !== NO_OPTIONS) checkNames("call", options, OPTIONS);
    const body = encoded(method, message, this.#compression(options));
    const pending = this.#begin(target, body, options);
    if (pending === null) return neverSettles();
    const { sample, parts } = pending;
    sample.texts = new MessageTexts(method, message);
    const response = new Promise<GrpcResponse<Reply>>((resolve, reject) => {
      const call = new WholeCall(parts, {
        ended: ({ messages }, ended) => {
          if (this.#isCutOff(sample)) return;
          const reply = (messages[0] ?? null) as Reply | null;
          resolve(this.#answered(sample, ended, reply, check !== undefined));
        },
        failed: (_, error) => this.#failed(sample, error, reject),
      });
      this.#transport.exchange(call);
    });
    return check === undefined ? response : this.#check(sample, response, check);
  }

  /** Begins to count a call; `null` if none may start. */
  #begin(
    target: CallTarget,
    body: WireBody,
    options: CallOptions,
  ): { readonly sample: CallSample; readonly parts: CallParts } | null {
    const { clock } = this.#context;
    const { timeout, maxMessageSize } = this.#settings;
    const limitMs = timeoutMs(options.timeout ?? timeout);
    const { method, url } = target;
    const headers = target.headers(this.#pairs(options), limitMs, this.#compression(options));
    const sample = this.#sample(asText(options.name || method.name), url.href, options);
    if (sample === null) return null;
    const now = clock.now();
    const parts: CallParts = {
      method,
      url,
      headers,
      body,
      deadline: now + limitMs,
      sentAt: now,
      counter: sample,
      maxMessageSize,
      now: () => clock.now(),
    };
    sample.call = parts;
    return { sample, parts };
  }

  /** Begins to measure a call; `null` if none may start. */
  #sample(name: string, requestedUrl: string, { tags }: CallOptions): CallSample | null {
    const { clock, lease, requests, iterationSlot } = this.#context;
    const sample = new CallSample({ requestedUrl });
    sample.method = METHOD;
    sample.name = name;
    if (tags !== undefined) sample.tags = tagsText(tags);
    const now = clock.now();
    if (requests.closed || !lease.holds(now)) return null;
    sample.startedAt = iterationSlot === null ? now : iterationSlot.measureFrom(now);
    // The wait for the start of an iteration is part of the latency, but of no phase.
    if (sample.startedAt !== now) sample.phases = new ExchangePhases();
    requests.start(sample);
    return sample;
  }

  /** The metadata of a call as headers; the same array as long as it is the same. */
  #pairs({ metadata: own }: CallOptions): HeaderPairs {
    const ofUser = this.#metadata;
    let pairs = this.#methods.metadata;
    if (ofUser !== null) {
      if (this.#metadataChanges !== ofUser.changes) {
        this.#metadataPairs = ofUser.pairs;
        this.#metadataChanges = ofUser.changes;
      }
      pairs = this.#metadataPairs;
    }
    if (own === undefined) return pairs;
    const added = new GrpcMetadata(own);
    return [...pairs.filter(([name]) => !added.has(name)), ...added.pairs];
  }

  async #stream<Reply>(
    { target, body, outgoing, message }: StreamParts,
    options: CallOptions,
    use: UseOfStream,
    check: GrpcCheck<Reply> | undefined,
  ): Promise<GrpcResponse<Reply>> {
    if (typeof use !== "function") {
      throw new TypeError(
        `${target.method.name}: ${shown(use)}, expected a function that gets the call`,
      );
    }
    const compression = this.#compression(options);
    const { clock, requests, recorder } = this.#context;
    const pending = this.#begin(target, body, options);
    if (pending === null) return await neverSettles();
    const { sample, parts } = pending;
    const end = Promise.withResolvers<EndedCall>();
    // The function of the test may never ask how the call has ended.
    end.promise.catch(() => {});
    // A single message goes out with the head of the request, as soon as there is a connection.
    let isCounted = outgoing !== null;
    const wasSent = (): void => {
      if (!isCounted) metrics.count(SENT, 1);
      isCounted = true;
    };
    const call = new StreamCall(parts, {
      message: (_, message) => {
        wasSent();
        metrics.count(RECEIVED, 1);
        GrpcStream.arrived(stream, message);
      },
      ended: (_, ended) => {
        wasSent();
        GrpcStream.ended(stream, requests.closed ? "never" : "ended");
        end.resolve(ended);
      },
      failed: (_, error) => {
        const isLeft = this.#isLeft(error);
        if (!NOT_CONNECTED.test(error.code)) wasSent();
        this.#failed(sample, error, end.reject);
        GrpcStream.ended(stream, isLeft ? "never" : { error });
      },
    });
    const stream = new GrpcStream(call, outgoing, {
      encode: (message) => encoded(target.method, message, compression),
      sent: () => metrics.count(SENT, 1),
      cancel: () => call.cancel(clock.now()),
    });
    const streamTexts = GrpcStream.texts(stream);
    sample.texts = outgoing === null
      ? { ...streamTexts, sent: () => messageJson(message) }
      : streamTexts;
    this.#transport.exchange(call);
    try {
      await use(stream);
    } catch (error) {
      call.cancel(clock.now());
      const ended = await end.promise.catch(() => null);
      if (ended === null) recorder.markCounted(error);
      else this.#threw(sample, ended, error);
      throw error;
    }
    GrpcStream.finish(stream);
    const ended = await end.promise;
    if (this.#isCutOff(sample)) return await neverSettles();
    const reply = GrpcStream.lastOf(stream) as Reply | null;
    const res = this.#answered(sample, ended, reply, check !== undefined);
    if (check === undefined) return res;
    return await this.#check(sample, Promise.resolve(res), check);
  }

  /** The function of a stream has thrown. */
  #threw(sample: CallSample, { status: { status }, isWanted }: EndedCall, error: unknown): void {
    const { clock, requests, recorder } = this.#context;
    if (isInstance(error, UserEnd)) return void requests.drop(sample);
    // Being stopped says nothing about the target, except that the call had taken that long.
    if (this.signal.aborted) return requests.cutOff(sample, clock.now());
    sample.end(clock.now());
    sample.status = codeOf(status);
    // The status is mostly the reason for what was thrown.
    sample.error = status === "OK" || isWanted ? errorText(error) : errorOf(status);
    requests.fail(sample, error);
    recorder.markCounted(error);
  }

  /** Whether the user has ended, or has lost the call. */
  #isCutOff(sample: CallSample): boolean {
    const { clock, requests } = this.#context;
    if (!requests.closed && sample.isPending) return false;
    requests.cutOff(sample, clock.now());
    return true;
  }

  /** A call has ended with a status. */
  #answered<Reply>(
    sample: CallSample,
    ended: EndedCall,
    message: Reply | null,
    hasCheck: boolean,
  ): GrpcResponse<Reply> {
    const { requests } = this.#context;
    sample.end(ended.endedAt);
    sample.bytesReceived += ended.bytesReceived;
    sample.bytesSent += ended.bytesSent;
    const { status } = ended.status;
    sample.status = codeOf(status);
    if (status !== "OK" && !ended.isWanted) sample.error = errorOf(status);
    if (sample.error !== null && !hasCheck) this.#keepFailure(sample, ended.response, null);
    const check = hasCheck ? sample.check = new CheckResult(sample.error) : null;
    const res = new GrpcResponse<Reply>(message, ended, sample.latencyMs, check, requests);
    if (check === null) requests.record(sample);
    return res;
  }

  /** Keeps a failed call as an example of others, if there are too few. */
  #keepFailure(
    sample: CallSample,
    response: WireResponse | null,
    error: RequestError | null,
  ): void {
    const { observers: { failures }, requests } = this.#context;
    if (failures === undefined || !sample.isPending || sample.call === null) return;
    if (!failures.admits(sample.method, sample.name, sample.error ?? "")) return;
    const { url, headers, body, sentAt } = sample.call;
    const parts = { method: "POST", url, headers, body, sentAt, counter: sample };
    const exchange = { ...parts, response, error, attempts: [], phases: sample.phases };
    const sender = { userClass: this.constructor.name, user: requests };
    failures.failed({ sample, sender, exchange });
  }

  /** Runs the check of a call, in the context of its user, and counts the call. */
  async #check<Reply>(
    sample: CallSample,
    response: Promise<GrpcResponse<Reply>>,
    check: GrpcCheck<Reply>,
  ): Promise<GrpcResponse<Reply>> {
    const { clock, requests, recorder } = this.#context;
    const res = await response;
    const result = sample.check!;
    try {
      await check(res);
    } catch (thrown) {
      // A check that is cut off with its user has found nothing.
      if (!(this.signal.aborted && recorder.isCounted(thrown))) {
        result.checkThrew(thrown);
        requests.checkThrew(thrown);
      }
    }
    if (requests.closed) {
      requests.cutOff(sample, clock.now());
      return neverSettles();
    }
    sample.error = result.close();
    if (sample.error !== null) this.#keepFailure(sample, GrpcResponse.wire(res), null);
    requests.record(sample);
    return res;
  }

  /** Whether a call was lost because its user has ended, or has a new session. */
  #isLeft(error: RequestError): boolean {
    return this.#context.requests.closed || (error.code === "ABORTED" && !this.signal.aborted);
  }

  /** A call has ended without a status. */
  #failed(sample: CallSample, error: RequestError, reject: (error: unknown) => void): void {
    const { clock, requests, recorder } = this.#context;
    const now = clock.now();
    if (this.#isLeft(error)) return requests.cutOff(sample, now);
    recorder.markCounted(error);
    if (error.code === "ABORTED") requests.cutOff(sample, now);
    else {
      sample.end(now);
      sample.error = error.code;
      sample.phases ??= new ExchangePhases();
      if (localFailureOf(error) === null) this.#keepFailure(sample, null, error);
      requests.fail(sample, error);
    }
    reject(error);
  }

  /** @internal */
  override [renewSession](): void {
    this.#metadata = null;
    this.#metadataChanges = -1;
    this.#transport.close();
  }

  /** Closes the connections; called by the runner. */
  override [Symbol.dispose](): void {
    this.signal.removeEventListener("abort", this.#onAbort);
    this.#transport.close();
    super[Symbol.dispose]();
  }
}

type UseOfStream = (call: GrpcStream) => unknown;

/** What a stream consists of. */
interface StreamParts {
  readonly target: CallTarget;
  readonly body: WireBody;
  /** `null` if the client sends one message only. */
  readonly outgoing: OutgoingMessages | null;
  /** That message. */
  readonly message: unknown;
}

/** @throws TypeError if the message does not fit. */
function encoded(
  { name, request }: GrpcMethod,
  message: unknown,
  compression: GrpcCompression,
): Uint8Array<ArrayBuffer> {
  try {
    return sentMessage(request.encode(message), compression);
  } catch (error) {
    if (error instanceof TypeError) throw new TypeError(`${name}: ${error.message}`);
    throw error;
  }
}
