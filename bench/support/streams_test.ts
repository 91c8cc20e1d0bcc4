import { FastHttpUser, HttpUser, metrics, type Session, tag } from "aiotest";

/** How much later the first event arrived here than it was written there. */
const late = metrics.trend("late_ms", { unit: "ms" });
const read = metrics.counter("events_read");

/** Opens the connection, and lets the runtime compile what reads a stream: the first second of a process is slow. */
async function warmUp(session: Session): Promise<void> {
  await session.stream("GET", "/events", { params: { n: 20 }, name: "warm-up" }, async (res) => {
    for await (const { data } of res.events()) if (JSON.parse(data).n >= 0) read.add();
  });
}

/** Reads one stream. Its first event comes after a time that is different for each user. */
async function readStream(session: Session, id: number): Promise<void> {
  const params = { delay: 500 + (id * 37) % 1000 };
  await session.stream("GET", "/events", { params, name: "events" }, async (res) => {
    for await (const { data } of res.events()) {
      const { n, waitedMs } = JSON.parse(data);
      if (n === 0) late.add(res.firstEventMs - waitedMs);
      read.add();
    }
  });
}

export class FastTest extends FastHttpUser {
  static override iterations = 1;

  override async onStart(): Promise<void> {
    await warmUp(this.session);
  }

  @tag("http1")
  async testRead(): Promise<void> {
    await readStream(this.session, this.id);
  }
}

export class Http2Test extends FastHttpUser {
  static override http = 2 as const;
  static override iterations = 1;

  override async onStart(): Promise<void> {
    await warmUp(this.session);
  }

  @tag("http2")
  async testRead(): Promise<void> {
    await readStream(this.session, this.id);
  }
}

export class FetchTest extends HttpUser {
  static override iterations = 1;

  override async onStart(): Promise<void> {
    await warmUp(this.session);
  }

  @tag("fetch")
  async testRead(): Promise<void> {
    await readStream(this.session, this.id);
  }
}
