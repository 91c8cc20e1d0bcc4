import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { FileServer } from "../../src/cluster/files.ts";
import { bundled, bundleOf } from "../support/bundles.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { channels, nextOf } from "../support/joining.ts";

const bundle = bundleOf(bundled("shop.ts", "test"));

interface Scene {
  readonly clock: FakeClock;
  readonly desk: FileServer;
  readonly worker: Channel;
  readonly served: Promise<void>;
  readonly log: string[];
}

function scene(workerId = "w1"): Scene {
  const { master, worker } = channels();
  for (const channel of [master, worker]) channel.admit();
  const clock = new FakeClock();
  const log: string[] = [];
  const desk = new FileServer(bundle, {
    clock,
    info: (text) => void log.push(`INFO ${text}`),
    warn: (text) => void log.push(`WARNING ${text}`),
  });
  return { clock, desk, worker, served: desk.serve(master, { workerId }), log };
}

Deno.test("a worker hears what there is, and gets what it asks for, as often as it asks", async () => {
  const { worker, served, log, clock, desk } = scene();
  assert.equal(desk.hash, bundle.hash);
  assert.deepEqual(await nextOf(worker, "FILES"), bundle.list);
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
  assert.deepEqual(log, ["INFO Worker w1 fetches the test file."]);
  assert.equal(clock.pending, 0);
});

Deno.test("why a worker cannot use the files is logged as plain text", async () => {
  const { worker, served, log } = scene("w\n1");
  worker.send({ type: "ERROR", code: "testfile", text: "shop.ts:1:2: no\x1b[2J" });
  await worker.flushed();
  await settle();
  worker.close();
  await served;
  assert.equal(log[1], "WARNING Worker w?1 cannot use the test file: shop.ts:1:2: no?[2J");
});

Deno.test("who says nothing for 10 s is not waited for, and who does is", async () => {
  const { worker, served, clock } = scene();
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

Deno.test("what is no message is answered with why, and ends it", async () => {
  const { worker, served, clock } = scene();
  await nextOf(worker, "FILES");
  worker.sendFrame(new Uint8Array([0, 0, 0, 1, 0xc0]));
  assert.equal((await nextOf(worker, "ERROR")).code, "protocol");
  await served;
  await clock.advance(1_000);
  assert.equal(clock.pending, 0);
});

Deno.test("at its end nobody is served any more", async () => {
  const { worker, served, desk } = scene();
  await nextOf(worker, "FILES");
  desk.close();
  await served;
  assert.equal(await worker.receive(), null);
});
