import assert from "node:assert/strict";
import { KeptListener } from "../../src/cli/lobby.ts";
import type { AcceptedStream, StreamListener } from "../../src/core/network.ts";

/** A listener whose connections are numbers. */
class FakeListener implements StreamListener {
  readonly port = 5557;
  isClosed = false;
  #waiting: ((accepted: AcceptedStream | null) => void)[] = [];

  accept(): Promise<AcceptedStream | null> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  connect(number: number): void {
    this.#waiting.shift()!(number as unknown as AcceptedStream);
  }

  close(): void {
    this.isClosed = true;
    for (const resolve of this.#waiting.splice(0)) resolve(null);
  }
}

Deno.test("each run accepts at the same port, and a connection between two goes to the next", async () => {
  const listener = new FakeListener();
  const kept = new KeptListener(listener);
  const first = kept.view();
  assert.equal(first.port, 5557);
  const one = first.accept();
  listener.connect(1);
  assert.equal(await one, 1);
  const none = first.accept();
  first.close();
  assert.equal(await none, null);
  assert.equal(await first.accept(), null);
  assert.equal(listener.isClosed, false);
  listener.connect(2);
  const second = kept.view();
  assert.equal(await second.accept(), 2);
  const last = second.accept();
  kept.close();
  assert.equal(await last, null);
  assert.equal(listener.isClosed, true);
});
