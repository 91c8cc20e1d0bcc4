import assert from "node:assert/strict";
import { openingProblem } from "../../src/cluster/master_connection.ts";
import { connect, listen } from "../../src/core/network.ts";
import { identity, testAuthority } from "../support/certificates.ts";

/** What is said where a worker that trusts `ca` connects to `tls`; null: it says nothing. */
async function problemOf(
  tls: { readonly cert: string; readonly key: string } | null,
  ca: string,
): Promise<string | null> {
  const listener = listen({ hostname: "127.0.0.1", port: 0, tls });
  const served = (async (): Promise<void> => {
    const accepted = await listener.accept();
    try {
      await accepted?.stream.write(new Uint8Array([0, 0, 0, 1, 0]));
      await accepted?.stream.read(new Uint8Array(100));
    } catch {
      // The peer did not like the certificate.
    }
    accepted?.stream.close();
  })();
  try {
    const { port } = listener;
    const stream = await connect({ hostname: "127.0.0.1", port, tls: { caCerts: [ca] } });
    stream.close();
    return null;
  } catch (error) {
    return openingProblem(error);
  } finally {
    await served;
    listener.close();
  }
}

Deno.test("a certificate is judged before anything is said", async () => {
  assert.equal(await problemOf(identity("good"), testAuthority()), null);
  assert.equal(
    await problemOf(identity("good"), identity("self_signed").cert),
    "its certificate is not signed by the authority in --tls-ca",
  );
  assert.match(await problemOf(identity("expired"), testAuthority()) ?? "", /expired/);
  assert.match(await problemOf(identity("wrong_host"), testAuthority()) ?? "", /other\.test/);
});

Deno.test("a master without TLS is told from one with a bad certificate", async () => {
  assert.match(
    await problemOf(null, testAuthority()) ?? "",
    /^it does not speak TLS; .*--tls-cert/,
  );
});

Deno.test("nobody there, and no such name", async () => {
  const listener = listen({ hostname: "127.0.0.1", port: 0, tls: null });
  const { port } = listener;
  listener.close();
  const refused = connect({ hostname: "127.0.0.1", port, tls: null });
  assert.equal(await refused.then(() => null, openingProblem), "nobody listens there");
  assert.equal(openingProblem(new Error("no such name")), "no such name");
});
