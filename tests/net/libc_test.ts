import assert from "node:assert/strict";
import { socketFailure } from "../../src/http/socket_errors.ts";
import { type Libc, loadLibc, systemError } from "../../src/net/libc.ts";

const libc = Deno.build.os === "linux" ? loadLibc() : "another system";

/** Error numbers of Linux, their names, and what they are while a connection is opened. */
const ERRORS = [
  [111, "ECONNREFUSED", "ECONNREFUSED"],
  [104, "ECONNRESET", "ECONNRESET"],
  [32, "EPIPE", "ECONNRESET"],
  [110, "ETIMEDOUT", "CONNECT_TIMEOUT"],
  [113, "EHOSTUNREACH", "ECONNREFUSED"],
  [101, "ENETUNREACH", "ECONNREFUSED"],
  [13, "EACCES", "ECONNREFUSED"],
  [22, "EINVAL", "ECONNREFUSED"],
  [24, "EMFILE", "EMFILE"],
  [23, "ENFILE", "EMFILE"],
  [99, "EADDRNOTAVAIL", "EADDRNOTAVAIL"],
  [105, "ENOBUFS", "ENOBUFS"],
  [12, "ENOMEM", "ENOBUFS"],
  // Of `connect`: the system has no entry left in one of its tables.
  [11, "EAGAIN", "ENOBUFS"],
] as const;

Deno.test({
  name: "errors of libc have their names and texts, and are classified like the runtime's",
  ignore: typeof libc === "string",
  fn: () => {
    for (const [number, name, code] of ERRORS) {
      const error = systemError(libc as Libc, number);
      assert.equal(error.code, name);
      assert.match(error.message, new RegExp(`^[A-Z][a-z ]+\\(os error ${number}\\)$`));
      assert.equal(socketFailure(error, "connect").code, code, name);
    }
    assert.equal(systemError(libc as Libc, 9999).code, "E9999");
  },
});
