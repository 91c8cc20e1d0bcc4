// Uploads: a form with a file, as a browser sends it, and a large file as a stream that is never in memory as
// a whole.
import process from "node:process";
import { FastHttpUser } from "aiotest";

const MiB = 1_048_576;
const PHOTO_SIZE = 0.5 * MiB;
const VIDEO_SIZE = Number(process.env.VIDEO_MIB ?? 8) * MiB;

// Made once. Random bytes, because a service or a proxy might compress others.
const photo = randomBytes(PHOTO_SIZE);
const piece = randomBytes(0.0625 * MiB);

export class UploadTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.1;
  static override timeout = 120; // for the whole request, and so for the upload

  async testPhoto(): Promise<void> {
    const body = new FormData();
    body.set("title", `Photo ${this.iteration} of user ${this.id}`);
    body.set("photo", new File([photo], "photo.jpg", { type: "image/jpeg" }));
    await this.session.post("/photos", { body }, async (res) => {
      if (!res.ok) return;
      const { size } = await res.json();
      if (size !== PHOTO_SIZE) res.failure("the photo has another size");
    });
  }

  async testVideo(): Promise<void> {
    const headers = {
      "content-type": "video/mp4",
      "content-length": String(VIDEO_SIZE), // without it, the body is sent in chunks
    };
    const body = ReadableStream.from(pieces(VIDEO_SIZE));
    const name = "/videos/:name";
    await this.session.put(`/videos/${this.id}-${this.iteration}`, { body, headers, name });
  }
}

/** A file of this size, piece by piece. */
function* pieces(size: number): Generator<Uint8Array<ArrayBuffer>> {
  for (let rest = size; rest > 0; rest -= piece.length) yield piece.subarray(0, rest);
}

function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  // One call takes at most 64 KiB.
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}
