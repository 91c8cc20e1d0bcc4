/**
 * A plain client of `@grpc/grpc-js`: loops of unary calls, each loop over a connection of its own.
 * `grpc_js_client.ts HOST:PORT LOOPS SECONDS`
 *
 * @module
 */

import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import process from "node:process";

type Catalog = grpc.Client & {
  GetItem(
    message: object,
    options: object,
    done: (error: Error | null, item: { readonly price: number }) => void,
  ): void;
};

const [address = "", loops = "1", seconds = "1"] = process.argv.slice(2);
const proto = new URL("../../examples/protos/shop.proto", import.meta.url).pathname;
const loaded = grpc.loadPackageDefinition(loadSync(proto, { longs: String, defaults: true }));
const Client = (loaded.shop as unknown as { Catalog: grpc.ServiceClientConstructor }).Catalog;
const until = performance.now() + Number(seconds) * 1000;

async function loop(): Promise<void> {
  // Clients share connections unless they are told not to.
  const client = new Client(address, grpc.credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  }) as unknown as Catalog;
  while (performance.now() < until) {
    const item = await new Promise<{ readonly price: number }>((resolve, reject) => {
      const deadline = Date.now() + 60_000;
      client.GetItem(
        { id: 7 },
        { deadline },
        (error, item) => error === null ? resolve(item) : reject(error),
      );
    });
    if (item.price !== 4900) throw new Error(`the price is ${item.price}`);
  }
  client.close();
}

await Promise.all(Array.from({ length: Number(loops) }, loop));
process.exit(0);
