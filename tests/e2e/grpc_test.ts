import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { endOf } from "../support/cluster.ts";
import { blocksOf } from "../support/doc_page.ts";
import { startExampleServer } from "../support/grpc_example_server.ts";
import { PROTO_FOLDER, ShopServer } from "../support/grpc_server.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest, startAiotest, type Started } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("gRPC", 2);

/** Calls of all kinds, good and bad. */
const SHOP = `
import { GrpcUser } from "aiotest";
export class ShopTest extends GrpcUser {
  static proto = "../protos/shop.proto";
  static protoFolders = ["../protos/types"];
  static waitTime = 0;
  static iterations = 5;
  async testAll() {
    const item = await this.call("shop.Catalog/GetItem", { id: this.id });
    this.check("has its id", item.message.id === String(this.id));
    await this.call("shop.Catalog/GetItem", { status: 5 }, { name: "missing" });
    // The server must have seen the call before its time is over.
    if (this.iteration === 0) {
      await this.call("shop.Catalog/GetItem", { delayMs: 60000 }, { name: "late", timeout: 2 });
    }
    const found = await this.serverStream("shop.Catalog/Search", { items: 3 }, {}, async (call) => {
      for await (const one of call.messages()) this.check("is an item", one.id !== "0");
    });
    this.check("ends well", found.ok);
    const sum = await this.stream("shop.Catalog/Import", {}, async (call) => {
      for (let id = 1; id <= 4; id++) await call.send({ id });
    });
    this.check("has all", sum.message.items === 4);
    await this.stream("shop.Catalog/Chat", {}, async (call) => {
      for (let id = 1; id <= 2; id++) {
        await call.send({ id });
        const answer = await call.receive();
        this.check("is answered", answer.id === String(id));
      }
    });
  }
}
`;

function metric({ metrics }: Summary, name: string): number {
  const row = metrics.find((one) => one.name === name);
  return row?.type === "counter" ? row.value : 0;
}

/** A folder with a test file below it, and the protos beside. */
async function site(text: string): Promise<{ root: string; file: string } & AsyncDisposable> {
  const root = Deno.realPathSync(await Deno.makeTempDir());
  for (const name of ["tests", "protos/types", "empty"]) {
    await Deno.mkdir(`${root}/${name}`, { recursive: true });
  }
  await Deno.writeTextFile(`${root}/tests/shop_test.js`, text);
  for (const name of ["shop.proto", "types/money.proto"]) {
    await Deno.copyFile(`${PROTO_FOLDER}/${name}`, `${root}/protos/${name}`);
  }
  return {
    root,
    file: `${root}/tests/shop_test.js`,
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

test("three workers without files call as often as the server counts", async () => {
  await using shop = await ShopServer.start();
  await using here = await site(SHOP);
  const env = { AIOTEST_TOKEN: "correct horse battery staple" };
  const json = `${here.root}/out.json`;
  const master = startAiotest([
    ...["-f", here.file, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "0"],
    ...["--expect-workers", "3", "-u", "30", "-r", "30", "-t", "50", "-H", shop.url],
    ...["--json", json, "--exit-code-on-error", "0"],
  ], { env });
  const port = await master.tells(/Waiting for workers at \S+:(\d+)\./);
  const workers = [1, 2, 3].map((): Started =>
    startAiotest(["--worker", "--master-host", "127.0.0.1", "--master-port", port], {
      env,
      cwd: `${here.root}/empty`,
    })
  );
  const { code, stdout, stderr } = await endOf(master);
  assert.equal(code, 0, stdout + stderr);
  for (const worker of workers) assert.equal((await endOf(worker)).code, 0);
  const summary: Summary = JSON.parse(await Deno.readTextFile(json));
  const { calls, statuses, messagesReceived, messagesSent } = shop.counts;
  assert.deepEqual(calls, { GetItem: 330, Search: 150, Import: 150, Chat: 150 });
  assert.deepEqual(statuses, { 5: 150 });
  const rows = summary.requests.map(({ method, name, requests, failures }) =>
    `${method} ${name} ${requests} ${failures}`
  );
  assert.deepEqual(rows.sort(), [
    "GRPC late 30 30",
    "GRPC missing 150 150",
    "GRPC shop.Catalog/Chat 150 0",
    "GRPC shop.Catalog/GetItem 150 0",
    "GRPC shop.Catalog/Import 150 0",
    "GRPC shop.Catalog/Search 150 0",
  ]);
  const failures = summary.failures.map(({ name, error, count }) => `${name} ${error} ${count}`);
  assert.deepEqual(failures.sort(), [
    "late GRPC DEADLINE_EXCEEDED 30",
    "missing GRPC NOT_FOUND 150",
  ]);
  // The server counts the messages of unary calls as well.
  assert.equal(metric(summary, "grpc_messages_sent"), messagesReceived - 330);
  assert.equal(metric(summary, "grpc_messages_received"), messagesSent - 150);
  assert.deepEqual(summary.userErrors, []);
  const example = summary.failureSamples.find(({ name }) => name === "missing");
  assert.match(example!.sent, /^POST \/shop\.Catalog\/GetItem\b[^]*\n\n\{"status":5\}$/);
  assert.equal(example!.status, 5);
  assert.match(example!.received, /\ngrpc-status: 5\n/);
  const failed = summary.checks.filter((one) => one.failed > 0).map(({ name }) => name);
  assert.deepEqual(failed, []);
  assert.ok(summary.requests.every(({ connections }) => (connections?.opened ?? 0) <= 30));
});

test("a missing or invalid file is found before the run, and by aiotest check", async () => {
  await using here = await site(SHOP);
  const proto = `${here.root}/protos/shop.proto`;
  const said = async (command: readonly string[]): Promise<string> => {
    const { code, stderr } = await runAiotest([...command, "-H", "http://127.0.0.1:1"]);
    assert.equal(code, 2, stderr);
    assert.ok(!/ at .*src\//.test(stderr), stderr);
    return stderr.replaceAll(/\s+/g, " ");
  };
  const good = await runAiotest(["check", "-f", here.file, "-H", "http://127.0.0.1:1"]);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /protos\/shop\.proto.*protos\/types\/money\.proto/);
  for (const command of [["check", "-f", here.file], ["-f", here.file, "-t", "1", "--no-web"]]) {
    await Deno.writeTextFile(proto, 'syntax = "proto3";\nmessage Item {\n  int32 id == 1;\n}\n');
    assert.match(await said(command), /ShopTest\.proto: \S+shop\.proto: .*line 3/);
    await Deno.writeTextFile(proto, 'syntax = "proto3";\nimport "no/such.proto";\n');
    assert.match(
      await said(command),
      /shop\.proto imports "no\/such\.proto", which is not in .*protos.* protoFolders/,
    );
    await Deno.remove(proto);
    assert.match(await said(command), /ShopTest\.proto: there is no file \S+shop\.proto/);
  }
});

test("--once shows messages as JSON, and the status", async () => {
  await using shop = await ShopServer.start();
  await using here = await site(SHOP.replace(/await this\.call\(.*delayMs.*\);/, ""));
  const { code, stdout } = await runAiotest(["-f", here.file, "-H", shop.url, "--once"]);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /> \{"id":1\}\n/);
  assert.match(stdout, /< grpc-status: 0\n/);
  assert.match(stdout, /< +"itemName": "item 1",\n/);
  assert.match(stdout, /✗ GRPC missing: failed: GRPC NOT_FOUND/);
  assert.match(stdout, /> \{"messages":4,"last":\{"id":4\}\}\n/);
  assert.match(stdout, /< \{"messages":1,"last":\{"items":4\}\}\n/);
});

test("the test files of docs/grpc.md run", async () => {
  await using server = await startExampleServer();
  await using reflecting = await ShopServer.start({ reflection: ["v1"] });
  const root = await Deno.makeTempDir();
  const file = `${root}/tests/aiotestfile.ts`;
  await Deno.mkdir(`${root}/tests`);
  await Deno.mkdir(`${root}/protos/stock/v1`, { recursive: true });
  await Deno.copyFile(projectPath("examples/protos/shop.proto"), `${root}/tests/shop.proto`);
  await Deno.writeTextFile(`${root}/protos/stock/v1/stock.proto`, STOCK);
  const page = blocksOf(await Deno.readTextFile(projectPath("docs/grpc.md")));
  const fragments = page.filter(({ text }) => !text.includes("export class"));
  const files = page.filter(({ text }) => text.includes("export class")).map(({ text }) => text);
  assert.deepEqual([files.length, fragments.length], [4, 2]);
  const names: string[][] = [];
  for (const text of [...files, fileOf(fragments.map(({ text }) => text))]) {
    await Deno.writeTextFile(file, text);
    const port = text.includes("reflection") ? reflecting.port : server.port;
    const url = `http://127.0.0.1:${port}`;
    if (text.includes("stock.v1")) {
      const { code, stderr } = await runAiotest(["check", "-f", file, "-H", url]);
      assert.equal(code, 0, stderr);
      continue;
    }
    const json = `${root}/run.json`;
    const { code, stdout, stderr } = await runAiotest([
      ...["-f", file, "-H", url, "-u", "2", "--iterations", "2", "--json", json],
    ]);
    assert.equal(code, 0, stdout + stderr);
    const summary: Summary = JSON.parse(await Deno.readTextFile(json));
    assert.ok(summary.checks.every(({ failed }) => failed === 0), stdout);
    names.push(summary.requests.map(({ name }) => name.replace("shop.", "")).sort());
  }
  await Deno.remove(root, { recursive: true });
  assert.deepEqual(names, [
    ["Catalog/GetItem", "Catalog/Search", "Orders/Add"],
    ["Catalog/GetItem"],
    ["Catalog/GetItem", "Users/LogIn"],
    ["Catalog/GetItem", "Orders/Import"],
  ]);
});

const STOCK = `syntax = "proto3";
package stock.v1;
message Shelf { string shelf = 1; }
message Sum { int32 items = 1; }
service Stock { rpc Count(Shelf) returns (Sum); }
`;

/** A test file for pieces of code that stand in a test. */
function fileOf(pieces: readonly string[]): string {
  const orders = "Array.from({ length: 200 }, (_, itemId) => ({ itemId }))";
  return `import { GrpcUser } from "aiotest";
export class PiecesTest extends GrpcUser {
  static override proto = "shop.proto";
  async testPieces(): Promise<void> {
    const orders = ${orders};
    ${pieces.join("\n")}
  }
}`;
}
