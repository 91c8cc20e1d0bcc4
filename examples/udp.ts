// A protocol over UDP: a server that sends every datagram back. A datagram can get lost, so each question has
// a timeout; and a late answer must not count for the next question, so each has a number.
//
//     aiotest -f examples/udp.ts -H 127.0.0.1:7 -u 20 -t 30s
import { createSocket, type Socket } from "node:dgram";
import { on } from "node:events";
import { User } from "aiotest";

const UDP = { method: "UDP" };
const LIMIT_MS = 1_000;

export class EchoTest extends User {
  static override host = "127.0.0.1:7";
  static override waitTime = 0.2;

  #socket: Socket | null = null;

  override onStart(): void {
    // A socket for each user, and so a port: the server sees as many clients as there are users.
    this.#socket = createSocket("udp4");
    this.#socket.on("error", () => {}); // the step that is waiting fails by it, too
  }

  async testEcho(): Promise<void> {
    await this.measure("echo", () => this.#ask(`${this.id} ${this.iteration}`), UDP);
  }

  override onStop(): void {
    this.#socket?.close();
  }

  async #ask(question: string): Promise<void> {
    const socket = this.#socket!;
    const [host = "", port = ""] = this.host.split(":");
    const late = AbortSignal.timeout(LIMIT_MS);
    // Before it sends, so that no answer is missed.
    const answers = on(socket, "message", { signal: AbortSignal.any([late, this.signal]) });
    socket.send(question, Number(port), host);
    try {
      for await (const [answer] of answers) {
        if (String(answer) === question) return;
      }
    } catch (error) {
      throw late.aborted ? new Error("no answer within 1 s") : error;
    }
  }
}
