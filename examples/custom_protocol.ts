// A custom protocol: PING to Redis over TCP. `measure` records how long a step takes, and counts it as
// failed if it throws.
import { constant, User } from "aiotest";

export class PingTest extends User {
  static override host = "127.0.0.1:6379";
  static override waitTime = constant(0.2);
  connection?: Deno.TcpConn;

  override async onStart(): Promise<void> {
    const [hostname = "", port = ""] = this.host.split(":");
    this.connection = await this.measure(
      "connect",
      () => Deno.connect({ hostname, port: Number(port) }),
      { method: "TCP" },
    );
  }

  override onStop(): void {
    this.connection?.close();
  }

  async testPing(): Promise<void> {
    await this.measure("PING", async () => {
      const answer = await this.ask("PING\r\n");
      if (!answer.startsWith("+PONG")) throw new Error(`unexpected answer: ${answer.trim()}`);
    });
  }

  async ask(line: string): Promise<string> {
    const connection = this.connection!;
    await connection.write(new TextEncoder().encode(line));
    const buffer = new Uint8Array(1024);
    const length = await connection.read(buffer);
    if (length === null) throw new Error("the server closed the connection");
    return new TextDecoder().decode(buffer.subarray(0, length));
  }
}
