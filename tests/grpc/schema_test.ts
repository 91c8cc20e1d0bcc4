import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { type LoadedSchema, loadSchema } from "../../src/grpc/schema.ts";

type Files = Readonly<Record<string, string>>;

function load(
  files: Files,
  protos: readonly string[] = ["shop.proto"],
  importFolders: readonly string[] = [],
): Promise<LoadedSchema> {
  return loadSchema({
    isFile: (path) => Promise.resolve(Object.hasOwn(files, path)),
    readTextFile: (path) => {
      const text = files[path];
      if (text === "unreadable") {
        return Promise.reject(Object.assign(new Error("denied"), { code: "EACCES" }));
      }
      return text === undefined ? Promise.reject(new Error("missing")) : Promise.resolve(text);
    },
  }, { files: protos, folder: "/tests", importFolders, place: "ShopTest.proto" });
}

async function refusal(
  files: Files,
  protos?: readonly string[],
  folders?: readonly string[],
): Promise<string> {
  try {
    await load(files, protos, folders);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  throw new Error("it was read");
}

const HEAD = 'syntax = "proto3"; package shop;';
const SERVICE = "message Item { int64 id = 1; } " +
  "service Catalog { rpc Get(Item) returns (stream Item); rpc Put(stream Item) returns (Item); }";

Deno.test("methods have types, and say what is a stream", async () => {
  const { schema, paths } = await load({ "/tests/shop.proto": HEAD + SERVICE });
  assert.deepEqual(paths, ["/tests/shop.proto"]);
  assert.deepEqual(schema.methodNames, ["shop.Catalog/Get", "shop.Catalog/Put"]);
  const get = schema.method("shop.Catalog/Get");
  assert.equal(get.request.name, "shop.Item");
  assert.deepEqual([get.streamsRequests, get.streamsResponses], [false, true]);
  const put = schema.method("/Catalog/Put");
  assert.deepEqual([put.name, put.streamsRequests], ["shop.Catalog/Put", true]);
  assert.equal(schema.method("shop.Catalog.Get").name, "shop.Catalog/Get");
});

Deno.test("files import each other, from the folders of file and test and from others", async () => {
  const files = {
    "/protos/shop/shop.proto": `${HEAD} import "near.proto"; import "far.proto";
      import "other/money.proto"; import "google/protobuf/empty.proto";
      import "google/protobuf/descriptor.proto"; import "google/api/annotations.proto";
      service Catalog {
        rpc Get(Near) returns (Far) { option (google.api.http) = { get: "/v1/items" }; }
        rpc Pay(Money) returns (google.protobuf.Empty);
      }`,
    "/protos/shop/near.proto": `${HEAD} import "shop.proto"; message Near { Money price = 1; }`,
    "/tests/far.proto": `${HEAD} message Far {}`,
    "/protos/other/money.proto": `${HEAD} message Money { int64 units = 1; }`,
  };
  const { schema, paths } = await load(files, ["../protos/shop/shop.proto"], ["../protos"]);
  assert.deepEqual(paths.toSorted(), Object.keys(files).sort());
  assert.equal(schema.method("Catalog/Pay").response.name, "google.protobuf.Empty");
  assert.deepEqual([...schema.method("Catalog/Get").request.encode({ price: { units: 5 } })], [
    ...[0x0a, 2, 8, 5],
  ]);
});

Deno.test("several files are one schema, and a name without its package must be unique", async () => {
  const { schema } = await load({
    "/tests/shop.proto": HEAD + SERVICE,
    "/tests/stock.proto": `syntax = "proto2"; package stock; ${
      SERVICE.replace("int64", "optional int64")
    }`,
  }, ["shop.proto", "stock.proto"]);
  assert.equal(schema.method("stock.Catalog/Get").name, "stock.Catalog/Get");
  assert.throws(
    () => schema.method("Catalog/Get"),
    /^TypeError: the method 'Catalog\/Get': shop\.Catalog and stock\.Catalog both match; write the package/,
  );
});

Deno.test("what is wrong with files is said with their names", async () => {
  assert.equal(
    await refusal({}),
    "ShopTest.proto: there is no file /tests/shop.proto",
  );
  assert.match(
    await refusal({ "/tests/shop.proto": `${HEAD}\n\nmessage Item {\n  int64 = 1;\n}` }),
    /^ShopTest\.proto: \/tests\/shop\.proto: illegal .*line 4/,
  );
  assert.match(
    await refusal({ "/tests/shop.proto": `${HEAD} message Item { Other other = 1; }` }),
    /^ShopTest\.proto: .*Other.*Item \(\/tests\/shop\.proto\)$/,
  );
  assert.match(
    await refusal({
      "/tests/shop.proto": `${HEAD} service Catalog { rpc Get(Item) returns (Item); }`,
    }),
    /^ShopTest\.proto: no such type: Item, in shop\.Catalog\.Get /,
  );
  assert.match(
    await refusal({ "/tests/shop.proto": `${HEAD} import "a/b.proto";` }, undefined, ["../p"]),
    /^ShopTest\.proto: \/tests\/shop\.proto imports "a\/b\.proto", which is not in \/tests, \/p$/,
  );
  assert.match(
    await refusal({ "/tests/shop.proto": "unreadable" }),
    /^ShopTest\.proto: cannot read \/tests\/shop\.proto: /,
  );
  assert.match(
    await refusal({ "/tests/shop.proto": "\u0000\u0001 not a proto" }),
    /^ShopTest\.proto: \/tests\/shop\.proto: illegal token/,
  );
  assert.match(
    await refusal({ "/tests/shop.proto": `${HEAD} message Item {} message Item {}` }),
    /^ShopTest\.proto: \/tests\/shop\.proto: .*Item/,
  );
});

Deno.test("files without a service are named when a method is called", async () => {
  const { schema } = await load({ "/tests/shop.proto": `${HEAD} message Item {}` });
  assert.throws(() => schema.method("Catalog/Get"), /is unknown; the proto files have no service$/);
});
