import assert from "node:assert/strict";
import { EpollEvents, eventLayout } from "../../src/net/epoll_events.ts";

/** Where C puts the fields of `struct epoll_event`, in bytes. */
const LAYOUTS = [
  { arch: "x86_64", size: 12, data: 4 },
  { arch: "aarch64", size: 16, data: 8 },
];

for (const { arch, size, data } of LAYOUTS) {
  Deno.test(`events of ${arch} are laid out as in C`, () => {
    const events = new EpollEvents(eventLayout(arch), 3);
    assert.equal(events.words.byteLength, 3 * size);
    const view = new DataView(events.words.buffer);
    for (let index = 0; index < 3; index++) {
      view.setUint32(index * size, 0x2001 + index, true);
      view.setUint32(index * size + data, 40 + index, true);
      view.setUint32(index * size + data + 4, 7000 + index, true);
    }
    for (let index = 0; index < 3; index++) {
      assert.equal(events.flags(index), 0x2001 + index);
      assert.equal(events.descriptor(index), 40 + index);
      assert.equal(events.generation(index), 7000 + index);
    }
    events.set(1, 0x80000005 | 0, 12, -1);
    assert.equal(view.getUint32(size, true), 0x80000005);
    assert.equal(view.getUint32(size + data, true), 12);
    assert.equal(view.getUint32(size + data + 4, true), 0xffffffff);
    assert.equal(events.flags(0), 0x2001);
    assert.equal(events.flags(2), 0x2003);
  });
}
