import fc from "fast-check";
import assert from "node:assert/strict";
import { join, normalize } from "node:path/posix";
import { Channel } from "../../src/cluster/channel.ts";
import { encodeMessage } from "../../src/cluster/codec.ts";
import {
  type DownloadedFiles,
  FileBundle,
  FileDownload,
  FileServer,
  listHash,
  listProblem,
  MAX_BYTES,
  MAX_FILES,
  PartialBundle,
  pathProblem,
  sha256,
} from "../../src/cluster/files.ts";
import { acceptWorker } from "../../src/cluster/handshake.ts";
import { MAX_PATH, type Message } from "../../src/cluster/protocol.ts";
import { AiotestError, UsageError } from "../../src/core/errors.ts";
import { bundled, bundleOf } from "../support/bundles.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { channels, identity, nextOf, terms } from "../support/joining.ts";
import { MemoryNetwork } from "../support/memory_network.ts";

const NOTHING = new Uint8Array(0);

function listOf(...paths: string[]): Message<"FILES"> {
  const files = paths.map((path) => ({ path, size: 1, sha256: NOTHING }));
  return { type: "FILES", entry: paths[0] ?? "", origin: "/home/me", files };
}

Deno.test("the hash depends on the files and not on their order", () => {
  const [shop, data] = [bundled("shop.ts", "one"), bundled("data.csv", "two")];
  const { hash, list } = bundleOf(shop, data);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.equal(listHash(list), hash);
  assert.equal(bundleOf(data, shop).hash, hash);
  assert.equal(new FileBundle({ entry: "shop.ts", origin: "/x", files: [shop, data] }).hash, hash);
  assert.notEqual(bundleOf(shop).hash, hash);
  assert.notEqual(bundleOf(shop, bundled("data.csv", "Two")).hash, hash);
  assert.notEqual(bundleOf(shop, bundled("Data.csv", "two")).hash, hash);
  const other = new FileBundle({ entry: "data.csv", origin: "/home/me", files: [shop, data] });
  assert.notEqual(other.hash, hash);
});

Deno.test("concatenated chunks are the files in the order of the list", () => {
  const file = fc.uint8Array({ maxLength: 400_000 });
  fc.assert(
    fc.property(fc.array(file, { minLength: 1, maxLength: 4 }), (all) => {
      const files = all.map((bytes, i) => ({ path: `f${i}`, bytes: new Uint8Array(bytes) }));
      const bundle = new FileBundle({ entry: "f0", origin: "", files });
      const out = new Uint8Array(bundle.size);
      let at = 0;
      for (let chunk = bundle.chunk(0); chunk.length > 0; chunk = bundle.chunk(at)) {
        assert.ok(chunk.length <= 512 * 1024);
        out.set(chunk, at);
        at += chunk.length;
      }
      assert.equal(at, bundle.size);
      const expected = new Uint8Array(files.flatMap(({ bytes }) => [...bytes]));
      assert.equal(sha256(out).toHex(), sha256(expected).toHex());
    }),
    { numRuns: 20 },
  );
});

Deno.test("a chunk after the end is empty", () => {
  const bundle = bundleOf(bundled("shop.ts", "one"));
  assert.equal(bundle.chunk(3).length, 0);
  assert.equal(bundle.chunk(Number.MAX_SAFE_INTEGER).length, 0);
});

Deno.test("files whose names clash on some systems cannot be a bundle", () => {
  assert.equal(listProblem(listOf("a.ts", "b/c.ts")), null);
  assert.equal(listProblem(listOf("a.ts", "../b.ts")), '"../b.ts" leads out of its folder');
  assert.equal(listProblem(listOf()), "the test file is not among the files");
  assert.equal(
    listProblem(listOf("a.ts", "A.ts")),
    '"A.ts" is not unique on some systems',
  );
  assert.equal(listProblem(listOf("a", "a/b")), '"a" is both a file and a folder');
  assert.equal(
    listProblem({ ...listOf("a.ts"), entry: "b.ts" }),
    "the test file is not among the files",
  );
  assert.throws(() => bundleOf(bundled("shop.ts", ""), bundled("/x", "")), RangeError);
});

Deno.test("a bundle has at most 64 MiB and 1,000 files", () => {
  const many = listOf(...Array.from({ length: MAX_FILES }, (_, i) => `f${i}`));
  assert.equal(listProblem(many), null);
  const more = listOf(...many.files.map(({ path }) => path), "more");
  assert.equal(listProblem(more), "1001 files are more than 1000");
  const full = { ...listOf("a"), files: [{ path: "a", size: MAX_BYTES, sha256: NOTHING }] };
  assert.equal(listProblem(full), null);
  const over = { ...full, files: [...full.files, { path: "b", size: 1, sha256: NOTHING }] };
  assert.equal(over.files.reduce((sum, { size }) => sum + size, 0), 67_108_865);
  assert.equal(listProblem(over), "67108865 bytes are more than 64 MiB");
});

Deno.test("the longest list fits into one message", () => {
  const files = Array.from({ length: MAX_FILES }, (_, i) => ({
    path: `${i}`.padEnd(240, "日"),
    size: MAX_BYTES,
    sha256: new Uint8Array(32),
  }));
  const frame = encodeMessage({ type: "FILES", entry: "0", origin: "x".repeat(1000), files });
  assert.ok(frame.length < 1024 * 1024, String(frame.length));
});

Deno.test("paths inside the folder are accepted", () => {
  for (
    const path of ["shop.ts", "a/b/c.csv", ".env", "a b.ts", "ä/日本.json", "..a/b..c", "commons"]
  ) {
    assert.equal(pathProblem(path), null, path);
  }
  assert.equal(pathProblem("a".repeat(MAX_PATH)), null);
});

Deno.test("paths that lead elsewhere or are invalid on some systems are refused", () => {
  const problems: Readonly<Record<string, string>> = {
    "../a": "leads out of its folder",
    "a/../../b": "leads out of its folder",
    "": "is not the path of a file inside a folder",
    "/etc/passwd": "is not the path of a file inside a folder",
    "a//b": "is not the path of a file inside a folder",
    "a/": "is not the path of a file inside a folder",
    "./a": "is not the path of a file inside a folder",
    "C:a": "has a character that some systems do not allow",
    "C:\\a": "has a character that some systems do not allow",
    "..\\a": "has a character that some systems do not allow",
    "a\0.ts": "has a character that some systems do not allow",
    "a\n.ts": "has a character that some systems do not allow",
    "\ud800": "has a character that some systems do not allow",
    "file.ts:stream": "has a character that some systems do not allow",
    "a./b": "has a name that some systems do not allow",
    "... /b": "has a name that some systems do not allow",
    "NUL": "has a name that some systems do not allow",
    "data/com1.txt": "has a name that some systems do not allow",
  };
  for (const [path, problem] of Object.entries(problems)) {
    assert.equal(pathProblem(path), problem, JSON.stringify(path));
  }
  assert.equal(pathProblem("a".repeat(MAX_PATH + 1)), "has more than 240 characters");
});

Deno.test("an accepted path never leads out of its folder", () => {
  const part = fc.oneof(fc.constantFrom("..", ".", "", "a", "c:", "\\", "..\\.."), fc.string());
  fc.assert(fc.property(fc.array(part, { minLength: 1 }), (parts) => {
    const path = parts.join("/");
    if (pathProblem(path) !== null) return;
    assert.equal(join("/root", path), `/root/${path}`);
    assert.equal(normalize(path), path);
  }));
});

const SERVED = bundleOf(bundled("shop.ts", "test"));

interface ServerScene {
  readonly clock: FakeClock;
  readonly server: FileServer;
  readonly worker: Channel;
  readonly served: Promise<void>;
  readonly log: string[];
}

function serverScene(workerId = "w1"): ServerScene {
  const { master, worker } = channels();
  for (const channel of [master, worker]) channel.admit();
  const clock = new FakeClock();
  const log: string[] = [];
  const server = new FileServer(SERVED, {
    clock,
    info: (text) => void log.push(`INFO ${text}`),
    warn: (text) => void log.push(`WARNING ${text}`),
  });
  return { clock, server, worker, served: server.serve(master, { workerId }), log };
}

Deno.test("a worker gets the list of files, and each chunk as often as it asks for it", async () => {
  const { worker, served, log, clock, server } = serverScene();
  assert.equal(server.hash, SERVED.hash);
  assert.deepEqual(await nextOf(worker, "FILES"), SERVED.list);
  for (const offset of [0, 2, 2]) {
    worker.send({ type: "NEED", offset });
    const { data, ...rest } = await nextOf(worker, "CHUNK");
    assert.deepEqual(rest, { type: "CHUNK", offset });
    assert.equal(new TextDecoder().decode(data), "test".slice(offset));
  }
  worker.send({ type: "NEED", offset: 4 });
  worker.send({ type: "PING", number: 7 });
  assert.deepEqual(await nextOf(worker, "PONG"), { type: "PONG", number: 7 });
  worker.close();
  await served;
  assert.deepEqual(log, ["INFO Worker w1 is downloading the test file."]);
  assert.equal(clock.pending, 0);
});

Deno.test("the reason why a worker cannot use the files is logged as plain text", async () => {
  const { worker, served, log } = serverScene("w\n1");
  worker.send({ type: "ERROR", code: "testfile", text: "shop.ts:1:2: no\x1b[2J" });
  await worker.flushed();
  await settle();
  worker.close();
  await served;
  assert.equal(log[1], "WARNING Worker w␊1 cannot use the test file: shop.ts:1:2: no␛[2J");
});

Deno.test("a worker is disconnected after 10 s of silence, and not before", async () => {
  const { worker, served, clock } = serverScene();
  await nextOf(worker, "FILES");
  await clock.advance(9_000);
  worker.send({ type: "PING", number: 1 });
  await nextOf(worker, "PONG");
  await clock.advance(9_000);
  assert.equal(worker.closed, false);
  await clock.advance(1_000);
  await served;
  assert.equal(await worker.receive(), null);
  assert.equal(clock.pending, 0);
});

Deno.test("an invalid message is answered with an ERROR, and ends the download", async () => {
  const { worker, served, clock } = serverScene();
  await nextOf(worker, "FILES");
  worker.sendFrame(new Uint8Array([0, 0, 0, 1, 0xc0]));
  assert.equal((await nextOf(worker, "ERROR")).code, "protocol");
  await served;
  await clock.advance(1_000);
  assert.equal(clock.pending, 0);
});

Deno.test("closing the server disconnects all workers", async () => {
  const { worker, served, server } = serverScene();
  await nextOf(worker, "FILES");
  server.close();
  await served;
  assert.equal(await worker.receive(), null);
});

const FILES = [bundled("data/a.csv", "1,2"), bundled("empty.txt", ""), bundled("shop.ts", "test")];
const RECEIVED = bundleOf(...FILES);

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Whether an error says that the test file was rejected for this reason. */
function refusal(reason: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof AiotestError && error.exitCode === 4 &&
    error.message === `The master's test file was rejected: ${reason}`;
}

Deno.test("chunks are put together to files", () => {
  const partial = new PartialBundle(RECEIVED.list, RECEIVED.hash);
  assert.deepEqual([partial.size, partial.received, partial.complete], [7, 0, false]);
  assert.equal(partial.add({ type: "CHUNK", offset: 0, data: bytes("1,2te") }), true);
  assert.equal(partial.received, 5);
  assert.equal(partial.add({ type: "CHUNK", offset: 5, data: bytes("st") }), true);
  assert.equal(partial.complete, true);
  assert.deepEqual(partial.files(), FILES);
});

Deno.test("repeated and misplaced chunks are ignored", () => {
  const partial = new PartialBundle(RECEIVED.list, RECEIVED.hash);
  const [first, second] = [
    { type: "CHUNK", offset: 0, data: bytes("1,2") },
    { type: "CHUNK", offset: 3, data: bytes("test") },
  ] as const;
  assert.equal(partial.add(second), false);
  assert.equal(partial.add(first), true);
  assert.equal(partial.add(first), false);
  assert.equal(partial.add(second), true);
  assert.equal(partial.add(second), false);
  assert.deepEqual(partial.files(), FILES);
});

Deno.test("a list with a path out of the folder is refused, whatever its hash", () => {
  const [file] = RECEIVED.list.files;
  for (const path of ["../evil.ts", "/etc/cron.d/evil", "a/../../evil", "C:\\evil", "evil\0"]) {
    const list = { ...RECEIVED.list, files: [...RECEIVED.list.files, { ...file!, path }] };
    assert.throws(
      () => new PartialBundle(list, listHash(list)),
      (error) =>
        error instanceof AiotestError && /the list of files is not acceptable/.test(error.message),
    );
  }
});

Deno.test("paths from a master are logged as plain text", () => {
  const list = { ...RECEIVED.list, files: [{ ...RECEIVED.list.files[0]!, path: "../\x1b[2J" }] };
  assert.throws(
    () => new PartialBundle(list, listHash(list)),
    refusal(
      'the list of files is not acceptable: "../\\u001b[2J" has a character that some systems do not allow',
    ),
  );
});

Deno.test("a list with another hash than the master's is refused", () => {
  const list = { ...RECEIVED.list, entry: "empty.txt" };
  assert.throws(
    () => new PartialBundle(list, RECEIVED.hash),
    refusal("the list of files was changed on the way"),
  );
});

Deno.test("more bytes than listed are refused", () => {
  const partial = new PartialBundle(RECEIVED.list, RECEIVED.hash);
  assert.throws(
    () => partial.add({ type: "CHUNK", offset: 0, data: bytes("1,2test!") }),
    refusal("there are more bytes than in its files"),
  );
});

Deno.test("a file that differs from the list is refused by name", () => {
  const partial = new PartialBundle(RECEIVED.list, RECEIVED.hash);
  partial.add({ type: "CHUNK", offset: 0, data: bytes("1,2evil") });
  assert.throws(() => partial.files(), refusal("shop.ts was changed on the way"));
});

const DOWNLOADED = bundleOf(bundled("shop.ts", "test"), bundled("data.csv", "x".repeat(600_000)));

/** What a master does with a worker that has joined. */
type Serve = (channel: Channel, scene: DownloadScene) => void;

class DownloadScene {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly line = this.network.line("10.0.0.1");
  readonly log: string[] = [];
  readonly used: DownloadedFiles[] = [];
  /** How the files are used. */
  use: () => Promise<void> = () => Promise.resolve();
  readonly fetch = new FileDownload({
    connection: {
      master: "here:5557",
      connect: () => this.line.connect(),
      identity: identity(),
      token: "secret",
      timeoutMs: 20_000,
      clock: this.clock,
      random: () => 0.5,
      info: (text) => void this.log.push(text),
      warn: (text) => void this.log.push(text),
    },
    use: (files) => {
      this.used.push(files);
      return this.use();
    },
  });
  readonly server: FileServer;

  constructor(offered: FileBundle, serve: Serve = (channel) => void this.serve(channel)) {
    const note = (text: string): void => void this.log.push(text);
    this.server = new FileServer(offered, { clock: this.clock, info: note, warn: note });
    void this.#listen(serve);
  }

  serve(channel: Channel): Promise<void> {
    return this.server.serve(channel, { workerId: "w1" });
  }

  async #listen(serve: Serve): Promise<void> {
    const listener = this.network.listen();
    for (;;) {
      const accepted = await listener.accept();
      if (accepted === null) return;
      const channel = new Channel(accepted.stream);
      const rules = terms({ filesHash: this.server.hash });
      const candidate = await acceptWorker(channel, rules, this.clock, "").catch(() => null);
      if (candidate !== null) serve(channel, this);
    }
  }

  /** Runs the download to its end. */
  async end(): Promise<unknown> {
    let outcome: unknown = null;
    void this.fetch.run().then((used) => outcome = used, (error: unknown) => outcome = error);
    for (let i = 0; i < 400 && outcome === null; i++) await this.clock.advance(100);
    return outcome;
  }
}

/** A channel on which the master's messages go through `change`. */
function changed(channel: Channel, change: (message: Message) => readonly Message[]): Channel {
  const send = channel.send.bind(channel);
  channel.send = (message) => change(message).forEach(send);
  return channel;
}

Deno.test("complete files are used once", async () => {
  const scene = new DownloadScene(DOWNLOADED);
  assert.equal(await scene.end(), true);
  const [files] = scene.used;
  assert.equal(scene.used.length, 1);
  assert.deepEqual([files?.entry, files?.origin, files?.hash], [
    "shop.ts",
    "/home/me",
    DOWNLOADED.hash,
  ]);
  assert.deepEqual(files?.files.map(({ path, bytes }) => [path, bytes.length]), [
    ["data.csv", 600_000],
    ["shop.ts", 4],
  ]);
  assert.deepEqual(scene.log, [
    "Worker w1 is downloading the test file.",
    "Got the test file shop.ts from the master at here:5557: files: 2, bytes: 600004.",
  ]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("an interrupted download starts again, and incomplete files are never used", async () => {
  let cuts = 0;
  const scene = new DownloadScene(DOWNLOADED, (channel, all) => {
    void all.serve(changed(channel, (message) => {
      if (message.type !== "CHUNK" || message.offset === 0 || cuts === 2) return [message];
      cuts++;
      all.line.cut();
      return [];
    }));
  });
  assert.equal(await scene.end(), true);
  assert.equal(cuts, 2);
  assert.equal(scene.line.opened, 3);
  assert.equal(scene.used.length, 1);
  assert.equal(scene.used[0]!.files[0]!.bytes.length, 600_000);
});

Deno.test("repeated messages change nothing", async () => {
  const scene = new DownloadScene(DOWNLOADED, (channel, all) => {
    void all.serve(changed(channel, (message) => [message, message]));
  });
  assert.equal(await scene.end(), true);
  assert.equal(scene.used.length, 1);
});

Deno.test("a file that was changed on the way is not used, and the download is not repeated", async () => {
  const scene = new DownloadScene(DOWNLOADED, (channel, all) => {
    void all.serve(changed(channel, (message) => {
      if (message.type !== "CHUNK") return [message];
      return [{ ...message, data: new Uint8Array(message.data.length) }];
    }));
  });
  const error = await scene.end();
  assert.ok(error instanceof AiotestError);
  assert.equal(error.exitCode, 4);
  assert.match(error.message, /data\.csv was changed on the way/);
  assert.deepEqual(scene.used, []);
  assert.equal(scene.line.opened, 1);
});

Deno.test("a forged list is refused, and the reason is sent to the master", async () => {
  const scene = new DownloadScene(DOWNLOADED, (channel, all) => {
    void all.serve(changed(channel, (message) => {
      if (message.type !== "FILES") return [message];
      const [file] = message.files;
      return [{ ...message, files: [...message.files, { ...file!, path: "../evil.ts" }] }];
    }));
  });
  const error = await scene.end();
  assert.ok(error instanceof AiotestError);
  assert.match(error.message, /"\.\.\/evil\.ts" leads out of its folder/);
  assert.deepEqual(scene.used, []);
  assert.match(scene.log.at(-1)!, /^Worker w1 cannot use the test file: .*evil/);
});

Deno.test("names of folders and files from a master are logged as plain text", async () => {
  const files = [bundled("shop\u202e.ts", "test")];
  const bad = new FileBundle({ entry: "shop\u202e.ts", origin: "/home\n\x1b[2J", files });
  const scene = new DownloadScene(bad);
  assert.equal(await scene.end(), true);
  assert.equal(scene.used[0]!.origin, "/home␊␛[2J");
  assert.match(scene.log.at(-1)!, /^Got the test file shop\ufffd\.ts from/);
});

Deno.test("if the files cannot be used, the master and the caller get the error", async () => {
  const scene = new DownloadScene(DOWNLOADED);
  scene.use = () => Promise.reject(new UsageError("/home/me/shop.ts:1:1: syntax error: no"));
  const error = await scene.end();
  assert.ok(error instanceof UsageError);
  await settle();
  assert.equal(
    scene.log.at(-1),
    "Worker w1 cannot use the test file: /home/me/shop.ts:1:1: syntax error: no",
  );
});

Deno.test("stopping ends the download", async () => {
  const scene = new DownloadScene(DOWNLOADED, () => {});
  const ended = scene.fetch.run();
  await settle();
  scene.fetch.stop();
  await scene.clock.advance(1_000);
  assert.equal(await ended, false);
  assert.deepEqual(scene.used, []);
});

Deno.test("a download that is stopped before it starts never starts", async () => {
  const scene = new DownloadScene(DOWNLOADED);
  scene.fetch.stop();
  assert.equal(await scene.end(), false);
  assert.equal(scene.line.opened, 0);
});

Deno.test("the progress of a long download is logged", async () => {
  const scene = new DownloadScene(DOWNLOADED, (channel, all) => {
    const slow = changed(channel, (message) => {
      if (message.type !== "CHUNK") return [message];
      all.clock.setTimer(() => send(message), 3_000);
      return [];
    });
    const send = Channel.prototype.send.bind(channel);
    void all.serve(slow);
  });
  assert.equal(await scene.end(), true);
  assert.deepEqual(scene.log.slice(1, -1), [
    "Downloading the test file: 0.3 of 0.6 MB.",
    "Downloading the test file: 0.5 of 0.6 MB.",
    "Downloading the test file: 0.6 of 0.6 MB.",
  ]);
});
