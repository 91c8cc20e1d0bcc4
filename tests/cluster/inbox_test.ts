import assert from "node:assert/strict";
import fc from "fast-check";
import { Inbox } from "../../src/cluster/inbox.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

Deno.test("what costs little is handled at once", () => {
  const inbox = new Inbox(new FakeClock());
  const done: number[] = [];
  for (let i = 0; i < 1_000; i++) inbox.add(() => done.push(i));
  assert.equal(done.length, 1_000);
});

Deno.test("after 20 ms of work, timers and sockets are served", async () => {
  const clock = new FakeClock();
  const inbox = new Inbox(clock);
  const log: string[] = [];
  const work = (name: string) => (): void => {
    clock.block(8);
    log.push(name);
  };
  for (const name of ["a", "b", "c", "d"]) inbox.add(work(name));
  assert.deepEqual(log, ["a", "b", "c"]);
  void settle().then(() => log.push("a socket"));
  await clock.advance(0);
  assert.deepEqual(log, ["a", "b", "c", "a socket", "d"]);
});

Deno.test("while very many messages arrive, they are read first, but not forever", async () => {
  const turnsUntilHandled = async (messages: number): Promise<number> => {
    const clock = new FakeClock();
    const inbox = new Inbox(clock);
    let [turns, isHandled] = [0, false];
    const read = (): void => {
      turns++;
      for (let count = 0; count < messages; count++) inbox.arrived();
      if (!isHandled) clock.setTimer(read, 0);
    };
    clock.setTimer(read, 0);
    inbox.add(() => clock.block(20));
    inbox.add(() => isHandled = true);
    await clock.advance(0);
    return turns - 1;
  };
  assert.equal(await turnsUntilHandled(10), 1);
  assert.equal(await turnsUntilHandled(128), 9);
});

Deno.test("all is handled in the order in which it was added, in slices that end in time", async () => {
  const item = fc.record({
    /** How long handling it takes. */
    costMs: fc.integer({ min: 0, max: 20 }),
    /** How much time passes before the next one. */
    thenMs: fc.integer({ min: 0, max: 20 }),
  });
  await fc.assert(fc.asyncProperty(fc.array(item), async (items) => {
    const clock = new FakeClock();
    const inbox = new Inbox(clock);
    const done: number[] = [];
    let [turns, sinceTurn] = [0, 0];
    const turn = (): void => {
      turns++;
      sinceTurn = 0;
      clock.setTimer(turn, 1);
    };
    turn();
    for (const [number, { costMs, thenMs }] of items.entries()) {
      inbox.add(() => {
        assert.ok(sinceTurn < 20, `${sinceTurn} ms without a turn`);
        clock.block(costMs);
        sinceTurn += costMs;
        done.push(number);
      });
      await clock.advance(thenMs);
    }
    let isHandled = false;
    void inbox.handled().then(() => isHandled = true);
    await clock.advance(items.length * 20 + 10);
    assert.deepEqual(done, [...items.keys()]);
    assert.equal(isHandled, true);
  }));
});

Deno.test("work that is added by work comes after what was there before", () => {
  const inbox = new Inbox(new FakeClock());
  const log: string[] = [];
  inbox.add(() => {
    inbox.add(() => log.push("later"));
    log.push("first");
  });
  inbox.add(() => log.push("last"));
  assert.deepEqual(log, ["first", "later", "last"]);
});

Deno.test("the result of work, or its error, goes to the one who asked for it", async () => {
  const inbox = new Inbox(new FakeClock());
  assert.equal(await inbox.run(() => 5), 5);
  await assert.rejects(
    inbox.run(() => {
      throw new Error("no");
    }),
    { message: "no" },
  );
  assert.equal(await inbox.run(() => 6), 6);
});

Deno.test("work that throws does not keep the rest from being done", () => {
  const inbox = new Inbox(new FakeClock());
  const fail = (): never => {
    throw new Error("no");
  };
  assert.throws(() => inbox.add(fail), { message: "no" });
  const done: string[] = [];
  inbox.add(() => done.push("the rest"));
  assert.deepEqual(done, ["the rest"]);
});

Deno.test("nothing is handled after the end", async () => {
  const clock = new FakeClock();
  const inbox = new Inbox(clock);
  inbox.add(() => clock.block(20));
  inbox.add(() => assert.fail("handled"));
  inbox.close();
  inbox.add(() => assert.fail("handled"));
  await inbox.handled();
  await clock.advance(100);
  assert.equal(clock.pending, 0);
});

Deno.test("what waits when the inbox is closed, and what is asked later, settles", async () => {
  const clock = new FakeClock();
  const inbox = new Inbox(clock);
  inbox.add(() => clock.block(20));
  const isOver = { name: "ProtocolError", message: "The run is over." };
  const waiting = [
    assert.rejects(inbox.run(() => assert.fail("it was dropped")), isOver),
    inbox.handled(),
  ];
  inbox.close();
  await Promise.all(waiting);
  await assert.rejects(inbox.run(() => {}), isOver);
  await inbox.handled();
  assert.equal(clock.pending, 0);
});
