/** Why a server could not be reached, or is not the one that was meant: what happened, and what in the spec to correct. */
import type { FaultCode } from '../errors.js';
import { Fault } from '../errors.js';

/** How a connector's options name what is to be corrected. */
export interface WayThere {
  /** Host and port, or the origin of a URL. */
  readonly at: string;
  /** The options that say where the server is, e.g. `host and port`. */
  readonly address: string;
  /** What to do where the port does not speak TLS. */
  readonly onPlainPort: string;
  /** What to do where the certificate is for other names. */
  readonly onOtherNames: string;
}

interface Verdict {
  readonly code: FaultCode;
  readonly what: string;
  readonly next: string;
}

/** Undefined for an error that says nothing of the way there, such as a connection that broke later. */
export function unreachable(error: unknown, way: WayThere): Fault | undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  const verdict = ofNetwork(code, way) ?? ofCertificate(code, error, way) ?? ofTls(code, way);
  if (!verdict) return undefined;
  const why = code === '' ? '' : ` (${code})`;
  return new Fault(verdict.code, `${verdict.what}${why}`, { next: verdict.next, systemWide: true, cause: error });
}

/** Nothing has answered in time: the packets get lost, or the other side waits for us to speak first. */
export function silent(way: Pick<WayThere, 'at'>, what: string, ms: number, next: string): Fault {
  return new Fault('unavailable', `${way.at} ${what} within ${seconds(ms)}`, { next, systemWide: true });
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${Math.round(ms / 1_000)} s`;
}

function ofNetwork(code: string, { at, address }: WayThere): Verdict | undefined {
  const away = (what: string, next: string): Verdict => ({ code: 'unavailable', what, next });
  switch (code) {
    case 'ECONNREFUSED':
      return away(
        `nothing listens at ${at}: the connection was refused`,
        `check ${address} in the spec, and that the server runs`,
      );
    case 'ENOTFOUND':
      return away(
        `the name in ${at} is not known`,
        `correct ${address} in the spec; the name has to be known on the worker's machine`,
      );
    case 'EAI_AGAIN':
      return away(
        `the name in ${at} could not be looked up`,
        "check the DNS of the worker's machine; it is tried again",
      );
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return away(
        `${at} did not take the connection in time`,
        `check ${address} in the spec; a firewall between the worker and the server may drop packets`,
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
      return away(`there is no way from the worker to ${at}`, "check the network of the worker's machine");
    default:
      return undefined;
  }
}

/** Node's codes are OpenSSL's (x509_verify_cert_error_string), but for that of names. */
function ofCertificate(code: string, error: unknown, { at, onOtherNames }: WayThere): Verdict | undefined {
  const wrong = (what: string, next: string): Verdict => ({ code: 'spec', what, next });
  if (/^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/.test(code)) {
    return wrong(
      `the certificate of ${at} is signed by nobody whom the worker trusts`,
      "if it is signed by your own CA, name that CA's PEM file on the worker with ca",
    );
  }
  if (code === 'CERT_HAS_EXPIRED') return wrong(`the certificate of ${at} has expired`, 'renew it on the server');
  if (code === 'CERT_NOT_YET_VALID') {
    return wrong(`the certificate of ${at} is not valid yet`, 'check the clocks of the worker and of the server');
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    return wrong(`the certificate of ${at} is for ${namesIn(error)}`, onOtherNames);
  }
  if (/^CERT_/.test(code)) return wrong(`the certificate of ${at} cannot be trusted`, 'renew it on the server');
  return undefined;
}

function namesIn(error: unknown): string {
  const { cert } = error as { cert?: { subjectaltname?: string; subject?: { CN?: string } } };
  const names = (cert?.subjectaltname ?? '').split(', ').map((one) => one.replace(/^(DNS|IP Address):/, ''));
  const all = names.filter((name) => name !== '');
  if (all.length === 0 && cert?.subject?.CN) all.push(cert.subject.CN);
  if (all.length === 0) return 'another name';
  const shown = all.slice(0, 5).map((name) => name.slice(0, 100));
  return `${shown.join(', ')}${all.length > shown.length ? ' and others' : ''}`;
}

function ofTls(code: string, { at, onPlainPort }: WayThere): Verdict | undefined {
  const wrong = (what: string, next: string): Verdict => ({ code: 'spec', what, next });
  if (/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_LAYER_FAILURE)$/.test(code)) {
    return wrong(`${at} does not speak TLS`, onPlainPort);
  }
  if (/PROTOCOL|CIPHER|VERSION|INAPPROPRIATE_FALLBACK/.test(code) && code.startsWith('ERR_SSL_')) {
    return wrong(`${at} and the worker have no version of TLS in common`, 'let the server speak TLS 1.2 or 1.3');
  }
  if (/^(ERR_SSL_|EPROTO)/.test(code)) return wrong(`TLS with ${at} failed`, onPlainPort);
  return undefined;
}
