/** No block of LevelDB's lists of blocks comes near. */
const BYTES_MAX = 64 * 1024 * 1024;

/** Decompresses a raw Snappy block (format_description.txt of Snappy); null: it is none, or longer than 64 MiB. */
export function unsnappy(from: Buffer): Buffer | null {
  let at = 0;
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = from[at++];
    if (byte === undefined || scale > 2 ** 28) return null;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  if (length > BYTES_MAX) return null;
  const out = Buffer.alloc(length);
  let end = 0;
  while (at < from.length) {
    const tag = from[at++]!;
    const isLiteral = (tag & 3) === 0;
    // Bytes behind the tag: of a literal's length from 61 on, or of how far back a copy begins.
    const extra = isLiteral ? Math.max(0, (tag >> 2) - 59) : [0, 1, 2, 4][tag & 3]!;
    if (at + extra > from.length) return null;
    const number = extra === 0 ? 0 : from.readUIntLE(at, extra);
    at += extra;
    if (isLiteral) {
      const size = extra === 0 ? (tag >> 2) + 1 : number + 1;
      if (at + size > from.length || end + size > length) return null;
      from.copy(out, end, at, at + size);
      at += size;
      end += size;
      continue;
    }
    const isShort = (tag & 3) === 1;
    const size = isShort ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const back = isShort ? ((tag >> 5) << 8) | number : number;
    if (back === 0 || back > end || end + size > length) return null;
    // What is copied may reach into itself: byte by byte.
    for (const stop = end + size; end < stop; end++) out[end] = out[end - back]!;
  }
  return end === length ? out : null;
}
