import assert from "node:assert/strict";
import { LogTail } from "../../src/web/feed.ts";

function filled(lines: number): LogTail {
  const tail = new LogTail();
  for (let number = 0; number < lines; number++) {
    tail.add({ at: number, level: "INFO", text: `line ${number}` });
  }
  return tail;
}

Deno.test("a line has its time as text", () => {
  assert.deepEqual(filled(1).since(0), [
    { at: "1970-01-01T00:00:00.000Z", level: "INFO", text: "line 0" },
  ]);
});

Deno.test("the last 200 lines are kept, and all are counted", () => {
  for (const count of [0, 1, 199, 200, 201, 399, 400, 401, 1234]) {
    const tail = filled(count);
    assert.equal(tail.count, count);
    const texts = tail.since(0).map(({ text }) => text);
    assert.equal(texts.length, Math.min(count, 200));
    if (count > 0) assert.equal(texts.at(-1), `line ${count - 1}`);
    assert.equal(texts[0], count === 0 ? undefined : `line ${Math.max(0, count - 200)}`);
  }
});

Deno.test("those that are new are told apart from those that are known", () => {
  const tail = filled(1000);
  assert.deepEqual(tail.since(997).map(({ text }) => text), ["line 997", "line 998", "line 999"]);
  assert.deepEqual(tail.since(1000), []);
});
