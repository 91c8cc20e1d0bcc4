import { AiotestError } from "../core/errors.ts";
import { ExitCode } from "../core/exit_code.ts";
import type { Chunk, FilesMessage } from "./bundle_message.ts";
import { type BundledFile, listHash, listProblem, sha256, sizeOf } from "./file_bundle.ts";
import { peerText } from "./peer_text.ts";

/**
 * A bundle on its way in. Nothing of it is handed on before all of it is there, and is what the master
 * has vouched for.
 *
 * ```ts
 * import { BundleReceipt } from "./bundle_receipt.ts";
 * import { FileBundle } from "./file_bundle.ts";
 * import assert from "node:assert/strict";
 *
 * const bytes = new TextEncoder().encode("export {};");
 * const files = [{ path: "shop.ts", bytes }];
 * const bundle = new FileBundle({ entry: "shop.ts", origin: "/home/me", files });
 * const receipt = new BundleReceipt(bundle.list, bundle.hash);
 * receipt.take({ type: "CHUNK", offset: 0, data: bundle.chunk(0) });
 * assert.equal(receipt.complete, true);
 * assert.deepEqual(receipt.files(), files);
 * ```
 */
export class BundleReceipt {
  readonly list: FilesMessage;
  /** Bytes that are to come in all. */
  readonly size: number;
  /** Bytes that have come. */
  received = 0;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  /**
   * @param hash what the list has to come to: the master has proved that it is its own.
   * @throws AiotestError where it does not, or where the files cannot be those of a test.
   */
  constructor(list: FilesMessage, hash: string) {
    const problem = listProblem(list);
    if (problem !== null) {
      throw refused(`it names files that cannot be taken: ${peerText(problem)}`);
    }
    if (listHash(list) !== hash) throw refused("the list of its files was changed on the way");
    this.list = list;
    this.size = sizeOf(list.files);
    this.#bytes = new Uint8Array(this.size);
  }

  /** Whether all has come. */
  get complete(): boolean {
    return this.received === this.size;
  }

  /**
   * Takes the next bytes; false for others, such as those that a network delivers twice.
   *
   * @throws AiotestError where there are more than were to come.
   */
  take({ offset, data }: Chunk): boolean {
    if (offset !== this.received || this.complete) return false;
    if (data.length > this.size - offset) throw refused("it has more bytes than its files");
    this.#bytes.set(data, offset);
    this.received += data.length;
    return true;
  }

  /**
   * What has come.
   *
   * @throws AiotestError where a file is not what the list says.
   */
  files(): BundledFile[] {
    let at = 0;
    return this.list.files.map(({ path, size, sha256: expected }) => {
      const bytes = this.#bytes.subarray(at, at += size);
      if (sha256(bytes).toHex() === expected.toHex()) return { path, bytes };
      throw refused(`${path} was changed on the way`);
    });
  }
}

function refused(reason: string): AiotestError {
  return new AiotestError(
    `The master's test file was not taken: ${reason}`,
    ExitCode.cluster,
    "Where somebody may be between master and workers: --tls-cert and --tls-ca.",
  );
}
