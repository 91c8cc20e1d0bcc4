import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import {
  type DownloadedFiles,
  FileBundle,
  FileDownload,
  FileServer,
} from "../../src/cluster/files.ts";
import { acceptWorker } from "../../src/cluster/handshake.ts";
import type { Message } from "../../src/cluster/protocol.ts";
import { AiotestError, UsageError } from "../../src/core/errors.ts";
import { bundled, bundleOf } from "../support/bundles.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { identity, terms } from "../support/joining.ts";
import { MemoryNetwork } from "../support/memory_network.ts";

const bundle = bundleOf(bundled("shop.ts", "test"), bundled("data.csv", "x".repeat(600_000)));

/** What a master does with a worker that it has let in. */
type Serve = (channel: Channel, scene: Scene) => void;

class Scene {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly line = this.network.line("10.0.0.1");
  readonly log: string[] = [];
  readonly used: DownloadedFiles[] = [];
  /** What using the files does. */
  use: () => Promise<void> = () => Promise.resolve();
  readonly fetch = new FileDownload({
    link: {
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
  readonly desk: FileServer;

  constructor(offered: FileBundle, serve: Serve = (channel) => void this.serve(channel)) {
    const note = (text: string): void => void this.log.push(text);
    this.desk = new FileServer(offered, { clock: this.clock, info: note, warn: note });
    void this.#listen(serve);
  }

  serve(channel: Channel): Promise<void> {
    return this.desk.serve(channel, { workerId: "w1" });
  }

  async #listen(serve: Serve): Promise<void> {
    const listener = this.network.listen();
    for (;;) {
      const accepted = await listener.accept();
      if (accepted === null) return;
      const channel = new Channel(accepted.stream);
      const rules = terms({ filesHash: this.desk.hash });
      const greeting = await acceptWorker(channel, "10.0.0.1", rules, this.clock).catch(() => null);
      if (greeting !== null) serve(channel, this);
    }
  }

  /** Runs the fetch to its end. */
  async end(): Promise<unknown> {
    let outcome: unknown = null;
    void this.fetch.run().then((used) => outcome = used, (error: unknown) => outcome = error);
    for (let i = 0; i < 400 && outcome === null; i++) await this.clock.advance(100);
    return outcome;
  }
}

/** A channel on which what the master says goes through `change`. */
function changed(channel: Channel, change: (message: Message) => readonly Message[]): Channel {
  const send = channel.send.bind(channel);
  channel.send = (message) => change(message).forEach(send);
  return channel;
}

Deno.test("the files come, whole, and are used once", async () => {
  const scene = new Scene(bundle);
  assert.equal(await scene.end(), true);
  const [files] = scene.used;
  assert.equal(scene.used.length, 1);
  assert.deepEqual([files?.entry, files?.origin, files?.hash], [
    "shop.ts",
    "/home/me",
    bundle.hash,
  ]);
  assert.deepEqual(files?.files.map(({ path, bytes }) => [path, bytes.length]), [
    ["data.csv", 600_000],
    ["shop.ts", 4],
  ]);
  assert.deepEqual(scene.log, [
    "Worker w1 fetches the test file.",
    "Got the test file shop.ts from the master at here:5557: files: 2, bytes: 600004.",
  ]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("what was cut in the middle begins again, and nothing of it is used before", async () => {
  let cuts = 0;
  const scene = new Scene(bundle, (channel, all) => {
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

Deno.test("messages that come twice change nothing", async () => {
  const scene = new Scene(bundle, (channel, all) => {
    void all.serve(changed(channel, (message) => [message, message]));
  });
  assert.equal(await scene.end(), true);
  assert.equal(scene.used.length, 1);
});

Deno.test("a file that was changed on the way is not used, and nothing is tried again", async () => {
  const scene = new Scene(bundle, (channel, all) => {
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

Deno.test("a forged list is not used, and the master is told why", async () => {
  const scene = new Scene(bundle, (channel, all) => {
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

Deno.test("what a master calls its folder and its file is plain text in messages", async () => {
  const files = [bundled("shop\u202e.ts", "test")];
  const bad = new FileBundle({ entry: "shop\u202e.ts", origin: "/home\n\x1b[2J", files });
  const scene = new Scene(bad);
  assert.equal(await scene.end(), true);
  assert.equal(scene.used[0]!.origin, "/home??[2J");
  assert.match(scene.log.at(-1)!, /^Got the test file shop\?\.ts from/);
});

Deno.test("where the files cannot be used the master hears it, and so does who has asked", async () => {
  const scene = new Scene(bundle);
  scene.use = () => Promise.reject(new UsageError("/home/me/shop.ts:1:1: a syntax error: no"));
  const error = await scene.end();
  assert.ok(error instanceof UsageError);
  await settle();
  assert.equal(
    scene.log.at(-1),
    "Worker w1 cannot use the test file: /home/me/shop.ts:1:1: a syntax error: no",
  );
});

Deno.test("somebody who stops it waits no longer", async () => {
  const scene = new Scene(bundle, () => {});
  const ended = scene.fetch.run();
  await settle();
  scene.fetch.stop();
  await scene.clock.advance(1_000);
  assert.equal(await ended, false);
  assert.deepEqual(scene.used, []);
});

Deno.test("what was stopped before it has begun never begins", async () => {
  const scene = new Scene(bundle);
  scene.fetch.stop();
  assert.equal(await scene.end(), false);
  assert.equal(scene.line.opened, 0);
});

Deno.test("who waits for much hears how far it is", async () => {
  const scene = new Scene(bundle, (channel, all) => {
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
    "The test file comes from the master: 0.3 of 0.6 MB.",
    "The test file comes from the master: 0.5 of 0.6 MB.",
    "The test file comes from the master: 0.6 of 0.6 MB.",
  ]);
});
