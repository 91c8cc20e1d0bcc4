import { AiotestError, errorText } from "../core/errors.ts";
import { type Chunk, type FilesMessage, NO_TESTFILE } from "./bundle_message.ts";
import { BundleReceipt } from "./bundle_receipt.ts";
import type { BundleContents } from "./file_bundle.ts";
import { type LinkOptions, MasterLink } from "./master_link.ts";
import type { Message } from "./message.ts";
import { peerText } from "./peer_text.ts";

/** A bundle that has come, whole. */
export interface FetchedBundle extends BundleContents {
  /** Who has it can join with this. */
  readonly hash: string;
}

/** How a bundle is fetched. */
export interface FetchOptions {
  /** The way to the master; what the identity says of a test file does not matter. */
  readonly link: LinkOptions;
  /** Does something with what has come; where that fails, the master is told why. */
  readonly use: (bundle: FetchedBundle) => Promise<void>;
}

/** How often somebody who waits hears how far it is. */
const PROGRESS_MS = 2_000;

const MEGABYTE = 1e6;

/** Gets the test file from the master, once. What was cut off in the middle begins again. */
export class BundleFetch {
  readonly #options: FetchOptions;
  readonly #link: MasterLink;
  #hash = "";
  #receipt: BundleReceipt | null = null;
  /** Whether all has come, and nothing more is waited for. */
  #arrived = false;
  #used = false;
  #failure: unknown = null;
  #toldAt = 0;

  constructor(options: FetchOptions) {
    const { link } = options;
    this.#options = options;
    this.#link = new MasterLink(
      { ...link, identity: { ...link.identity, testfileHash: NO_TESTFILE } },
      {
        onJoined: ({ welcome }) => this.#begin(welcome.filesHash),
        onHeard: () => {},
        onMessage: (message) => this.#take(message),
        onLost: () => {},
      },
    );
  }

  /**
   * Resolves when what has come was used; false: it was stopped before.
   *
   * @throws AiotestError where the master has no files for this worker, is not found for too long, or
   * sends what cannot be taken; and what using it throws.
   */
  async run(): Promise<boolean> {
    await this.#link.run();
    if (this.#failure !== null) throw this.#failure;
    return this.#used;
  }

  /** Waits no longer. */
  stop(): void {
    void this.#link.close();
  }

  #begin(hash: string): void {
    this.#hash = hash;
    this.#receipt = null;
    this.#toldAt = this.#options.link.clock.now();
  }

  #take(message: Message): void {
    if (this.#arrived) return;
    try {
      if (message.type === "FILES") this.#list(message);
      else if (message.type === "CHUNK") this.#add(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #list(list: FilesMessage): void {
    if (this.#receipt !== null) return;
    this.#receipt = new BundleReceipt(list, this.#hash);
    this.#goOn(this.#receipt);
  }

  #add(chunk: Chunk): void {
    if (this.#receipt?.take(chunk) !== true) return;
    this.#tell(this.#receipt);
    this.#goOn(this.#receipt);
  }

  #goOn(receipt: BundleReceipt): void {
    if (!receipt.complete) {
      return this.#link.send({ type: "NEED", offset: receipt.received });
    }
    const { entry, origin } = receipt.list;
    const files = receipt.files();
    const bundle = { entry, origin: peerText(origin), hash: this.#hash, files };
    this.#arrived = true;
    this.#receipt = null;
    const { link: { info, master } } = this.#options;
    info(
      `Got the test file ${
        peerText(entry)
      } from the master at ${master}: files: ${files.length}, ` +
        `bytes: ${receipt.size}.`,
    );
    void this.#use(bundle);
  }

  async #use(bundle: FetchedBundle): Promise<void> {
    try {
      await this.#options.use(bundle);
      this.#used = true;
    } catch (error) {
      return this.#fail(error);
    }
    void this.#link.close();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const text = error instanceof AiotestError ? error.message : errorText(error);
    this.#link.send({ type: "ERROR", code: "testfile", text });
    void this.#link.close();
  }

  #tell({ received, size }: BundleReceipt): void {
    const { clock, info } = this.#options.link;
    if (clock.now() - this.#toldAt < PROGRESS_MS) return;
    this.#toldAt = clock.now();
    info(`The test file comes from the master: ${megabytes(received)} of ${megabytes(size)} MB.`);
  }
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
