/** One request to a DAV server. */
export interface DavRequest {
  readonly method: string;
  /** A key: decoded, encoded again for the request. */
  readonly path: string;
  /** With its question mark, as it goes into the request. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The content of a file is asked for: it is had as it was sent, whatever its coding (codings.ts). */
  readonly content?: true;
  /** A stream's length stands in the headers. */
  readonly body?: Buffer | string | AsyncIterable<Uint8Array>;
}
