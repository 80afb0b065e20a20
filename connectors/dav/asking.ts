/** One request to a DAV server. */
export interface Asking {
  readonly method: string;
  /** A key: decoded, encoded again for the request. */
  readonly path: string;
  /** With its question mark, as it goes into the request. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Content is asked for: where the server hands it out at another one, it is fetched from there, without the login. */
  readonly content?: true;
  /** The answer's body is wanted as it was sent, whatever its coding (codings.ts). */
  readonly asSent?: true;
  /** A stream's length stands in the headers. */
  readonly body?: Buffer | string | AsyncIterable<Uint8Array>;
}
