/**
 * A gRPC server of `@grpc/grpc-js`, which counts what it sees.
 *
 * @module
 */

import * as grpc from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { fileURLToPath } from "node:url";
import descriptor from "protobufjs/ext/descriptor.js";

/** Where the `.proto` files of the server are. */
export const PROTO_FOLDER: string = fileURLToPath(new URL("protos", import.meta.url));

/** What a {@link ShopServer} has counted. */
export interface ShopCounts {
  /** Calls by the name of their method. */
  readonly calls: Record<string, number>;
  /** Calls that ended with another status than OK, by its code. */
  readonly statuses: Record<number, number>;
  messagesReceived: number;
  messagesSent: number;
  /** Calls that the client has cancelled. */
  cancelled: number;
}

interface ItemMessage {
  readonly id?: string;
  readonly itemName?: string;
}

interface GetItemMessage {
  readonly id: string;
  readonly status: number;
  readonly delayMs: number;
  readonly picture: Uint8Array;
}

interface SearchMessage {
  readonly items: number;
  readonly status: number;
  readonly bytesEach: number;
}

/** Options of {@link ShopServer.start}. */
export interface ShopServerOptions {
  readonly credentials?: grpc.ServerCredentials;
  /** Versions of the reflection service that it has. */
  readonly reflection?: readonly string[];
  readonly port?: number;
}

/** The service of `shop.proto`. */
export class ShopServer implements AsyncDisposable {
  readonly counts: ShopCounts = {
    calls: {},
    statuses: {},
    messagesReceived: 0,
    messagesSent: 0,
    cancelled: 0,
  };
  /** The metadata of the last call. */
  lastMetadata: grpc.Metadata = new grpc.Metadata();
  /** The deadline that the last call gave, in milliseconds from then; `Infinity` for none. */
  lastDeadlineMs = Infinity;
  readonly #server = new grpc.Server();
  readonly #definition: PackageDefinition;
  port = 0;

  private constructor() {
    this.#definition = loadSync("shop.proto", {
      includeDirs: [PROTO_FOLDER],
      longs: String,
      defaults: true,
    });
  }

  static async start(options: ShopServerOptions = {}): Promise<ShopServer> {
    const shop = new ShopServer();
    const loaded = grpc.loadPackageDefinition(shop.#definition);
    const { Catalog } = loaded.shop as unknown as { Catalog: grpc.ServiceClientConstructor };
    shop.#server.addService(Catalog.service, shop.#handlers());
    for (const version of options.reflection ?? []) shop.#addReflection(version);
    shop.port = await new Promise<number>((resolve, reject) => {
      shop.#server.bindAsync(
        `127.0.0.1:${options.port ?? 0}`,
        options.credentials ?? grpc.ServerCredentials.createInsecure(),
        (error, port) => error === null ? resolve(port) : reject(error),
      );
    });
    return shop;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  #began(method: string, metadata: grpc.Metadata, deadline: grpc.Deadline): void {
    this.counts.calls[method] = (this.counts.calls[method] ?? 0) + 1;
    this.lastMetadata = metadata;
    this.lastDeadlineMs = Number(deadline) - Date.now();
  }

  #failure(code: number): Partial<grpc.ServiceError> {
    this.counts.statuses[code] = (this.counts.statuses[code] ?? 0) + 1;
    const metadata = new grpc.Metadata();
    metadata.set("x-reason", "asked");
    return { code, details: `what was asked: ü ${code}%`, metadata };
  }

  #handlers(): grpc.UntypedServiceImplementation {
    return {
      GetItem: (
        call: grpc.ServerUnaryCall<GetItemMessage, unknown>,
        reply: grpc.sendUnaryData<unknown>,
      ) => {
        this.#began("GetItem", call.metadata, call.getDeadline());
        this.counts.messagesReceived++;
        call.on("cancelled", () => this.counts.cancelled++);
        const { id, status, delayMs, picture } = call.request;
        const metadata = new grpc.Metadata();
        metadata.set("x-server", "shop");
        metadata.set("x-key-bin", Buffer.from([0, 1, 255]));
        const trailers = new grpc.Metadata();
        trailers.set("x-cost", "3");
        const answer = (): void => {
          if (status !== 0) return reply(this.#failure(status));
          call.sendMetadata(metadata);
          this.counts.messagesSent++;
          reply(null, {
            id,
            itemName: `item ${id}`,
            kind: "BOOK",
            price: { currency: "EUR", units: "12", fraction: 0.5 },
            picture,
            madeAt: { seconds: "1700000000", nanos: 0 },
            counts: { sold: 3 },
            parts: [{ id: "9007199254740993" }],
          }, trailers);
        };
        if (delayMs > 0) setTimeout(answer, delayMs);
        else answer();
      },
      Search: (call: grpc.ServerWritableStream<SearchMessage, unknown>) => {
        this.#began("Search", call.metadata, call.getDeadline());
        this.counts.messagesReceived++;
        call.on("cancelled", () => this.counts.cancelled++);
        const { items, status, bytesEach } = call.request;
        const picture = new Uint8Array(bytesEach);
        let id = 0;
        const write = (): void => {
          while (id < items && !call.cancelled) {
            id++;
            this.counts.messagesSent++;
            if (!call.write({ id: String(id), itemName: `item ${id}`, picture })) {
              return void call.once("drain", write);
            }
          }
          if (status !== 0) call.emit("error", this.#failure(status));
          else call.end();
        };
        write();
      },
      Import: (
        call: grpc.ServerReadableStream<ItemMessage, unknown>,
        reply: grpc.sendUnaryData<unknown>,
      ) => {
        this.#began("Import", call.metadata, call.getDeadline());
        let items = 0;
        call.on("data", ({ itemName }: ItemMessage) => {
          this.counts.messagesReceived++;
          items++;
          if (itemName === "stop") reply(this.#failure(grpc.status.RESOURCE_EXHAUSTED));
        });
        call.on("cancelled", () => this.counts.cancelled++);
        call.on("end", () => {
          if (call.cancelled) return;
          this.counts.messagesSent++;
          reply(null, { items });
        });
      },
      Chat: (call: grpc.ServerDuplexStream<ItemMessage, unknown>) => {
        this.#began("Chat", call.metadata, call.getDeadline());
        call.on("data", (item: ItemMessage) => {
          this.counts.messagesReceived++;
          this.counts.messagesSent++;
          call.write({ id: item.id, itemName: `re: ${item.itemName}` });
        });
        call.on("cancelled", () => this.counts.cancelled++);
        call.on("end", () => call.end());
      },
    };
  }

  /** The reflection service (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md). */
  #addReflection(version: string): void {
    const reflection = loadSync(`reflection_${version}.proto`, {
      includeDirs: [PROTO_FOLDER],
      defaults: false,
    });
    const name = `grpc.reflection.${version}.ServerReflection`;
    this.#server.addService(reflection[name] as grpc.ServiceDefinition, {
      ServerReflectionInfo: (call: grpc.ServerDuplexStream<ReflectionRequest, unknown>) => {
        call.on("data", (request: ReflectionRequest) => call.write(this.#reflected(request)));
        call.on("end", () => call.end());
      },
    });
  }

  /** Answers with one file at a time, so that a client has to ask for those that it depends on. */
  #reflected(request: ReflectionRequest): unknown {
    const files = this.descriptors();
    const { fileContainingSymbol: symbol, fileByFilename: wanted, listServices } = request;
    if (listServices !== undefined) {
      return { listServicesResponse: { service: [{ name: "shop.Catalog" }] } };
    }
    const file = symbol === "shop.Catalog" ? "shop.proto" : symbol === undefined ? wanted : "";
    const bytes = files.get(file ?? "");
    return bytes === undefined
      ? { errorResponse: { errorCode: 5, errorMessage: `${symbol ?? wanted} not found` } }
      : { fileDescriptorResponse: { fileDescriptorProto: [bytes] } };
  }

  /**
   * The encoded descriptors of all files, by name, as protoc has written them:
   * `protoc -I protos --include_imports --descriptor_set_out=protos/shop.protoset shop.proto`.
   */
  descriptors(): Map<string, Uint8Array> {
    const set = descriptor.FileDescriptorSet.decode(
      Deno.readFileSync(`${PROTO_FOLDER}/shop.protoset`),
    );
    return new Map(
      set.file.map((file: { readonly name?: string | null }) => [
        file.name ?? "",
        descriptor.FileDescriptorProto.encode(file).finish(),
      ]),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    return Promise.resolve();
  }
}

interface ReflectionRequest {
  readonly fileContainingSymbol?: string;
  readonly fileByFilename?: string;
  readonly listServices?: string;
}
