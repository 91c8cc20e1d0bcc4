// Socket.IO over WebSocket. A packet of Engine.IO 4 begins with its kind: 0 is the handshake, 2 a ping, 3 a
// pong, and 4 a message of Socket.IO. There, 0 connects, 2 is an event, and 3 confirms the event with the
// same number.
import { WebSocketUser } from "aiotest";

export class SocketIoTest extends WebSocketUser {
  static override host = "ws://127.0.0.1:8000";
  static override waitTime = 0.5;
  sent = 0;

  override async onStart(): Promise<void> {
    await this.connect("/socket.io/?EIO=4&transport=websocket");
    await this.receive({ match: /^0{/ });
    await this.ask("40", /^40{/, { name: "join the namespace" });
    // It ends with the connection. Failures are counted where they happen.
    this.answerPings().catch(() => {});
  }

  // The server closes connections on which its pings are not answered.
  async answerPings(): Promise<void> {
    for await (const packet of this.messages()) {
      if (packet === "2") this.send("3");
    }
  }

  async testSay(): Promise<void> {
    const number = this.sent++;
    const event = JSON.stringify(["say", `hello from ${this.id}`]);
    const isConfirmed = new RegExp(`^43${number}\\[`);
    await this.ask(`42${number}${event}`, isConfirmed, { name: "say" });
  }

  override async onStop(): Promise<void> {
    await this.close();
  }
}
