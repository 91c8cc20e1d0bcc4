/**
 * A chat for the benchmark of WebSocket users: what one says, all ten of its room get. It prints its port.
 *
 * @module
 */

import { denoHost } from "../../src/core/host.ts";

const ROOM_SIZE = 10;

const counts = { open: 0, received: 0, sent: 0 };
const rooms: Set<WebSocket>[] = [];
let joined = 0;

function join(socket: WebSocket): void {
  const number = Math.floor(joined++ / ROOM_SIZE);
  const room = rooms[number] ??= new Set();
  room.add(socket);
  counts.open++;
  socket.onmessage = ({ data }) => {
    counts.received++;
    // What is sent to one who is about to close can be lost after it was counted.
    const isLeaving = data === "leave";
    if (isLeaving) room.delete(socket);
    for (const member of isLeaving ? [socket] : room) {
      if (member.readyState !== WebSocket.OPEN) continue;
      member.send(data);
      counts.sent++;
    }
  };
  socket.onclose = () => {
    room.delete(socket);
    counts.open--;
  };
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => denoHost().stdout.write(`${port}\n`),
}, (request) => {
  if (request.headers.get("upgrade") !== "websocket") return Response.json(counts);
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.onopen = () => join(socket);
  return response;
});
