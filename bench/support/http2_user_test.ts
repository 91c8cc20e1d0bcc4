import { events, FastHttpUser, HttpUser, tag } from "aiotest";
import { CountedUsers } from "./counted_users.ts";

const users = new CountedUsers();
let streams = 1;

events.on("initCommandLineParser", ({ parser }) => {
  parser.option("--streams <n>", "requests of a user at a time", "1");
});
events.on("init", ({ options }) => {
  streams = Number(options.streams);
});

async function send(user: (FastHttpUser | HttpUser) & { requests: number }): Promise<void> {
  if (streams === 1) await user.session.get("");
  else await user.session.batch(Array<string>(streams).fill(""), { perOrigin: streams });
  user.requests += streams;
}

export class Http2Test extends FastHttpUser {
  static override waitTime = 0;
  static override http = 2 as const;
  requests = 0;

  override onStart(): void {
    users.add(this);
  }

  @tag("get")
  async testGet(): Promise<void> {
    await send(this);
  }
}

export class FetchTest extends HttpUser {
  static override waitTime = 0;
  requests = 0;

  override onStart(): void {
    users.add(this);
  }

  @tag("get")
  async testGet(): Promise<void> {
    await send(this);
  }
}
