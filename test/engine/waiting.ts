import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';

/** The certificate that nginx shows for a name. */
export function shown(host: string, port = 8443): Promise<X509Certificate> {
  return new Promise((done, fail) => {
    const socket = connect({ host: '127.0.0.1', port, servername: host, rejectUnauthorized: false }, () => {
      done(new X509Certificate(socket.getPeerCertificate().raw));
      socket.destroy();
    });
    socket.on('error', fail);
  });
}

/** Asks until the answer fits, and fails with the last answer after a while. */
export async function until<T>(
  ask: () => Promise<T> | T,
  fits: (answer: T) => boolean,
  seconds: number,
): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > end) throw new Error(`still after ${seconds} s: ${String(answer)}`);
    await new Promise((later) => setTimeout(later, 2000));
  }
}
