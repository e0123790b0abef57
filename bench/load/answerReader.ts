const HEADER_END = Buffer.from('\r\n\r\n');
/** Above what a node answers to any read of the mix. */
const BYTES_MAX = 4 * 1024 * 1024;

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Cuts the bytes of one kept-alive HTTP/1.1 connection into answers, however they arrive in pieces.
 *
 * Only what a node sends: each answer has a content-length. Anything else throws, and so does an answer of more than
 * 4 MiB. Does less than Node's own client: a load shares the machine with what it measures.
 */
export class AnswerReader {
  #held: Buffer = Buffer.alloc(0);

  /** The answers that this piece completes, in order. */
  push(piece: Buffer): readonly HttpAnswer[] {
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const answers: HttpAnswer[] = [];
    for (;;) {
      const headerEnd = this.#held.indexOf(HEADER_END);
      if (headerEnd < 0) break;
      const header = this.#held.toString('latin1', 0, headerEnd);
      const status = /^HTTP\/1\.1 (\d{3})/.exec(header)?.[1];
      const length = /\r\ncontent-length: *(\d+)/i.exec(header)?.[1];
      if (status === undefined || length === undefined)
        throw new Error(`no answer with a content-length: ${header.slice(0, 200)}`);
      const bodyAt = headerEnd + HEADER_END.length;
      const end = bodyAt + Number(length);
      if (end > BYTES_MAX) throw new Error(`an answer of ${length} bytes`);
      if (this.#held.length < end) break;
      answers.push({ status: Number(status), body: this.#held.toString('utf8', bodyAt, end) });
      this.#held = this.#held.subarray(end);
    }
    if (this.#held.length > BYTES_MAX) throw new Error('a header without an end');
    return answers;
  }
}
