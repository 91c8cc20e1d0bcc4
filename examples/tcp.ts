// A protocol of your own over TCP: lines of text, such as the PING of Redis. Each user has one connection,
// and measures from the question to the last byte of its answer.
//
//     aiotest -f examples/tcp.ts -H 127.0.0.1:6379 -u 20 -t 30s
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { constant, User } from "aiotest";

const TCP = { method: "TCP" };
const LIMIT_MS = 10_000;

export class PingTest extends User {
  static override host = "127.0.0.1:6379";
  static override waitTime = constant(0.2);

  #socket: Socket | null = null;
  /** What arrived after the last answer. */
  #rest = "";

  async testPing(): Promise<void> {
    // The first time, and after the connection has ended.
    this.#socket ??= await this.#connect();
    const socket = this.#socket;
    await this.measure("PING", async () => {
      const answer = await this.#ask(socket, "PING");
      if (answer !== "+PONG") throw new Error(`unexpected answer: ${answer}`);
    }, TCP);
  }

  override onStop(): void {
    this.#socket?.destroy();
  }

  async #connect(): Promise<Socket> {
    const [host = "", port = ""] = this.host.split(":");
    const socket = connect({ host, port: Number(port), noDelay: true });
    socket.on("error", () => {}); // the step that is waiting fails by it, too
    socket.on("close", () => this.#socket = null);
    this.signal.addEventListener("abort", () => socket.destroy(), { once: true });
    await this.measure("connect", () => once(socket, "connect"), TCP);
    socket.setEncoding("utf8");
    this.#rest = "";
    return socket;
  }

  /** Sends a line, and resolves with the line that is the answer. */
  #ask(socket: Socket, line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // The answer may still come, and would be taken for that to the next question.
        socket.destroy(new Error("no answer within 10 s"));
      }, LIMIT_MS);
      // An answer can arrive in several pieces.
      const onData = (text: string): void => {
        this.#rest += text;
        const end = this.#rest.indexOf("\r\n");
        if (end === -1) return;
        const answer = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 2);
        leave();
        resolve(answer);
      };
      const fail = (error: Error): void => {
        leave();
        reject(error);
      };
      const onClose = (): void => fail(new Error("the server closed the connection"));
      const leave = (): void => {
        clearTimeout(timer);
        socket.off("data", onData).off("error", fail).off("close", onClose);
      };
      socket.on("data", onData).on("error", fail).on("close", onClose);
      socket.write(`${line}\r\n`);
    });
  }
}
