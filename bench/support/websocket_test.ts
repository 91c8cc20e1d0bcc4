import { constantPacing, tag, WebSocketUser } from "aiotest";

/** Connects, and does nothing, or says something once a second. */
export class SocketTest extends WebSocketUser {
  static override waitTime = constantPacing(1);
  said = 0;

  override async onStart(): Promise<void> {
    await this.connect("/chat", { name: "connect" });
  }

  @tag("idle")
  async testIdle(): Promise<void> {
    await this.sleep(Infinity);
  }

  @tag("chat")
  async testSay(): Promise<void> {
    const text = `user ${this.id} says ${++this.said}`;
    await this.ask(text, text, { name: "say" });
  }

  override async onStop(): Promise<void> {
    await this.ask("leave", "leave", { name: "leave" });
    await this.close();
  }
}
