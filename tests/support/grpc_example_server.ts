/**
 * The service of examples/protos/shop.proto, by `@grpc/grpc-js`.
 *
 * @module
 */

import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { projectPath } from "./paths.ts";

/** What a {@link startExampleServer} has seen. */
export interface ExampleServer extends AsyncDisposable {
  readonly port: number;
  /** Calls by method. */
  readonly calls: Readonly<Record<string, number>>;
  /** What its clients sent as `authorization`. */
  readonly users: ReadonlySet<string>;
  /** Orders that it got. */
  readonly orders: () => number;
}

type Message = Record<string, unknown>;
type Reply = grpc.sendUnaryData<Message>;

const ITEM: Message = { id: 1, name: "a lamp", price: 4900, stock: 3 };

export async function startExampleServer(): Promise<ExampleServer> {
  const calls: Record<string, number> = {};
  const users = new Set<string>();
  let orders = 0;
  const count = (name: string, { metadata }: { readonly metadata: grpc.Metadata }): void => {
    calls[name] = (calls[name] ?? 0) + 1;
    users.add(String(metadata.get("authorization")[0]));
  };
  const file = projectPath("examples/protos/shop.proto");
  const { shop } = grpc.loadPackageDefinition(loadSync(file, { longs: String, defaults: true }));
  const { Catalog, Orders, Users } = shop as unknown as Record<
    string,
    grpc.ServiceClientConstructor
  >;
  const server = new grpc.Server();
  server.addService(Catalog!.service, {
    GetItem: (call: grpc.ServerUnaryCall<{ id: string }, Message>, reply: Reply) => {
      count("GetItem", call);
      const { id } = call.request;
      if (id === "404" || id === "0") {
        return reply({ code: grpc.status.NOT_FOUND, details: "no such item" });
      }
      const trailers = new grpc.Metadata();
      trailers.set("x-cache", "HIT");
      reply(null, { ...ITEM, id }, trailers);
    },
    Search: (call: grpc.ServerWritableStream<Message, Message>) => {
      count("Search", call);
      for (let id = 1; id <= 3; id++) call.write({ ...ITEM, id });
      call.end();
    },
  });
  server.addService(Users!.service, {
    LogIn: (call: grpc.ServerUnaryCall<{ name: string }, Message>, reply: Reply) => {
      count("LogIn", call);
      reply(null, { token: call.request.name });
    },
  });
  server.addService(Orders!.service, {
    Add: (call: grpc.ServerUnaryCall<Message, Message>, reply: Reply) => {
      count("Add", call);
      orders++;
      reply(null, { orders: 1, total: 4900 });
    },
    Import: (call: grpc.ServerReadableStream<Message, Message>, reply: Reply) => {
      count("Import", call);
      let imported = 0;
      call.on("data", () => imported++);
      call.on("end", () => {
        orders += imported;
        reply(null, { orders: imported, total: 4900 * imported });
      });
    },
    Follow: (call: grpc.ServerDuplexStream<Message, Message>) => {
      count("Follow", call);
      call.on("data", () => {
        orders++;
        call.write({ orders: 1, total: 4900 });
      });
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync(
      "127.0.0.1:0",
      credentials,
      (error, bound) => error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    calls,
    users,
    orders: () => orders,
    [Symbol.asyncDispose]: () => Promise.resolve(server.forceShutdown()),
  };
}
