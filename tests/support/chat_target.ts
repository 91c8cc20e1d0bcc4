/** What a {@link ChatTarget} has counted. */
export interface ChatCounts {
  opened: number;
  received: number;
  sent: number;
  closedBy: Record<string, number>;
}

/**
 * A chat: what one of a room says, all of its room get, also the one who says it. A message `{ say }` becomes
 * `{ said }`, and `{ leave }` is answered with `{ left }`. What ends with `boom` is answered by a close with 1011. Only who has the cookie `token` may come in
 * to `/members`.
 */
export class ChatTarget implements AsyncDisposable {
  readonly counts: ChatCounts = { opened: 0, received: 0, sent: 0, closedBy: {} };
  readonly port: number;
  readonly #rooms = new Map<string, Set<WebSocket>>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #roomSize: number;

  /** @param roomSize connections of a room; the next one is in another room. */
  constructor(roomSize = 10) {
    this.#roomSize = roomSize;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.port = this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #answer(request: Request): Response {
    const { pathname } = new URL(request.url);
    if (pathname === "/counts") return Response.json(this.counts);
    if (pathname === "/login") return new Response("ok", { headers: { "set-cookie": "token=t" } });
    const isMember = request.headers.get("cookie")?.includes("token=t");
    if (pathname === "/members" && !isMember) return new Response("no", { status: 403 });
    const { socket, response } = Deno.upgradeWebSocket(request);
    const room = `${pathname} ${Math.floor(this.counts.opened++ / this.#roomSize)}`;
    const members = this.#rooms.get(room) ?? new Set();
    this.#rooms.set(room, members);
    members.add(socket);
    socket.onmessage = ({ data }) => {
      this.counts.received++;
      if (String(data).endsWith("boom")) return socket.close(1011);
      const message = JSON.parse(data);
      if (message.leave) {
        // What is sent to one who is about to close can be lost after it was counted.
        members.delete(socket);
        this.counts.sent++;
        return socket.send('{"left":true}');
      }
      const text = JSON.stringify({ said: message.say });
      for (const member of members) {
        if (member.readyState !== WebSocket.OPEN) continue;
        member.send(text);
        this.counts.sent++;
      }
    };
    socket.onclose = ({ code }) => {
      members.delete(socket);
      this.counts.closedBy[code] = (this.counts.closedBy[code] ?? 0) + 1;
    };
    return response;
  }
}
