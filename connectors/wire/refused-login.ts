/** A login that a server refuses: which it was, where its secret comes from, and where to correct it. Never the secret. */
import type { SecretRef } from '../contract.js';
import type { FaultDetails } from '../errors.js';

export interface NamedLogin {
  readonly username?: string | undefined;
  readonly password?: SecretRef | undefined;
  readonly accessToken?: SecretRef | undefined;
}

/** E.g. `refuses the login anna*master (password from env OLD_PASSWORD)`; the account stays `{account}`, as in the spec. */
export function refusedLogin(auth: NamedLogin, account: string): string {
  const { username, password, accessToken } = auth;
  const name = username === undefined ? '' : ` ${unnamed(username, account)}`;
  const ref = accessToken ?? password;
  const of = ref === undefined ? '' : ` (${accessToken ? 'access token' : 'password'} from ${sourceOf(ref, account)})`;
  return `refuses the login${name}${of}`;
}

/** What the fault carries beside its sentence. */
export function refusal(auth: NamedLogin, account: string): Required<Pick<FaultDetails, 'next' | 'refusedLogin'>> {
  const { username, accessToken, password } = auth;
  const ref = accessToken ?? password;
  const what = accessToken ? 'access token' : 'password';
  const put =
    ref === undefined
      ? `correct the ${what}`
      : 'env' in ref
        ? `set ${ref.env} to the right ${what} in the environment of the worker and start it again`
        : 'file' in ref
          ? `put the right ${what} into ${unnamed(ref.file, account)} on the worker`
          : `correct the ${what}`;
  const name = username === undefined ? '' : ', or correct username in the spec';
  return { next: `${put}${name}; then run \`migrate credentials\``, refusedLogin: true };
}

function sourceOf(ref: SecretRef, account: string): string {
  if ('env' in ref) return `env ${ref.env}`;
  return 'file' in ref ? `file ${unnamed(ref.file, account)}` : `connection ${ref.connection}`;
}

/** People are named beside what is said of them, and of several the same is said once. */
function unnamed(text: string, account: string): string {
  if (account === '') return text;
  const escaped = account.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'gu'), '{account}');
}
