import assert from "node:assert/strict";
import { BroadcastOutbox } from "../../src/shared/messages.ts";

function box(): { readonly box: BroadcastOutbox; readonly take: () => number[] } {
  const sent: number[] = [];
  return { box: new BroadcastOutbox(({ seq }) => sent.push(seq)), take: () => sent.splice(0) };
}

function post(box: BroadcastOutbox, count: number, data = "1"): boolean[] {
  return Array.from({ length: count }, () => box.add({ from: "master", kind: "k", data }));
}

function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

Deno.test("messages are in flight up to a limit, and acknowledgements make room for more", () => {
  const { box: mail, take } = box();
  post(mail, 40);
  assert.deepEqual(take(), upTo(32));
  mail.acknowledged(3);
  mail.acknowledged(3);
  mail.acknowledged(2);
  assert.deepEqual(take(), [33, 34, 35]);
});

Deno.test("on a new connection, unacknowledged messages are sent again in order", () => {
  const { box: mail, take } = box();
  post(mail, 40);
  mail.acknowledged(30);
  take();
  mail.resend();
  assert.deepEqual(take(), upTo(40, 31));
  mail.acknowledged(40);
  mail.resend();
  assert.deepEqual(take(), []);
});

Deno.test("messages above the limit are dropped until there is room", () => {
  const { box: mail } = box();
  assert.deepEqual(post(mail, 1_001).lastIndexOf(true), 999);
  mail.acknowledged(1);
  assert.deepEqual(post(mail, 2), [true, false]);
  const { box: other } = box();
  assert.equal(post(other, 999, "x".repeat(60_000)).filter(Boolean).length, 140);
});
