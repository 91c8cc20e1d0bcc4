// A chat over WebSocket: `ask` measures how long it takes until the others see a message.
import { between, WebSocketUser } from "aiotest";

export class ChatTest extends WebSocketUser {
  static override host = "ws://127.0.0.1:8000";
  static override waitTime = between(0.5, 1);
  said = 0;

  override async onStart(): Promise<void> {
    await this.connect("/chat", { protocols: "chat.v1" });
  }

  async testSay(): Promise<void> {
    const text = `user ${this.id} says ${++this.said}`;
    await this.ask({ say: text }, (message) => String(message).includes(text), { name: "say" });
  }

  override async onStop(): Promise<void> {
    await this.close();
  }
}
