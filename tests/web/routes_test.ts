import assert from "node:assert/strict";
import {
  FakeRun,
  FROM_PAGE,
  sendRaw,
  type TestDashboard,
  withDashboard,
} from "../support/dashboard.ts";
import { EventReader } from "../support/event_reader.ts";
import { settle } from "../support/fake_clock.ts";
import { requestRow, snapshot, statistics } from "../support/snapshots.ts";

async function openStream({ host }: TestDashboard): Promise<EventReader> {
  const response = await fetch(`http://${host}/api/stream`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  return new EventReader(response.body!);
}

Deno.test("a stream shows the run, its log and the effect of commands", async () => {
  const run = FakeRun.waiting();
  await withDashboard({ run }, async (dashboard) => {
    const reader = await openStream(dashboard);
    const view = await reader.next();
    assert.equal(view?.event, "view");
    assert.equal(view.data.live.state, "ready");
    assert.equal(view.data.live.control.canStart, true);

    dashboard.log.add({ at: 0, level: "INFO", text: "starting" });
    await sendRaw(dashboard, {
      method: "POST",
      path: "/api/start",
      headers: FROM_PAGE,
      body: "{}",
    });
    assert.equal((await reader.next())?.data.lines[0].text, "starting");
    const started = await reader.next();
    assert.equal(started?.event, "view");
    assert.equal(started.data.live.state, "spawning");
    assert.equal(started.data.live.control.canStart, false);

    dashboard.server.update({ ...run.now, elapsedSeconds: 11 });
    const update = await reader.next();
    assert.equal(update?.event, "update");
    assert.equal(update.data.live.elapsedSeconds, 11);

    const rest = reader.next();
    await dashboard.server.close();
    assert.equal(await rest, null);
  });
});

Deno.test("a client that disconnects is removed", async () => {
  const run = new FakeRun();
  await withDashboard({ run }, async (dashboard) => {
    const reader = await openStream(dashboard);
    await reader.next();
    await reader.leave();
    // The server notices when the connection is closed.
    for (let turn = 0; turn < 1000 && dashboard.server.clients > 0; turn++) await settle();
    assert.equal(dashboard.server.clients, 0);
  });
});

Deno.test("a client that does not read is disconnected, and delays no one", async () => {
  const names = Array.from({ length: 1000 }, (_, number) => `${number}`.padEnd(1000, "."));
  const large = (seconds: number): ReturnType<typeof snapshot> =>
    snapshot({
      elapsedSeconds: seconds,
      statistics: statistics({
        requests: names.map((name) => requestRow({ name, requests: seconds })),
      }),
    });
  await withDashboard({ run: new FakeRun(large(0)) }, async (dashboard) => {
    const { port, host, server } = dashboard;
    using idle = await Deno.connect({ hostname: "127.0.0.1", port });
    await idle.write(new TextEncoder().encode(`GET /api/stream HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    const reader = await openStream(dashboard);
    await reader.next();
    while (dashboard.server.clients < 2) await settle();
    let updates = 0;
    while (dashboard.server.clients === 2 && updates < 100) {
      server.update(large(++updates));
      assert.equal((await reader.next())?.data.live.elapsedSeconds, updates);
    }
    assert.equal(dashboard.server.clients, 1);
    // The response is truncated, so the client can tell that it is incomplete.
    const text = await new Response(idle.readable).text();
    assert.equal(text.endsWith("0\r\n\r\n"), false);
    await reader.leave();
  });
});

Deno.test("more than a hundred streams are refused", async () => {
  await withDashboard({}, async (dashboard) => {
    const readers = await Promise.all(Array.from({ length: 100 }, () => openStream(dashboard)));
    const { status, headers } = await sendRaw(dashboard, { path: "/api/stream" });
    assert.equal(status, 429);
    assert.equal(headers.get("retry-after"), "10");
    await dashboard.server.close();
    for (const reader of readers) while (await reader.next() !== null);
  });
});

Deno.test("a summary is reused until the run sends an update", async () => {
  let snapshots = 0;
  const run = new FakeRun();
  run.snapshot = () => {
    snapshots++;
    return run.now;
  };
  await withDashboard({ run }, async (dashboard) => {
    for (let count = 0; count < 5; count++) await sendRaw(dashboard, { path: "/api/summary" });
    assert.equal(snapshots, 1);
    run.now = snapshot({ elapsedSeconds: 11 });
    dashboard.server.update(run.now);
    const { body } = await sendRaw(dashboard, { path: "/api/summary" });
    assert.equal(JSON.parse(body).live.elapsedSeconds, 11);
  });
});
