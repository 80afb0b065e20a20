/** One request to a DAV server. */
export interface Asking {
  readonly method: string;
  /** A key: decoded, encoded again for the request. */
  readonly path: string;
  /** With its question mark, as it goes into the request. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream's length stands in the headers. */
  readonly body?: Buffer | string | AsyncIterable<Uint8Array>;
}
