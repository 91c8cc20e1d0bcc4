import { cluster, events, FastHttpUser } from "aiotest";

let users = 0;
let opensBefore = false;

events.on("initCommandLineParser", ({ parser }) => {
  parser.option("--open-before", "open the connection before the rendezvous");
});
events.on("init", ({ options }) => {
  users = Number(options.users);
  opensBefore = options.openBefore === true;
});

/** Meets all others, and sends one request. */
export class RendezvousTest extends FastHttpUser {
  static override waitTime = 3600;

  override async onStart(): Promise<void> {
    if (opensBefore) await this.session.get("/");
  }

  async testMeet(): Promise<void> {
    await cluster.rendezvous("all", { users, timeout: 60 });
    await this.session.get("/met", { name: "met" });
  }
}
